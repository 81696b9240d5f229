//! What a session is, and how long each part of getting it may take.

use alloc::string::String;

use super::schedule::Spread;
use crate::config::Config;

/// Reading the token never leaves the Envoy; whoever takes longer than this is not there.
pub(super) const TOKEN_TIMEOUT_MS: u64 = 2_000;
/// What a lease lasts beyond the two calls that it covers.
const LEASE_MARGIN_MS: u64 = 5_000;
/// Of a request that waits for the first credentials, beyond the two calls.
const WAIT_MARGIN_MS: u64 = 1_000;

/// What the session is, as far as STS is concerned.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The key of the shared value: a hash of everything that decides what the credentials may do.
    pub(super) key: String,
    pub(super) role_arn: String,
    pub(super) session_name: String,
    pub(super) duration_seconds: u32,
    pub(super) policy: Option<String>,
    pub(super) sts_timeout_ms: u64,
    pub(super) spread: Spread,
}

impl Terms {
    /// `node` tells this Envoy from others: `node.id`, or any text that differs from pod to pod.
    #[must_use]
    pub fn new(config: &Config, node: &[u8]) -> Self {
        let key = crate::shared_key::of_session(config);
        Self {
            spread: Spread::new(&key, node),
            key,
            role_arn: config.role_arn.as_str().into(),
            session_name: config.session.name.as_str().into(),
            duration_seconds: config.session.duration_seconds,
            policy: config.session.policy.clone(),
            sts_timeout_ms: config.sts.timeout_seconds.saturating_mul(1000),
        }
    }

    pub(super) fn lease_ms(&self) -> u64 {
        TOKEN_TIMEOUT_MS + self.sts_timeout_ms + LEASE_MARGIN_MS
    }

    /// How long after its claim a worker may still begin the call to STS: so that the call ends before the lease does.
    pub(super) fn latest_sts_call_ms(&self) -> u64 {
        TOKEN_TIMEOUT_MS + LEASE_MARGIN_MS
    }

    /// How long a request may wait for the first credentials.
    #[must_use]
    pub fn longest_wait_ms(&self) -> u64 {
        TOKEN_TIMEOUT_MS + self.sts_timeout_ms + WAIT_MARGIN_MS
    }
}
