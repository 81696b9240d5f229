//! The values that pass between a keeper and the adapter that acts for it.

use core::fmt;

use sts::FormBody;

use super::outage::Outage;
use super::slot::Write;

/// What the adapter must do at a tick of the root context, and after each answer.
#[derive(Debug)]
pub enum RootStep {
    /// Nothing.
    Rest,
    /// Write this to shared data, and tell [`Keeper::on_claim`] whether it was written.
    Claim(Write),
    /// Read the token, and tell [`Keeper::on_token`].
    ReadToken(TokenCall),
    /// Call STS, and tell [`Keeper::on_sts`].
    CallSts(StsCall),
    /// Read shared data, write what [`Keeper::settle`] makes of it, and tell [`Keeper::on_settled`]; again, if the
    /// value had changed meanwhile.
    Settle,
}

/// The call that reads the token; cluster and path are the configuration's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenCall {
    /// When to give up.
    pub timeout_ms: u64,
}

/// The call to STS; cluster and host name are the configuration's.
#[derive(Debug)]
pub struct StsCall {
    /// The form to post. It holds the token.
    pub body: FormBody,
    /// When to give up.
    pub timeout_ms: u64,
}

/// An HTTP answer to one of the two calls.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// `:status`.
    pub status: u16,
    /// `date`, when there is one.
    pub date: Option<&'a [u8]>,
    /// The whole body.
    pub body: &'a [u8],
}

impl fmt::Debug for Answer<'_> {
    /// The body is the token, or holds credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

/// There was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// Envoy has no cluster of that name.
    UnknownCluster,
    /// No connection, or it broke, or the time was up: Envoy does not tell which.
    Unreachable,
}

/// What a request without credentials may hope for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prospect {
    /// An attempt is under way or due before the deadline.
    Wait,
    /// Nothing can come before the deadline, for this reason.
    None(Option<Outage>),
}
