//! The two versions of HTTP between the extension and an app.

use std::fmt;

use crate::egress::ENVIRONMENT;
use crate::mesh;

/// Each has an app that speaks it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http2,
    Http1,
}

impl Protocol {
    /// The app's name.
    pub(super) fn app(self) -> &'static str {
        match self {
            Self::Http2 => "ledger",
            Self::Http1 => "users",
        }
    }

    /// As the gateway routes it.
    pub(super) fn server_name(self) -> String {
        mesh::sni(ENVIRONMENT, self.app())
    }

    /// RFC 7301, section 6; RFC 9113, section 3.2.
    pub(super) fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http2 => b"h2",
            Self::Http1 => b"http/1.1",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http2 => "HTTP/2",
            Self::Http1 => "HTTP/1.1",
        })
    }
}
