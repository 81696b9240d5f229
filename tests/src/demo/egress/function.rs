//! A Lambda function with the extension beside it: real processes in a fake execution environment.

use std::fmt::{self, Display};
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::parts::Parts;
use crate::aws::Clock;
use crate::client::{Client, Request};
use crate::demo::Stop;
use crate::demo::found::failed;
use crate::demo::screen::seconds;
use crate::egress::{EXTENSION, quiet_port};
use crate::lambda::{Environment, Function, Options, Outcome, RoleCredentials, Runtime, Site, write_program};
use crate::mesh::MESH;

/// The environment of every app here.
pub(super) const STAGING: &str = "staging";

const FUNCTION: &str = include_str!("function.py");
const SOURCE: &str = "function.py";
const CONFIG: &str = "meshbridge.json";
/// It stands beside the directory of extensions.
const WRAPPER: &str = "mtls-proxy-wrapper";
/// A machine that is busy takes longer than AWS allows.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a function is.
pub(super) struct Plan {
    /// Its app, and its function's name.
    pub(super) app: &'static str,
    /// The apps that it may call.
    pub(super) upstreams: &'static [&'static str],
    /// Where the extension connects.
    pub(super) gateway: SocketAddr,
    /// The section `identity` of the extension's configuration.
    pub(super) identity: Value,
    /// `follow` or `ignore`: whether the extension registers for events.
    pub(super) invocations: &'static str,
    /// Of the function's role.
    pub(super) credentials: Option<RoleCredentials>,
    /// The time of its environment, and of what it speaks to.
    pub(super) clock: Arc<Clock>,
}

/// A function that runs.
pub(super) struct Lambda {
    pub(super) app: &'static str,
    pub(super) environment: Environment,
    port: u16,
}

impl Lambda {
    /// A cold start; returns when Lambda would hand out the first invocation.
    pub(super) fn start(plan: Plan, parts: &Parts) -> Result<Self, Stop> {
        let app = plan.app;
        let not_written = |e: io::Error| failed(format!("the files of {app} cannot be written: {e}"));
        let site = lay_out(&plan, parts).map_err(not_written)?;
        let port = quiet_port();
        let variables = variables(&site, port, parts);
        let program = site.task().join(SOURCE);
        let options = Options {
            function: Function { name: app.to_owned(), timeout: PATIENCE, ..Function::default() },
            runtime: Runtime::Program(vec![text(&parts.python), text(&program)]),
            variables,
            credentials: plan.credentials,
            clock: plan.clock,
            init_limit: PATIENCE,
            runtime_shutdown: PATIENCE,
            shutdown: 2 * PATIENCE,
            ..Options::default()
        };
        let environment = Environment::start(site, options).map_err(|failure| failed(format!("{app}: {failure}")))?;
        Ok(Self { app, environment, port })
    }

    /// Where the extension listens.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The token that its callers must know.
    pub(super) fn token_file(&self) -> PathBuf {
        self.environment.site().temporary().join("meshbridge/token")
    }

    /// The socket where the extension listens too.
    pub(super) fn socket(&self) -> PathBuf {
        self.environment.site().temporary().join("meshbridge/proxy.sock")
    }

    /// One call by the function, in an invocation of its own.
    pub(super) fn call(&mut self, call: &Call) -> Reply {
        self.calls(std::slice::from_ref(call)).pop().unwrap_or_else(|| Reply::none("no answer"))
    }

    /// Several calls at the same time, in one invocation.
    pub(super) fn calls(&mut self, calls: &[Call]) -> Vec<Reply> {
        let event = json!({ "calls": calls.iter().map(Call::json).collect::<Vec<_>>() });
        match self.invoke(&event) {
            Ok(answers) => answers.as_array().into_iter().flatten().map(Reply::read).collect(),
            Err(why) => calls.iter().map(|_| Reply::none(&why)).collect(),
        }
    }

    /// An invocation: what the function answered, or what became of it.
    pub(super) fn invoke(&mut self, event: &Value) -> Result<Value, String> {
        match self.environment.invoke(event.to_string()) {
            Outcome::Answered(answer) => serde_json::from_slice(&answer.payload).map_err(|e| e.to_string()),
            Outcome::FunctionError { error_type, payload } => {
                Err(format!("{error_type}: {}", String::from_utf8_lossy(&payload)))
            }
            other => Err(format!("{other:?}; the function wrote:\n{}", self.environment.output("runtime"))),
        }
    }

    /// What the extension says of itself.
    pub(super) fn status(&self) -> Option<Value> {
        let token = fs::read_to_string(self.token_file()).ok()?;
        let request = Request::new("GET", "/status").host("localhost").header("x-meshbridge-token", token);
        Client::plain((Ipv4Addr::LOCALHOST, self.port).into()).send(&request).ok()?.json().ok()
    }
}

/// What a deployment puts into place: the layer, and the function with its configuration.
fn lay_out(plan: &Plan, parts: &Parts) -> io::Result<Site> {
    let site = Site::new()?;
    site.install(EXTENSION, &parts.proxy)?;
    write_program(&site.opt().join(WRAPPER), &fs::read_to_string(&parts.wrapper)?)?;
    fs::write(site.task().join(SOURCE), FUNCTION)?;
    let config = json!({
        "app": plan.app,
        "environment": STAGING,
        "trust_domain": MESH,
        "gateway": plan.gateway.to_string(),
        "upstreams": plan.upstreams,
        "identity": plan.identity,
        "invocations": plan.invocations,
        "listen": { "unix": text(&site.temporary().join("meshbridge/proxy.sock")) },
    });
    fs::write(site.task().join(CONFIG), config.to_string())?;
    Ok(site)
}

/// In Lambda files are where extension and function look by themselves, below /var/task and /tmp.
fn variables(site: &Site, port: u16, parts: &Parts) -> Vec<(String, String)> {
    let variables = [
        ("MESHBRIDGE_CONFIG", text(&site.task().join(CONFIG))),
        ("MESHBRIDGE_TOKEN_FILE", text(&site.temporary().join("meshbridge/token"))),
        ("MESHBRIDGE_PROXY", format!("http://127.0.0.1:{port}")),
        ("AWS_LAMBDA_EXEC_WRAPPER", text(&site.opt().join(WRAPPER))),
        ("PYTHONPATH", text(&parts.client)),
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
    ];
    variables.map(|(name, value)| (name.to_owned(), value)).into()
}

/// All paths here are this demo's own, or of the workspace.
fn text(path: &std::path::Path) -> String {
    path.to_string_lossy().into_owned()
}

/// How a function calls.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// `http://localhost:PORT`, with `Host: app`.
    Localhost,
    /// By way of `HTTP_PROXY`.
    HttpProxy,
    /// By meshbridge's client for Python.
    Client,
}

/// One call.
#[derive(Clone)]
pub(super) struct Call {
    form: Form,
    app: &'static str,
    path: &'static str,
    token: bool,
}

impl Call {
    /// A GET, with the token.
    pub(super) fn new(form: Form, app: &'static str, path: &'static str) -> Self {
        Self { form, app, path, token: true }
    }

    /// As somebody would call who can reach loopback, but not read the function's files.
    pub(super) fn without_token(self) -> Self {
        Self { token: false, ..self }
    }

    fn json(&self) -> Value {
        let form = match self.form {
            Form::Localhost => "localhost",
            Form::HttpProxy => "http-proxy",
            Form::Client => "client",
        };
        json!({ "form": form, "app": self.app, "path": self.path, "token": self.token })
    }
}

/// What the function got.
pub(super) struct Reply {
    /// 0 when there was no answer.
    pub(super) status: u64,
    /// `x-meshbridge-error`; None when the answer is the app's.
    pub(super) reason: Option<String>,
    pub(super) body: String,
    pub(super) took: Duration,
}

impl Reply {
    fn read(value: &Value) -> Self {
        Self {
            status: value["status"].as_u64().unwrap_or(0),
            reason: value["error"].as_str().map(str::to_owned),
            body: value["body"].as_str().unwrap_or_default().to_owned(),
            took: Duration::from_millis(value["milliseconds"].as_u64().unwrap_or(0)),
        }
    }

    fn none(why: &str) -> Self {
        Self { status: 0, reason: None, body: why.to_owned(), took: Duration::ZERO }
    }

    /// The app's own words about the request.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// Status and reason: `403 upstream-not-allowed`; the status alone when the app itself has answered.
    pub(super) fn verdict(&self) -> String {
        self.reason.as_ref().map_or(self.status.to_string(), |reason| format!("{} {reason}", self.status))
    }

    /// What the extension says in words, part by part, or else the body.
    pub(super) fn words(&self) -> String {
        self.json()["message"].as_str().unwrap_or(&self.body).replace("; ", ";\n")
    }
}

impl Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.verdict(), seconds(self.took))
    }
}
