//! Real Envoys for tests, demo and benchmark: started on ephemeral loopback ports, watched, and never left behind.
//!
//! Which Envoy, launcher and artefact: see [`find`]. The Envoy is launched through `func-e run` where func-e is there.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

mod admin;
pub mod find;
mod process;

use process::Process;

/// How an Envoy is started.
#[derive(Clone, Debug)]
pub struct EnvoyOptions {
    /// Worker threads. Two by default, because one worker hides what they share.
    pub workers: u32,
    /// `--log-level`.
    pub log_level: String,
    /// `--component-log-level`, such as `wasm:debug,router:trace`; empty for none.
    pub component_log_level: String,
    /// Further arguments for Envoy.
    pub extra_args: Vec<String>,
    /// Environment variables for Envoy, beside those of this process.
    pub envs: Vec<(String, String)>,
    /// Where the Envoy's own temporary directory is made; the system's by default. Keep it short: paths of pipes end at 107 bytes.
    pub base_dir: Option<PathBuf>,
    /// Which binary; that of [`find::envoy`] by default.
    pub binary: Option<PathBuf>,
    /// How long it may take to be live.
    pub ready_within: Duration,
}

impl Default for EnvoyOptions {
    fn default() -> Self {
        EnvoyOptions {
            workers: 2,
            log_level: "info".into(),
            component_log_level: String::new(),
            extra_args: Vec::new(),
            envs: Vec::new(),
            base_dir: None,
            binary: None,
            ready_within: Duration::from_secs(30),
        }
    }
}

/// Why an Envoy could not do what was asked. Prints the end of its log.
pub enum EnvoyError {
    /// Something that the tests need is not on this machine.
    Missing(String),
    /// It ended before it was live: the configuration was refused.
    Refused {
        /// The whole log.
        log: String,
    },
    /// It was live although it was expected to refuse its configuration.
    Accepted {
        /// The whole log.
        log: String,
    },
    /// What was waited for did not come about.
    TimedOut {
        /// What that was.
        what: String,
        /// How long it was waited for.
        after: Duration,
        /// The whole log.
        log: String,
    },
    /// The admin interface answered otherwise than expected.
    Admin(String),
    /// The machine's fault: files, processes.
    Io(String, io::Error),
}

/// A running Envoy; stopped when dropped.
#[derive(Debug)]
pub struct Envoy {
    process: Process,
    admin: SocketAddr,
}

impl Envoy {
    /// Starts an Envoy with this bootstrap configuration and returns when it is live.
    ///
    /// The admin interface is always moved to an ephemeral port on loopback; give listeners port 0 and ask [`Envoy::listener`].
    pub fn start(config: &Value, options: &EnvoyOptions) -> Result<Envoy, EnvoyError> {
        Envoy::start_text(&config.to_string(), options)
    }

    /// The same from text, YAML or JSON.
    pub fn start_text(config: &str, options: &EnvoyOptions) -> Result<Envoy, EnvoyError> {
        let mut process = Process::launch(config, options)?;
        let deadline = Instant::now() + options.ready_within;
        while Instant::now() < deadline {
            // Read before asking whether it runs: one that ended in between has written its last words.
            let admin = process.admin_address();
            if !process.is_running() {
                return Err(EnvoyError::Refused { log: process.log() });
            }
            if let Some(admin) = admin
                && admin::get(admin, "/ready").is_ok_and(|answer| answer.status == 200)
            {
                return Ok(Envoy { process, admin });
            }
            thread::sleep(Duration::from_millis(20));
        }
        let log = process.log();
        Err(EnvoyError::TimedOut { what: "Envoy to be live".into(), after: options.ready_within, log })
    }

    /// Starts an Envoy that must refuse its configuration, and returns its log.
    pub fn expect_refusal(config: &Value, options: &EnvoyOptions) -> Result<String, EnvoyError> {
        Envoy::expect_refusal_text(&config.to_string(), options)
    }

    /// The same from text, YAML or JSON.
    pub fn expect_refusal_text(config: &str, options: &EnvoyOptions) -> Result<String, EnvoyError> {
        match Envoy::start_text(config, options) {
            Ok(envoy) => Err(EnvoyError::Accepted { log: envoy.logs() }),
            Err(EnvoyError::Refused { log }) => Ok(log),
            Err(other) => Err(other),
        }
    }

    /// Where the listener of that name listens.
    pub fn listener(&self, name: &str) -> Result<SocketAddr, EnvoyError> {
        let answer = self.admin_get("/listeners?format=json")?;
        admin::listener(&answer, name)
    }

    /// The admin interface's own address.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// GET on the admin interface; the body of a 200.
    pub fn admin_get(&self, path: &str) -> Result<String, EnvoyError> {
        admin::get(self.admin, path)?.body_of_200(path)
    }

    /// POST (without a body) on the admin interface, such as `/logging?wasm=trace`; the body of a 200.
    pub fn admin_post(&self, path: &str) -> Result<String, EnvoyError> {
        admin::post(self.admin, path)?.body_of_200(path)
    }

    /// Counters and gauges whose names match the regular expression (`""` for all), without histograms and texts.
    pub fn stats(&self, filter: &str) -> Result<BTreeMap<String, u64>, EnvoyError> {
        let text = self.admin_get(&format!("/stats?filter={}", admin::percent_encoded(filter)))?;
        Ok(admin::stats(&text))
    }

    /// One counter or gauge by its exact name; `None` when Envoy does not have it (yet).
    pub fn stat(&self, name: &str) -> Result<Option<u64>, EnvoyError> {
        Ok(self.stats(&format!("^{}$", admin::regex_literal(name)))?.get(name).copied())
    }

    /// One counter by its exact name; 0 when Envoy does not have it (yet), so a misspelt name is 0 as well: see [`Envoy::stat`].
    pub fn counter(&self, name: &str) -> Result<u64, EnvoyError> {
        Ok(self.stat(name)?.unwrap_or(0))
    }

    /// Bytes that Envoy has allocated at present.
    pub fn memory_allocated(&self) -> Result<u64, EnvoyError> {
        let answer = self.admin_get("/memory")?;
        let value: Value = serde_json::from_str(&answer).map_err(|e| EnvoyError::Admin(format!("/memory: {e}")))?;
        let allocated = value.get("allocated").and_then(Value::as_str).and_then(|digits| digits.parse().ok());
        allocated.ok_or_else(|| EnvoyError::Admin(format!("/memory names no bytes: {answer}")))
    }

    /// CPU that the Envoy process (not its launcher) has used so far, user and system, in steps of a clock tick (10 ms).
    pub fn cpu_seconds(&self) -> Result<f64, EnvoyError> {
        self.process.cpu_seconds()
    }

    /// The Envoy process itself, not its launcher.
    pub fn pid(&self) -> u32 {
        self.process.envoy_pid()
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Everything that Envoy wrote to standard output and standard error so far.
    pub fn logs(&self) -> String {
        self.process.log()
    }

    /// Its temporary directory, removed with it: a good place for pipes, tokens and certificates.
    pub fn dir(&self) -> &Path {
        self.process.dir()
    }

    /// Waits until the log contains a text.
    pub fn wait_for_log(&self, text: &str, within: Duration) -> Result<(), EnvoyError> {
        self.wait_until(&format!("{text:?} in the log"), within, || self.logs().contains(text))
    }

    /// Waits until `reached` says so; `what` is for the error.
    pub fn wait_until(
        &self,
        what: &str,
        within: Duration,
        mut reached: impl FnMut() -> bool,
    ) -> Result<(), EnvoyError> {
        let deadline = Instant::now() + within;
        while !reached() {
            if Instant::now() >= deadline {
                return Err(EnvoyError::TimedOut { what: what.into(), after: within, log: self.logs() });
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Asks it to end, waits, and ends it by force when it does not; returns its whole log.
    pub fn stop(mut self) -> String {
        self.process.stop();
        self.process.log()
    }
}

/// The end of a log, for people.
fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(25)).map(|line| format!("\n  | {line}")).collect()
}

impl fmt::Display for EnvoyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EnvoyError::Missing(what) => write!(f, "{what}"),
            EnvoyError::Refused { log } => {
                write!(f, "Envoy ended before it was live; its last lines:{}", last_lines(log))
            }
            EnvoyError::Accepted { log } => {
                write!(f, "Envoy accepted a configuration that it should refuse; its last lines:{}", last_lines(log))
            }
            EnvoyError::TimedOut { what, after, log } => {
                write!(f, "waited {} s in vain for {what}; Envoy's last lines:{}", after.as_secs_f32(), last_lines(log))
            }
            EnvoyError::Admin(what) => write!(f, "Envoy's admin interface: {what}"),
            EnvoyError::Io(what, e) => write!(f, "{what}: {e}"),
        }
    }
}

/// As [`fmt::Display`], so that a test that unwraps shows the log line by line.
impl fmt::Debug for EnvoyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for EnvoyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            EnvoyError::Io(_, e) => Some(e),
            _ => None,
        }
    }
}
