//! IAM roles: what they may do, and whose tokens they trust.

use std::time::Duration;

use super::policy::Policy;
use super::random;

/// A role that can be assumed with a web identity.
#[derive(Clone, Debug)]
pub struct Role {
    /// `arn:aws:iam::ACCOUNT:role/[PATH/]NAME`.
    pub arn: String,
    /// The longest session that it gives.
    pub max_session_duration: Duration,
    /// Whose tokens it trusts.
    pub trust: TrustPolicy,
    /// What it may do.
    pub permissions: Policy,
    role_id: String,
}

/// The conditions of a role's trust policy: all three must hold, exactly.
#[derive(Clone, Debug)]
pub struct TrustPolicy {
    /// The token's `iss`.
    pub issuer: String,
    /// The token's `aud` (`sts.amazonaws.com` on EKS).
    pub audience: String,
    /// The token's `sub`, such as `system:serviceaccount:NAMESPACE:NAME`.
    pub subject: String,
}

impl Role {
    /// A role with AWS's default of one hour for a session.
    #[must_use]
    pub fn new(arn: &str, trust: TrustPolicy, permissions: Policy) -> Self {
        Self {
            arn: arn.to_owned(),
            max_session_duration: Duration::from_secs(3600),
            trust,
            permissions,
            role_id: random::role_id(),
        }
    }

    /// The same with another maximum.
    #[must_use]
    pub fn with_max_session_duration(mut self, maximum: Duration) -> Self {
        self.max_session_duration = maximum;
        self
    }

    pub(crate) fn account(&self) -> &str {
        self.arn.split(':').nth(4).unwrap_or_default()
    }

    pub(crate) fn partition(&self) -> &str {
        self.arn.split(':').nth(1).unwrap_or_default()
    }

    /// `AROA…:SESSION`.
    pub(crate) fn assumed_role_id(&self, session_name: &str) -> String {
        format!("{}:{session_name}", self.role_id)
    }

    /// The ARN of a session has the role's name without its path.
    pub(crate) fn assumed_role_arn(&self, session_name: &str) -> String {
        let name = self.arn.rsplit('/').next().unwrap_or_default();
        format!("arn:{}:sts::{}:assumed-role/{name}/{session_name}", self.partition(), self.account())
    }
}
