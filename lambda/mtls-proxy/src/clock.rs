//! The wall clock, which goes on while a Lambda is frozen. Everything that must not wait for ever uses tokio's, which does not.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where the time of day comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(fn() -> Duration);

impl Clock {
    /// The operating system's.
    pub(crate) fn system() -> Self {
        Self(system)
    }

    /// Since 1970-01-01T00:00:00Z.
    pub(crate) fn wall(self) -> Duration {
        (self.0)()
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place of this package that reads the wall clock")]
fn system() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
