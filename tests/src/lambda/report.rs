//! How initialisations fail, and how environments go down.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::processes::End;

/// Why an initialisation failed; all processes have been ended.
#[derive(Clone, Debug)]
pub struct InitFailure {
    /// What happened.
    pub cause: InitCause,
    /// What the processes wrote, and what they told Lambda.
    pub output: String,
}

/// See [`InitFailure`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum InitCause {
    /// It cannot be started: name and reason.
    Launch(String, String),
    /// These have not registered in time.
    NotRegistered(Vec<String>),
    /// All registered, but not everybody has called next in time: who has not.
    NotReady(Vec<String>),
    /// This extension's process ended.
    ExtensionExited(String),
    /// This extension called init/error or exit/error, with this type.
    ExtensionError(String, String),
    /// The runtime's process ended.
    RuntimeExited,
    /// The runtime called init/error, or restore/error, with this type.
    RuntimeError(String),
}

impl fmt::Display for InitFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the environment cannot be initialised: {:?}\n{}", self.cause, self.output)
    }
}

/// How an environment went down.
#[derive(Clone, Debug)]
pub struct ShutdownReport {
    /// How each extension ended.
    pub extensions: BTreeMap<String, End>,
    /// How the runtime ended, where it was a program.
    pub runtime: Option<End>,
    /// How long it took altogether.
    pub took: Duration,
}
