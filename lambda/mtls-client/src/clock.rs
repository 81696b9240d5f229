//! The two clocks: wall-clock time, which goes on while a Lambda is frozen, and the steady one, which may not.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One look at both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Since 1970-01-01T00:00:00Z.
    pub wall: Duration,
    /// Since a fixed moment in the life of the process. Never runs backwards; stands still while the machine does.
    pub steady: Duration,
}

impl Now {
    /// Seconds since 1970, as certificates count.
    #[must_use]
    pub const fn unix_seconds(self) -> u64 {
        self.wall.as_secs()
    }

    /// How much further one clock went than the other since `earlier`: about the length of a freeze, or of a correction
    /// of the wall clock in either direction.
    #[must_use]
    pub fn gap_since(self, earlier: Self) -> Duration {
        let (wall, steady) = (self.wall.saturating_sub(earlier.wall), self.steady.saturating_sub(earlier.steady));
        let backwards = earlier.wall.saturating_sub(self.wall);
        wall.abs_diff(steady) + backwards
    }

    /// How much time has passed by either clock, whichever says more.
    #[must_use]
    pub fn elapsed_since(self, earlier: Self) -> Duration {
        self.wall.saturating_sub(earlier.wall).max(self.steady.saturating_sub(earlier.steady))
    }
}

/// Where the time comes from. Tests have their own.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Both clocks, now.
    fn now(&self) -> Now;
}

/// The clocks of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// The steady clock begins here.
    #[must_use]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        #[expect(clippy::disallowed_methods, reason = "this is the one adapter that reads the wall clock")]
        let wall = SystemTime::now();
        Now { wall: wall.duration_since(UNIX_EPOCH).unwrap_or_default(), steady: self.started.elapsed() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(wall: u64, steady: u64) -> Now {
        Now { wall: Duration::from_secs(wall), steady: Duration::from_secs(steady) }
    }

    #[test]
    fn a_gap_is_what_one_clock_went_further_than_the_other() {
        for (earlier, later, gap) in [
            (now(1000, 5), now(1010, 15), 0),
            (now(1000, 5), now(1610, 15), 600),
            (now(1000, 5), now(1000, 15), 10),
            (now(1000, 5), now(400, 15), 610),
        ] {
            assert_eq!(later.gap_since(earlier), Duration::from_secs(gap), "{earlier:?} {later:?}");
        }
    }

    #[test]
    fn elapsed_time_is_the_longer_of_both() {
        assert_eq!(now(1600, 15).elapsed_since(now(1000, 5)), Duration::from_secs(600));
        assert_eq!(now(900, 15).elapsed_since(now(1000, 5)), Duration::from_secs(10));
    }
}
