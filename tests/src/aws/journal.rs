//! Who did what, in the manner of CloudTrail: every request that reached the double, allowed or not.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::sessions::Session;
use super::verify::{access_key_of, is_signed};
use super::wire::Received;

/// Beyond this many the oldest entries go.
const CAPACITY: usize = 100_000;

/// A service of the double.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Service {
    /// Security Token Service.
    Sts,
    /// Simple Storage Service.
    S3,
    /// API Gateway's `execute-api`.
    ExecuteApi,
}

/// What became of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Authenticated and authorised (the object may still be missing: see the status).
    Allowed,
    /// Refused, with AWS's error code.
    Refused(String),
    /// Left without a proper answer by a fault that the test asked for.
    Faulted,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where it arrived.
    pub service: Service,
    /// The IAM action that it needs, such as `s3:GetObject`.
    pub action: String,
    /// The role behind the session, once known.
    pub role_arn: Option<String>,
    /// The session's name, as CloudTrail shows it.
    pub session_name: Option<String>,
    /// The access key that signed the request, or that STS handed out.
    pub access_key_id: Option<String>,
    /// The value of `x-mesh-caller`, if the request had one.
    pub caller_header: Option<String>,
    /// The request's method.
    pub method: String,
    /// The path as it stood on the wire.
    pub path: String,
    /// The query as it stood on the wire.
    pub query: Option<String>,
    /// The status that was answered (0 when the fault was to answer nothing).
    pub status: u16,
    /// What became of it.
    pub outcome: Outcome,
    /// Whether it carried a signature, good or bad. Calls of STS never do.
    pub signed: bool,
    /// When, by the double's clock.
    pub when: SystemTime,
}

impl Entry {
    /// What is known of a request before it is judged; refused until somebody says otherwise.
    pub(crate) fn of(service: Service, action: String, request: &Received, when: SystemTime) -> Self {
        Self {
            service,
            action,
            role_arn: None,
            session_name: None,
            access_key_id: access_key_of(request),
            caller_header: request.header("x-mesh-caller").map(str::to_owned),
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            status: 0,
            outcome: Outcome::Refused("NotJudged".to_owned()),
            signed: is_signed(request),
            when,
        }
    }

    pub(crate) fn by(&mut self, session: &Session) {
        self.role_arn = Some(session.role.arn.clone());
        self.session_name = Some(session.session_name.clone());
    }

    /// Whether it was allowed.
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.outcome == Outcome::Allowed
    }
}

/// The journal of one double.
#[derive(Debug, Default)]
pub struct Journal {
    entries: Mutex<VecDeque<Entry>>,
    added: Condvar,
}

impl Journal {
    /// All entries, oldest first.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().iter().cloned().collect()
    }

    /// The entries of one service.
    #[must_use]
    pub fn of(&self, service: Service) -> Vec<Entry> {
        self.filter(|entry| entry.service == service)
    }

    /// The entries that satisfy a condition.
    #[must_use]
    pub fn filter(&self, wanted: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        self.lock().iter().filter(|entry| wanted(entry)).cloned().collect()
    }

    /// Requests to S3 or API Gateway that arrived without any signature.
    #[must_use]
    pub fn unsigned(&self) -> Vec<Entry> {
        self.filter(|entry| entry.service != Service::Sts && !entry.signed)
    }

    /// Fails the test if anything ever reached S3 or API Gateway unsigned.
    ///
    /// # Panics
    /// When there is such an entry; the message lists them.
    pub fn assert_never_unsigned(&self) {
        let unsigned = self.unsigned();
        assert!(unsigned.is_empty(), "requests left unsigned: {unsigned:#?}");
    }

    /// The distinct session names that were seen at a service, in order of first appearance.
    #[must_use]
    pub fn session_names(&self, service: Service) -> Vec<String> {
        let mut names = Vec::new();
        for entry in self.of(service) {
            if let Some(name) = entry.session_name
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
        names
    }

    /// Waits until `count` entries satisfy a condition; false when the time was up first.
    #[must_use]
    pub fn wait_for(&self, count: usize, timeout: Duration, wanted: impl Fn(&Entry) -> bool) -> bool {
        let deadline = Instant::now() + timeout;
        let mut entries = self.lock();
        loop {
            if entries.iter().filter(|entry| wanted(entry)).count() >= count {
                return true;
            }
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return false;
            };
            entries = self.added.wait_timeout(entries, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Forgets everything, between two parts of a test.
    pub fn clear(&self) {
        self.lock().clear();
    }

    pub(crate) fn add(&self, entry: Entry) {
        let mut entries = self.lock();
        if entries.len() == CAPACITY {
            entries.pop_front();
        }
        entries.push_back(entry);
        self.added.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
