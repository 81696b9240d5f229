//! How a test steers STS and what it may ask about it: faults, lifetimes, skew, counters.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::StsError;
use crate::aws::clock::Clock;

/// How STS misbehaves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// Not at all.
    Healthy,
    /// Nobody at home: connections are closed as soon as they are accepted, and live ones are cut.
    Down,
    /// 503 ServiceUnavailable.
    Status503,
    /// Answers properly, but this late.
    Slow(Duration),
    /// Never answers.
    Hang,
    /// 400 Throttling (not 429).
    Throttling,
    /// 403 AccessDenied: the trust policy says no.
    Deny,
    /// 400 IDPCommunicationError: STS could not fetch the JWKS.
    IdpCommunicationError,
    /// 200 and bytes that are not XML.
    Garbled,
    /// 200 and a web page, as from a captive portal.
    HtmlErrorPage,
    /// 200 and XML that ends in the middle, with a content length to match.
    Truncated,
    /// 200 and a connection that ends before the content length is reached.
    TruncatedConnection,
    /// Credentials that have expired already.
    AlreadyExpired,
    /// An answer without this element (and its end tag), such as `SessionToken` or `Credentials`.
    MissingField(&'static str),
    /// 403 RegionDisabledException.
    RegionDisabled,
    /// 400 ExpiredTokenException, whatever the token says.
    ExpiredToken,
    /// 400 InvalidIdentityToken, whatever the token says.
    InvalidIdentityToken,
    /// Any other error, such as 400 PackedPolicyTooLarge.
    Error {
        /// The HTTP status.
        status: u16,
        /// AWS's code.
        code: &'static str,
        /// AWS's text.
        message: &'static str,
    },
}

impl Fault {
    /// The error that it consists of, if it is one that needs no exchange.
    pub(super) fn error(&self, now: u64) -> Option<StsError> {
        let (status, code, message) = match self {
            Self::Status503 => (503, "ServiceUnavailable", "Service Unavailable".to_owned()),
            Self::Throttling => (400, "Throttling", "Rate exceeded".to_owned()),
            Self::Deny => (403, "AccessDenied", NOT_AUTHORIZED.to_owned()),
            Self::IdpCommunicationError => (
                400,
                "IDPCommunicationError",
                "Error communicating with the identity provider, please try again".to_owned(),
            ),
            Self::RegionDisabled => (
                403,
                "RegionDisabledException",
                "STS is not activated in this region for account. Your account administrator can activate STS in this \
                 region using the IAM Console."
                    .to_owned(),
            ),
            Self::ExpiredToken => (400, "ExpiredTokenException", expired(now, now.saturating_sub(1))),
            Self::InvalidIdentityToken => (
                400,
                "InvalidIdentityToken",
                "Couldn't retrieve verification key from your identity provider, please reference \
                 AssumeRoleWithWebIdentity documentation for requirements"
                    .to_owned(),
            ),
            Self::Error { status, code, message } => (*status, *code, (*message).to_owned()),
            _ => return None,
        };
        Some(StsError { status, code, message })
    }
}

pub(super) const NOT_AUTHORIZED: &str = "Not authorized to perform sts:AssumeRoleWithWebIdentity";

pub(super) fn expired(now: u64, expiry: u64) -> String {
    format!("Token expired: current date/time {now} must be before the expiration date/time {expiry}")
}

/// The handle; clones steer the same STS.
#[derive(Clone, Debug)]
pub struct StsControl {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Arc<Clock>,
    state: Mutex<State>,
    changed: Condvar,
    shut: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    standing: Fault,
    queued: VecDeque<Fault>,
    lifetime: Option<Duration>,
    calls: usize,
    turned_away: usize,
    in_flight: usize,
    max_in_flight: usize,
    by_session: BTreeMap<String, usize>,
}

impl StsControl {
    pub(crate) fn new(clock: Arc<Clock>) -> Self {
        let state = State {
            standing: Fault::Healthy,
            queued: VecDeque::new(),
            lifetime: None,
            calls: 0,
            turned_away: 0,
            in_flight: 0,
            max_in_flight: 0,
            by_session: BTreeMap::new(),
        };
        let shared =
            Shared { clock, state: Mutex::new(state), changed: Condvar::new(), shut: watch::Sender::new(false) };
        Self { shared: Arc::new(shared) }
    }

    /// From now on every call meets this fault; faults queued by [`StsControl::next`] are forgotten.
    pub fn set(&self, fault: Fault) {
        let down = fault == Fault::Down;
        {
            let mut state = self.lock();
            state.queued.clear();
            state.standing = fault;
        }
        self.shared.shut.send_replace(down);
    }

    /// The next `count` calls (for `Down`: connections) meet this fault, in the order of queueing; then the standing one.
    pub fn next(&self, count: usize, fault: Fault) {
        self.lock().queued.extend(std::iter::repeat_n(fault, count));
    }

    /// Makes sessions live this long although at least 900 seconds were asked for; `Expiration` tells the truth.
    pub fn hand_out_lifetime(&self, lifetime: Option<Duration>) {
        self.lock().lifetime = lifetime;
    }

    /// Moves the double's clock against the system's: the `Date` header, and what it judges by. None: no shift.
    pub fn date_skew(&self, seconds: Option<i64>) {
        self.shared.clock.set_skew(seconds.unwrap_or(0));
    }

    /// Calls that arrived, whatever became of them.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.lock().calls
    }

    /// Connections that were closed at the door while STS was down.
    #[must_use]
    pub fn turned_away(&self) -> usize {
        self.lock().turned_away
    }

    /// Calls that wait for their answer.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.lock().in_flight
    }

    /// The most calls that ever waited at the same time.
    #[must_use]
    pub fn max_in_flight(&self) -> usize {
        self.lock().max_in_flight
    }

    /// Calls that asked for this session name.
    #[must_use]
    pub fn calls_of_session(&self, name: &str) -> usize {
        self.lock().by_session.get(name).copied().unwrap_or(0)
    }

    /// Calls by session name.
    #[must_use]
    pub fn calls_by_session(&self) -> BTreeMap<String, usize> {
        self.lock().by_session.clone()
    }

    /// Counts from zero again (calls in flight stay).
    pub fn reset_counters(&self) {
        let mut state = self.lock();
        (state.calls, state.turned_away) = (0, 0);
        state.max_in_flight = state.in_flight;
        state.by_session.clear();
    }

    /// Waits until at least `count` calls have arrived; false when the time was up first.
    #[must_use]
    pub fn wait_for_calls(&self, count: usize, timeout: Duration) -> bool {
        self.wait_until(timeout, |state| state.calls >= count)
    }

    /// Waits until at least `count` connections were closed at the door.
    #[must_use]
    pub fn wait_for_turned_away(&self, count: usize, timeout: Duration) -> bool {
        self.wait_until(timeout, |state| state.turned_away >= count)
    }

    /// Waits until no call is in flight.
    #[must_use]
    pub fn wait_for_quiet(&self, timeout: Duration) -> bool {
        self.wait_until(timeout, |state| state.in_flight == 0)
    }

    pub(super) fn lifetime(&self) -> Option<Duration> {
        self.lock().lifetime
    }

    pub(super) fn shut(&self) -> watch::Receiver<bool> {
        self.shared.shut.subscribe()
    }

    /// Whether a new connection is let in.
    pub(super) fn admit(&self) -> bool {
        let mut state = self.lock();
        let fault = state.queued.front().unwrap_or(&state.standing);
        if *fault != Fault::Down {
            return true;
        }
        state.queued.pop_front();
        state.turned_away += 1;
        self.shared.changed.notify_all();
        false
    }

    pub(super) fn next_fault(&self) -> Fault {
        let mut state = self.lock();
        state.queued.pop_front().unwrap_or_else(|| state.standing.clone())
    }

    pub(super) fn arrived(&self) -> InFlight {
        let mut state = self.lock();
        state.calls += 1;
        state.in_flight += 1;
        state.max_in_flight = state.max_in_flight.max(state.in_flight);
        self.shared.changed.notify_all();
        drop(state);
        InFlight { control: self.clone() }
    }

    fn wait_until(&self, timeout: Duration, done: impl Fn(&State) -> bool) -> bool {
        let deadline = Instant::now() + timeout;
        let mut state = self.lock();
        while !done(&state) {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return false;
            };
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One call between arrival and answer; a client that leaves ends it too.
pub(super) struct InFlight {
    control: StsControl,
}

impl InFlight {
    pub(super) fn of_session(&self, name: Option<&str>) {
        *self.control.lock().by_session.entry(name.unwrap_or_default().to_owned()).or_default() += 1;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.control.lock().in_flight -= 1;
        self.control.shared.changed.notify_all();
    }
}
