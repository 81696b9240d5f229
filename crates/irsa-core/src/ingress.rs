//! One worker of one ingress: its requests, its credentials, and what it does at each event.

use alloc::vec::Vec;

use sigv4::{Scope, Signer, Timestamp};

use crate::config::Config;
use crate::refusal::Reason;
use crate::request::{Arrival, Exchange, Gate, Progress, Step, sign};
use crate::session::{Keeper, Now, Prospect, RootStep, Shared, Terms};
use crate::waiting::Waiting;

/// While something waits, or credentials may arrive any moment.
const FAST_TICK_MS: u64 = 20;
/// Otherwise: often enough to see what other workers shared, and to be on time for a refresh.
const SLOW_TICK_MS: u64 = 1_000;

/// The signing plugin in one worker. The host gives the time with each event, and carries out what comes back.
#[derive(Debug)]
pub struct Ingress {
    gate: Gate,
    keeper: Keeper,
    signer: Signer,
    waiting: Waiting,
}

impl Ingress {
    /// `node` tells this Envoy from others: its `node.id`.
    #[must_use]
    pub fn new(config: Config, node: &[u8]) -> Self {
        let scope = Scope { region: config.region.as_str().into(), service: config.service.as_str().into() };
        Self {
            keeper: Keeper::new(Terms::new(&config, node)),
            signer: Signer::new(scope),
            waiting: Waiting::new(config.max_waiting),
            gate: Gate::new(config),
        }
    }

    /// What it was configured with.
    #[must_use]
    pub fn config(&self) -> &Config {
        self.gate.config()
    }

    /// The credentials' state machine, for the root context.
    pub fn keeper(&mut self) -> &mut Keeper {
        &mut self.keeper
    }

    /// Whether a request could be signed now.
    #[must_use]
    pub fn has_credentials(&self, now: Now) -> bool {
        self.keeper.current(now).is_some()
    }

    /// Whether this request waits for credentials.
    #[must_use]
    pub fn is_waiting(&self, id: u32) -> bool {
        self.waiting.contains(id)
    }

    /// How many requests wait for credentials.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// A request's headers are complete. `id` is the host's name for the request.
    ///
    /// Should [`Ingress::has_credentials`] be false, let [`Keeper::observe`] see the shared value first.
    pub fn on_headers<N: AsRef<str>, V: AsRef<[u8]>>(
        &mut self,
        now: Now,
        id: u32,
        arrival: &Arrival<'_, N, V>,
    ) -> (Exchange, Step) {
        let (mut exchange, progress) = Exchange::begin(&self.gate, arrival);
        let step = match progress {
            // Without any prospect of credentials its body need not be held first.
            Progress::NeedsBody if !self.has_credentials(now) => match self.prospect(now) {
                Prospect::Wait => Step::Hold,
                Prospect::None(outage) => {
                    exchange.close();
                    Step::Reject(Reason::from(outage).into())
                }
            },
            progress => self.advance(now, id, &mut exchange, arrival.headers, progress),
        };
        (exchange, step)
    }

    /// A piece of a request's body. `headers` are those that it arrived with.
    pub fn on_body<N: AsRef<str>, V: AsRef<[u8]>>(
        &mut self,
        now: Now,
        id: u32,
        exchange: &mut Exchange,
        headers: &[(N, V)],
        piece: &[u8],
    ) -> Step {
        match exchange.on_body(piece) {
            // It waits for credentials already.
            Progress::Ready => Step::Hold,
            progress => self.advance(now, id, exchange, headers, progress),
        }
    }

    /// A request's body is complete, with or without trailers. The same as with headers: without credentials, let
    /// [`Keeper::observe`] see the shared value first.
    pub fn on_end<N: AsRef<str>, V: AsRef<[u8]>>(
        &mut self,
        now: Now,
        id: u32,
        exchange: &mut Exchange,
        headers: &[(N, V)],
    ) -> Step {
        let progress = exchange.on_end();
        self.advance(now, id, exchange, headers, progress)
    }

    /// The root context's tick: those requests whose wait is over, as many as one tick may release. Each of them is to
    /// be handed to [`Ingress::release`].
    pub fn released(&mut self, now: Now) -> Vec<u32> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let (keeper, has_credentials) = (&self.keeper, self.keeper.current(now).is_some());
        self.waiting.take(|deadline_ms| has_credentials || keeper.prospect(now, deadline_ms) != Prospect::Wait)
    }

    /// Signs a request whose wait is over, or refuses it.
    pub fn release<N: AsRef<str>, V: AsRef<[u8]>>(
        &mut self,
        now: Now,
        exchange: &mut Exchange,
        headers: &[(N, V)],
    ) -> Step {
        if !exchange.is_open() {
            return if exchange.is_signed() { Step::Pass } else { Step::Hold };
        }
        match self.try_sign(now, exchange, headers) {
            Some(step) => step,
            None => {
                exchange.close();
                let reason = match self.keeper.prospect(now, now.steady_ms) {
                    Prospect::None(outage) => outage.into(),
                    Prospect::Wait => Reason::NoCredentials,
                };
                Step::Reject(reason.into())
            }
        }
    }

    /// The request is gone, whatever became of it.
    pub fn leave(&mut self, id: u32) {
        self.waiting.leave(id);
    }

    /// How long until the next tick, in milliseconds.
    #[must_use]
    pub fn tick_ms(&self) -> u64 {
        if !self.waiting.is_empty() || self.keeper.is_busy() || self.keeper.is_untried() {
            FAST_TICK_MS
        } else {
            SLOW_TICK_MS
        }
    }

    /// A tick of the root context, with the shared value as it is now.
    pub fn on_tick(&mut self, now: Now, shared: Shared<'_>) -> RootStep {
        self.keeper.on_tick(now, shared)
    }

    fn advance<N: AsRef<str>, V: AsRef<[u8]>>(
        &mut self,
        now: Now,
        id: u32,
        exchange: &mut Exchange,
        headers: &[(N, V)],
        progress: Progress,
    ) -> Step {
        match progress {
            Progress::NeedsBody => Step::Hold,
            Progress::Signed => Step::Pass,
            Progress::Closed => Step::Hold,
            Progress::Refused(refusal) => {
                exchange.close();
                Step::Reject(refusal)
            }
            Progress::Ready => match self.try_sign(now, exchange, headers) {
                Some(step) => step,
                None => self.wait(now, id, exchange),
            },
        }
    }

    /// `None` when there are no valid credentials.
    fn try_sign<N: AsRef<str>, V: AsRef<[u8]>>(
        &mut self,
        now: Now,
        exchange: &mut Exchange,
        headers: &[(N, V)],
    ) -> Option<Step> {
        let live = self.keeper.current(now)?;
        let at = Timestamp::from_unix_seconds(self.keeper.aws_ms(now) / 1000);
        let changes = at.and_then(|at| sign(exchange, headers, self.gate.config(), &mut self.signer, live, at));
        Some(changes.map_or_else(
            || {
                exchange.close();
                Step::Reject(Reason::HostError.into())
            },
            Step::Forward,
        ))
    }

    fn wait(&mut self, now: Now, id: u32, exchange: &mut Exchange) -> Step {
        if self.waiting.contains(id) {
            // Its body ended while it waits: that changes neither its place nor its deadline.
            return Step::Hold;
        }
        let reason = match self.prospect(now) {
            Prospect::Wait if self.waiting.enter(id, self.deadline_ms(now)) => return Step::Hold,
            Prospect::Wait => Reason::TooManyWaiting,
            Prospect::None(outage) => outage.into(),
        };
        exchange.close();
        Step::Reject(reason.into())
    }

    fn prospect(&self, now: Now) -> Prospect {
        self.keeper.prospect(now, self.deadline_ms(now))
    }

    fn deadline_ms(&self, now: Now) -> u64 {
        now.steady_ms.saturating_add(self.keeper.longest_wait_ms())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Host, Plugin};
    use crate::request::{Body, Placement};

    fn ingress() -> Ingress {
        let text = br#"{ "service_name": "execute-api", "region": "us-west-2", "max_body_bytes": 3,
            "unauthenticated_callers": "allow", "backend_hostname": "a.execute-api.us-west-2.amazonaws.com",
            "role_arn": "arn:aws:iam::123456789012:role/r" }"#;
        match Plugin::parse(text, Host { vm_id: "v" }) {
            Ok(Plugin::Signer(config)) => Ingress::new(*config, b"node"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nothing_of_a_refused_request_ever_passes() {
        let mut ingress = ingress();
        let now = Now { wall_ms: 1_795_326_681_000, steady_ms: 0 };
        let headers = [(":method", "POST"), (":path", "/x")];
        let arrival = Arrival {
            headers: &headers,
            peer_uri: None,
            body: Body::Follows,
            placement: Placement::Cluster,
            verified_before: None,
        };
        let (mut exchange, step) = ingress.on_headers(now, 1, &arrival);
        assert!(matches!(step, Step::Hold));
        assert!(matches!(ingress.on_body(now, 1, &mut exchange, &headers, b"four"), Step::Reject(_)));
        // The host goes on to show what comes, as if the answer had not reached it.
        assert!(matches!(ingress.on_body(now, 1, &mut exchange, &headers, b"more"), Step::Hold));
        assert!(matches!(ingress.on_end(now, 1, &mut exchange, &headers), Step::Hold));
        assert!(matches!(ingress.release(now, &mut exchange, &headers), Step::Hold));
    }
}
