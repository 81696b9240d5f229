//! A table in use in one worker, with its counters, its log lines, and what it says to Envoy.

use std::cell::RefCell;

use sni_core::{LogBudget, Refusal, Router, filter_state};

use crate::host::{self, HostError};

/// The filter state by which tcp_proxy picks its cluster; an object of Envoy's own.
const CLUSTER: &str = "envoy.tcp_proxy.cluster";

pub(crate) struct Worker {
    pub(crate) router: Router,
    metrics: Metrics,
    lines: RefCell<LogBudget>,
    /// Kept, so that a connection costs no allocation for what it says to Envoy.
    arguments: RefCell<Vec<u8>>,
}

impl Worker {
    pub(crate) fn new(plugin: &str, router: Router) -> Self {
        let metrics = Metrics::define(plugin);
        let names = router.table().len();
        host::record(metrics.names, names as u64);
        if names == 0 {
            log::warn!("the table is empty: every connection is closed");
        }
        let lines = RefCell::new(LogBudget::new(host::wall_ms()));
        Self { router, metrics, lines, arguments: RefCell::default() }
    }

    /// Tells tcp_proxy the cluster, and counts the connection.
    pub(crate) fn send_to(&self, cluster: &str) -> Result<(), HostError> {
        let mut arguments = self.arguments.borrow_mut();
        filter_state::write_arguments(&mut arguments, CLUSTER, cluster);
        host::set_envoy_filter_state(&arguments)?;
        host::increment(self.metrics.routed);
        Ok(())
    }

    /// Tells operators that a connection is closed.
    pub(crate) fn tell(&self, refusal: Refusal, name: &[u8]) {
        let metric = self.metrics.refused.iter().find(|(of, _)| *of == refusal);
        host::increment(metric.and_then(|(_, metric)| *metric));
        host::show("meshbridge.reason", refusal.as_str());
        let left_out = self.lines.borrow_mut().take(host::wall_ms());
        if let Some(left_out) = left_out {
            log::warn!("{}", refusal.line(name, left_out));
        }
    }
}

/// Envoy's wasm metrics have no labels, so the name carries the plugin: `meshbridge_sni.<plugin with _ for .>.<metric>`;
/// the shipped bootstrap has `stats_tags` that take it out again.
struct Metrics {
    routed: Option<u32>,
    refused: [(Refusal, Option<u32>); Refusal::ALL.len()],
    names: Option<u32>,
}

impl Metrics {
    fn define(plugin: &str) -> Self {
        let prefix = format!("meshbridge_sni.{}", plugin.replace('.', "_"));
        Self {
            routed: host::counter(&format!("{prefix}.routed")),
            refused: Refusal::ALL.map(|refusal| (refusal, host::counter(&format!("{prefix}.refused.{refusal}")))),
            names: host::gauge(&format!("{prefix}.names")),
        }
    }
}
