//! What the host remembers of a schedule, to judge the exchanges by it.

use std::collections::BTreeMap;

use irsa_core::session::{Event, LONGEST_PAUSE_MS};

use crate::aws::EPOCH_MS;
use crate::plan::Plan;
use crate::rules::{Rule, Verdict, hold};
use crate::world::Outcome;

/// A worker whose token could not be read goes behind the others by so much, measured by ticks.
const HANDICAP_MS: u64 = 3_000;
const TOKEN_TIMEOUT_MS: u64 = 2_000;
const LEASE_MARGIN_MS: u64 = 5_000;
/// The longest period of ticks.
const TICK_MS: u64 = 1_000;

#[derive(Debug)]
pub(crate) struct Books {
    /// Calls that STS is at, those of dead VMs included.
    pub(crate) in_flight: u64,
    /// The token that each worker was given last.
    pub(crate) token_of: BTreeMap<usize, String>,
    /// The longest-lived credentials that were shared, and when that was.
    shared: Option<Shared>,
    /// Since when, by the true clock, the last attempt is known to have failed.
    failed_ms: Option<u64>,
    attempts_since_shared: u64,
    knows_no_clock: bool,
    has_deaths: bool,
    has_faults: bool,
    has_lost: bool,
    /// A stopped thread may share credentials long after it obtained them.
    has_stalls: bool,
    slack_ms: u64,
    sts_timeout_ms: u64,
}

#[derive(Clone, Copy, Debug)]
struct Shared {
    at_ms: u64,
    expires_ms: u64,
}

impl Books {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            in_flight: 0,
            token_of: BTreeMap::new(),
            shared: None,
            failed_ms: None,
            attempts_since_shared: 0,
            knows_no_clock: plan.has_clock_trouble(),
            has_deaths: plan.has_deaths(),
            has_faults: plan.has_faults() || plan.has_jumps(),
            has_lost: false,
            has_stalls: plan.has_stalls(),
            slack_ms: TICK_MS
                + HANDICAP_MS * if plan.tick_delay_ms > 0 { 4 } else { 1 }
                + TICK_MS
                + 2 * plan.tick_delay_ms
                + 10 * plan.write_delay_ms
                + 100,
            sts_timeout_ms: plan.sts_timeout_s * 1000,
        }
    }

    /// Until when, by AWS's clock, every worker can have credentials.
    pub(crate) fn valid_until_ms(&self) -> u64 {
        self.shared.map_or(0, |shared| shared.expires_ms)
    }

    /// One back-off, and what may precede it: an attempt that was under way, or the lease of a VM that died.
    pub(crate) fn recovery_ms(&self) -> u64 {
        let exchange = TOKEN_TIMEOUT_MS + self.sts_timeout_ms;
        // A lease is measured by ticks, which may be late.
        let lease = if self.has_deaths { 2 * (exchange + LEASE_MARGIN_MS) + 4 * self.slack_ms } else { 0 };
        LONGEST_PAUSE_MS + 2 * exchange + lease + 2 * self.slack_ms
    }

    pub(crate) fn jumped(&mut self) {
        self.failed_ms = None;
    }

    pub(crate) fn died(&mut self) {
        self.failed_ms = None;
    }

    /// The shared value is no more.
    pub(crate) fn lost(&mut self) {
        (self.shared, self.failed_ms, self.has_lost) = (None, None, true);
    }

    pub(crate) fn call_begins(&mut self, outcome: &mut Outcome) -> Verdict {
        self.in_flight += 1;
        outcome.most_in_flight = outcome.most_in_flight.max(self.in_flight);
        hold(Rule::OneCall, self.in_flight == 1, || format!("{} calls to STS are in flight", self.in_flight))
    }

    /// An attempt begins.
    pub(crate) fn attempt(&mut self, now_ms: u64) -> Verdict {
        self.attempts_since_shared += 1;
        if self.knows_no_clock || self.has_lost {
            return Ok(());
        }
        if let Some(failed_ms) = self.failed_ms.take() {
            let pause = now_ms - failed_ms;
            let longest = LONGEST_PAUSE_MS + self.slack_ms;
            hold(Rule::RetryInTime, (1_000..=longest).contains(&pause), || {
                format!("an attempt begins {pause} ms after the last one failed")
            })?;
        }
        let Some(Shared { at_ms, expires_ms }) = self.shared else { return Ok(()) };
        let (age, life) = (now_ms - at_ms, expires_ms - EPOCH_MS - at_ms);
        hold(Rule::RefreshInTime, self.has_stalls || age + 2 * self.slack_ms.min(200) >= life / 2, || {
            format!("credentials are refreshed {age} ms into their life of {life} ms")
        })?;
        let is_first = self.attempts_since_shared == 1 && !self.has_deaths;
        hold(Rule::RefreshInTime, !is_first || age <= life * 3 / 4 + self.slack_ms, || {
            format!("credentials are refreshed {age} ms into their life of {life} ms, which is late")
        })
    }

    /// A worker told of what happened.
    pub(crate) fn event(&mut self, now_ms: u64, event: &Event, outcome: &mut Outcome) -> Verdict {
        match event {
            Event::Issued { expires_ms, .. } => {
                outcome.issued += 1;
                self.failed_ms = None;
                if self.shared.is_none_or(|shared| shared.expires_ms < *expires_ms) {
                    self.shared = Some(Shared { at_ms: now_ms, expires_ms: *expires_ms });
                    self.attempts_since_shared = 0;
                }
                let calls = (outcome.sts_calls, outcome.token_calls);
                hold(
                    Rule::OneCallPerRefresh,
                    self.has_deaths || self.has_faults || calls == (outcome.issued, outcome.issued),
                    || format!("{calls:?} calls to STS and for the token brought {} sets", outcome.issued),
                )
            }
            Event::Failed { retry_in_ms, .. } => {
                outcome.failed += 1;
                self.failed_ms = Some(now_ms);
                hold(Rule::RetryInTime, self.knows_no_clock || (1_000..=LONGEST_PAUSE_MS).contains(retry_in_ms), || {
                    format!("the next attempt is announced for in {retry_in_ms} ms")
                })
            }
            Event::TokenRead | Event::ClockBeyondCorrection => Ok(()),
        }
    }
}
