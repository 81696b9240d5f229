//! The configuration: a JSON file and a few environment variables in, a [`Config`] that cannot be wrong out, or every
//! mistake at once.

mod identity;
mod json;
mod names;
mod reader;
mod sections;
mod upstreams;

use std::path::PathBuf;
use std::time::Duration;

use spiffe_id::SpiffeIdBuf;

pub(crate) use json::Json;
pub(crate) use names::port_number;
pub use names::{Gateway, HostName, Label};
pub use reader::{Mistake, Mistakes};
use reader::{Object, Report};

use crate::token::Token;

/// What the proxy was configured to be. `README.md` has the reference; the defaults stand beside each field here.
#[derive(Clone, Debug)]
pub struct Config {
    /// `app`: this function's own app.
    pub app: Label,
    /// `environment`: this function's own, and that of upstreams that name none.
    pub environment: Label,
    /// `spiffe_id`: who this function is. By default `spiffe://<trust domain>/<environment>/<app>`.
    pub spiffe_id: SpiffeIdBuf,
    /// `upstreams`: the apps that this function may call, and no others. Never empty.
    pub upstreams: Vec<Upstream>,
    /// `identity`: where key and certificate come from.
    pub identity: Identity,
    /// `listen`: where requests are taken.
    pub listen: Listen,
    /// `token`: what callers must know.
    pub token: TokenPlace,
    /// `timeouts`.
    pub timeouts: Timeouts,
    /// `max_connections`: from the function, at once; further ones wait. 1 to 900, by default 256. (Lambda quotas: 1,024 file
    /// descriptors, and each connection may need one more towards the gateway.)
    pub max_connections: usize,
    /// `invocations`: whether the deadline of each invocation is followed.
    pub invocations: Invocations,
}

/// One app that may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// The app's name.
    pub app: Label,
    /// Its environment.
    pub environment: Label,
    /// What the gateway routes by. By default `<environment>.<app>.<mesh suffix>`.
    pub sni: HostName,
    /// Where to connect.
    pub gateway: Gateway,
    /// Who must answer. By default `spiffe://<trust domain>/<environment>/<app>`.
    pub spiffe_id: SpiffeIdBuf,
    /// The `Host` that the app sees. By default the SNI.
    pub authority: HostName,
}

/// Where key and certificate come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// AWS Secrets Manager, in one or more regions that are written independently.
    SecretsManager {
        /// In the order in which they are asked, the function's own region first. Never empty.
        replicas: Vec<Replica>,
    },
    /// A directory with `certificate.json` and `keys/<version>.pem`.
    Directory {
        /// The directory.
        path: PathBuf,
    },
}

/// The two secrets in one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Such as `us-west-2`.
    pub region: String,
    /// Name or ARN of the secret with the certificate document. By default `meshbridge/<environment>/<app>/certificate`.
    pub certificate: String,
    /// Name or ARN of the secret with the key. By default `meshbridge/<environment>/<app>/key`.
    pub key: String,
    /// Instead of the region's own endpoint, for tests and private endpoints.
    pub endpoint: Option<String>,
}

/// Where requests are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Of 127.0.0.1, and of ::1 where there is one; by default 8181. 0 takes a free one.
    pub port: u16,
    /// The path of a UNIX socket, by default `/tmp/meshbridge/proxy.sock`; `null` in the file for none.
    pub unix: Option<PathBuf>,
    /// Whether the UNIX socket asks for the token too.
    pub unix_token: UnixToken,
}

/// Whether requests over the UNIX socket must bring the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnixToken {
    /// `required`, the default.
    Required,
    /// `none`: the socket's mode (0600) decides who may call.
    None,
}

/// What callers must know.
#[derive(Clone, Debug)]
pub struct TokenPlace {
    /// The file that holds it; by default `/tmp/meshbridge/token`.
    pub file: PathBuf,
    /// The token that the environment gives (`MESHBRIDGE_TOKEN`), instead of one of the proxy's own making.
    pub given: Option<Token>,
}

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// `response_ms`: until the head of the upstream's answer is there, unless the request says for itself how long it
    /// waits. 1 to 900,000 ms, by default 30,000.
    pub response: Duration,
    /// `head_ms`: between the first and the last byte of a request's head. 100 to 60,000 ms, by default 10,000.
    pub head: Duration,
    /// `stall_ms`: between two pieces of the upstream's body. 100 to 900,000 ms, by default 60,000.
    pub stall: Duration,
}

/// Whether the proxy asks Lambda for the event of each invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invocations {
    /// `ignore`, the default: no invocation waits for the proxy.
    Ignore,
    /// `follow`: no request outlives the invocation's deadline, and each invocation waits until the proxy has read its event.
    Follow,
}

/// Environment variables that decide over the file, and what they set.
pub const VARIABLES: &[(&str, &str)] = &[
    ("MESHBRIDGE_APP", "app"),
    ("MESHBRIDGE_ENVIRONMENT", "environment"),
    ("MESHBRIDGE_TRUST_DOMAIN", "trust_domain"),
    ("MESHBRIDGE_MESH_SUFFIX", "mesh_suffix"),
    ("MESHBRIDGE_GATEWAY", "gateway"),
    ("MESHBRIDGE_UPSTREAMS", "upstreams, separated by commas"),
    ("MESHBRIDGE_PROXY", "listen.port, as http://127.0.0.1:PORT, or listen.unix, as unix:/path"),
    ("MESHBRIDGE_TOKEN_FILE", "token.file"),
    ("MESHBRIDGE_TOKEN", "the token itself, instead of one made at start"),
];

impl Config {
    /// Reads the file's text, and the environment through `variable`.
    ///
    /// # Errors
    /// Every mistake at once, each with its field (or the variable that set it) and the remedy.
    pub fn parse(text: &[u8], variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, Mistakes> {
        let mut report = Report::default();
        let config = parse_json(text, &mut report)
            .and_then(|json| Object::new("", json, &mut report))
            .and_then(|object| sections::read(object, variable, &mut report));
        match config {
            Some(config) if report.0.is_empty() => Ok(config),
            _ => Err(Mistakes(report.0)),
        }
    }
}

fn parse_json(text: &[u8], report: &mut Report) -> Option<Json> {
    const REMEDY: &str = "write JSON with app, environment, trust_domain, gateway and upstreams";
    if text.trim_ascii().is_empty() {
        report.add("configuration", "is empty", REMEDY);
        return None;
    }
    match serde_json::from_slice(text) {
        Ok(json) => Some(json),
        Err(error) => {
            report.add("configuration", format_args!("is not JSON: {error}"), REMEDY);
            None
        }
    }
}
