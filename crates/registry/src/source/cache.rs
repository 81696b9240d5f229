//! What was read of each file, and whether it still holds.

use std::time::{Duration, SystemTime};

use super::walk::Mark;

/// File times move in steps: a file that was changed right before it was read may be changed again without showing it.
/// The coarsest steps in use are those of FAT, two seconds.
const SETTLES_AFTER: Duration = Duration::from_secs(2);

/// Something read from a file.
#[derive(Debug)]
pub(super) struct Cached<T> {
    pub(super) value: T,
    mark: Mark,
    /// Whether the mark would show a later change.
    settled: bool,
}

impl<T> Cached<T> {
    /// `now`: a moment before the file was read.
    pub(super) fn new(value: T, mark: Mark, now: SystemTime) -> Self {
        let age = mark.changed_at().and_then(|changed| now.duration_since(changed).ok());
        Self { value, mark, settled: age.is_some_and(|age| age > SETTLES_AFTER) }
    }

    pub(super) fn holds(&self, mark: &Mark) -> bool {
        self.settled && self.mark == *mark
    }
}
