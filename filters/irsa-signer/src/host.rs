//! Every call into Envoy, each a `Result` or a value that cannot be missing.
//!
//! The SDK's trait methods unwrap what the host returns, and `proxy_wasm::hostcalls` panics on text that is not UTF-8
//! and on statuses that it does not list. So: bytes variants only, and headers are read only in their own callback.

use std::time::{Duration, UNIX_EPOCH};

use irsa_core::Edit;
use irsa_core::session::{Expect, NoAnswer, Write};
use proxy_wasm::hostcalls;
use proxy_wasm::traits::RootContext;
use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType, Status};
use zeroize::Zeroizing;

/// The headers of a request, in order of appearance.
pub(crate) type Headers = Vec<(String, Vec<u8>)>;

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

/// The wall clock, in milliseconds since 1970. When there is none, the end of time: every credential is past its life
/// then, and nothing is signed.
pub(crate) fn wall_ms() -> u64 {
    hostcalls::get_current_time()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .unwrap_or(u64::MAX)
}

pub(crate) fn set_tick_period(period_ms: u64) -> Result<(), HostError> {
    Ok(hostcalls::set_tick_period(Duration::from_millis(period_ms))?)
}

/// The plugin's configuration. Only while it is being configured.
pub(crate) fn plugin_configuration(size: usize) -> Vec<u8> {
    hostcalls::get_buffer(BufferType::PluginConfiguration, 0, size).ok().flatten().unwrap_or_default()
}

/// A property as bytes; empty when Envoy does not know it.
pub(crate) fn property(path: &[&str]) -> Vec<u8> {
    hostcalls::get_property(path.to_vec()).ok().flatten().unwrap_or_default()
}

/// Shows a value to the access log, as `%FILTER_STATE(wasm.name:PLAIN)%`.
pub(crate) fn show(name: &str, value: &[u8]) {
    // The access log is no reason to refuse a request.
    let _ = hostcalls::set_property(vec![name], Some(value));
}

/// Only inside the callback for request headers: later the host may have none, and the SDK panics.
pub(crate) fn request_headers() -> Result<Headers, HostError> {
    Ok(hostcalls::get_map_bytes(MapType::HttpRequestHeaders)?)
}

/// Makes one change to the headers of the request of the effective context.
pub(crate) fn edit_request_header(edit: Edit<'_>) -> Result<(), HostError> {
    Ok(match edit {
        Edit::Remove(name) => hostcalls::remove_map_value(MapType::HttpRequestHeaders, name),
        Edit::Replace(name, value) => hostcalls::set_map_value_bytes(MapType::HttpRequestHeaders, name, Some(value)),
        Edit::Append(name, value) => hostcalls::add_map_value_bytes(MapType::HttpRequestHeaders, name, value),
    }?)
}

/// A part of the request's body, as far as it is buffered.
pub(crate) fn request_body(start: usize, size: usize) -> Result<Vec<u8>, HostError> {
    Ok(hostcalls::get_buffer(BufferType::HttpRequestBody, start, size)?.unwrap_or_default())
}

pub(crate) fn respond(status: u16, headers: Vec<(&str, &str)>, body: &[u8]) -> Result<(), HostError> {
    Ok(hostcalls::send_http_response(u32::from(status), headers, Some(body))?)
}

pub(crate) fn resume_request() -> Result<(), HostError> {
    Ok(hostcalls::resume_http_request()?)
}

/// Makes calls act on this context until the next call of this function. Fails when the context is gone.
pub(crate) fn act_for(context_id: u32) -> Result<(), HostError> {
    Ok(hostcalls::set_effective_context(context_id)?)
}

/// Sends a request of the filter's own; the answer comes to the root context with this token.
pub(crate) fn call(
    cluster: &str,
    headers: Vec<(&str, &str)>,
    body: Option<&[u8]>,
    timeout_ms: u64,
) -> Result<u32, NoAnswer> {
    hostcalls::dispatch_http_call(cluster, headers, body, Vec::new(), Duration::from_millis(timeout_ms)).map_err(
        |status| match status {
            Status::BadArgument => NoAnswer::UnknownCluster,
            _ => NoAnswer::Unreachable,
        },
    )
}

/// A header of the answer to [`call`]. Only inside its callback, and only if there was an answer: without one the SDK
/// panics.
pub(crate) fn answer_header(name: &str) -> Option<Vec<u8>> {
    hostcalls::get_map_value_bytes(MapType::HttpCallResponseHeaders, name).ok().flatten()
}

/// The body of the answer to [`call`], which is the token or holds credentials. Only inside its callback.
pub(crate) fn answer_body(size: usize) -> Zeroizing<Vec<u8>> {
    if size == 0 {
        return Zeroizing::default();
    }
    Zeroizing::new(hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, size).ok().flatten().unwrap_or_default())
}

/// A value of shared data, which may hold credentials, and its counter.
pub(crate) fn shared(key: &str) -> (Option<Zeroizing<Vec<u8>>>, Option<u32>) {
    let (value, counter) = hostcalls::get_shared_data(key).unwrap_or_default();
    (value.map(Zeroizing::new), counter)
}

/// Writes shared data on its condition. Whether it was written.
pub(crate) fn write_shared(key: &str, write: &Write) -> bool {
    // Without a counter Envoy overwrites whatever is there. With one that no value has, it creates an absent value
    // and refuses an existing one.
    let counter = match write.expect {
        Expect::Absent => u32::MAX,
        Expect::Version(version) => version,
    };
    hostcalls::set_shared_data(key, Some(&write.value), Some(counter)).is_ok()
}

/// Writes shared data that every worker writes alike.
pub(crate) fn overwrite_shared(key: &str, value: &[u8]) -> Result<(), HostError> {
    Ok(hostcalls::set_shared_data(key, Some(value), None)?)
}

pub(crate) fn counter(name: &str) -> Option<u32> {
    hostcalls::define_metric(MetricType::Counter, name).ok()
}

pub(crate) fn gauge(name: &str) -> Option<u32> {
    hostcalls::define_metric(MetricType::Gauge, name).ok()
}

pub(crate) fn increment(metric: Option<u32>) {
    // A metric that Envoy does not take is no reason to refuse a request.
    let _ = metric.map(|metric| hostcalls::increment_metric(metric, 1));
}

pub(crate) fn record(metric: Option<u32>, value: u64) {
    let _ = metric.map(|metric| hostcalls::record_metric(metric, value));
}
