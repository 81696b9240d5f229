//! One line for each failure, in CloudWatch's embedded metric format, and not more lines than the log can bear.
//! (Amazon CloudWatch user guide, "Specification: Embedded metric format".)

use std::fmt;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::answer::{Failure, push_json};
use crate::clock::Clock;

/// Lines that may come at once.
const BURST: u32 = 20;
/// A line is earned so often.
const EVERY: Duration = Duration::from_millis(100);

/// Writes failures.
pub(crate) struct Journal {
    labels: String,
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    budget: Budget,
    out: Box<dyn Write + Send>,
}

/// What failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    /// How.
    pub(crate) failure: &'a Failure,
    /// The app that was called, once it is known.
    pub(crate) upstream: Option<&'a str>,
    /// Since the request came.
    pub(crate) elapsed: Duration,
}

impl Journal {
    /// For this app and environment, which stand in each line.
    pub(crate) fn new(app: &str, environment: &str, clock: Clock, out: Box<dyn Write + Send>) -> Self {
        let mut labels = String::from("\"app\":");
        push_json(&mut labels, app);
        labels.push_str(",\"environment\":");
        push_json(&mut labels, environment);
        Self { labels, clock, state: Mutex::new(State { budget: Budget::new(), out }) }
    }

    /// Writes a failure, or counts it for the next line of its reason.
    pub(crate) fn record(&self, entry: Entry<'_>) {
        let now = self.clock.wall();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = state.budget.spend(entry.failure.reason, now) {
            let line = self.line(entry, count, now);
            // There is nowhere to say that the log cannot be written.
            let _ = state.out.write_all(line.as_bytes()).and_then(|()| state.out.flush());
        }
    }

    fn line(&self, entry: Entry<'_>, count: u64, now: Duration) -> String {
        let Entry { failure, upstream, elapsed } = entry;
        let mut line = format!(
            "{{\"_aws\":{{\"Timestamp\":{},\"CloudWatchMetrics\":[{{\"Namespace\":\"meshbridge\",\"Dimensions\":\
             [[\"app\",\"environment\",\"reason\"]],\"Metrics\":[{{\"Name\":\"failures\",\"Unit\":\"Count\"}}]}}]}},\
             {},\"reason\":\"{}\",\"failures\":{count},\"status\":{},\"elapsed_ms\":{}",
            now.as_millis(),
            self.labels,
            failure.reason,
            failure.status.as_u16(),
            elapsed.as_millis(),
        );
        for (name, text) in [("upstream", upstream), ("kind", failure.kind), ("message", Some(&*failure.message))] {
            if let Some(text) = text {
                line.push_str(",\"");
                line.push_str(name);
                line.push_str("\":");
                push_json(&mut line, text);
            }
        }
        line.push_str("}\n");
        line
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").finish_non_exhaustive()
    }
}

/// How many lines may be written, and what was not written.
#[derive(Debug)]
struct Budget {
    left: u32,
    /// When the last line was earned.
    earned: Duration,
    unwritten: Vec<(&'static str, u64)>,
}

impl Budget {
    fn new() -> Self {
        Self { left: BURST, earned: Duration::ZERO, unwritten: Vec::new() }
    }

    /// How many failures of this reason a line now stands for; `None` when there may be no line.
    fn spend(&mut self, reason: &'static str, now: Duration) -> Option<u64> {
        let since = now.saturating_sub(self.earned);
        let earned = u32::try_from(since.as_millis() / EVERY.as_millis()).unwrap_or(u32::MAX);
        // A wall clock that was set back earns again from where it stands.
        if earned > 0 || now < self.earned {
            self.left = self.left.saturating_add(earned).min(BURST);
            self.earned = now;
        }
        let at = self.unwritten.iter().position(|(other, _)| *other == reason);
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Some(1 + at.map_or(0, |at| self.unwritten.swap_remove(at).1))
            }
            None => {
                match at.and_then(|at| self.unwritten.get_mut(at)) {
                    Some((_, count)) => *count += 1,
                    None => self.unwritten.push((reason, 1)),
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_one_metric_with_its_dimensions_and_says_what_to_do() {
        let sink = Sink::default();
        let journal = Journal::new("reports", "staging", Clock::system(), Box::new(sink.clone()));
        let failure = Failure::of_call("access-denied", 502, "the role may not read \"x\"\nallow it".to_owned());
        journal.record(Entry {
            failure: &failure,
            upstream: Some("ledger.staging"),
            elapsed: Duration::from_millis(12),
        });
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1);
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        let metrics = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(metrics["Namespace"], "meshbridge");
        assert_eq!(metrics["Metrics"][0]["Name"], "failures");
        for dimension in metrics["Dimensions"][0].as_array().unwrap() {
            assert!(line[dimension.as_str().unwrap()].is_string(), "{dimension}");
        }
        assert!(line["_aws"]["Timestamp"].as_u64().unwrap() > 1_700_000_000_000);
        assert_eq!((&line["reason"], &line["failures"]), (&"access-denied".into(), &1.into()));
        assert_eq!((&line["upstream"], &line["status"]), (&"ledger.staging".into(), &502.into()));
        assert_eq!(line["message"], "the role may not read \"x\"\nallow it");
    }

    #[test]
    fn a_storm_is_few_lines_whose_counts_add_up() {
        let mut budget = Budget::new();
        let start = Duration::from_secs(1_700_000_000);
        let (mut lines, mut counted) = (0, 0);
        for failure in 0..10_000 {
            let now = start + Duration::from_millis(failure / 10);
            if let Some(count) = budget.spend("throttled", now) {
                lines += 1;
                counted += count;
            }
        }
        assert!((20..=31).contains(&lines), "{lines}");
        counted += budget.spend("throttled", start + Duration::from_secs(60)).unwrap() - 1;
        assert_eq!(counted, 10_000);
    }

    #[test]
    fn reasons_are_counted_apart() {
        let mut budget = Budget::new();
        let now = Duration::from_secs(1);
        while budget.spend("throttled", now).is_some() {}
        assert_eq!(budget.spend("access-denied", now), None);
        assert_eq!(budget.spend("access-denied", now + EVERY), Some(2));
        assert_eq!(budget.spend("throttled", now + 2 * EVERY), Some(2));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_silence_the_log() {
        let mut budget = Budget::new();
        let now = Duration::from_secs(1_000);
        while budget.spend("throttled", now).is_some() {}
        let back = Duration::from_secs(10);
        assert_eq!(budget.spend("throttled", back), None);
        assert!(budget.spend("throttled", back + EVERY).is_some());
    }
}
