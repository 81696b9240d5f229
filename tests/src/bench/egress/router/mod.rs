//! sni-router beside Envoy without a router, Envoy's own `sni_cluster`, and nginx with `ssl_preread`.

mod gateways;
mod idle;
mod outcome;
mod traffic;
mod variant;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use self::gateways::{Gateway, Nginx, Worker};
use self::outcome::Round;
use self::traffic::Clients;
use self::variant::{Variant, Which};
use super::super::perf::{self, Whose};
use super::super::{SLICE, report};
use super::Options;
use crate::router::artefact;

pub use self::outcome::{RouterReport, RouterRow};

/// A variant that is ready to be measured.
struct Candidate<'a> {
    variant: &'a Variant,
    worker: Worker,
    clients: Clients,
}

/// Measures everything.
pub(super) fn measure(options: &Options) -> Result<RouterReport, String> {
    let mut artefacts = vec![artefact()];
    artefacts.extend(options.also.iter().cloned());
    let nginx = Nginx::version();
    if nginx.is_none() {
        eprintln!(
            "  nginx with its module for streams is not installed, and is left out; apt-get install nginx libnginx-mod-stream"
        );
    }
    let mut variants = variant::all(&artefacts, nginx.is_some());
    if let Some(only) = &options.only {
        variants.retain(|variant| variant.label.contains(only));
    }
    let dir = tempfile::Builder::new().prefix("mb-bench-").tempdir().map_err(|e| format!("a directory: {e}"))?;
    // One thread for clients and apps: the gateway has the other core.
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|e| format!("a runtime: {e}"))?;
    let apps = runtime.block_on(traffic::start_apps()).map_err(|e| format!("the apps: {e}"))?;
    let most = variants.iter().map(|variant| variant.names).max().unwrap_or(0);
    let hellos = (0..most).map(|place| traffic::hello(&traffic::name(place))).collect::<Result<Vec<_>, _>>()?;
    let hello_bytes = hellos.first().map_or(0, Vec::len);

    let (rounds, instructions, envoy) = rounds(options, &runtime, &variants, &apps, &hellos, dir.path())?;
    let idle = match options.only {
        Some(_) => Vec::new(),
        None => idle::of_each(&runtime, &variants, &apps, &hellos, dir.path())?,
    };
    let sizes: Vec<(PathBuf, u64)> = artefacts
        .into_iter()
        .map(|file| (file.clone(), std::fs::metadata(&file).map_or(0, |file| file.len())))
        .collect();
    let mut report = RouterReport::new(&variants, &rounds, &instructions, &idle, &sizes);
    report.setting = format!(
        "Envoy {envoy}, nginx {}, one worker each; hellos of {hello_bytes} bytes; {} rounds of {} s for each, {} connections at once",
        nginx.as_deref().unwrap_or("not installed"),
        options.rounds,
        options.time.as_secs_f64(),
        options.connections
    );
    Ok(report)
}

type Measured = (Vec<Round>, Vec<Option<f64>>, String);

/// Rounds, instructions for each connection, and Envoy's version.
fn rounds(
    options: &Options,
    runtime: &Runtime,
    variants: &[Variant],
    apps: &[SocketAddr],
    hellos: &[Vec<u8>],
    dir: &Path,
) -> Result<Measured, String> {
    let mut processes = Vec::new();
    for which in [Which::Envoy, Which::LargeEnvoy, Which::Nginx] {
        let its: Vec<&Variant> = variants.iter().filter(|variant| variant.process == which).collect();
        if !its.is_empty() {
            eprintln!("  router: starting {which:?}");
            processes.push((which, Gateway::start(&its, apps, dir)?));
        }
    }
    let mut candidates = Vec::new();
    for variant in variants {
        let (_, gateway) =
            processes.iter().find(|(which, _)| *which == variant.process).ok_or("a process is missing")?;
        candidates.push(Candidate {
            variant,
            worker: gateway.worker()?,
            clients: clients(gateway.address(variant)?, variant, hellos),
        });
    }
    let measured = (|| {
        let mut rounds = Vec::new();
        // One round more, which is not counted: V8 compiles a function well only once it was called often.
        for number in 0..=options.rounds {
            let label =
                if number == 0 { "warm-up".to_owned() } else { format!("round {number} of {}", options.rounds) };
            eprintln!("  router: {label}, {} variants for {} s each", candidates.len(), options.time.as_secs_f32());
            let round = one_round(runtime, options, &candidates)?;
            if number > 0 {
                rounds.push(round);
            }
        }
        let counted =
            candidates.iter().map(|one| instructions(runtime, options, one)).collect::<Result<Vec<_>, _>>()?;
        Ok((rounds, counted))
    })();
    let logs = || {
        processes.iter().map(|(which, gateway)| format!("\n{which:?}: {}", tail(&gateway.log()))).collect::<String>()
    };
    let (rounds, counted) = measured.map_err(|e: String| e + &logs())?;
    let mut version = String::new();
    for (_, gateway) in &processes {
        if let Gateway::Envoy(envoy) = gateway {
            let traps: u64 = envoy.stats("wasm.*(fail|crash|trap)").map_err(|e| e.to_string())?.values().sum();
            if traps > 0 {
                return Err(format!("a filter failed while it was measured{}", logs()));
            }
            version = report::version_in(&envoy.admin_get("/server_info").map_err(|e| e.to_string())?);
        }
    }
    Ok((rounds, counted, version))
}

/// Clients that ask for the first so many names, as the variant says.
fn clients(address: SocketAddr, variant: &Variant, hellos: &[Vec<u8>]) -> Clients {
    Clients::new(address, Arc::new(hellos.iter().take(variant.names).cloned().collect()))
}

fn one_round(runtime: &Runtime, options: &Options, candidates: &[Candidate<'_>]) -> Result<Round, String> {
    let mut round = Round::new(candidates.len());
    let slices = options.time.as_millis().div_ceil(SLICE.as_millis()).max(1);
    for slice in 0..slices {
        for at in 0..candidates.len() {
            let at = if slice % 2 == 0 { at } else { candidates.len() - 1 - at };
            let Some(one) = candidates.get(at) else { continue };
            let (before, begun) = (one.worker.cpu()?, Instant::now());
            let visits = visits(runtime, options, one, SLICE)?;
            round.add(at, visits, one.worker.cpu()? - before, begun.elapsed());
        }
    }
    Ok(round)
}

fn visits(runtime: &Runtime, options: &Options, one: &Candidate<'_>, time: Duration) -> Result<u64, String> {
    let visits = runtime.block_on(one.clients.come_and_go(options.connections, time));
    visits.map_err(|e| format!("{}: {e}", one.variant.label))
}

/// User-space instructions of the worker for each connection, where they can be counted.
fn instructions(runtime: &Runtime, options: &Options, one: &Candidate<'_>) -> Result<Option<f64>, String> {
    let (visits, counted) =
        perf::count_during(Whose::Thread(one.worker.tid), || visits(runtime, options, one, 4 * SLICE));
    let visits = visits?;
    #[allow(clippy::cast_precision_loss, reason = "a slice has far fewer than 2^53 of either")]
    Ok(counted.filter(|_| visits > 0).map(|counted| counted as f64 / visits as f64))
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(15)).map(|line| format!("\n  | {line}")).collect()
}
