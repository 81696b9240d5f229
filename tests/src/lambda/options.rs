//! What an environment is like: the function, its limits, and the variables that its processes see.

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use super::credentials::RoleCredentials;
use super::runtime::Handler;
use super::site::Site;
use crate::aws::Clock;

/// AWS's limit for the initialisation.
pub const INIT_LIMIT: Duration = Duration::from_secs(10);
/// What the runtime has of the shutdown when there are external extensions.
pub const RUNTIME_SHUTDOWN: Duration = Duration::from_millis(300);
/// The whole shutdown when there are external extensions.
pub const SHUTDOWN: Duration = Duration::from_millis(2000);
/// What a runtime may take for its hooks after a restore.
pub const RESTORE_LIMIT: Duration = Duration::from_secs(10);

/// The value of `AWS_LAMBDA_INITIALIZATION_TYPE`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Initialization {
    /// For the first invocation.
    #[default]
    OnDemand,
    /// In advance, and kept.
    ProvisionedConcurrency,
    /// Once, for a snapshot; credentials come from an endpoint.
    SnapStart,
}

impl Initialization {
    fn as_str(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::ProvisionedConcurrency => "provisioned-concurrency",
            Self::SnapStart => "snap-start",
        }
    }
}

/// What the APIs say about the function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// `$LATEST`, or a number.
    pub version: String,
    /// `file.function`, as the runtime understands it.
    pub handler: String,
    /// Twelve digits.
    pub account: String,
    /// Where it runs.
    pub region: String,
    /// In MB.
    pub memory: u32,
    /// How long an invocation may take, extensions included.
    pub timeout: Duration,
}

impl Function {
    /// `arn:aws:lambda:REGION:ACCOUNT:function:NAME`
    #[must_use]
    pub fn arn(&self) -> String {
        format!("arn:aws:lambda:{}:{}:function:{}", self.region, self.account, self.name)
    }
}

impl Default for Function {
    fn default() -> Self {
        Self {
            name: "reports".to_owned(),
            version: "$LATEST".to_owned(),
            handler: "index.handler".to_owned(),
            account: "123456789012".to_owned(),
            region: "us-west-2".to_owned(),
            memory: 128,
            timeout: Duration::from_secs(30),
        }
    }
}

/// What runs the function.
#[derive(Clone)]
pub enum Runtime {
    /// A program that speaks the Runtime API, with its arguments. When the function's variables name an
    /// `AWS_LAMBDA_EXEC_WRAPPER`, that is started with the program and its arguments, as managed runtimes do.
    Program(Vec<String>),
    /// A closure of the test, called on a thread that speaks the Runtime API for it.
    Closure(Arc<Handler>),
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(words) => f.debug_tuple("Program").field(words).finish(),
            Self::Closure(_) => f.write_str("Closure(..)"),
        }
    }
}

impl Runtime {
    /// A function that answers with what it was given.
    #[must_use]
    pub fn echo() -> Self {
        Self::Closure(Arc::new(|event| Ok(event.payload.clone())))
    }
}

/// What an environment is like; the defaults serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// The function.
    pub function: Function,
    /// What runs it.
    pub runtime: Runtime,
    /// How the environment is initialised.
    pub initialization: Initialization,
    /// The function's own variables.
    pub variables: Vec<(String, String)>,
    /// The role's credentials.
    pub credentials: Option<RoleCredentials>,
    /// The clock of the doubles that the environment speaks to; it moves with the environment's.
    pub clock: Arc<Clock>,
    /// Within this all must have called next. AWS's is [`INIT_LIMIT`]; a machine under load may need more.
    pub init_limit: Duration,
    /// What the runtime has of the shutdown; AWS's is [`RUNTIME_SHUTDOWN`].
    pub runtime_shutdown: Duration,
    /// What runtime and extensions have for the shutdown together; AWS's is [`SHUTDOWN`].
    pub shutdown: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            function: Function::default(),
            runtime: Runtime::echo(),
            initialization: Initialization::default(),
            variables: Vec::new(),
            credentials: None,
            clock: Arc::new(Clock::default()),
            init_limit: INIT_LIMIT,
            runtime_shutdown: RUNTIME_SHUTDOWN,
            shutdown: SHUTDOWN,
        }
    }
}

impl Options {
    /// The variables of the function and of the platform that extensions and the runtime see alike.
    fn common(&self, api: &str) -> Vec<(String, String)> {
        let function = &self.function;
        let mut variables = self.variables.clone();
        let platform = [
            ("AWS_REGION", function.region.clone()),
            ("AWS_DEFAULT_REGION", function.region.clone()),
            ("AWS_LAMBDA_FUNCTION_NAME", function.name.clone()),
            ("AWS_LAMBDA_FUNCTION_VERSION", function.version.clone()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory.to_string()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", self.initialization.as_str().to_owned()),
            ("AWS_LAMBDA_RUNTIME_API", api.to_owned()),
            ("LANG", "en_US.UTF-8".to_owned()),
            ("TZ", ":UTC".to_owned()),
            ("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin".to_owned()),
        ];
        variables.extend(platform.map(|(name, value)| (name.to_owned(), value)));
        variables
    }

    /// The command of an extension: none of this process's variables, and not those that belong to the runtime.
    pub(super) fn extension(&self, file: &Path, api: &str, site: &Site, more: &[(String, String)]) -> Command {
        let mut command = Command::new(file);
        command.env_clear().current_dir("/").env("TMPDIR", site.temporary());
        let excluded = |name: &str| name.starts_with('_') || RUNTIME_ONLY.contains(&name);
        command.envs(self.common(api).into_iter().filter(|(name, _)| !excluded(name)));
        command.envs(more.iter().cloned());
        command
    }

    /// The command of a runtime that is a program.
    pub(super) fn program(&self, words: &[String], api: &str, site: &Site, more: &[(String, String)]) -> Command {
        let wrapper = self.variables.iter().find(|(name, _)| name == "AWS_LAMBDA_EXEC_WRAPPER");
        let mut words = wrapper.map(|(_, wrapper)| wrapper).into_iter().chain(words);
        let mut command = Command::new(words.next().map(String::as_str).unwrap_or_default());
        command.args(words).env_clear().current_dir(site.task()).env("TMPDIR", site.temporary());
        command.envs(self.common(api));
        let function = &self.function;
        command.env("_HANDLER", &function.handler).env("LAMBDA_TASK_ROOT", site.task());
        command.env("LAMBDA_RUNTIME_DIR", site.task()).env("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023");
        command.env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", function.name));
        command.env("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/31/[$LATEST]0123456789abcdef0123456789abcdef");
        command.envs(more.iter().cloned());
        command
    }
}

/// Variables that extensions do not see ("Permissions and configuration" of the Extensions API).
const RUNTIME_ONLY: &[&str] = &[
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];
