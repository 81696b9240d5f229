//! What egress costs: sni-router beside Envoy's own `sni_cluster` and nginx, mtls-proxy beside a call without it.
//!
//! The machine is not ours alone: what is compared runs side by side, in short slices that go through all variants forwards
//! and backwards, and every ratio and every difference is taken within one round.

mod bar;
mod memory;
mod options;
mod proxy;
mod router;

use std::fmt;

use serde_json::{Value, json};

pub use self::bar::{Bar, Limit};
pub use self::options::{HELP, Half, Options};
pub use self::proxy::{Added, BINARY, ProxyReport, Weight};
pub use self::router::{RouterReport, RouterRow};

/// Everything that was measured.
#[derive(Clone, Debug)]
pub struct Report {
    cores: usize,
    load: String,
    /// sni-router.
    pub router: Option<RouterReport>,
    /// mtls-proxy.
    pub proxy: Option<ProxyReport>,
}

/// Measures, and tells on standard error how far it is.
///
/// # Errors
/// A text for the user: what is missing, or what did not work as it should before it was measured.
pub fn run(options: &Options) -> Result<Report, String> {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default().chars().take(14).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let router = if options.measures(Half::Router) { Some(router::measure(options)?) } else { None };
    let proxy = if options.measures(Half::Proxy) { Some(proxy::measure(options)?) } else { None };
    Ok(Report { cores, load, router, proxy })
}

impl Report {
    /// All bars of what was measured.
    pub fn bars(&self) -> impl Iterator<Item = &Bar> {
        let router = self.router.iter().flat_map(|router| &router.bars);
        router.chain(self.proxy.iter().flat_map(|proxy| &proxy.bars))
    }

    /// For machines: times in microseconds, memory in bytes.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "environment": { "cores": self.cores, "load": self.load.trim() },
            "router": self.router.as_ref().map(RouterReport::json),
            "proxy": self.proxy.as_ref().map(ProxyReport::json),
            "bars": self.bars().map(Bar::json).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} cores, load average {}", self.cores, self.load.trim())?;
        if let Some(router) = &self.router {
            writeln!(f, "\n{router}")?;
        }
        if let Some(proxy) = &self.proxy {
            writeln!(f, "\n{proxy}")?;
        }
        for bar in self.bars() {
            writeln!(f, "{bar}")?;
        }
        Ok(())
    }
}
