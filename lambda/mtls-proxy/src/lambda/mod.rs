//! Lambda's side: the Extensions API, and what the environment says of how it came to be.

mod api;
mod event;
#[cfg(test)]
pub(crate) mod fake;
mod socket;

pub(crate) use api::{Api, ApiError, Extension};
pub(crate) use event::Event;

/// How this environment came to be.
/// (Lambda developer guide, "Defined runtime environment variables": `AWS_LAMBDA_INITIALIZATION_TYPE`.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Initialization {
    /// It serves invocations as it is.
    Ordinary,
    /// A snapshot is taken of it, and what serves invocations is restored from that.
    SnapStart,
}

impl Initialization {
    pub(crate) fn parse(value: Option<&str>) -> Self {
        if value == Some("snap-start") { Self::SnapStart } else { Self::Ordinary }
    }
}

/// An error that is told to Lambda before the process ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fatal {
    /// `Extension.Reason`, as the documentation's examples are made.
    pub(crate) kind: &'static str,
    /// What happened and what to do.
    pub(crate) message: String,
}
