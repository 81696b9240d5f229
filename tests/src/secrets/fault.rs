//! The ways in which calls fail, and which calls.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How a call fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// `AccessDeniedException`, as IAM or the key's policy says it.
    Denied,
    /// `ThrottlingException`.
    Throttled,
    /// `ResourceNotFoundException`, as if the secret did not exist.
    NotFound,
    /// `DecryptionFailure`: the KMS key is disabled, say.
    Undecryptable,
    /// `InternalServiceError`, with status 500.
    Internal,
    /// Status 503 from something in front, with a page of HTML.
    Unavailable,
    /// Passed on after this time.
    Slow(Duration),
    /// Not passed on before [`super::SecretsManager::heal`].
    Held,
    /// Never answered.
    Hang,
    /// Status 200 with something that is not JSON.
    Garbled,
    /// Status 200 with JSON that lacks the value.
    Valueless,
    /// The answer ends in its middle.
    Truncated,
    /// The connection is closed without an answer.
    HangUp,
}

/// Which calls.
#[derive(Clone, Debug, Default)]
pub struct Target {
    region: Option<String>,
    secret: Option<String>,
}

impl Target {
    /// Every call.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Those to this region.
    #[must_use]
    pub fn region(region: &str) -> Self {
        Self { region: Some(region.to_owned()), secret: None }
    }

    /// Those for this secret.
    #[must_use]
    pub fn secret(name: &str) -> Self {
        Self { region: None, secret: Some(name.to_owned()) }
    }

    /// In this region only.
    #[must_use]
    pub fn in_region(self, region: &str) -> Self {
        Self { region: Some(region.to_owned()), ..self }
    }

    fn hits(&self, region: &str, secret: &str) -> bool {
        self.region.as_deref().is_none_or(|one| one == region) && self.secret.as_deref().is_none_or(|one| one == secret)
    }
}

#[derive(Debug)]
struct Rule {
    target: Target,
    fault: Fault,
    /// None is for ever.
    left: Option<usize>,
}

/// The faults in force.
#[derive(Debug, Default)]
pub(super) struct Faults {
    rules: Mutex<Vec<Rule>>,
}

impl Faults {
    pub(super) fn add(&self, target: Target, fault: Fault, times: Option<usize>) {
        self.lock().push(Rule { target, fault, left: times });
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// The first fault that is meant for such a call; one of a number is used up.
    pub(super) fn next(&self, region: &str, secret: &str) -> Option<Fault> {
        let mut rules = self.lock();
        let rule = rules.iter_mut().find(|rule| rule.left != Some(0) && rule.target.hits(region, secret))?;
        if let Some(left) = &mut rule.left {
            *left -= 1;
        }
        Some(rule.fault)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
