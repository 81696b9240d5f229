//! Why a connection is closed instead of routed.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

/// Why a connection is closed. Fixed text: fit for logs and for the names of counters.
///
/// What is not TLS, hellos that are too large or never come, and names with a NUL in them do not reach the filter: the
/// listener closes those, and Envoy counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// The client named no server.
    NoName,
    /// A name that the table does not have.
    UnknownName,
    /// An address instead of a name.
    IpLiteral,
    /// Bytes that are no name.
    InvalidName,
    /// Envoy did not do what it was asked to, so nobody knows where the connection would go.
    HostError,
}

impl Refusal {
    /// Every refusal there is.
    pub const ALL: [Self; 5] = [Self::NoName, Self::UnknownName, Self::IpLiteral, Self::InvalidName, Self::HostError];

    /// In the access log, and a part of the counter's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoName => "no-name",
            Self::UnknownName => "unknown-name",
            Self::IpLiteral => "ip-literal",
            Self::InvalidName => "invalid-name",
            Self::HostError => "host-error",
        }
    }

    /// The line for the log. The name is what the client sent, so it is escaped; `left_out` is what
    /// [`LogBudget::take`](crate::LogBudget::take) said.
    #[must_use]
    pub fn line(self, name: &[u8], left_out: u64) -> String {
        let of_whom = match self {
            Self::NoName => "that names no server".to_string(),
            _ => format!("for \"{}\"", name.escape_ascii()),
        };
        let others = match left_out {
            0 => String::new(),
            _ => format!(" (and {left_out} others since the last such line)"),
        };
        format!("closed a connection {of_whom}: {self}{others}")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
