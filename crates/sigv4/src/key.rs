//! The signing key: derived once for each credentials, date, region and service, and kept.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::Credentials;
use crate::signer::Scope;

type HmacSha256 = Hmac<Sha256>;

/// HMAC-SHA256 under a fixed key, ready to sign: the key's two blocks are hashed already.
#[derive(Clone)]
pub(crate) struct SigningKey(HmacSha256);

impl SigningKey {
    /// IAM User Guide, "Create a signed AWS API request", step 4: derive a signing key.
    #[cold]
    #[inline(never)]
    fn derive(secret_access_key: &str, date: [u8; 8], scope: &Scope) -> Self {
        let mut key = Zeroizing::new(Vec::with_capacity(4 + secret_access_key.len()));
        key.extend_from_slice(b"AWS4");
        key.extend_from_slice(secret_access_key.as_bytes());
        for part in [&date[..], scope.region.as_bytes(), scope.service.as_bytes(), b"aws4_request"] {
            key = Zeroizing::new(keyed(&key).chain_update(part).finalize().into_bytes().to_vec());
        }
        Self(keyed(&key))
    }

    pub(crate) fn sign(&self, string_to_sign: &[u8]) -> [u8; 32] {
        self.0.clone().chain_update(string_to_sign).finalize().into_bytes().into()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[signing key]")
    }
}

/// RFC 2104, section 2: a key longer than a block is hashed, a shorter one is filled with zeros.
fn keyed(key: &[u8]) -> HmacSha256 {
    let mut block = Zeroizing::new([0_u8; 64]);
    let hashed;
    let key = if key.len() > block.len() {
        hashed = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(key)));
        hashed.as_slice()
    } else {
        key
    };
    for (slot, byte) in block.iter_mut().zip(key) {
        *slot = *byte;
    }
    HmacSha256::new((&*block).into())
}

/// The last signing key, and what it was derived from.
#[derive(Debug, Default)]
pub(crate) struct KeyCache(Option<Entry>);

#[derive(Debug)]
struct Entry {
    access_key_id: String,
    date: [u8; 8],
    key: SigningKey,
}

impl KeyCache {
    /// The key for these credentials on this date; derived only when either differs from the last call's.
    ///
    /// An access key ID names one secret for ever, so that the secret itself need not be compared or kept.
    pub(crate) fn get(&mut self, credentials: &Credentials, date: [u8; 8], scope: &Scope) -> &SigningKey {
        let fresh = |entry: &Entry| entry.date == date && entry.access_key_id == credentials.access_key_id;
        let kept = self.0.take().filter(fresh);
        &self
            .0
            .insert(kept.unwrap_or_else(|| Entry {
                access_key_id: credentials.access_key_id.clone(),
                date,
                key: SigningKey::derive(credentials.secret_access_key.expose(), date, scope),
            }))
            .key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use alloc::format;

    fn credentials(id: &str, secret: &str) -> Credentials {
        Credentials { access_key_id: id.into(), secret_access_key: Secret::new(secret.into()), session_token: None }
    }

    #[test]
    fn the_key_changes_with_date_and_credentials() {
        let scope = Scope { region: "us-east-1".into(), service: "iam".into() };
        let mut cache = KeyCache::default();
        let (one, two) = (credentials("AKIDONE", "one"), credentials("AKIDTWO", "two"));
        let first = cache.get(&one, *b"20150830", &scope).sign(b"x");
        assert_eq!(cache.get(&one, *b"20150830", &scope).sign(b"x"), first);
        assert_ne!(cache.get(&one, *b"20150831", &scope).sign(b"x"), first);
        assert_ne!(cache.get(&two, *b"20150830", &scope).sign(b"x"), first);
        assert_eq!(cache.get(&one, *b"20150830", &scope).sign(b"x"), first);
    }

    #[test]
    fn a_secret_longer_than_a_block_is_hashed_first() {
        // The same by RFC 2104, with the outer and inner hash written out.
        let key = [b'k'; 100];
        let mut block = [0_u8; 64];
        block[..32].copy_from_slice(&Sha256::digest(key));
        let pad = |with: u8| block.map(|byte| byte ^ with);
        let inner = Sha256::new().chain_update(pad(0x36)).chain_update(b"data").finalize();
        let outer = Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize();
        assert_eq!(keyed(&key).chain_update(b"data").finalize().into_bytes(), outer);
    }

    #[test]
    fn nothing_secret_can_be_printed() {
        let mut cache = KeyCache::default();
        let scope = Scope { region: "r".into(), service: "s".into() };
        let credentials = credentials("AKID", "hush-hush");
        cache.get(&credentials, *b"20150830", &scope);
        for text in [format!("{cache:?}"), format!("{credentials:?}"), format!("{:?}", credentials.secret_access_key)] {
            assert!(!text.contains("hush"), "{text}");
        }
    }
}
