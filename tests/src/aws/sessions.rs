//! The sessions that STS has handed out: what the other services look credentials up in.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::policy::{Decision, Policy};
use super::random;
use super::roles::Role;

/// One session of a role.
#[derive(Clone)]
pub struct Session {
    /// `ASIA…`.
    pub access_key_id: String,
    /// The secret that signs.
    pub secret_access_key: String,
    /// What must accompany each request.
    pub session_token: String,
    /// The role.
    pub role: Arc<Role>,
    /// RoleSessionName.
    pub session_name: String,
    /// From then on every service refuses it.
    pub expires_at: SystemTime,
    /// The inline policy that narrows it.
    pub policy: Option<Policy>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("access_key_id", &self.access_key_id)
            .field("role", &self.role.arn)
            .field("session_name", &self.session_name)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Whether its time is up.
    #[must_use]
    pub fn is_expired(&self, now: SystemTime) -> bool {
        now >= self.expires_at
    }

    /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
    #[must_use]
    pub fn arn(&self) -> String {
        self.role.assumed_role_arn(&self.session_name)
    }

    /// IAM's rule: an explicit deny wins; else both the role and the session policy must allow.
    #[must_use]
    pub fn may(&self, action: &str, resource: &str) -> bool {
        let by_role = self.role.permissions.decide(action, resource);
        let by_session = self.policy.as_ref().map_or(Decision::Allow, |policy| policy.decide(action, resource));
        by_role == Decision::Allow && by_session == Decision::Allow
    }
}

/// All sessions of one double.
#[derive(Debug, Default)]
pub struct Sessions {
    by_access_key: Mutex<HashMap<String, Arc<Session>>>,
}

impl Sessions {
    /// Makes a session with random credentials.
    pub(crate) fn open(
        &self,
        role: Arc<Role>,
        session_name: &str,
        policy: Option<Policy>,
        expires_at: SystemTime,
    ) -> Arc<Session> {
        let session = Arc::new(Session {
            access_key_id: random::access_key_id(),
            secret_access_key: random::secret_access_key(),
            session_token: random::session_token(),
            role,
            session_name: session_name.to_owned(),
            expires_at,
            policy,
        });
        let mut sessions = self.by_access_key.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(session.access_key_id.clone(), Arc::clone(&session));
        session
    }

    /// The session of an access key ID.
    #[must_use]
    pub fn find(&self, access_key_id: &str) -> Option<Arc<Session>> {
        self.by_access_key.lock().unwrap_or_else(PoisonError::into_inner).get(access_key_id).cloned()
    }
}

/// How long before now an already expired session pretends to have ended.
pub(crate) const LONG_GONE: Duration = Duration::from_secs(60);
