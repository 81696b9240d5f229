//! From rounds to medians, ratios, a table for people and JSON for machines.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::super::report::Spread;
use super::super::bar::{Bar, Limit, text};
use super::idle::{COUNTED, Idle};
use super::variant::{Router, Variant, Which};

/// Of sni_cluster's connections per second, of a worker that does nothing else.
const LEAST_RATIO: f64 = 0.95;
/// How many times as much a connection may cost with 10,000 names as with 10: nothing more, within what can be told apart.
const MOST_INSTRUCTIONS: f64 = 1.02;
const MOST_CPU: f64 = 1.05;
const MOST_WASM_KB: f64 = 100.0;

/// What each variant did in one round.
#[derive(Clone, Debug)]
pub(super) struct Round(Vec<Sum>);

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    connections: u64,
    cpu: Duration,
    wall: Duration,
}

impl Round {
    pub(super) fn new(variants: usize) -> Self {
        Self(vec![Sum::default(); variants])
    }

    pub(super) fn add(&mut self, variant: usize, connections: u64, cpu: Duration, wall: Duration) {
        if let Some(sum) = self.0.get_mut(variant) {
            sum.connections += connections;
            sum.cpu += cpu;
            sum.wall += wall;
        }
    }

    fn of(&self, variant: usize, value: fn(Sum) -> f64) -> Option<f64> {
        self.0.get(variant).copied().map(value).filter(|value| value.is_finite() && *value > 0.0)
    }
}

#[allow(clippy::cast_precision_loss, reason = "nobody makes 2^53 connections")]
impl Sum {
    /// What a worker would do that has a core to itself and enough clients: the machine is not ours alone, so that no worker
    /// has either.
    fn capacity(self) -> f64 {
        self.connections as f64 / self.cpu.as_secs_f64()
    }

    fn rate(self) -> f64 {
        self.connections as f64 / self.wall.as_secs_f64()
    }

    fn microseconds(self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.connections as f64
    }

    fn busy(self) -> f64 {
        self.cpu.as_secs_f64() / self.wall.as_secs_f64()
    }
}

/// One variant.
#[derive(Clone, Debug)]
pub struct RouterRow {
    /// For people.
    pub name: String,
    /// Connections for each second that the worker was at work: what a saturated one does.
    pub capacity: Option<Spread>,
    /// That as a multiple of sni_cluster's, round by round.
    pub ratio: Option<Spread>,
    /// The same the other way round: CPU of the worker for each connection, in microseconds.
    pub cpu: Option<Spread>,
    /// Connections for each second that went by.
    pub rate: Option<Spread>,
    /// How much of the time the worker was at work.
    pub busy: Option<Spread>,
    /// User-space instructions for each connection, where they could be counted.
    pub instructions: Option<f64>,
    /// Resident memory for each idle connection, in bytes.
    pub idle: Option<f64>,
    /// Resident memory before the first connection, in bytes.
    pub bare: Option<u64>,
}

/// sni-router beside the others.
#[derive(Clone, Debug, Default)]
pub struct RouterReport {
    /// What was measured with, and how.
    pub setting: String,
    /// One for each variant.
    pub rows: Vec<RouterRow>,
    /// What the design asks for.
    pub bars: Vec<Bar>,
    /// sni-router's connections per second as a multiple of sni_cluster's.
    pub ratio: Option<Spread>,
}

impl RouterReport {
    pub(super) fn new(
        variants: &[Variant],
        rounds: &[Round],
        instructions: &[Option<f64>],
        idle: &[Option<Idle>],
        artefacts: &[(PathBuf, u64)],
    ) -> Self {
        let spread =
            |at: usize, value: fn(Sum) -> f64| Spread::of(rounds.iter().filter_map(|round| round.of(at, value)));
        let ratio = |at: usize, by: Option<usize>, value: fn(Sum) -> f64| {
            let one = |round: &Round| Some(round.of(at, value)? / round.of(by?, value)?);
            Spread::of(rounds.iter().filter_map(one))
        };
        let counted = |at: usize| instructions.get(at).copied().flatten();
        let row = |(at, variant): (usize, &Variant)| {
            let baseline = variants.iter().position(|other| other.is_baseline_of(variant));
            let idle = idle.get(at).copied().flatten();
            RouterRow {
                name: variant.label.clone(),
                capacity: spread(at, Sum::capacity),
                ratio: ratio(at, baseline, Sum::capacity),
                cpu: spread(at, Sum::microseconds),
                rate: spread(at, Sum::rate),
                busy: spread(at, Sum::busy),
                instructions: counted(at),
                idle: idle.map(|idle| idle.each),
                bare: idle.map(|idle| idle.bare),
            }
        };
        let rows: Vec<RouterRow> = variants.iter().enumerate().map(row).collect();
        // The first artefact is the one that is judged.
        let judged: Vec<usize> =
            variants.iter().enumerate().filter(|(_, one)| is_judged(one)).map(|(at, _)| at).collect();
        let (few, many) = (judged.first().copied(), judged.get(1).copied());
        let of_cluster = few.and_then(|few| rows.get(few)).and_then(|row| row.ratio);
        let more = many.zip(few).and_then(|(many, few)| Some((counted(many)?, counted(few)?)));
        let (what, most, value) = match more {
            Some((many, few)) => ("instructions", MOST_INSTRUCTIONS, Spread::of([many / few])),
            None => ("CPU", MOST_CPU, many.and_then(|many| ratio(many, few, Sum::microseconds))),
        };
        #[allow(clippy::cast_precision_loss, reason = "no artefact has 2^53 bytes")]
        let size = artefacts.first().and_then(|(_, bytes)| Spread::of([*bytes as f64 / 1e3]));
        let bar = |what: &str, limit, value| Bar { what: what.into(), limit, value, digits: 2 };
        let bars = vec![
            bar(
                "sni-router: connections per second of a worker, × sni_cluster",
                Limit::AtLeast(LEAST_RATIO),
                of_cluster,
            ),
            bar(&format!("sni-router: {what} with 10,000 names, × with 10"), Limit::AtMost(most), value),
            Bar { digits: 1, ..bar("sni-router.wasm: KB", Limit::AtMost(MOST_WASM_KB), size) },
        ];
        Self { setting: String::new(), rows, bars, ratio: of_cluster }
    }

    pub(in super::super) fn json(&self) -> Value {
        let spread = |spread: Option<Spread>| spread.map(Spread::json);
        let row = |row: &RouterRow| {
            json!({
                "name": row.name, "connections_per_cpu_second": spread(row.capacity), "ratio": spread(row.ratio),
                "cpu_us": spread(row.cpu), "connections_per_second": spread(row.rate), "busy": spread(row.busy),
                "instructions": row.instructions, "idle_bytes": row.idle, "bare_bytes": row.bare,
            })
        };
        json!({
            "setting": self.setting, "ratio": spread(self.ratio), "idle_connections": COUNTED,
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

fn is_judged(variant: &Variant) -> bool {
    variant.process == Which::Envoy && matches!(variant.router, Router::Ours(_))
}

impl fmt::Display for RouterReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.setting)?;
        writeln!(
            f,
            "medians (least to greatest); connections for each second of the worker's CPU, and what that is × sni_cluster in the \
             same round; RSS of each of {COUNTED} idle connections, and before the first"
        )?;
        let title = ["conn./CPU s", "×", "CPU µs", "k instr.", "conn./s", "busy", "KB idle", "MB bare"];
        line(f, "", &title.map(str::to_owned))?;
        let median = |spread: Option<Spread>, digits: usize| {
            spread.map_or_else(String::new, |spread| format!("{:.digits$}", spread.median))
        };
        let whole = |spread: Option<Spread>| spread.map_or_else(String::new, |spread| text(spread, 2));
        for row in &self.rows {
            #[allow(clippy::cast_precision_loss, reason = "no process has 2^53 bytes")]
            let cells = [
                median(row.capacity, 0),
                whole(row.ratio),
                median(row.cpu, 1),
                row.instructions.map_or_else(String::new, |count| format!("{:.1}", count / 1e3)),
                median(row.rate, 0),
                median(row.busy, 2),
                row.idle.map_or_else(String::new, |bytes| format!("{:.1}", bytes / 1e3)),
                row.bare.map_or_else(String::new, |bytes| format!("{:.0}", bytes as f64 / 1e6)),
            ];
            line(f, &row.name, &cells)?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, cells: &[String; 8]) -> fmt::Result {
    let [capacity, ratio, cpu, count, rate, busy, idle, bare] = cells;
    writeln!(f, "  {name:<32}{capacity:>12}  {ratio:<20}{cpu:>7} {count:>9} {rate:>8} {busy:>5} {idle:>8} {bare:>8}")
}

#[cfg(test)]
mod tests {
    use super::super::variant::all;
    use super::*;

    fn round(variants: &[Variant], slow: f64) -> Round {
        let mut round = Round::new(variants.len());
        for (at, variant) in variants.iter().enumerate() {
            let us = match &variant.router {
                Router::SniCluster => 190.0,
                Router::Ours(file) if file.as_os_str() == "new.wasm" => 190.0 / 0.9,
                _ => 200.0,
            };
            let cpu = Duration::from_secs_f64(us * slow / 1e3);
            round.add(at, 1000, cpu, cpu * 2);
        }
        round
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let variants = all(&["a.wasm".into(), "new.wasm".into()], true);
        // The machine is twice as slow in the second round, and three times in the third.
        let rounds: Vec<Round> = [1.0, 2.0, 3.0].map(|slow| round(&variants, slow)).to_vec();
        let counts: Vec<_> = variants.iter().map(|one| Some(if one.names > 10 { 2.1e5 } else { 2e5 })).collect();
        let sizes = [("a.wasm".into(), 90_000), ("new.wasm".into(), 200_000)];
        let report = RouterReport::new(&variants, &rounds, &counts, &[], &sizes);
        assert!((report.ratio.unwrap().median - 0.95).abs() < 1e-6);
        let ratios: Vec<_> =
            report.rows.iter().map(|row| (row.name.as_str(), (row.ratio.unwrap().median * 100.0).round())).collect();
        let expected = [
            ("no router", 95.0),
            ("sni_cluster, 10 names", 100.0),
            ("sni-router, 10 names", 95.0),
            ("sni-router, 10,000 names", 95.0),
            ("new, 10 names", 90.0),
            ("new, 10,000 names", 90.0),
            ("nginx ssl_preread, 10 names", 95.0),
            ("nginx ssl_preread, 10,000 names", 95.0),
            ("sni_cluster, 10,000 clusters", 100.0),
            ("sni-router, 10,000 clusters", 95.0),
        ];
        assert_eq!(ratios, expected);
        let met: Vec<bool> = report.bars.iter().map(Bar::is_met).collect();
        assert_eq!(met, [true, false, true], "{:?}", report.bars);
        assert!(report.to_string().contains("busy"));
        assert_eq!(report.json()["rows"].as_array().unwrap().len(), 10);
    }

    #[test]
    fn without_instructions_cpu_tells_what_ten_thousand_names_cost() {
        let variants = all(&["a.wasm".into()], false);
        let rounds = [round(&variants, 1.0)];
        let report = RouterReport::new(&variants, &rounds, &[], &[], &[]);
        assert!(report.bars[1].what.contains("CPU") && report.bars[1].is_met());
        assert!(!report.bars[2].is_met());
    }
}
