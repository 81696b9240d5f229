//! What extensions register for, and what event/next hands them.

use serde_json::{Value, json};

/// What an extension can register for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Subscription {
    /// Every invocation.
    Invoke,
    /// The end of the environment.
    Shutdown,
}

impl Subscription {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "INVOKE" => Some(Self::Invoke),
            "SHUTDOWN" => Some(Self::Shutdown),
            _ => None,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Invoke => "INVOKE",
            Self::Shutdown => "SHUTDOWN",
        }
    }
}

/// Why an environment ends, as the SHUTDOWN event says it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ShutdownReason {
    /// It has not been needed for a while.
    Spindown,
    /// An invocation took too long.
    Timeout,
    /// Something broke.
    Failure,
}

impl ShutdownReason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Spindown => "spindown",
            Self::Timeout => "timeout",
            Self::Failure => "failure",
        }
    }
}

/// An event for extensions. Deadlines are milliseconds since 1970, by the environment's clock.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Invoke { deadline_ms: u64, request_id: String, function_arn: String, trace_id: String },
    Shutdown { deadline_ms: u64, reason: ShutdownReason },
}

impl Event {
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Invoke { deadline_ms, request_id, function_arn, trace_id } => json!({
                "eventType": "INVOKE",
                "deadlineMs": deadline_ms,
                "requestId": request_id,
                "invokedFunctionArn": function_arn,
                "tracing": { "type": "X-Amzn-Trace-Id", "value": trace_id },
            }),
            Self::Shutdown { deadline_ms, reason } => json!({
                "eventType": "SHUTDOWN",
                "deadlineMs": deadline_ms,
                "shutdownReason": reason.as_str(),
            }),
        }
    }
}
