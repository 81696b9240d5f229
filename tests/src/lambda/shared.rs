//! The state of an environment as its servers (asynchronous) and its owner (blocking) see it.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::credentials::Credentials;
use super::options::Function;
use super::state::{Call, State};
use crate::aws::server::HangUp;

/// How often the owner looks at things that nobody reports, such as the end of a process.
const GLANCE: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) function: Function,
    /// Whether the runtime is asked to restore.
    pub(super) snap_start: bool,
    pub(super) credentials: Credentials,
    state: Mutex<State>,
    changed: Condvar,
    version: watch::Sender<u64>,
}

impl Shared {
    pub(super) fn new(function: Function, snap_start: bool, credentials: Credentials) -> Self {
        let (state, changed, version) = (Mutex::new(State::new()), Condvar::new(), watch::Sender::new(0));
        Self { function, snap_start, credentials, state, changed, version }
    }

    /// Changes the state, and wakes all who wait.
    pub(super) fn update<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let answer = change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
        self.version.send_modify(|version| *version += 1);
        answer
    }

    /// Blocks until `look` finds something; None when the deadline came first. It looks again at least every 10 ms.
    pub(super) fn wait<R>(&self, deadline: Instant, mut look: impl FnMut(&mut State) -> Option<R>) -> Option<R> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = look(&mut state) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            state = self.changed.wait_timeout(state, left.min(GLANCE)).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until `look` finds something; hangs up when the environment has been initialised anew meanwhile.
    pub(super) async fn found<R>(
        &self,
        generation: u64,
        mut look: impl FnMut(&mut State) -> Option<R>,
    ) -> Result<R, HangUp> {
        let mut version = self.version.subscribe();
        loop {
            version.mark_unchanged();
            {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                if state.generation != generation {
                    return Err(HangUp);
                }
                if let Some(found) = look(&mut state) {
                    drop(state);
                    self.update(|_| ());
                    return Ok(found);
                }
            }
            version.changed().await.map_err(|_| HangUp)?;
        }
    }

    /// Writes a call into the journal; the handle is for [`Shared::answered`].
    pub(super) fn called(&self, who: &str, what: &'static str) -> usize {
        self.update(|state| {
            state.calls.push(Call { who: who.to_owned(), what, status: None });
            state.calls.len() - 1
        })
    }

    pub(super) fn answered(&self, call: usize, status: u16) {
        self.update(|state| {
            if let Some(call) = state.calls.get_mut(call) {
                call.status = Some(status);
            }
        });
    }
}
