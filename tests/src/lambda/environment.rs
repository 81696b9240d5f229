//! One execution environment, from its initialisation to its shutdown.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime as Threads};

use super::api;
use super::clock::MovedClock;
use super::credentials::{Credentials, RoleCredentials};
use super::event::{Event, ShutdownReason, Subscription};
use super::invocation::{Given, Outcome};
use super::options::{Initialization, Options, RESTORE_LIMIT, Runtime};
use super::processes::Processes;
use super::report::{InitCause, InitFailure, ShutdownReport};
use super::runtime;
use super::shared::Shared;
use super::site::Site;
use super::state::{Call, ExtensionState, Phase, RuntimeState, State};
use crate::aws::clock::unix_millis;
use crate::aws::random;
use crate::child::Child;

/// A running environment. Dropping it ends its processes by force.
#[derive(Debug)]
pub struct Environment {
    options: Options,
    processes: Option<Processes>,
    frozen: bool,
    shared: Arc<Shared>,
    api: SocketAddr,
    clock: Arc<MovedClock>,
    threads: Option<Threads>,
    // The last to go: processes write into it.
    site: Site,
}

impl Environment {
    /// Starts the extensions, then the runtime, and returns when all have called next.
    pub fn start(site: Site, options: Options) -> Result<Self, InitFailure> {
        let mut environment =
            Self::prepare(site, options).unwrap_or_else(|error| panic!("a fake environment: {error}"));
        environment.initialise()?;
        Ok(environment)
    }

    fn prepare(site: Site, options: Options) -> io::Result<Self> {
        let threads = Builder::new_multi_thread().worker_threads(1).thread_name("lambda").enable_all().build()?;
        let snap_start = options.initialization == Initialization::SnapStart;
        let credentials = Credentials::new(options.credentials.clone());
        let shared = Arc::new(Shared::new(options.function.clone(), snap_start, credentials));
        let api = api::start(threads.handle(), Arc::clone(&shared))?;
        let clock = Arc::new(MovedClock::new(site.own(), Arc::clone(&options.clock))?);
        Ok(Self { options, processes: None, frozen: false, shared, api, clock, threads: Some(threads), site })
    }

    /// `AWS_LAMBDA_RUNTIME_API`.
    #[must_use]
    pub fn api(&self) -> SocketAddr {
        self.api
    }

    /// Its directories.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<MovedClock> {
        &self.clock
    }

    /// Every call of the APIs so far, in order of arrival, over all initialisations.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.shared.update(|state| state.calls.clone())
    }

    /// Where the environment is in its life.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.shared.update(|state| state.phase)
    }

    /// Everything that processes of this name (an extension's, or `runtime`) wrote so far.
    #[must_use]
    pub fn output(&self, name: &str) -> String {
        let path = self.site.own().join(format!("{name}.log"));
        fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// An extension's process.
    ///
    /// # Panics
    /// When none of that name runs.
    #[must_use]
    pub fn pid_of(&self, extension: &str) -> u32 {
        let processes = self.processes.as_ref().expect("the environment has been initialised");
        processes.extensions.get(extension).expect("there is such an extension").pid()
    }

    /// Ends an extension's process by force, as a crash would; the environment notices by itself.
    pub fn kill_extension(&mut self, name: &str) {
        let processes = self.processes.as_mut().expect("the environment has been initialised");
        processes.extensions.get_mut(name).expect("there is such an extension").kill();
    }

    fn initialise(&mut self) -> Result<(), InitFailure> {
        let mut processes = Processes::default();
        let begun = self.try_initialise(&mut processes);
        match begun {
            Ok(()) => {
                self.processes = Some(processes);
                Ok(())
            }
            Err(cause) => {
                processes.kill();
                self.shared.update(|state| state.phase = Phase::Shutdown);
                let names = processes.extensions.keys().map(String::as_str).chain(["runtime"]);
                let mut output: String = names.map(|name| format!("--- {name}\n{}", self.output(name))).collect();
                for (name, extension) in self.shared.update(|state| std::mem::take(&mut state.extensions)) {
                    if let Some((_, document)) = extension.error {
                        output += &format!("--- {name} told Lambda\n{document}\n");
                    }
                }
                Err(InitFailure { cause, output })
            }
        }
    }

    fn try_initialise(&self, processes: &mut Processes) -> Result<(), InitCause> {
        let launch = |name: &str, error: io::Error| InitCause::Launch(name.to_owned(), error.to_string());
        let names = self.site.installed().map_err(|error| launch("extensions", error))?;
        let deadline = Instant::now() + self.options.init_limit;
        let api = self.api.to_string();
        let mut more = self.clock.variables().map_err(|error| launch("the clock", error))?;
        more.extend(match self.options.initialization {
            Initialization::SnapStart => self.shared.credentials.endpoint_variables(&api),
            _ => self.shared.credentials.variables(),
        });
        self.shared.update(|state| state.begin(&names));
        for name in &names {
            let file = self.site.extensions().join(name);
            let command = self.options.extension(&file, &api, &self.site, &more);
            let child = Child::spawn(command, &self.log_of(name)).map_err(|error| launch(name, error))?;
            processes.extensions.insert(name.clone(), child);
        }
        self.await_init(processes, deadline, State::all_registered, InitCause::NotRegistered)?;
        self.shared.update(|state| state.phase = Phase::RuntimeInit);
        match &self.options.runtime {
            Runtime::Closure(handler) => runtime::run(self.api, self.shared.snap_start, Arc::clone(handler)),
            Runtime::Program(words) => {
                let command = self.options.program(words, &api, &self.site, &more);
                let child =
                    Child::spawn(command, &self.log_of("runtime")).map_err(|error| launch("the runtime", error))?;
                processes.runtime = Some(child);
            }
        }
        self.await_init(processes, deadline, State::all_ready, InitCause::NotReady)?;
        self.shared.update(|state| state.phase = Phase::Ready);
        Ok(())
    }

    fn log_of(&self, name: &str) -> std::path::PathBuf {
        self.site.own().join(format!("{name}.log"))
    }

    fn await_init(
        &self,
        processes: &mut Processes,
        deadline: Instant,
        reached: fn(&State) -> bool,
        late: fn(Vec<String>) -> InitCause,
    ) -> Result<(), InitCause> {
        let ended = self.shared.wait(deadline, |state| {
            if let Some((name, error_type)) = state.reported_error() {
                return Some(Err(InitCause::ExtensionError(name, error_type)));
            }
            if let Some((error_type, _)) = &state.runtime_error {
                return Some(Err(InitCause::RuntimeError(error_type.clone())));
            }
            match processes.gone() {
                Some(Some(name)) => Some(Err(InitCause::ExtensionExited(name))),
                Some(None) => Some(Err(InitCause::RuntimeExited)),
                None => reached(state).then_some(Ok(())),
            }
        });
        ended.unwrap_or_else(|| Err(late(self.shared.update(|state| laggards(state)))))
    }

    /// One invocation: it is over when the runtime has answered and everybody has called next. After one that broke the
    /// environment, all its processes are ended as at a shutdown, and the next one begins with an initialisation.
    ///
    /// # Panics
    /// When that initialisation fails, or a restore is due.
    pub fn invoke(&mut self, payload: impl Into<Vec<u8>>) -> Outcome {
        if self.frozen {
            self.thaw_after(Duration::ZERO);
        }
        if self.processes.is_none() {
            self.initialise().unwrap_or_else(|failure| panic!("{failure}"));
        }
        let given = self.given(payload.into());
        let deadline = Instant::now() + self.options.function.timeout;
        let event = Event::Invoke {
            deadline_ms: given.deadline_ms,
            request_id: given.request_id.clone(),
            function_arn: given.function_arn.clone(),
            trace_id: given.trace_id.clone(),
        };
        self.shared.update(|state| {
            assert_ne!(state.runtime, RuntimeState::RestoreReady, "restore the snapshot first");
            state.phase = Phase::Invoke;
            state.outcome = None;
            state.current = Some(given.request_id.clone());
            state.given = Some(given);
            state.publish(Subscription::Invoke, &event);
        });
        let outcome = self.await_outcome(deadline);
        if outcome.is_fatal() {
            let reason = if outcome == Outcome::TimedOut { ShutdownReason::Timeout } else { ShutdownReason::Failure };
            self.shutdown(reason);
        } else {
            self.shared.update(|state| {
                state.current = None;
                state.phase = Phase::Ready;
            });
        }
        outcome
    }

    fn given(&self, payload: Vec<u8>) -> Given {
        let deadline = self.clock.shared().now() + self.options.function.timeout;
        let random = random::request_id().replace('-', "");
        Given {
            request_id: random::request_id(),
            deadline_ms: unix_millis(deadline),
            function_arn: self.options.function.arn(),
            trace_id: format!("Root=1-{}-{};Parent={};Sampled=0", &random[..8], &random[8..], &random[8..24]),
            payload,
        }
    }

    fn await_outcome(&mut self, deadline: Instant) -> Outcome {
        let processes = self.processes.as_mut().expect("the environment has been initialised");
        let ended = self.shared.wait(deadline, |state| {
            if let Some((name, error_type)) = state.reported_error() {
                return Some(Outcome::ExtensionError(name, error_type));
            }
            match processes.gone() {
                Some(Some(name)) => Some(Outcome::ExtensionCrashed(name)),
                Some(None) => Some(Outcome::RuntimeExited),
                None => state.outcome.clone().filter(|_| state.all_ready()),
            }
        });
        ended.unwrap_or(Outcome::TimedOut)
    }

    /// Freezes every process, as Lambda does when nothing is left to be done.
    ///
    /// # Panics
    /// When somebody has not called next, or an event waits: Lambda would not freeze then.
    pub fn freeze(&mut self) {
        let laggards = self.shared.update(|state| laggards(state));
        assert!(laggards.is_empty(), "not everybody has called next: {laggards:?}");
        self.processes.as_mut().expect("the environment has been initialised").stop();
        self.frozen = true;
    }

    /// Lets all go on, as if that much time had passed. The monotonic clock has stood still, as far as processes can tell.
    pub fn thaw_after(&mut self, passed: Duration) {
        assert!(self.frozen, "the environment is not frozen");
        self.clock.advance(passed).expect("the clock can be set");
        self.processes.as_mut().expect("the environment has been initialised").resume();
        self.frozen = false;
    }

    /// Moves the clock while everything runs on. To a process it looks as if it had been frozen just now.
    pub fn skip(&self, time: Duration) {
        self.clock.advance(time).expect("the clock can be set");
    }

    /// Sets the clock back while everything runs on, as somebody who corrects it.
    pub fn skip_back(&self, time: Duration) {
        self.clock.set_back(time).expect("the clock can be set");
    }

    /// Goes on from a snapshot (a freeze of an environment with SnapStart), as if that much time had passed, with new
    /// credentials: answers restore/next, and returns when the runtime has called invocation/next.
    ///
    /// It is the same process that goes on; clones of its memory cannot be made without privilege.
    pub fn restore_after(&mut self, passed: Duration, credentials: RoleCredentials) -> Result<(), InitFailure> {
        assert!(self.shared.snap_start, "the environment has no SnapStart");
        self.shared.credentials.set(credentials);
        self.thaw_after(passed);
        self.shared.update(|state| state.restored = true);
        let ready = |state: &State| state.runtime == RuntimeState::Ready && state.all_ready();
        let mut processes = self.processes.take().expect("the environment has been initialised");
        let awaited = self.await_init(&mut processes, Instant::now() + RESTORE_LIMIT, ready, InitCause::NotReady);
        self.processes = Some(processes);
        awaited.map_err(|cause| {
            self.shutdown(ShutdownReason::Failure);
            InitFailure { cause, output: self.output("runtime") }
        })
    }

    /// Shuts the environment down: the runtime first (SIGTERM, then SIGKILL), then each extension (a SHUTDOWN event if it
    /// registered for that, else SIGKILL at once; SIGKILL when the time is up).
    pub fn shutdown(&mut self, reason: ShutdownReason) -> ShutdownReport {
        if self.frozen {
            self.thaw_after(Duration::ZERO);
        }
        let begun = Instant::now();
        let Some(mut processes) = self.processes.take() else {
            return ShutdownReport { extensions: BTreeMap::new(), runtime: None, took: Duration::ZERO };
        };
        self.shared.update(|state| state.phase = Phase::Shutdown);
        // Without extensions, a runtime is not asked ("Shutdown phase" of the Extensions API: 0 ms).
        let patience = if processes.extensions.is_empty() { Duration::ZERO } else { self.options.runtime_shutdown };
        let runtime = processes.end_runtime(patience);
        let deadline = begun + self.options.shutdown;
        let event = Event::Shutdown {
            deadline_ms: unix_millis(self.clock.shared().now() + deadline.saturating_duration_since(Instant::now())),
            reason,
        };
        let told = self.shared.update(|state| state.publish(Subscription::Shutdown, &event));
        let extensions = processes.end_extensions(&told, deadline);
        // What still waits for an event (a runtime that is a closure) is hung up on.
        self.shared.update(|state| state.generation += 1);
        ShutdownReport { extensions, runtime, took: begun.elapsed() }
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        if let Some(mut processes) = self.processes.take() {
            processes.kill();
        }
        if let Some(threads) = self.threads.take() {
            threads.shutdown_timeout(Duration::from_secs(1));
        }
    }
}

/// Who has not called next, or not taken their event.
fn laggards(state: &State) -> Vec<String> {
    let late = state.extensions.iter().filter(|(_, one)| match state.phase {
        Phase::ExtensionInit => one.state == ExtensionState::Started,
        _ => !one.is_idle(),
    });
    let mut late: Vec<String> = late.map(|(name, _)| name.clone()).collect();
    let waits = matches!(state.runtime, RuntimeState::Ready | RuntimeState::RestoreReady) && state.given.is_none();
    if state.phase != Phase::ExtensionInit && !waits {
        late.push("runtime".to_owned());
    }
    late
}
