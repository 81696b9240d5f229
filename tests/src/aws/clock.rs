//! The time that the double believes: the system's, shifted as a test wishes.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A clock that every service of one double shares.
#[derive(Debug, Default)]
pub struct Clock {
    skew_seconds: AtomicI64,
}

impl Clock {
    /// The time by which the double judges.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        let skew = self.skew_seconds.load(Ordering::SeqCst);
        let by = Duration::from_secs(skew.unsigned_abs());
        if skew < 0 { system_now() - by } else { system_now() + by }
    }

    /// The same in whole seconds since 1970.
    #[must_use]
    pub fn unix(&self) -> u64 {
        unix_seconds(self.now())
    }

    /// How far ahead of the system it is, in seconds.
    #[must_use]
    pub fn skew_seconds(&self) -> i64 {
        self.skew_seconds.load(Ordering::SeqCst)
    }

    /// Makes the double live `seconds` ahead of the system (behind it, when negative).
    pub fn set_skew(&self, seconds: i64) {
        self.skew_seconds.store(seconds, Ordering::SeqCst);
    }
}

/// Whole seconds since 1970.
pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Milliseconds since 1970.
pub(crate) fn unix_millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The system's time; the only place of this package that reads it.
#[expect(clippy::disallowed_methods, reason = "tests and their doubles live in real time; the cores never call this")]
pub(crate) fn system_now() -> SystemTime {
    SystemTime::now()
}
