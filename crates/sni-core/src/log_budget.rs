//! How many log lines refusals may cost: whoever floods the gateway must not flood its log.

/// Lines that may come at once.
const BURST: u32 = 10;
/// One more each second.
const MS_FOR_EACH: u64 = 1000;

/// A token bucket: ten lines at once, then one each second.
#[derive(Clone, Debug)]
pub struct LogBudget {
    left: u32,
    /// Up to when the bucket was filled.
    filled_ms: u64,
    left_out: u64,
}

impl LogBudget {
    /// A full bucket.
    #[must_use]
    pub fn new(now_ms: u64) -> Self {
        Self { left: BURST, filled_ms: now_ms, left_out: 0 }
    }

    /// Asks for one line. `None`: not now. Else how many were left out since the last line.
    ///
    /// `now_ms` is any clock in milliseconds; one that jumps back earns nothing until it has caught up with itself, and
    /// one that jumps ahead earns a full bucket.
    pub fn take(&mut self, now_ms: u64) -> Option<u64> {
        if now_ms < self.filled_ms {
            // Else a clock that was set back by a year would keep the log silent for that year.
            self.filled_ms = now_ms;
        }
        let earned = (now_ms - self.filled_ms) / MS_FOR_EACH;
        self.filled_ms += earned * MS_FOR_EACH;
        self.left = self.left.saturating_add(u32::try_from(earned).unwrap_or(u32::MAX)).min(BURST);
        match self.left.checked_sub(1) {
            None => {
                self.left_out += 1;
                None
            }
            Some(left) => {
                self.left = left;
                Some(core::mem::take(&mut self.left_out))
            }
        }
    }
}
