//! The requests of one worker that wait for the first credentials: bounded, first come, first served.

use alloc::vec::Vec;

use crate::id_map::IdMap;

/// Releasing a request runs its whole further way inside the host, nested; more than some hundreds in one tick overflow
/// the stack of the VM.
pub(crate) const MOST_PER_TICK: usize = 64;

/// Context IDs of waiting requests, each with its deadline by the steady clock.
#[derive(Debug)]
pub(crate) struct Waiting {
    most: usize,
    deadlines: IdMap<u64>,
}

impl Waiting {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, deadlines: IdMap::default() }
    }

    /// Lets one more wait, unless too many do.
    pub(crate) fn enter(&mut self, id: u32, deadline_ms: u64) -> bool {
        let free = self.deadlines.len() < self.most;
        if free {
            self.deadlines.insert(id, deadline_ms);
        }
        free
    }

    pub(crate) fn contains(&self, id: u32) -> bool {
        self.deadlines.contains(id)
    }

    pub(crate) fn leave(&mut self, id: u32) {
        self.deadlines.remove(id);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.deadlines.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.deadlines.len()
    }

    /// Takes out those that have waited long enough, as many as one tick may release.
    pub(crate) fn take(&mut self, mut is_over: impl FnMut(u64) -> bool) -> Vec<u32> {
        self.deadlines.take_if(MOST_PER_TICK, |deadline| is_over(*deadline))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_wait_than_may() {
        let mut waiting = Waiting::new(2);
        assert!(waiting.enter(1, 0) && waiting.enter(2, 0));
        assert!(!waiting.enter(3, 0));
        waiting.leave(1);
        assert!(waiting.enter(3, 0));
        assert_eq!(waiting.len(), 2);
        assert!(!Waiting::new(0).enter(1, 0));
    }

    #[test]
    fn the_first_to_come_are_the_first_to_leave_and_never_too_many_at_once() {
        let mut waiting = Waiting::new(1000);
        for id in (0..200).rev() {
            waiting.enter(id, u64::from(id));
        }
        assert_eq!(waiting.take(|_| true), (0..64).collect::<Vec<_>>());
        assert_eq!(waiting.take(|deadline| deadline >= 190), (190..200).collect::<Vec<_>>());
        assert_eq!(waiting.len(), 126);
    }
}
