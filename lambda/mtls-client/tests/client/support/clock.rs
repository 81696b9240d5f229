//! Clocks that a test can move.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mtls_client::{Clock, Now, SystemClock};

/// The system's clocks, and what a test has added to each.
#[derive(Debug)]
pub(crate) struct TestClock {
    system: SystemClock,
    added: Mutex<(i64, u64)>,
}

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { system: SystemClock::new(), added: Mutex::new((0, 0)) })
    }

    /// Time passes for both clocks.
    pub(crate) fn pass(&self, seconds: u64) {
        let mut added = self.added.lock().unwrap();
        added.0 += i64::try_from(seconds).unwrap();
        added.1 += seconds;
    }

    /// The process is frozen: the wall clock alone goes on.
    pub(crate) fn freeze(&self, seconds: u64) {
        self.added.lock().unwrap().0 += i64::try_from(seconds).unwrap();
    }

    /// The wall clock is set.
    pub(crate) fn set_back(&self, seconds: u64) {
        self.added.lock().unwrap().0 -= i64::try_from(seconds).unwrap();
    }

    pub(crate) fn unix_seconds(&self) -> u64 {
        self.now().unix_seconds()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Now {
        let Now { wall, steady } = self.system.now();
        let (wall_added, steady_added) = *self.added.lock().unwrap();
        let wall = if wall_added < 0 {
            wall.saturating_sub(Duration::from_secs(wall_added.unsigned_abs()))
        } else {
            wall + Duration::from_secs(wall_added.unsigned_abs())
        };
        Now { wall, steady: steady + Duration::from_secs(steady_added) }
    }
}
