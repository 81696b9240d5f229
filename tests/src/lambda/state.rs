//! Who has registered, who is ready, who runs: the state machines behind the two APIs.
//!
//! Transitions as in "Lambda execution environment lifecycle" of the developer guide; states, error types and messages as
//! in AWS's own runtime interface emulator. What is not allowed is refused, and changes nothing.

use std::collections::{BTreeMap, VecDeque};

use super::event::{Event, Subscription};
use super::invocation::{Given, Outcome};
use super::refusal::Refusal;
use crate::aws::random;

/// AWS's limit.
const MAX_EXTENSIONS: usize = 10;

/// Where the environment is in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    /// The extensions have been started; the runtime has not.
    ExtensionInit,
    /// The runtime has been started, too; internal extensions may register.
    RuntimeInit,
    /// Everybody has called next, and nothing is to be done.
    Ready,
    /// An invocation is under way.
    Invoke,
    /// It is being shut down.
    Shutdown,
}

/// Where an extension is in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExtensionState {
    /// Its process runs.
    Started,
    /// It has registered.
    Registered,
    /// It waits in next.
    Ready,
    /// It has been handed an event.
    Running,
    /// It has called init/error.
    InitError,
    /// It has called exit/error.
    ExitError,
}

/// Whose process it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A file in the directory of extensions.
    External,
    /// A thread of the runtime.
    Internal,
}

#[derive(Debug)]
pub(super) struct Extension {
    pub(super) kind: Kind,
    pub(super) state: ExtensionState,
    /// Given at registration.
    pub(super) identifier: Option<String>,
    pub(super) subscriptions: Vec<Subscription>,
    /// Type and document of the error that it reported.
    pub(super) error: Option<(String, String)>,
    events: VecDeque<Event>,
}

impl Extension {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            state: ExtensionState::Started,
            identifier: None,
            subscriptions: Vec::new(),
            error: None,
            events: VecDeque::new(),
        }
    }

    pub(super) fn wants(&self, subscription: Subscription) -> bool {
        self.subscriptions.contains(&subscription)
    }

    /// Whether it waits in next, with no event for it.
    pub(super) fn is_idle(&self) -> bool {
        self.state == ExtensionState::Ready && self.events.is_empty()
    }
}

/// Where the runtime is in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RuntimeState {
    /// Its process runs.
    Started,
    /// It has called restore/next and waits.
    RestoreReady,
    /// It has been restored, and runs its hooks.
    Restoring,
    /// It waits in next.
    Ready,
    /// It has been handed an invocation.
    Running,
    /// It is sending its answer.
    Responding,
    /// Its answer is complete.
    ResponseSent,
    /// It has called init/error.
    InitError,
    /// It has called restore/error.
    RestoreError,
}

/// One call of an API, for tests of order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Call {
    /// The extension's name, or `runtime`.
    pub who: String,
    /// Such as `register`, `event/next`, `invocation/next`.
    pub what: &'static str,
    /// The status it was answered with; None while it waits.
    pub status: Option<u16>,
}

#[derive(Debug)]
pub(super) struct State {
    /// Counts the initialisations: what waits for an event of an earlier one waits in vain.
    pub(super) generation: u64,
    pub(super) phase: Phase,
    pub(super) extensions: BTreeMap<String, Extension>,
    pub(super) runtime: RuntimeState,
    /// The runtime's next invocation, until it fetches it.
    pub(super) given: Option<Given>,
    /// The request ID that is answered for at present.
    pub(super) current: Option<String>,
    pub(super) outcome: Option<Outcome>,
    /// Whether restore/next may be answered.
    pub(super) restored: bool,
    pub(super) runtime_error: Option<(String, Vec<u8>)>,
    pub(super) calls: Vec<Call>,
}

impl State {
    /// Before the first initialisation.
    pub(super) fn new() -> Self {
        Self {
            generation: 0,
            phase: Phase::Shutdown,
            extensions: BTreeMap::new(),
            runtime: RuntimeState::Started,
            given: None,
            current: None,
            outcome: None,
            restored: false,
            runtime_error: None,
            calls: Vec::new(),
        }
    }

    /// Begins an initialisation with these files as extensions.
    pub(super) fn begin(&mut self, externals: &[String]) {
        let calls = std::mem::take(&mut self.calls);
        let extensions = externals.iter().map(|name| (name.clone(), Extension::new(Kind::External))).collect();
        let generation = self.generation + 1;
        *self = Self { generation, phase: Phase::ExtensionInit, extensions, calls, ..Self::new() };
    }

    /// Register: once for each file, by its name; once for each internal extension, while the runtime initialises.
    pub(super) fn register(&mut self, name: &str, wanted: Vec<Subscription>) -> Result<String, Refusal> {
        if !self.extensions.contains_key(name) {
            self.admit_internal(name, &wanted)?;
        }
        let extension = self.extensions.get_mut(name).ok_or(Refusal::Internal)?;
        if extension.state != ExtensionState::Started {
            return Err(Refusal::extension_state(extension.state, "Registered", name));
        }
        let identifier = random::request_id();
        extension.state = ExtensionState::Registered;
        extension.subscriptions = wanted;
        extension.identifier = Some(identifier.clone());
        Ok(identifier)
    }

    fn admit_internal(&mut self, name: &str, wanted: &[Subscription]) -> Result<(), Refusal> {
        match self.phase {
            // Nothing internal can run before the runtime does: this is a file that calls itself by another name.
            Phase::ExtensionInit => return Err(Refusal::NotAFile(name.to_owned())),
            Phase::RuntimeInit => {}
            Phase::Ready | Phase::Invoke | Phase::Shutdown => return Err(Refusal::RegistrationClosed),
        }
        if wanted.contains(&Subscription::Shutdown) {
            return Err(Refusal::InvalidEvent(Subscription::Shutdown.as_str().to_owned()));
        }
        if self.extensions.len() >= MAX_EXTENSIONS {
            return Err(Refusal::TooManyExtensions(MAX_EXTENSIONS));
        }
        self.extensions.insert(name.to_owned(), Extension::new(Kind::Internal));
        Ok(())
    }

    /// The name behind an identifier.
    pub(super) fn name_of(&self, identifier: &str) -> Result<String, Refusal> {
        let found = self.extensions.iter().find(|(_, one)| one.identifier.as_deref() == Some(identifier));
        found.map(|(name, _)| name.clone()).ok_or_else(|| Refusal::UnknownIdentifier(identifier.to_owned()))
    }

    fn extension(&mut self, name: &str) -> Result<&mut Extension, Refusal> {
        self.extensions.get_mut(name).ok_or(Refusal::Internal)
    }

    /// Next of an extension: it is ready, and waits.
    pub(super) fn extension_ready(&mut self, name: &str) -> Result<(), Refusal> {
        let extension = self.extension(name)?;
        match extension.state {
            ExtensionState::Registered | ExtensionState::Running => {
                extension.state = ExtensionState::Ready;
                Ok(())
            }
            state => Err(Refusal::extension_state(state, "Ready", name)),
        }
    }

    /// The event that it waits for, if there is one.
    pub(super) fn take_event(&mut self, name: &str) -> Option<Event> {
        let extension = self.extensions.get_mut(name)?;
        let event = extension.events.pop_front()?;
        extension.state = ExtensionState::Running;
        Some(event)
    }

    /// Hands an event to every extension that registered for it; their names.
    pub(super) fn publish(&mut self, subscription: Subscription, event: &Event) -> Vec<String> {
        let wanting = self.extensions.iter_mut().filter(|(_, one)| one.wants(subscription));
        wanting
            .map(|(name, one)| {
                one.events.push_back(event.clone());
                name.clone()
            })
            .collect()
    }

    /// init/error and exit/error: the first one counts, later ones change nothing.
    pub(super) fn extension_error(
        &mut self,
        name: &str,
        to: ExtensionState,
        error_type: &str,
        document: String,
    ) -> Result<(), Refusal> {
        let extension = self.extension(name)?;
        let allowed = match to {
            ExtensionState::InitError => matches!(extension.state, ExtensionState::Registered),
            _ => {
                matches!(extension.state, ExtensionState::Registered | ExtensionState::Ready | ExtensionState::Running)
            }
        };
        if allowed {
            extension.state = to;
            extension.error = Some((error_type.to_owned(), document));
            Ok(())
        } else if extension.state == to {
            Ok(())
        } else {
            let name_of_target = if to == ExtensionState::InitError { "InitError" } else { "ExitError" };
            Err(Refusal::extension_state(extension.state, name_of_target, name))
        }
    }

    /// Whether every external extension has registered.
    pub(super) fn all_registered(&self) -> bool {
        let mut externals = self.extensions.values().filter(|one| one.kind == Kind::External);
        externals.all(|one| one.state != ExtensionState::Started)
    }

    /// Whether nobody has anything left to do: the runtime and every extension wait in next, with no event for them.
    pub(super) fn all_ready(&self) -> bool {
        let runtime = matches!(self.runtime, RuntimeState::Ready | RuntimeState::RestoreReady);
        runtime && self.given.is_none() && self.extensions.values().all(Extension::is_idle)
    }

    /// The first extension that reported an error, and what it reported.
    pub(super) fn reported_error(&self) -> Option<(String, String)> {
        self.extensions.iter().find_map(|(name, one)| Some((name.clone(), one.error.clone()?.0)))
    }

    /// invocation/next of the runtime.
    pub(super) fn runtime_ready(&mut self) -> Result<(), Refusal> {
        match self.runtime {
            RuntimeState::Started | RuntimeState::Restoring | RuntimeState::ResponseSent | RuntimeState::Ready => {
                self.runtime = RuntimeState::Ready;
                Ok(())
            }
            // An answer is owed. AWS's emulator hands the same invocation out again; here it is a mistake.
            state => Err(Refusal::runtime_state(state, "Ready")),
        }
    }

    /// The invocation that the runtime waits for, if there is one.
    pub(super) fn take_invocation(&mut self) -> Option<Given> {
        let given = self.given.take()?;
        self.runtime = RuntimeState::Running;
        Some(given)
    }

    /// response or error for a request ID: only for the current one, and once.
    pub(super) fn begin_response(&mut self, request_id: &str) -> Result<(), Refusal> {
        if self.current.as_deref() != Some(request_id) {
            return Err(Refusal::InvalidRequestId);
        }
        if self.runtime != RuntimeState::Running {
            return Err(Refusal::runtime_state(self.runtime, "InvocationResponse"));
        }
        self.runtime = RuntimeState::Responding;
        Ok(())
    }

    pub(super) fn end_response(&mut self, outcome: Outcome) {
        self.runtime = RuntimeState::ResponseSent;
        self.outcome = Some(outcome);
    }

    /// runtime/init/error.
    pub(super) fn runtime_init_error(&mut self, error_type: &str, body: Vec<u8>) -> Result<(), Refusal> {
        if self.runtime != RuntimeState::Started {
            return Err(Refusal::runtime_state(self.runtime, "InitError"));
        }
        self.runtime = RuntimeState::InitError;
        self.runtime_error = Some((error_type.to_owned(), body));
        Ok(())
    }

    /// restore/next: once, before the first invocation/next.
    pub(super) fn restore_ready(&mut self) -> Result<(), Refusal> {
        if self.runtime != RuntimeState::Started {
            return Err(Refusal::runtime_state(self.runtime, "RestoreReady"));
        }
        self.runtime = RuntimeState::RestoreReady;
        Ok(())
    }

    /// Whether restore/next is answered now.
    pub(super) fn take_restore(&mut self) -> bool {
        if self.restored {
            self.runtime = RuntimeState::Restoring;
        }
        self.restored
    }

    /// restore/error.
    pub(super) fn restore_error(&mut self, error_type: &str, body: Vec<u8>) -> Result<(), Refusal> {
        if self.runtime != RuntimeState::Restoring {
            return Err(Refusal::runtime_state(self.runtime, "RestoreError"));
        }
        self.runtime = RuntimeState::RestoreError;
        self.runtime_error = Some((error_type.to_owned(), body));
        Ok(())
    }
}
