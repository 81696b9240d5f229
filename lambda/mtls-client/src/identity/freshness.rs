//! When to use the pair at hand, when to look for a newer one, when to wait, when to give up: no clock, no task, no lock.
//!
//! A frozen Lambda runs no timers, so nothing here is scheduled. Every request asks [`Freshness::decide`], with the time.

use std::time::Duration;

use crate::clock::Now;
use crate::settings::Settings;

/// The bounds, as in [`Settings`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) refresh_every: Duration,
    pub(crate) refresh_budget: Duration,
    pub(crate) fetch_budget: Duration,
    pub(crate) expiry_margin: Duration,
    pub(crate) first_pause: Duration,
    pub(crate) longest_pause: Duration,
    pub(crate) thaw_gap: Duration,
}

/// The times of a certificate, in seconds since 1970, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) not_before: u64,
    pub(crate) not_after: u64,
}

/// Where in its life a certificate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The clock says that its time has not come; it did when the pair was accepted, so the clock was set back.
    NotYet,
    /// Before half of its life. A newer one cannot be expected: issuers renew between 40 % and 47 %.
    Young,
    /// A newer one should be there.
    Aged,
    /// So near its end that a slow call may outlive it.
    Ending,
    /// Over.
    Over,
}

/// What a request must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Use the pair at hand.
    Use,
    /// Wait for the fetch that is under way, at most so long; start it first if `start`.
    Wait {
        /// No fetch is under way.
        start: bool,
        /// The longest wait.
        at_most: Duration,
    },
    /// Fail as the last fetch did: there is no usable pair, and it is too soon to ask again.
    Fail,
}

/// The state. One fetch is under way at any time; a late result of one that was given up is told by its number.
#[derive(Debug)]
pub(crate) struct Freshness {
    terms: Terms,
    held: Option<Life>,
    flight: Option<Flight>,
    flights: u64,
    /// When the last fetch began.
    asked: Option<Now>,
    failed: Option<Failed>,
}

#[derive(Clone, Copy, Debug)]
struct Flight {
    number: u64,
    since: Now,
}

#[derive(Clone, Copy, Debug)]
struct Failed {
    at: Now,
    in_a_row: u32,
}

impl From<&Settings> for Terms {
    fn from(settings: &Settings) -> Self {
        Self {
            refresh_every: settings.refresh_every,
            refresh_budget: settings.refresh_budget,
            fetch_budget: settings.fetch_budget,
            expiry_margin: settings.expiry_margin,
            first_pause: settings.first_pause,
            longest_pause: settings.longest_pause,
            thaw_gap: settings.thaw_gap,
        }
    }
}

impl Life {
    /// Where in this life the moment is. `margin` before the end, or a tenth of the life if that is shorter, it is ending.
    pub(crate) fn phase(self, unix_seconds: u64, margin: Duration) -> Phase {
        let life = self.not_after.saturating_sub(self.not_before);
        let left = self.not_after.saturating_sub(unix_seconds);
        if unix_seconds > self.not_after {
            Phase::Over
        } else if unix_seconds < self.not_before {
            Phase::NotYet
        } else if left < margin.as_secs().min(life / 10) {
            Phase::Ending
        } else if left <= life / 2 {
            Phase::Aged
        } else {
            Phase::Young
        }
    }
}

impl Freshness {
    pub(crate) fn new(terms: Terms) -> Self {
        Self { terms, held: None, flight: None, flights: 0, asked: None, failed: None }
    }

    /// What a request that comes now must do.
    pub(crate) fn decide(&self, now: Now) -> Decision {
        let Terms { refresh_every, refresh_budget, fetch_budget, expiry_margin, .. } = self.terms;
        let phase = self.held.map(|life| life.phase(now.unix_seconds(), expiry_margin));
        let start = !self.is_fetching(now);
        match phase {
            Some(Phase::Young) => Decision::Use,
            Some(Phase::Aged) => {
                if start && self.is_due(now, refresh_every) && !self.is_paused(now) {
                    Decision::Wait { start, at_most: refresh_budget }
                } else {
                    Decision::Use
                }
            }
            Some(Phase::Ending) if start && (self.is_paused(now) || !self.is_due(now, refresh_every / 10)) => {
                Decision::Use
            }
            None | Some(Phase::NotYet | Phase::Over) if start && self.is_paused(now) => Decision::Fail,
            _ => Decision::Wait { start, at_most: fetch_budget },
        }
    }

    /// Whether a fetch is under way that can still succeed. One that lived through a freeze has dead connections: it
    /// would only fail late.
    pub(crate) fn is_fetching(&self, now: Now) -> bool {
        self.flight.is_some_and(|flight| now.gap_since(flight.since) < self.terms.thaw_gap)
    }

    /// A fetch begins; the number is for [`Freshness::settle`].
    pub(crate) fn start(&mut self, now: Now) -> u64 {
        self.flights += 1;
        self.flight = Some(Flight { number: self.flights, since: now });
        self.asked = Some(now);
        self.flights
    }

    /// A fetch has ended: with a pair, or without. `false` when it was given up in the meantime and does not count.
    pub(crate) fn settle(&mut self, number: u64, outcome: Option<Life>, now: Now) -> bool {
        if self.flight.is_none_or(|flight| flight.number != number) {
            return false;
        }
        self.flight = None;
        if let Some(life) = outcome {
            self.held = Some(life);
            self.failed = None;
        } else {
            let in_a_row = self.failed.map_or(1, |failed| failed.in_a_row.saturating_add(1));
            self.failed = Some(Failed { at: now, in_a_row });
        }
        true
    }

    /// Forgets everything, as after a restore: the next request waits for a fetch, and one under way no longer counts.
    pub(crate) fn forget(&mut self) {
        *self = Self { flights: self.flights, ..Self::new(self.terms) };
    }

    fn is_due(&self, now: Now, every: Duration) -> bool {
        self.asked.is_none_or(|asked| passed(asked, now, every))
    }

    fn is_paused(&self, now: Now) -> bool {
        self.failed.is_some_and(|failed| {
            let doublings = failed.in_a_row.saturating_sub(1).min(16);
            let pause = self.terms.first_pause.saturating_mul(1 << doublings).min(self.terms.longest_pause);
            !passed(failed.at, now, pause)
        })
    }
}

/// Whether so much time has passed by either clock. A wall clock that was set back ends every wait: nothing may last
/// until the clock has caught up.
fn passed(since: Now, now: Now, wait: Duration) -> bool {
    now.wall < since.wall || now.elapsed_since(since) >= wait
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
