//! Every call that reached the front, and what became of it.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::fault::Fault;

/// What became of a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CallOutcome {
    /// It is being worked on.
    Pending,
    /// Answered with a value.
    Answered,
    /// Refused, with AWS's error code.
    Refused(String),
    /// Failed as the test asked.
    Faulted(Fault),
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Of the signature; empty when it could not be read.
    pub region: String,
    /// Such as `GetSecretValue`.
    pub operation: String,
    /// Name or ARN, as it was asked for.
    pub secret: String,
    /// The version that was asked for.
    pub version_id: Option<String>,
    /// Who signed.
    pub access_key_id: Option<String>,
    /// What became of it.
    pub outcome: CallOutcome,
}

/// The calls of one front.
#[derive(Debug, Default)]
pub struct Calls {
    calls: Mutex<Vec<Call>>,
    added: Condvar,
}

impl Calls {
    /// All, in order of arrival.
    #[must_use]
    pub fn all(&self) -> Vec<Call> {
        self.lock().clone()
    }

    /// How many satisfy a condition.
    #[must_use]
    pub fn count(&self, wanted: impl Fn(&Call) -> bool) -> usize {
        self.lock().iter().filter(|call| wanted(call)).count()
    }

    /// How many asked for this secret.
    #[must_use]
    pub fn of(&self, secret: &str) -> usize {
        self.count(|call| call.secret == secret)
    }

    /// Waits until `count` calls satisfy a condition; false when the time was up first.
    #[must_use]
    pub fn wait_for(&self, count: usize, timeout: Duration, wanted: impl Fn(&Call) -> bool) -> bool {
        let deadline = Instant::now() + timeout;
        let mut calls = self.lock();
        loop {
            if calls.iter().filter(|call| wanted(call)).count() >= count {
                return true;
            }
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return false;
            };
            calls = self.added.wait_timeout(calls, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Forgets everything, between two parts of a test.
    pub fn clear(&self) {
        self.lock().clear();
    }

    pub(super) fn begin(&self, call: Call) -> usize {
        let mut calls = self.lock();
        calls.push(call);
        self.added.notify_all();
        calls.len() - 1
    }

    pub(super) fn end(&self, index: usize, outcome: CallOutcome) {
        if let Some(call) = self.lock().get_mut(index) {
            call.outcome = outcome;
        }
        self.added.notify_all();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
