//! One VM of the model host: an [`Ingress`], its timer, and the requests that Envoy holds for it.

use std::collections::BTreeMap;

use irsa_core::config::{Config, Host, Plugin};
use irsa_core::session::{Now, Write};
use irsa_core::{Exchange, Ingress};

use crate::plan::Plan;

/// Headers as Envoy hands them over.
pub(crate) type Headers = Vec<(&'static str, &'static [u8])>;

pub(crate) const CALLER: &str = "spiffe://example.org/ns/shop/sa/web";

#[derive(Debug)]
pub(crate) struct Worker {
    /// Counts the VMs of this worker: what was begun for an earlier one is never delivered.
    pub(crate) vm: u32,
    pub(crate) is_main: bool,
    pub(crate) ingress: Ingress,
    pub(crate) steady_ms: u64,
    pub(crate) period_ms: u64,
    /// Counts the starts of the timer: an earlier one no longer fires.
    pub(crate) armed: u32,
    /// A write that is under way; the thread does nothing else meanwhile.
    pub(crate) writing: Option<Writing>,
    /// Until then its thread is stopped.
    pub(crate) stalled_until_ms: u64,
    pub(crate) requests: BTreeMap<u32, Request>,
}

#[derive(Debug)]
pub(crate) enum Writing {
    Claim(Write),
    Settle(Write),
}

/// A request between its headers and its end.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) exchange: Exchange,
    pub(crate) headers: Headers,
    /// Since when, by the steady clock, it waits for credentials.
    pub(crate) waits_since_ms: Option<u64>,
    pub(crate) is_decided: bool,
}

impl Worker {
    pub(crate) fn start(plan: &Plan, vm: u32, is_main: bool) -> Self {
        let ingress = Ingress::new(config(plan), b"pod-1");
        Self {
            vm,
            is_main,
            ingress,
            steady_ms: 0,
            period_ms: 0,
            armed: 0,
            writing: None,
            stalled_until_ms: 0,
            requests: BTreeMap::new(),
        }
    }

    pub(crate) fn now(&self, wall_ms: u64) -> Now {
        Now { wall_ms, steady_ms: self.steady_ms }
    }
}

fn config(plan: &Plan) -> Config {
    let (service, host) = if plan.s3 {
        ("s3", "my-bucket.s3.us-west-2.amazonaws.com")
    } else {
        ("execute-api", "abc.execute-api.us-west-2.amazonaws.com")
    };
    let text = format!(
        r#"{{"service_name": "{service}", "region": "us-west-2", "backend_hostname": "{host}",
        "role_arn": "arn:aws:iam::123456789012:role/mybucket-proxy",
        "sts": {{"timeout_seconds": {}}}, "max_waiting": {}, "callers": ["{CALLER}"]}}"#,
        plan.sts_timeout_s, plan.max_waiting
    );
    match Plugin::parse(text.as_bytes(), Host { vm_id: "irsa-signer" }) {
        Ok(Plugin::Signer(config)) => *config,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn headers(with_body: bool) -> Headers {
    let method: &[u8] = if with_body { b"PUT" } else { b"GET" };
    vec![
        (":method", method),
        (":path", b"/a key?x=1"),
        (":authority", b"ingress.local"),
        (":scheme", b"https"),
        ("x-forwarded-client-cert", b"Hash=1;URI=spiffe://example.org/ns/shop/sa/web"),
        ("content-type", b"text/plain"),
        ("authorization", b"AWS4-HMAC-SHA256 of the caller's own"),
    ]
}
