//! From samples to percentiles, differences within a round, a table for people and JSON for machines.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::super::report::Spread;
use super::super::bar::{Bar, Limit, text};
use super::super::memory::Memory;
use super::{Call, Scenario, Start};

/// The design's bars, in MB (10^6 bytes) and milliseconds.
const MOST_BINARY: f64 = 5.0;
const MOST_START: f64 = 5.0;
const MOST_IDLE: f64 = 8.0;
const MOST_BUSY: f64 = 12.0;
const MOST_ADDED: f64 = 0.5;

/// What one side did in some slices.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    pub(super) took: Vec<Duration>,
    pub(super) wall: Duration,
    /// Of the extension.
    pub(super) cpu: Duration,
}

/// For each scenario: directly, and through the extension.
#[derive(Clone, Debug)]
pub(super) struct Round(Vec<[Sample; 2]>);

impl Round {
    pub(super) fn new(scenarios: usize) -> Self {
        Self(vec![<[Sample; 2]>::default(); scenarios])
    }

    pub(super) fn add(&mut self, scenario: usize, side: usize, more: Sample) {
        if let Some(sample) = self.0.get_mut(scenario).and_then(|sides| sides.get_mut(side)) {
            sample.took.extend(more.took);
            sample.wall += more.wall;
            sample.cpu += more.cpu;
        }
    }

    fn side(&self, scenario: usize, side: usize) -> Option<&Sample> {
        self.0.get(scenario)?.get(side).filter(|sample| !sample.took.is_empty())
    }
}

#[allow(clippy::cast_precision_loss, reason = "nobody sends 2^53 requests")]
impl Sample {
    /// In microseconds; `part` of 1000 are at most that long.
    fn percentile(&self, part: usize) -> Option<f64> {
        let mut took = self.took.clone();
        took.sort_unstable();
        let at = (took.len() * part / 1000).min(took.len().saturating_sub(1));
        took.get(at).map(|took| took.as_secs_f64() * 1e6)
    }

    fn rate(&self) -> f64 {
        self.took.len() as f64 / self.wall.as_secs_f64()
    }

    fn cpu(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.took.len() as f64
    }
}

/// What a call takes, and what the extension adds to it; times in microseconds.
#[derive(Clone, Debug)]
pub struct Added {
    /// For people.
    pub name: String,
    /// Without the extension: median and 99th percentile.
    pub direct: [Option<Spread>; 2],
    /// Through it.
    pub through: [Option<Spread>; 2],
    /// The differences, round by round.
    pub added: [Option<Spread>; 2],
    /// Requests per second, directly and through it.
    pub rate: [Option<Spread>; 2],
    /// CPU of the extension for each request.
    pub cpu: Option<Spread>,
    /// Its user-space instructions for each request, where they could be counted.
    pub instructions: Option<f64>,
}

/// Memory of one process under one load.
#[derive(Clone, Debug)]
pub struct Weight {
    /// Of the load, for people.
    pub name: String,
    pub(super) call: Call,
    /// With an identity, before the first request.
    pub(super) idle: Memory,
    /// When the load was over, its connections still open.
    pub(super) after: Memory,
    /// The most that was ever resident, in bytes.
    pub peak: u64,
}

/// mtls-proxy.
#[derive(Clone, Debug)]
pub struct ProxyReport {
    /// What was measured with, and how.
    pub setting: String,
    /// From start to registered, in milliseconds.
    pub start: Option<Spread>,
    /// CPU of the process by then, in milliseconds.
    pub start_cpu: Option<Spread>,
    /// Bytes of the executable.
    pub executable: u64,
    /// Memory, one for each load.
    pub weights: Vec<Weight>,
    /// One for each scenario.
    pub rows: Vec<Added>,
    /// What the design asks for.
    pub bars: Vec<Bar>,
}

impl ProxyReport {
    pub(super) fn new(
        scenarios: &[Scenario],
        starts: &[Start],
        executable: u64,
        weights: Vec<Weight>,
        rounds: &[Round],
        instructions: &[Option<f64>],
    ) -> Self {
        let row = |(at, scenario): (usize, &Scenario)| {
            let of = |side: usize, value: &dyn Fn(&Sample) -> Option<f64>| {
                Spread::of(rounds.iter().filter_map(|round| value(round.side(at, side)?)))
            };
            let both = |side| [500, 990].map(|part| of(side, &|sample| sample.percentile(part)));
            let added = |part| {
                let one =
                    |round: &Round| Some(round.side(at, 1)?.percentile(part)? - round.side(at, 0)?.percentile(part)?);
                Spread::of(rounds.iter().filter_map(one))
            };
            Added {
                name: format!("{}, {} at once", scenario.protocol, scenario.callers),
                direct: both(0),
                through: both(1),
                added: [added(500), added(990)],
                rate: [0, 1].map(|side| of(side, &|sample| Some(sample.rate()))),
                cpu: of(1, &|sample| Some(sample.cpu())),
                instructions: instructions.get(at).copied().flatten(),
            }
        };
        let rows: Vec<Added> = scenarios.iter().enumerate().map(row).collect();
        let milliseconds = |took: Duration| took.as_secs_f64() * 1e3;
        let start = Spread::of(starts.iter().map(|start| milliseconds(start.took)));
        let start_cpu = Spread::of(starts.iter().filter_map(|start| start.cpu).map(milliseconds));
        let added = rows.first().and_then(|row| row.added[0]).map(|added| Spread {
            median: added.median / 1e3,
            min: added.min / 1e3,
            max: added.max / 1e3,
        });
        let bar = |what: &str, most, value| Bar {
            what: format!("mtls-proxy: {what}"),
            limit: Limit::AtMost(most),
            value,
            digits: 2,
        };
        let idle = Spread::of(weights.iter().filter_map(|one| Some(megabytes(one.idle.rss)?.median)));
        let peak = |call: Call| {
            let of_it = weights.iter().filter(|one| one.call == call);
            of_it.map(|one| one.peak).max().and_then(megabytes)
        };
        let load = |call: Call| bar(&format!("most resident under load, {call}, MB"), MOST_BUSY, peak(call));
        let bars = vec![
            bar("executable, MB", MOST_BINARY, megabytes(executable)),
            bar("from start to registered, ms", MOST_START, start),
            bar("resident when idle, MB", MOST_IDLE, idle),
            load(Call::Small),
            load(Call::Large),
            bar("added to a call (median, HTTP/2, 1 at once), ms", MOST_ADDED, added),
        ];
        Self { setting: String::new(), start, start_cpu, executable, weights, rows, bars }
    }

    pub(in super::super) fn json(&self) -> Value {
        let spread = |spread: Option<Spread>| spread.map(Spread::json);
        let percentiles = |[p50, p99]: [Option<Spread>; 2]| json!({ "p50": spread(p50), "p99": spread(p99) });
        let row = |row: &Added| {
            json!({
                "name": row.name, "direct_us": percentiles(row.direct), "through_us": percentiles(row.through),
                "added_us": percentiles(row.added), "cpu_us": spread(row.cpu), "instructions": row.instructions,
                "requests_per_second": { "direct": spread(row.rate[0]), "through": spread(row.rate[1]) },
            })
        };
        let memory = |memory: Memory| json!({ "rss": memory.rss, "pss": memory.pss });
        let weight = |one: &Weight| json!({ "name": one.name, "idle": memory(one.idle), "after": memory(one.after), "peak": one.peak });
        json!({
            "setting": self.setting, "start_ms": spread(self.start), "start_cpu_ms": spread(self.start_cpu),
            "executable_bytes": self.executable, "memory": self.weights.iter().map(weight).collect::<Vec<_>>(),
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

#[allow(clippy::cast_precision_loss, reason = "no process has 2^53 bytes")]
fn megabytes(bytes: u64) -> Option<Spread> {
    Spread::of([bytes as f64 / 1e6])
}

impl fmt::Display for ProxyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |spread: Option<Spread>, digits: usize| spread.map_or_else(String::new, |one| text(one, digits));
        let mb = |bytes: u64| whole(megabytes(bytes), 2);
        writeln!(f, "{}", self.setting)?;
        writeln!(f, "medians (least to greatest); differences are taken within a round")?;
        writeln!(f, "  from start to registered  {} ms, CPU {} ms", whole(self.start, 2), whole(self.start_cpu, 2))?;
        writeln!(f, "  {:<44}{:>10}{:>10}{:>10}{:>10}{:>10}", "MB", "idle RSS", "PSS", "peak RSS", "then RSS", "PSS")?;
        for Weight { name, idle, after, peak, .. } in &self.weights {
            let [a, b, c, d, e] = [idle.rss, idle.pss, *peak, after.rss, after.pss].map(mb);
            writeln!(f, "  {name:<44}{a:>10}{b:>10}{c:>10}{d:>10}{e:>10}")?;
        }
        let title = ["direct p50", "p99", "proxy p50", "p99", "added p50 µs", "added p99 µs", "direct/s", "proxy/s"];
        line(f, "", &title.map(str::to_owned), ["CPU µs", "k instr."].map(str::to_owned))?;
        let median =
            |spread: Option<Spread>| whole(spread.map(|one| Spread { min: one.median, max: one.median, ..one }), 0);
        for row in &self.rows {
            let cells = [
                median(row.direct[0]),
                median(row.direct[1]),
                median(row.through[0]),
                median(row.through[1]),
                whole(row.added[0], 0),
                whole(row.added[1], 0),
                median(row.rate[0]),
                median(row.rate[1]),
            ];
            let count = row.instructions.map_or_else(String::new, |count| format!("{:.1}", count / 1e3));
            line(f, &row.name, &cells, [median(row.cpu), count])?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, cells: &[String; 8], [cpu, count]: [String; 2]) -> fmt::Result {
    let [d50, d99, p50, p99, a50, a99, direct, through] = cells;
    writeln!(
        f,
        "  {name:<22}{d50:>10}{d99:>8}{p50:>11}{p99:>8}   {a50:<22}{a99:<26}{direct:>8} {through:>8}{cpu:>8}{count:>10}"
    )
}

#[cfg(test)]
mod tests {
    use super::super::SCENARIOS;
    use super::*;

    #[test]
    fn differences_are_taken_within_a_round_and_bars_are_judged() {
        let mut rounds = Vec::new();
        for slow in [1, 10, 2] {
            let mut round = Round::new(SCENARIOS.len());
            for side in 0..2_u64 {
                let took: Vec<_> = (1..=100).map(|n| Duration::from_micros(slow * (n + 200 * side))).collect();
                let half = Duration::from_millis(50);
                round.add(0, side as usize, Sample { took, wall: half, cpu: Duration::from_millis(1) });
            }
            rounds.push(round);
        }
        let memory = Memory { rss: 7_000_000, pss: 6_000_000 };
        let weights = [(Call::Small, 8_000_000), (Call::Large, 12_000_001), (Call::Small, 9_000_000)]
            .map(|(call, peak)| Weight { name: call.to_string(), call, idle: memory, after: memory, peak });
        let start = Start { took: Duration::from_millis(4), cpu: None };
        let report = ProxyReport::new(&SCENARIOS, &[start; 3], 5_000_001, weights.to_vec(), &rounds, &[Some(1e5)]);
        let row = &report.rows[0];
        let added = row.added[0].unwrap();
        assert_eq!([added.median, added.min, added.max].map(f64::round), [400.0, 200.0, 2000.0]);
        assert_eq!(row.direct[1].unwrap().min.round(), 100.0);
        assert_eq!((row.rate[1].unwrap().median.round(), row.cpu.unwrap().median.round()), (2000.0, 10.0));
        assert!(report.rows[1].added[0].is_none());
        let met: Vec<bool> = report.bars.iter().map(Bar::is_met).collect();
        assert_eq!(met, [false, true, true, true, false, true]);
        assert!(report.to_string().contains("HTTP/2, 1 at once"), "{report}");
        assert_eq!(report.json()["memory"][1]["peak"], 12_000_001);
    }
}
