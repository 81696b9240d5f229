//! What irsa-signer costs: CPU of one Envoy per request, with no filter, with Envoy's own signer, and with ours.
//!
//! Wall-clock time says little on a machine that others use too, and CPU per request still drifts there. So all variants
//! run side by side in one Envoy, in short slices that go through them forwards and backwards, and every ratio is taken
//! within one round.

mod backend;
mod cpu;
pub mod egress;
mod load;
mod options;
mod perf;
mod report;
mod topology;
mod traffic;
mod verify;

use std::path::PathBuf;
use std::time::Duration;

use self::backend::Backend;
use self::load::Load;
use self::report::Round;
use self::topology::Variant;
use crate::envoy::{Envoy, EnvoyOptions, find};
use crate::ingress::World;

pub use self::options::{HELP, Options};
pub use self::report::{Environment, Report, Row, Spread, Table};
pub use self::traffic::Traffic;

/// Rounds are cut into slices of this length, so that whatever else the machine does falls on all variants alike.
const SLICE: Duration = Duration::from_millis(250);

/// Measures, and tells on standard error how far it is.
pub fn run(options: &Options) -> Result<Report, String> {
    let mut artefacts = vec![find::wasm().map_err(|e| e.to_string())?];
    artefacts.extend(options.also.iter().cloned());
    let world = World::new();
    let mut environment = None;
    let mut tables = Vec::new();
    for &traffic in &options.traffic {
        let (table, envoy) = measure(options, &world, traffic, &artefacts)?;
        tables.push(table);
        environment.get_or_insert(envoy);
    }
    let envoy = environment.unwrap_or_default();
    Ok(Report { environment: Environment::here(envoy, &artefacts, options), tables })
}

/// One Envoy, one kind of request: the table, and Envoy's version.
fn measure(
    options: &Options,
    world: &World,
    traffic: Traffic,
    artefacts: &[PathBuf],
) -> Result<(Table, String), String> {
    let backend = Backend::start().map_err(|e| format!("the backend: {e}"))?;
    let variants = topology::variants(artefacts);
    let config = topology::bootstrap(world, traffic, &variants, backend.address())?;
    let envoy = Envoy::start(&config, &EnvoyOptions { workers: 1, ..EnvoyOptions::default() });
    let envoy = envoy.map_err(|e| e.to_string())?;
    verify::each_path(world, traffic, &variants, &envoy, &backend)?;

    let request = traffic.request().to_bytes();
    let mut loads = Vec::new();
    for variant in &variants {
        let address = envoy.listener(&variant.name).map_err(|e| e.to_string())?;
        loads.push(Load::open(address, &request, options.connections).map_err(|e| format!("{}: {e}", variant.name))?);
    }
    let mut rounds = Vec::new();
    // One round more, which is not counted: V8 compiles a function well only once it was called often.
    for number in 0..=options.rounds {
        let label = if number == 0 { "warm-up".to_owned() } else { format!("round {number} of {}", options.rounds) };
        eprintln!("  {traffic}: {label}, {} variants for {} s each", variants.len(), options.time.as_secs_f32());
        let round = one_round(&envoy, &variants, &mut loads, options.time)?;
        if number > 0 {
            rounds.push(round);
        }
    }
    let instructions = count_instructions(&envoy, &variants, &mut loads)?;
    let traps: u64 = envoy.stats("wasm.*(fail|crash|trap)").map_err(|e| e.to_string())?.values().sum();
    if traps > 0 {
        return Err(format!("a filter failed while it was measured; Envoy's log:\n{}", envoy.logs()));
    }
    let version = envoy.admin_get("/server_info").map_err(|e| e.to_string())?;
    Ok((Table::new(traffic, &variants, &rounds, &instructions), report::version_in(&version)))
}

fn one_round(envoy: &Envoy, variants: &[Variant], loads: &mut [Load], time: Duration) -> Result<Round, String> {
    let mut round = Round::new(variants.len());
    let slices = time.as_millis().div_ceil(SLICE.as_millis()).max(1);
    for slice in 0..slices {
        for at in 0..variants.len() {
            let at = if slice % 2 == 0 { at } else { variants.len() - 1 - at };
            let (Some(load), Some(variant)) = (loads.get_mut(at), variants.get(at)) else { continue };
            let before = cpu::seconds(envoy)?;
            let requests = load.run(SLICE).map_err(|e| format!("{}: {e}", variant.name))?;
            round.add(at, requests, cpu::seconds(envoy)? - before);
        }
    }
    Ok(round)
}

/// User-space instructions of the Envoy for each request, where they can be counted.
fn count_instructions(envoy: &Envoy, variants: &[Variant], loads: &mut [Load]) -> Result<Vec<Option<f64>>, String> {
    let mut all = Vec::new();
    for (variant, load) in variants.iter().zip(loads) {
        let (requests, counted) = perf::instructions_of(envoy.pid(), || load.run(2 * SLICE));
        let requests = requests.map_err(|e| format!("{}: {e}", variant.name))?;
        #[allow(clippy::cast_precision_loss, reason = "a slice has far fewer than 2^53 of either")]
        all.push(counted.filter(|_| requests > 0).map(|counted| counted as f64 / requests as f64));
    }
    Ok(all)
}
