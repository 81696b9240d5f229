//! The extension's process, as Lambda starts it, with an identity in a directory.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::api::Api;
use super::apps::Apps;
use crate::client::{Client, Request};
use crate::egress::{APP, ENVIRONMENT, listening_port};
use crate::mesh::{MESH, TrustDomain, write_directory};

/// Far longer than anything takes that still comes about.
const PATIENCE: Duration = Duration::from_secs(60);

/// A directory with all that an extension reads and writes.
#[derive(Debug)]
pub(super) struct Home {
    dir: tempfile::TempDir,
    binary: PathBuf,
}

impl Home {
    pub(super) fn new(binary: &Path, mesh: &TrustDomain, apps: &Apps) -> Result<Self, String> {
        let failed = |e: std::io::Error| format!("a directory for the extension: {e}");
        let dir = tempfile::Builder::new().prefix("mb-bench-").tempdir().map_err(failed)?;
        let path = |name: &str| dir.path().join(name);
        write_directory(&path("identity"), &mesh.svid(ENVIRONMENT, APP), "v1").map_err(failed)?;
        let upstreams: Vec<Value> = apps
            .all()
            .map(|(app, address)| json!({ "app": app, "gateway": format!("127.0.0.1:{}", address.port()) }))
            .collect();
        let config = json!({
            "app": APP, "environment": ENVIRONMENT, "trust_domain": MESH, "mesh_suffix": MESH,
            "upstreams": upstreams,
            "identity": { "source": "directory", "path": path("identity") },
            "listen": { "port": 0, "unix": path("run/proxy.sock") },
            "token": { "file": path("run/token") },
        });
        fs::write(path("meshbridge.json"), config.to_string()).map_err(failed)?;
        Ok(Self { dir, binary: binary.to_owned() })
    }

    fn token(&self) -> Result<String, String> {
        let path = self.dir.path().join("run/token");
        fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))
    }
}

/// A running extension. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Extension {
    child: Child,
}

/// How one start went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// From before the process was made until it had registered.
    pub(super) took: Duration,
    /// CPU of the process by then, where the kernel tells.
    pub(super) cpu: Option<Duration>,
}

impl Extension {
    /// Starts it and returns when it has registered.
    pub(super) fn start(home: &Home, api: &Api) -> Result<(Self, Start), String> {
        let mut command = Command::new(&home.binary);
        command.env_clear().env("MESHBRIDGE_CONFIG", home.dir.path().join("meshbridge.json"));
        command.env("AWS_LAMBDA_RUNTIME_API", api.address().to_string()).env("AWS_REGION", "us-west-2");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
        let begun = Instant::now();
        let child = command.spawn().map_err(|e| format!("{}: {e}", home.binary.display()))?;
        let extension = Self { child };
        let registered = api.registered()?;
        let cpu = super::cpu_of(extension.pid());
        Ok((extension, Start { took: registered.saturating_duration_since(begun), cpu }))
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens, and the token, once it has its identity.
    pub(super) fn ready(&self, home: &Home) -> Result<(SocketAddr, String), String> {
        let port = listening_port(self.pid()).ok_or("the extension does not listen")?;
        let (address, token) = (SocketAddr::from(([127, 0, 0, 1], port)), home.token()?);
        let client = Client::plain(address).with_timeout(PATIENCE);
        let status = Request::new("GET", "/status").host("127.0.0.1").header("x-meshbridge-token", &token);
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = client.send(&status).map_err(|e| format!("the extension: {e}"))?;
            let told: Value = serde_json::from_str(&answer.text()).unwrap_or_default();
            if told.pointer("/identity/pair/spiffe_id").is_some_and(Value::is_string) {
                return Ok((address, token));
            }
            if Instant::now() > until {
                return Err(format!("the extension has no identity: {}", answer.text()));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Extension {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
