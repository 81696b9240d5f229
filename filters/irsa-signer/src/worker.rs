//! What the root context and the requests of one worker have in common.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use irsa_core::id_map::IdMap;
use irsa_core::session::{Now, Shared};
use irsa_core::{Changes, Exchange, Ingress, Step};

use crate::host::{self, Headers, HostError};
use crate::metrics::Metrics;

/// The filter state of a signed request: `<caller> <session>/<access key ID>`, where the caller may be `-`. For the access
/// log, and for a retry of the same request. One value, because each costs as much as a signature does.
const SIGNED: &str = "meshbridge.signed";

/// One signing plugin in one VM.
pub(crate) struct Worker {
    pub(crate) ingress: RefCell<Ingress>,
    pub(crate) metrics: Metrics,
    /// The plugin's name, for the log.
    pub(crate) name: String,
    /// The session's name, for the access log.
    session: String,
    shared_key: String,
    steady_ms: Cell<u64>,
    tick_ms: Cell<u64>,
    warned_of_bodies: Cell<bool>,
    held: RefCell<IdMap<Rc<RefCell<Held>>>>,
}

/// A request whose headers Envoy holds.
pub(crate) struct Held {
    /// As they arrived.
    pub(crate) headers: Headers,
    pub(crate) exchange: Exchange,
    /// Whether the metric for waiting requests has it.
    pub(crate) counted_as_waiting: bool,
    /// Whether Envoy has shown anything of the body.
    pub(crate) body_seen: bool,
}

/// The caller that an earlier attempt of the request of this context verified, if there was one.
pub(crate) fn verified_before() -> Option<Vec<u8>> {
    let mut signed = host::property(&[SIGNED]);
    let end = signed.iter().position(|&byte| byte == b' ')?;
    signed.truncate(end);
    Some(signed)
}

impl Worker {
    pub(crate) fn new(name: String, mut ingress: Ingress) -> Self {
        let metrics = Metrics::define(ingress.config().backend_hostname.as_str());
        let session = ingress.config().session.name.as_str().to_owned();
        let shared_key = ingress.keeper().shared_key().to_owned();
        Self {
            ingress: RefCell::new(ingress),
            metrics,
            name,
            session,
            shared_key,
            steady_ms: Cell::new(0),
            tick_ms: Cell::new(0),
            warned_of_bodies: Cell::new(false),
            held: RefCell::default(),
        }
    }

    pub(crate) fn shared_key(&self) -> &str {
        &self.shared_key
    }

    pub(crate) fn now(&self) -> Now {
        Now { wall_ms: host::wall_ms(), steady_ms: self.steady_ms.get() }
    }

    /// A tick came: its period has certainly passed.
    pub(crate) fn advance(&self) {
        self.steady_ms.set(self.steady_ms.get().saturating_add(self.tick_ms.get()));
    }

    /// Makes the next tick come when the core wants it. A new period starts the timer anew, so an unchanged one is
    /// left alone: requests that come faster than it would hold it off for ever.
    pub(crate) fn schedule(&self) {
        let wanted = self.ingress.borrow().tick_ms();
        if wanted != self.tick_ms.get() && host::set_tick_period(wanted).is_ok() {
            self.tick_ms.set(wanted);
        }
    }

    /// The shared value of the session, at the time it is looked at.
    pub(crate) fn with_shared<T>(&self, look: impl FnOnce(&mut Ingress, Shared<'_>) -> T) -> T {
        let (value, version) = host::shared(&self.shared_key);
        look(&mut self.ingress.borrow_mut(), Shared { value: value.as_ref().map(|value| value.as_slice()), version })
    }

    /// Another worker may have got credentials since the last tick.
    pub(crate) fn look_for_credentials(&self, now: Now) {
        if !self.ingress.borrow().has_credentials(now) {
            self.with_shared(|ingress, shared| ingress.keeper().observe(now, shared));
        }
    }

    /// Keeps a request until [`Worker::release_some`] or its own callbacks decide about it.
    pub(crate) fn hold(&self, id: u32, held: Held) -> Rc<RefCell<Held>> {
        let held = Rc::new(RefCell::new(held));
        self.held.borrow_mut().insert(id, Rc::clone(&held));
        self.metrics.held();
        held
    }

    /// Counts a held request once it waits for credentials.
    pub(crate) fn count_waiting(&self, id: u32, held: &mut Held) {
        if !held.counted_as_waiting && self.ingress.borrow().is_waiting(id) {
            held.counted_as_waiting = true;
            self.metrics.waited();
        }
    }

    /// A request ended while its body was awaited. If Envoy never showed any of it, that is a mistake in its
    /// configuration; said once in each VM.
    pub(crate) fn on_abandoned(&self, held: &Held) {
        if !held.body_seen && !held.counted_as_waiting && !self.warned_of_bodies.replace(true) {
            log::warn!(
                "{}: a request ended before anything of its body was seen; should that be so with every body, set \
                 allow_on_headers_stop_iteration: true for this plugin, which hashes bodies",
                self.name
            );
        }
    }

    /// The request is decided, or gone.
    pub(crate) fn forget(&self, id: u32) {
        self.held.borrow_mut().remove(id);
        self.ingress.borrow_mut().leave(id);
    }

    /// Carries out [`Step::Forward`]: afterwards the request is the signed one.
    pub(crate) fn rewrite(&self, changes: &Changes, headers: &Headers) -> Result<(), HostError> {
        changes.edits(headers).try_for_each(host::edit_request_header)?;
        let caller = changes.caller.as_deref().unwrap_or("-");
        let mut signed = String::with_capacity(caller.len() + self.session.len() + changes.access_key_id.len() + 2);
        for part in [caller, " ", &self.session, "/", &changes.access_key_id] {
            signed.push_str(part);
        }
        host::show(SIGNED, signed.as_bytes());
        self.metrics.signed();
        Ok(())
    }

    /// Releases those requests whose wait is over, each in its own context, and comes back to the root's.
    pub(crate) fn release_some(&self, root_id: u32, carry_out: impl Fn(&Self, Step, &Held)) {
        let now = self.now();
        let released = self.ingress.borrow_mut().released(now);
        if released.is_empty() {
            return;
        }
        for id in released {
            let Some(held) = self.held.borrow_mut().remove(id) else { continue };
            if host::act_for(id).is_err() {
                continue;
            }
            let step = {
                let Held { headers, exchange, .. } = &mut *held.borrow_mut();
                self.ingress.borrow_mut().release(now, exchange, headers)
            };
            carry_out(self, step, &held.borrow());
        }
        if host::act_for(root_id).is_err() {
            log::error!("the root context could not be entered again");
        }
    }
}
