//! From rounds to medians, ratios, a table for people and JSON for machines.

use std::fmt;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::Options;
use super::topology::{Filter, Variant};
use super::traffic::Traffic;
use crate::ingress::Placement;

/// What irsa-signer may add to a request, as a multiple of what Envoy's own signer adds.
const BAR: f64 = 1.3;

/// Requests and CPU seconds of each variant in one round.
#[derive(Clone, Debug)]
pub(super) struct Round(Vec<(u64, f64)>);

impl Round {
    pub(super) fn new(variants: usize) -> Self {
        Self(vec![(0, 0.0); variants])
    }

    pub(super) fn add(&mut self, variant: usize, requests: u64, cpu_seconds: f64) {
        if let Some((all_requests, all_seconds)) = self.0.get_mut(variant) {
            *all_requests += requests;
            *all_seconds += cpu_seconds;
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "nobody sends 2^53 requests")]
    fn microseconds(&self, variant: usize) -> Option<f64> {
        self.0.get(variant).filter(|(requests, _)| *requests > 0).map(|(requests, cpu)| cpu * 1e6 / *requests as f64)
    }
}

/// Median, least and greatest of the rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The middle one.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let (upper, lower) = (values.get(values.len() / 2)?, values.get(values.len().saturating_sub(1) / 2)?);
        Some(Self { median: f64::midpoint(*lower, *upper), min: *values.first()?, max: *values.last()? })
    }

    pub(super) fn json(self) -> Value {
        json!({ "median": self.median, "min": self.min, "max": self.max })
    }
}

/// One variant.
#[derive(Clone, Debug)]
pub struct Row {
    /// For people.
    pub name: String,
    /// Whether this is irsa-signer as it is shipped: the artefact under test, in the backend's cluster.
    pub is_shipped: bool,
    /// In all rounds.
    pub requests: u64,
    /// CPU of the Envoy process for each request, in microseconds.
    pub cpu: Option<Spread>,
    /// What the filter adds to it, round by round.
    pub added: Option<Spread>,
    /// That as a multiple of what Envoy's own signer adds in the same place, round by round.
    pub ratio: Option<Spread>,
    /// User-space instructions of the Envoy process for each request, where they could be counted.
    pub instructions: Option<f64>,
    /// What the filter adds to them, as a multiple of what Envoy's own signer adds.
    pub instructions_ratio: Option<f64>,
}

/// All variants under one kind of request.
#[derive(Clone, Debug)]
pub struct Table {
    /// The requests.
    pub traffic: Traffic,
    /// No filter first.
    pub rows: Vec<Row>,
}

impl Table {
    pub(super) fn new(traffic: Traffic, variants: &[Variant], rounds: &[Round], instructions: &[Option<f64>]) -> Self {
        let added = |round: &Round, at: usize| Some(round.microseconds(at)? - round.microseconds(0)?);
        let counted = |at: usize| instructions.get(at).copied().flatten();
        let counted_added = |at: usize| Some(counted(at)? - counted(0)?);
        let first = variants.iter().find(|variant| matches!(variant.filter, Filter::Signer(_)));
        let mut native = None;
        let mut rows = Vec::new();
        for (at, variant) in variants.iter().enumerate() {
            if variant.filter == Filter::Native {
                native = Some(at);
            }
            // Without a difference there is nothing to divide by.
            let ratio = |round: &Round| {
                let by_native = added(round, native?).filter(|native| *native > 0.0)?;
                Some(added(round, at)? / by_native)
            };
            let is_first = first.is_some_and(|first| first.filter == variant.filter);
            rows.push(Row {
                name: name(variant, is_first),
                is_shipped: is_first && variant.placement == Placement::Upstream,
                requests: rounds.iter().filter_map(|round| round.0.get(at)).map(|(requests, _)| requests).sum(),
                cpu: Spread::of(rounds.iter().filter_map(|round| round.microseconds(at))),
                added: (at > 0).then(|| Spread::of(rounds.iter().filter_map(|round| added(round, at)))).flatten(),
                ratio: Spread::of(rounds.iter().filter_map(ratio)),
                instructions: counted(at),
                instructions_ratio: native.and_then(|native| Some(counted_added(at)? / counted_added(native)?)),
            });
        }
        Self { traffic, rows }
    }

    /// What counts: irsa-signer as shipped, as a multiple of Envoy's own signer.
    #[must_use]
    pub fn ratio(&self) -> Option<Spread> {
        self.rows.iter().find(|row| row.is_shipped)?.ratio
    }
}

fn name(variant: &Variant, is_first: bool) -> String {
    let filter = match &variant.filter {
        Filter::None => return "no filter".to_owned(),
        Filter::Native => "aws_request_signing".to_owned(),
        Filter::Signer(_) if is_first => "irsa-signer".to_owned(),
        Filter::Signer(file) => file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
    };
    let place = match variant.placement {
        Placement::Upstream => "cluster",
        Placement::Downstream => "listener",
    };
    format!("{filter}, in the {place}")
}

/// Where and how it was measured.
#[derive(Clone, Debug)]
pub struct Environment {
    envoy: String,
    cores: usize,
    load: String,
    artefacts: Vec<(PathBuf, u64)>,
    rounds: u32,
    seconds: f64,
    connections: usize,
}

impl Environment {
    pub(super) fn here(envoy: String, artefacts: &[PathBuf], options: &Options) -> Self {
        let size = |file: &PathBuf| std::fs::metadata(file).map_or(0, |file| file.len());
        Self {
            envoy,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            load: std::fs::read_to_string("/proc/loadavg").unwrap_or_default().chars().take(14).collect(),
            artefacts: artefacts.iter().map(|file| (file.clone(), size(file))).collect(),
            rounds: options.rounds,
            seconds: options.time.as_secs_f64(),
            connections: options.connections,
        }
    }
}

/// Everything that was measured.
#[derive(Clone, Debug)]
pub struct Report {
    /// Where and how.
    pub environment: Environment,
    /// One for each kind of request.
    pub tables: Vec<Table>,
}

impl Report {
    /// The tables whose ratio is above a limit, or unknown.
    pub fn above(&self, limit: f64) -> impl Iterator<Item = &Table> {
        self.tables.iter().filter(move |table| table.ratio().is_none_or(|ratio| ratio.median > limit))
    }

    /// For machines: all times in microseconds.
    #[must_use]
    pub fn json(&self) -> Value {
        let Environment { envoy, cores, load, artefacts, rounds, seconds, connections } = &self.environment;
        let spread = |spread: Option<Spread>| spread.map(Spread::json);
        let row = |row: &Row| {
            json!({
                "name": row.name, "is_shipped": row.is_shipped, "requests": row.requests,
                "cpu_us": spread(row.cpu), "added_us": spread(row.added), "ratio": spread(row.ratio),
                "instructions": row.instructions, "instructions_ratio": row.instructions_ratio,
            })
        };
        let table = |table: &Table| {
            json!({
                "traffic": table.traffic.flag(), "ratio": spread(table.ratio()),
                "rows": table.rows.iter().map(row).collect::<Vec<_>>(),
            })
        };
        let artefact = |(file, bytes): &(PathBuf, u64)| json!({ "file": file, "bytes": bytes });
        json!({
            "environment": {
                "envoy": envoy, "cores": cores, "load": load.trim(), "workers": 1, "rounds": rounds,
                "seconds": seconds, "connections": connections,
                "artefacts": artefacts.iter().map(artefact).collect::<Vec<_>>(),
            },
            "tables": self.tables.iter().map(table).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Environment { envoy, cores, load, artefacts, rounds, seconds, connections } = &self.environment;
        writeln!(f, "Envoy {envoy}, one worker; {cores} cores, load average {}", load.trim())?;
        for (file, bytes) in artefacts {
            writeln!(f, "{} ({bytes} bytes)", file.display())?;
        }
        writeln!(
            f,
            "{rounds} rounds of {seconds} s for each variant, {connections} connections; medians (least to greatest)"
        )?;
        for table in &self.tables {
            writeln!(f, "\n{table}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.traffic)?;
        let title = ["CPU µs", "added µs", "× native", "requests", "k instr.", "× native"];
        line(f, "", &title.map(str::to_owned))?;
        let text = |spread: Option<Spread>, digits: usize| {
            let Some(Spread { median, min, max }) = spread else { return String::new() };
            let text = format!("{median:.digits$}");
            if min < max { format!("{text} ({min:.digits$} to {max:.digits$})") } else { text }
        };
        for row in &self.rows {
            let cells = [
                row.cpu.map_or_else(String::new, |cpu| format!("{:.1}", cpu.median)),
                text(row.added, 1),
                text(row.ratio, 2),
                row.requests.to_string(),
                row.instructions.map_or_else(String::new, |count| format!("{:.1}", count / 1e3)),
                row.instructions_ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            ];
            line(f, &row.name, &cells)?;
        }
        match self.ratio() {
            None => write!(f, "  no ratio: Envoy's own signer added nothing that could be measured"),
            Some(ratio) if ratio.median <= BAR => {
                write!(f, "  {:.2} × native as shipped: at most {BAR}, as it should be", ratio.median)
            }
            Some(ratio) => write!(f, "  {:.2} × native as shipped: more than {BAR}", ratio.median),
        }
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, [cpu, added, ratio, requests, count, by]: &[String; 6]) -> fmt::Result {
    writeln!(f, "  {name:<37}{cpu:>7}  {added:<23}{ratio:<20}{requests:>9}  {count:>8}  {by:>8}")
}

/// `1.40.0` in the answer of `/server_info`, whose version is `commit/1.40.0/Clean/RELEASE/BoringSSL`.
pub(super) fn version_in(server_info: &str) -> String {
    let info: Value = serde_json::from_str(server_info).unwrap_or_default();
    let version = info["version"].as_str().unwrap_or("of unknown version");
    version.split('/').nth(1).unwrap_or(version).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::topology::variants;
    use super::*;

    #[test]
    fn ratios_are_taken_within_a_round() {
        let variants = variants(&["a.wasm".into(), "b.wasm".into()]);
        // The machine is twice as slow in the second round, and three times in the third.
        let rounds: Vec<Round> = [1.0, 2.0, 3.0]
            .map(|slow| Round([50.0, 70.0, 66.0, 80.0, 75.0, 75.0, 50.0].map(|us| (1000, us * slow / 1e3)).to_vec()))
            .to_vec();
        let table = Table::new(Traffic::S3, &variants, &rounds, &[Some(2e5), Some(3e5), Some(2.5e5)]);
        let names: Vec<_> = table.rows.iter().map(|row| row.name.as_str()).collect();
        let expected = [
            "no filter",
            "aws_request_signing, in the cluster",
            "irsa-signer, in the cluster",
            "b, in the cluster",
            "aws_request_signing, in the listener",
            "irsa-signer, in the listener",
            "b, in the listener",
        ];
        assert_eq!(names, expected);
        let medians: Vec<_> =
            table.rows.iter().map(|row| row.ratio.map(|ratio| (ratio.median * 100.0).round())).collect();
        assert_eq!(medians[2..], [Some(80.0), Some(150.0), Some(100.0), Some(100.0), Some(0.0)]);
        assert!((table.rows[1].added.unwrap().median - 40.0).abs() < 1e-6);
        assert!((table.ratio().unwrap().median - 0.8).abs() < 1e-6);
        assert_eq!((table.rows[2].instructions_ratio, table.rows[3].instructions_ratio), (Some(0.5), None));
        let report =
            Report { environment: Environment::here("1.40.0".into(), &[], &Options::default()), tables: vec![table] };
        assert_eq!((report.above(0.79).count(), report.above(0.81).count()), (1, 0));
        assert!(report.to_string().contains("0.80 × native as shipped: at most 1.3"), "{report}");
        assert_eq!(report.json()["tables"][0]["rows"][0]["ratio"], Value::Null);
    }

    #[test]
    fn nothing_to_divide_by_is_no_ratio_and_above_every_limit() {
        let variants = variants(&["a.wasm".into()]);
        let table = Table::new(Traffic::S3, &variants, &[Round(vec![(1000, 0.05); 5])], &[]);
        assert_eq!(table.ratio(), None);
        let report =
            Report { environment: Environment::here(String::new(), &[], &Options::default()), tables: vec![table] };
        assert_eq!(report.above(1e9).count(), 1);
    }

    #[test]
    fn the_median_of_an_even_number_is_in_the_middle() {
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(Spread::of([7.0]), Some(Spread { median: 7.0, min: 7.0, max: 7.0 }));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn the_version_is_found() {
        assert_eq!(version_in(r#"{"version":"abc/1.40.0/Clean/RELEASE/BoringSSL"}"#), "1.40.0");
        assert_eq!(version_in(""), "of unknown version");
    }
}
