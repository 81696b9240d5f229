//! What a connection costs that is open and silent.

use std::net::SocketAddr;
use std::path::Path;

use tokio::runtime::Runtime;

use super::super::memory::Memory;
use super::gateways::Gateway;
use super::variant::{Variant, Which};

/// These come first, so that what a process makes once is not counted.
const FIRST: usize = 500;
/// And these are counted.
pub(super) const COUNTED: usize = 2000;

/// Resident memory of a process, in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Idle {
    /// Before the first connection.
    pub(super) bare: u64,
    /// For each of the connections.
    pub(super) each: f64,
}

/// Each variant in a process of its own, for what one has freed the next would use again. Not those with a cluster for each
/// name: a connection is not another one there.
pub(super) fn of_each(
    runtime: &Runtime,
    variants: &[Variant],
    apps: &[SocketAddr],
    hellos: &[Vec<u8>],
    dir: &Path,
) -> Result<Vec<Option<Idle>>, String> {
    let one = |variant: &Variant| {
        if variant.process == Which::LargeEnvoy {
            return Ok(None);
        }
        eprintln!("  router: {COUNTED} idle connections, {}", variant.label);
        let gateway = Gateway::start(&[variant], apps, dir)?;
        let idle = of(runtime, &gateway, variant, hellos);
        idle.map(Some).map_err(|e| format!("{}: {e}", variant.label))
    };
    variants.iter().map(one).collect()
}

#[allow(clippy::cast_precision_loss, reason = "no process has 2^53 bytes")]
fn of(runtime: &Runtime, gateway: &Gateway, variant: &Variant, hellos: &[Vec<u8>]) -> Result<Idle, String> {
    let clients = super::clients(gateway.address(variant)?, variant, hellos);
    let bare = Memory::of(gateway.pid())?.rss;
    let first = runtime.block_on(clients.stay(FIRST)).map_err(|e| e.to_string())?;
    let before = Memory::of(gateway.pid())?.rss;
    let counted = runtime.block_on(clients.stay(COUNTED)).map_err(|e| e.to_string())?;
    let after = Memory::of(gateway.pid())?.rss;
    drop((first, counted));
    Ok(Idle { bare, each: after.saturating_sub(before) as f64 / COUNTED as f64 })
}
