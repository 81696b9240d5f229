//! Keys of shared data. Every module with our `vm_id` reads the same table, so each key says whose it is.

use alloc::format;
use alloc::string::String;

use sha2::{Digest, Sha256};

use crate::config::Config;

/// A session: a hash of everything that decides what its credentials may do and where they come from.
pub(crate) fn of_session(config: &Config) -> String {
    let duration = config.session.duration_seconds.to_le_bytes();
    let policy = config.session.policy.as_deref();
    let fields: [&[u8]; 9] = [
        config.role_arn.as_str().as_bytes(),
        config.session.name.as_str().as_bytes(),
        &[u8::from(policy.is_some())],
        policy.unwrap_or_default().as_bytes(),
        &duration,
        config.sts.cluster.as_bytes(),
        config.sts.hostname.as_str().as_bytes(),
        config.token.cluster.as_bytes(),
        config.token.path.as_bytes(),
    ];
    let mut hash = Sha256::new();
    for field in fields {
        // With its length, so that no two lists of fields run together into the same text.
        hash.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(field);
    }
    let hash: [u8; 32] = hash.finalize().into();
    let mut key = String::from("meshbridge.irsa.session.");
    for byte in hash.iter().take(16) {
        key.push_str(&format!("{byte:02x}"));
    }
    key
}

/// Where the readiness probe finds the session of the signing plugin of this name.
#[must_use]
pub fn of_plugin(name: &str) -> String {
    format!("meshbridge.irsa.plugin.{name}")
}
