//! What a runtime is handed, and what becomes of it.

/// One invocation, as invocation/next hands it out.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) request_id: String,
    pub(super) deadline_ms: u64,
    pub(super) function_arn: String,
    pub(super) trace_id: String,
    pub(super) payload: Vec<u8>,
}

/// What became of an invocation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The runtime answered.
    Answered(Answer),
    /// The function failed, and the runtime said so.
    FunctionError {
        /// `Lambda-Runtime-Function-Error-Type`, or what the trailer of a streamed answer said.
        error_type: String,
        /// The error document.
        payload: Vec<u8>,
    },
    /// It was not done in its time: Lambda says `Sandbox.Timedout`.
    TimedOut,
    /// The runtime's process ended: Lambda says `Runtime.ExitError`.
    RuntimeExited,
    /// This extension's process ended: Lambda says `Extension.Crash`.
    ExtensionCrashed(String),
    /// This extension called exit/error, with this type.
    ExtensionError(String, String),
}

/// A function's answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// Its whole body.
    pub payload: Vec<u8>,
    /// Its content type, when it named one.
    pub content_type: Option<String>,
    /// Whether it came with `Lambda-Runtime-Function-Response-Mode: streaming`.
    pub streamed: bool,
}

impl Outcome {
    /// The answer's payload.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        match self {
            Self::Answered(answer) => &answer.payload,
            other => panic!("no answer but {other:?}"),
        }
    }

    /// Whether the environment is of no further use.
    pub(super) fn is_fatal(&self) -> bool {
        !matches!(self, Self::Answered(_) | Self::FunctionError { .. })
    }
}
