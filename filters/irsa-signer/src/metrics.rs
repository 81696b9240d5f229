//! Counters and gauges of one backend. Envoy's wasm metrics have no labels, so the name carries the backend:
//! `meshbridge_irsa.<backend with _ for .>.<metric>`; the shipped bootstrap has `stats_tags` that take it out again.

use irsa_core::Reason;
use irsa_core::session::{Event, Outage};

use crate::host;

pub(crate) struct Metrics {
    signed: Option<u32>,
    held: Option<u32>,
    waited: Option<u32>,
    refused: Vec<(Reason, Option<u32>)>,
    issued: Option<u32>,
    failed_no_token: Option<u32>,
    failed_denied: Option<u32>,
    failed_unavailable: Option<u32>,
    expires_at: Option<u32>,
    last_success_at: Option<u32>,
    token_read_at: Option<u32>,
    aws_clock_ahead: Option<u32>,
    aws_clock_behind: Option<u32>,
}

impl Metrics {
    pub(crate) fn define(backend: &str) -> Self {
        let prefix = format!("meshbridge_irsa.{}", backend.replace('.', "_"));
        let counter = |name: &str| host::counter(&format!("{prefix}.{name}"));
        let gauge = |name: &str| host::gauge(&format!("{prefix}.{name}"));
        Self {
            signed: counter("signed"),
            held: counter("held"),
            waited: counter("waited"),
            refused: Reason::ALL.iter().map(|&reason| (reason, counter(&format!("refused.{reason}")))).collect(),
            issued: counter("exchange.issued"),
            failed_no_token: counter("exchange.failed.no-token"),
            failed_denied: counter("exchange.failed.sts-denied"),
            failed_unavailable: counter("exchange.failed.sts-unavailable"),
            expires_at: gauge("expires_at"),
            last_success_at: gauge("last_success_at"),
            token_read_at: gauge("token_read_at"),
            aws_clock_ahead: gauge("aws_clock_ahead_seconds"),
            aws_clock_behind: gauge("aws_clock_behind_seconds"),
        }
    }

    pub(crate) fn signed(&self) {
        host::increment(self.signed);
    }

    /// Held for whatever reason: a body that is being hashed, or credentials.
    pub(crate) fn held(&self) {
        host::increment(self.held);
    }

    /// Held because there are no credentials.
    pub(crate) fn waited(&self) {
        host::increment(self.waited);
    }

    pub(crate) fn refused(&self, reason: Reason) {
        let metric = self.refused.iter().find(|(known, _)| *known == reason);
        host::increment(metric.and_then(|(_, metric)| *metric));
    }

    /// Gauges are Unix times in seconds, not countdowns, which would freeze with a dead VM.
    pub(crate) fn on_event(&self, event: &Event, wall_s: u64) {
        match event {
            Event::TokenRead => host::record(self.token_read_at, wall_s),
            Event::Issued { expires_ms, clock_offset_s } => {
                host::increment(self.issued);
                host::record(self.expires_at, expires_ms / 1000);
                host::record(self.last_success_at, wall_s);
                host::record(self.aws_clock_ahead, u64::try_from(*clock_offset_s).unwrap_or(0));
                host::record(self.aws_clock_behind, u64::try_from(clock_offset_s.saturating_neg()).unwrap_or(0));
            }
            Event::Failed { outage, .. } => host::increment(match outage {
                Outage::NoToken => self.failed_no_token,
                Outage::StsDenied => self.failed_denied,
                Outage::StsUnavailable => self.failed_unavailable,
            }),
            Event::ClockBeyondCorrection => {}
        }
    }
}
