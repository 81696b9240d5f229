//! mtls-proxy as the layer has it: its size, its start, its memory, and what it adds to a call.

mod api;
mod apps;
mod callers;
mod extension;
mod outcome;
mod protocol;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use self::api::Api;
use self::apps::Apps;
use self::callers::{Call, Callers};
use self::extension::{Extension, Home, Start};
use self::outcome::{Round, Sample};
use self::protocol::Protocol;
use super::super::perf::{self, Whose};
use super::super::{SLICE, cpu};
use super::Options;
use super::memory::{Memory, peak_rss};
use crate::mesh::{MESH, TrustDomain};

pub use self::outcome::{Added, ProxyReport, Weight};

/// The extension's executable; `cargo xtask bench egress` sets it.
pub const BINARY: &str = "MESHBRIDGE_MTLS_PROXY";

/// What is compared: callers of an app that speaks this protocol, so many at once.
#[derive(Clone, Copy, Debug)]
struct Scenario {
    protocol: Protocol,
    callers: usize,
}

const SCENARIOS: [Scenario; 4] = [
    Scenario { protocol: Protocol::Http2, callers: 1 },
    Scenario { protocol: Protocol::Http2, callers: 64 },
    Scenario { protocol: Protocol::Http1, callers: 1 },
    Scenario { protocol: Protocol::Http1, callers: 64 },
];

/// Measures everything.
pub(super) fn measure(options: &Options) -> Result<ProxyReport, String> {
    let binary = std::env::var_os(BINARY).map(PathBuf::from);
    let binary = binary.ok_or_else(|| format!("{BINARY} does not name mtls-proxy; use `cargo xtask bench egress`"))?;
    let size = std::fs::metadata(&binary).map_err(|e| format!("{}: {e}", binary.display()))?.len();
    let mesh = TrustDomain::new(MESH);
    let apps = Apps::start(&mesh)?;
    let home = Home::new(&binary, &mesh, &apps)?;
    let api = Api::start().map_err(|e| format!("the Extensions API: {e}"))?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|e| format!("a runtime: {e}"))?;

    let starts = starts(options, &home, &api)?;
    let (extension, _) = Extension::start(&home, &api)?;
    let (address, token) = extension.ready(&home)?;
    let pid = extension.pid();
    let mut pairs = Vec::new();
    for Scenario { protocol, callers } in SCENARIOS {
        let direct = Callers::direct(&mesh, apps.address(protocol), protocol, callers);
        let direct = runtime.block_on(direct).map_err(|e| format!("{protocol}, directly: {e}"))?;
        let through = runtime.block_on(Callers::through(address, &token, protocol, callers));
        pairs.push([direct, through.map_err(|e| format!("{protocol}, through the extension: {e}"))?]);
    }
    let mut rounds = Vec::new();
    for number in 0..=options.rounds {
        let label = if number == 0 { "warm-up".to_owned() } else { format!("round {number} of {}", options.rounds) };
        eprintln!("  proxy: {label}, {} scenarios, {} s for each side", SCENARIOS.len(), options.time.as_secs_f32());
        let round = one_round(&runtime, options, pid, &mut pairs)?;
        if number > 0 {
            rounds.push(round);
        }
    }
    let mut instructions = Vec::new();
    for (scenario, [_, through]) in SCENARIOS.iter().zip(&mut pairs) {
        instructions.push(count_instructions(&runtime, scenario, pid, through)?);
    }
    let mut weights = Vec::new();
    for (scenario, call) in SCENARIOS.iter().flat_map(|one| [(one, Call::Small), (one, Call::Large)]) {
        weights.push(weigh(options, &runtime, scenario, call, &home, &api)?);
    }
    let mut report = ProxyReport::new(&SCENARIOS, &starts, size, weights, &rounds, &instructions);
    report.setting = format!(
        "{} ({size} bytes); {} starts; {} rounds of {} s for each side",
        binary.display(),
        starts.len(),
        options.rounds,
        options.time.as_secs_f64()
    );
    Ok(report)
}

fn starts(options: &Options, home: &Home, api: &Api) -> Result<Vec<Start>, String> {
    eprintln!("  proxy: {} starts", options.starts);
    // The first one reads the file from the disk.
    Extension::start(home, api)?;
    (0..options.starts).map(|_| Extension::start(home, api).map(|(_, start)| start)).collect()
}

/// In a process of its own, for memory that was had once is seldom given back.
fn weigh(
    options: &Options,
    runtime: &Runtime,
    scenario: &Scenario,
    call: Call,
    home: &Home,
    api: &Api,
) -> Result<Weight, String> {
    let Scenario { protocol, callers } = *scenario;
    let name = format!("{protocol}, {callers} at once, {call}");
    eprintln!("  proxy: memory, {name}");
    let (extension, _) = Extension::start(home, api)?;
    let (address, token) = extension.ready(home)?;
    let idle = Memory::of(extension.pid())?;
    let load = async {
        let mut callers = Callers::through(address, &token, protocol, callers).await?;
        callers.run(call, options.time).await
    };
    runtime.block_on(load).map_err(|e| format!("{name}: {e}"))?;
    let after = Memory::of(extension.pid())?;
    Ok(Weight { name, call, idle, after, peak: peak_rss(extension.pid())? })
}

fn one_round(runtime: &Runtime, options: &Options, pid: u32, pairs: &mut [[Callers; 2]]) -> Result<Round, String> {
    let mut round = Round::new(pairs.len());
    let slices = options.time.as_millis().div_ceil(SLICE.as_millis()).max(1);
    for slice in 0..slices {
        for (at, pair) in pairs.iter_mut().enumerate() {
            // By turns: first the one, then the other.
            let sides = if slice % 2 == 0 { [0, 1] } else { [1, 0] };
            for side in sides {
                let Some(callers) = pair.get_mut(side) else { continue };
                let (before, begun) = (cpu_of(pid), Instant::now());
                let took = runtime.block_on(callers.run(Call::Small, SLICE));
                let took = took.map_err(|e| format!("{}: {e}", if side == 0 { "directly" } else { "mtls-proxy" }))?;
                let cpu = before.zip(cpu_of(pid)).map(|(before, after)| after.saturating_sub(before));
                round.add(at, side, Sample { took, wall: begun.elapsed(), cpu: cpu.unwrap_or_default() });
            }
        }
    }
    Ok(round)
}

/// CPU of a process so far, where the kernel tells.
fn cpu_of(pid: u32) -> Option<Duration> {
    cpu::nanoseconds(pid).map(Duration::from_nanos)
}

/// User-space instructions of the extension for each request, where they can be counted.
fn count_instructions(
    runtime: &Runtime,
    scenario: &Scenario,
    pid: u32,
    callers: &mut Callers,
) -> Result<Option<f64>, String> {
    let work = || runtime.block_on(callers.run(Call::Small, 4 * SLICE));
    let (took, counted) = perf::count_during(Whose::Process(pid), work);
    let requests = took.map_err(|e| format!("mtls-proxy, {}: {e}", scenario.protocol))?.len();
    #[allow(clippy::cast_precision_loss, reason = "a slice has far fewer than 2^53 of either")]
    Ok(counted.filter(|_| requests > 0).map(|counted| counted as f64 / requests as f64))
}
