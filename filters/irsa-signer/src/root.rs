//! The root context: configures, ticks, and makes the calls for the token and to STS.

use std::rc::Rc;

use irsa_core::Ingress;
use irsa_core::config::{Host, Plugin};
use irsa_core::session::{Answer, Event, NoAnswer, RootStep};
use irsa_core::shared_key;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::health::Probe;
use crate::host::{self, HostError};
use crate::stream::{Stream, carry_out_later};
use crate::worker::Worker;

/// STS's answers and tokens are far smaller; what is longer is refused by the core anyhow.
const MOST_ANSWER_BYTES: usize = 128 * 1024;
/// How often to try again when another worker changed the shared value between reading and writing it.
const MOST_SETTLE_ROUNDS: usize = 8;

#[derive(Default)]
pub(crate) struct Root {
    id: u32,
    role: Role,
    call: Option<Call>,
}

#[derive(Default)]
enum Role {
    #[default]
    Unconfigured,
    Signer(Rc<Worker>),
    Health(Rc<str>),
}

/// A call whose answer is still to come.
struct Call {
    token: u32,
    to: Callee,
}

enum Callee {
    TokenListener,
    Sts,
}

impl Root {
    pub(crate) fn new(id: u32) -> Self {
        Self { id, ..Self::default() }
    }

    fn configure_signer(&mut self, config: irsa_core::config::Config) {
        let name = String::from_utf8_lossy(&host::property(&["plugin_name"])).into_owned();
        for warning in config.warnings() {
            log::warn!("{name}: {warning}");
        }
        let node = host::property(&["node", "id"]);
        let key = shared_key::of_plugin(&name);
        let worker = Worker::new(name, Ingress::new(config, &node));
        if let Err(HostError) = host::overwrite_shared(&key, worker.shared_key().as_bytes()) {
            log::error!("{}: shared data could not be written: the readiness probe will say no", worker.name);
        }
        worker.schedule();
        self.role = Role::Signer(Rc::new(worker));
    }

    /// Carries out what the core wants, and whatever follows from it at once.
    fn drive(&mut self, worker: &Worker, mut step: RootStep) {
        loop {
            step = match step {
                RootStep::Rest => return,
                RootStep::Claim(write) => {
                    let written = host::write_shared(worker.shared_key(), &write);
                    worker.ingress.borrow_mut().keeper().on_claim(worker.now(), written)
                }
                RootStep::ReadToken(call) => {
                    let sent = {
                        let ingress = worker.ingress.borrow();
                        let token = &ingress.config().token;
                        let headers = vec![(":method", "GET"), (":path", &*token.path), (":authority", "token")];
                        host::call(&token.cluster, headers, None, call.timeout_ms)
                    };
                    match self.expect(sent, Callee::TokenListener) {
                        Ok(()) => return,
                        Err(no) => worker.ingress.borrow_mut().keeper().on_token(worker.now(), Err(no)),
                    }
                }
                RootStep::CallSts(call) => {
                    let sent = {
                        let ingress = worker.ingress.borrow();
                        let sts = &ingress.config().sts;
                        let mut headers =
                            vec![(":method", "POST"), (":path", "/"), (":authority", sts.hostname.as_str())];
                        headers.extend(sts::HEADERS);
                        host::call(&sts.cluster, headers, Some(call.body.expose()), call.timeout_ms)
                    };
                    match self.expect(sent, Callee::Sts) {
                        Ok(()) => return,
                        Err(no) => worker.ingress.borrow_mut().keeper().on_sts(worker.now(), Err(no)),
                    }
                }
                RootStep::Settle => {
                    settle(worker);
                    return;
                }
            }
        }
    }

    fn expect(&mut self, sent: Result<u32, NoAnswer>, to: Callee) -> Result<(), NoAnswer> {
        self.call = Some(Call { token: sent?, to });
        Ok(())
    }
}

impl Context for Root {
    fn on_http_call_response(&mut self, token: u32, headers: usize, body_size: usize, _: usize) {
        let Role::Signer(worker) = &self.role else { return };
        let worker = Rc::clone(worker);
        let Some(Call { to, .. }) = self.call.take_if(|call| call.token == token) else { return };
        let date;
        let body;
        let status = (headers > 0).then(|| host::answer_header(":status")).flatten();
        let answer = match status.and_then(|status| core::str::from_utf8(&status).ok()?.parse().ok()) {
            Some(status) => {
                date = host::answer_header("date");
                body = host::answer_body(body_size.min(MOST_ANSWER_BYTES));
                Ok(Answer { status, date: date.as_deref(), body: &body })
            }
            None => Err(NoAnswer::Unreachable),
        };
        let now = worker.now();
        let step = match to {
            Callee::TokenListener => worker.ingress.borrow_mut().keeper().on_token(now, answer),
            Callee::Sts => worker.ingress.borrow_mut().keeper().on_sts(now, answer),
        };
        self.drive(&worker, step);
        report(&worker);
        worker.schedule();
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        let vm_id = host::property(&["plugin_vm_id"]);
        let configuration = host::plugin_configuration(size);
        match Plugin::parse(&configuration, Host { vm_id: &String::from_utf8_lossy(&vm_id) }) {
            Ok(Plugin::Signer(config)) => self.configure_signer(*config),
            Ok(Plugin::Health { of }) => self.role = Role::Health(of.into()),
            Err(mistakes) => {
                log::error!("{}: {mistakes}", String::from_utf8_lossy(&host::property(&["plugin_name"])));
                return false;
            }
        }
        true
    }

    fn on_tick(&mut self) {
        let Role::Signer(worker) = &self.role else { return };
        let worker = Rc::clone(worker);
        worker.advance();
        let now = worker.now();
        let step = worker.with_shared(|ingress, shared| ingress.on_tick(now, shared));
        self.drive(&worker, step);
        report(&worker);
        worker.release_some(self.id, carry_out_later);
        worker.schedule();
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        Some(match &self.role {
            Role::Signer(worker) => Box::new(Stream::new(id, Rc::clone(worker))),
            Role::Health(of) => Box::new(Probe { of: Rc::clone(of) }),
            // Envoy does not start with a plugin that refused its configuration; should it all the same: fail closed.
            Role::Unconfigured => Box::new(Probe { of: "".into() }),
        })
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// Publishes the outcome of an attempt.
fn settle(worker: &Worker) {
    for _ in 0..MOST_SETTLE_ROUNDS {
        let now = worker.now();
        let Some(write) = worker.with_shared(|ingress, shared| ingress.keeper().settle(now, shared)) else { return };
        let written = host::write_shared(worker.shared_key(), &write);
        worker.ingress.borrow_mut().keeper().on_settled(now, written);
        if written {
            return;
        }
    }
    // The core keeps the outcome, and wants to settle it again at the next tick.
}

/// Tells logs and metrics what happened.
fn report(worker: &Worker) {
    let now = worker.now();
    let events = worker.ingress.borrow_mut().keeper().take_events();
    for event in events {
        worker.metrics.on_event(&event, now.wall_ms / 1000);
        let ingress = worker.ingress.borrow();
        let name = &worker.name;
        let (role, session) = (ingress.config().role_arn.as_str(), &ingress.config().session.name);
        match event {
            Event::TokenRead => {}
            Event::Issued { expires_ms, .. } => {
                let seconds = (expires_ms / 1000).saturating_sub(now.wall_ms / 1000);
                log::info!("{name}: credentials of {role} as {session} for {seconds} s");
            }
            Event::Failed { code, message, retry_in_ms, .. } if ingress.has_credentials(now) => {
                log::warn!(
                    "{name}: credentials of {role} as {session} could not be refreshed ({code}: {message}); \
                     the present ones stay in use, next attempt in {retry_in_ms} ms"
                );
            }
            Event::Failed { outage, code, message, retry_in_ms } => {
                let reason = irsa_core::Reason::from(Some(outage));
                log::error!(
                    "{name}: no credentials of {role} as {session} ({code}: {message}); \
                     requests are refused with {reason}, next attempt in {retry_in_ms} ms"
                );
            }
            Event::ClockBeyondCorrection => {
                log::error!("{name}: the clocks of this machine and of STS differ by more than a day; set the clock");
            }
        }
    }
}
