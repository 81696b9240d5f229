//! Every call into Envoy, each a `Result` or a value that cannot be missing.
//!
//! The SDK's trait methods unwrap what the host returns. A routed connection costs three of these calls: the name, the
//! cluster, a counter.

use std::time::UNIX_EPOCH;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::RootContext;
use proxy_wasm::types::{BufferType, LogLevel, MetricType, Status};

/// Envoy did not do what it was asked to.
#[derive(Debug)]
pub(crate) struct HostError;

impl From<Status> for HostError {
    fn from(_: Status) -> Self {
        Self
    }
}

pub(crate) fn start(new_root: fn(u32) -> Box<dyn RootContext>) {
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(new_root);
}

/// The wall clock, in milliseconds since 1970; 0 when there is none. It paces log lines and decides nothing.
pub(crate) fn wall_ms() -> u64 {
    hostcalls::get_current_time()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

/// The plugin's configuration. Only while it is being configured.
pub(crate) fn plugin_configuration(size: usize) -> Vec<u8> {
    hostcalls::get_buffer(BufferType::PluginConfiguration, 0, size).ok().flatten().unwrap_or_default()
}

/// The name of this plugin in Envoy's configuration.
pub(crate) fn plugin_name() -> String {
    let name = hostcalls::get_property(vec!["plugin_name"]).ok().flatten().unwrap_or_default();
    String::from_utf8_lossy(&name).into_owned()
}

/// The name that the client asked for, as tls_inspector found it; empty when it asked for none.
pub(crate) fn requested_server_name() -> Result<Vec<u8>, HostError> {
    Ok(hostcalls::get_property(vec!["connection", "requested_server_name"])?.unwrap_or_default())
}

/// Sets a filter state that Envoy's own filters read. `arguments` are a `SetEnvoyFilterStateArguments`, serialised.
pub(crate) fn set_envoy_filter_state(arguments: &[u8]) -> Result<(), HostError> {
    hostcalls::call_foreign_function("set_envoy_filter_state", Some(arguments))?;
    Ok(())
}

/// Closes the connection when the present callback returns.
pub(crate) fn close() -> Result<(), HostError> {
    Ok(hostcalls::close_downstream()?)
}

/// Shows a value to the access log, as `%FILTER_STATE(wasm.name:PLAIN)%`.
pub(crate) fn show(name: &str, value: &str) {
    // A connection that is closed is closed also when the access log does not say why.
    let _ = hostcalls::set_property(vec![name], Some(value.as_bytes()));
}

pub(crate) fn counter(name: &str) -> Option<u32> {
    hostcalls::define_metric(MetricType::Counter, name).ok()
}

pub(crate) fn gauge(name: &str) -> Option<u32> {
    hostcalls::define_metric(MetricType::Gauge, name).ok()
}

pub(crate) fn increment(metric: Option<u32>) {
    // A metric that Envoy does not take is no reason to close a connection.
    let _ = metric.map(|metric| hostcalls::increment_metric(metric, 1));
}

pub(crate) fn record(metric: Option<u32>, value: u64) {
    let _ = metric.map(|metric| hostcalls::record_metric(metric, value));
}
