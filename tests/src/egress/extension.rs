//! The running extension, as the function's code meets it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use xtask::{extension, workspace};

use super::ports::listening_port;
use crate::client::{Client, Error, Request, Response};
use crate::lambda::Environment;

/// The file's name in `/opt/extensions`.
pub const EXTENSION: &str = "mtls-proxy";

/// Longer than anything takes on a machine under load.
const PATIENCE: Duration = Duration::from_secs(60);

/// The executable: `$MESHBRIDGE_MTLS_PROXY`, else built first.
///
/// # Panics
/// When it does not build.
pub fn program() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let found = workspace::root().and_then(|root| extension::find(&root));
        found.unwrap_or_else(|error| panic!("{error}"))
    })
}

/// An environment with the extension in it.
#[derive(Debug)]
pub struct Extension {
    /// The environment.
    pub environment: Environment,
}

impl Extension {
    pub(super) fn new(environment: Environment) -> Self {
        Self { environment }
    }

    /// Where it listens at present.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let port = listening_port(self.environment.pid_of(EXTENSION));
        (Ipv4Addr::LOCALHOST, port.unwrap_or_else(|| panic!("it does not listen:\n{}", self.output()))).into()
    }

    /// The file that its callers take the token from.
    #[must_use]
    pub fn token_file(&self) -> PathBuf {
        self.environment.site().temporary().join("meshbridge/token")
    }

    /// What is in it.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn token(&self) -> String {
        let file = self.token_file();
        std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}\n{}", file.display(), self.output()))
    }

    /// A connection's maker.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::plain(self.address()).with_timeout(PATIENCE)
    }

    /// A request to an app, with the token.
    #[must_use]
    pub fn request(&self, method: &str, app: &str, target: &str) -> Request {
        Request::new(method, target).host(app).header("x-meshbridge-token", self.token())
    }

    /// Sends it.
    pub fn send(&self, request: &Request) -> Result<Response, Error> {
        self.client().send(request)
    }

    /// A GET, with the token.
    ///
    /// # Panics
    /// When there is no answer at all: the extension always has one.
    #[must_use]
    pub fn get(&self, app: &str, target: &str) -> Response {
        let answer = self.send(&self.request("GET", app, target));
        answer.unwrap_or_else(|error| panic!("{error}\n{}", self.output()))
    }

    /// How it says that it is doing.
    ///
    /// # Panics
    /// When it does not say.
    #[must_use]
    pub fn status(&self) -> Value {
        self.get("127.0.0.1", "/status").json().expect("a status in JSON")
    }

    /// Asks until an app answers with status 200.
    ///
    /// # Panics
    /// When that does not come to be.
    pub fn wait_for_recovery(&self, app: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.get(app, "/");
            if answer.status == 200 {
                return;
            }
            assert!(Instant::now() < deadline, "no recovery: {}\n{}", answer.text(), self.output());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it wrote so far.
    #[must_use]
    pub fn output(&self) -> String {
        self.environment.output(EXTENSION)
    }
}
