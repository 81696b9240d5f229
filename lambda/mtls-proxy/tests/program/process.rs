//! The proxy as a process of its own, and calls to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Generous: the machine may be busy.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// The executable that is tested.
pub(super) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mtls-proxy"));
    // What the machine says about meshes and Lambdas is not the test's.
    command.env_clear().stdin(Stdio::null());
    command
}

/// A proxy in the foreground.
pub(super) struct Proxy {
    child: Child,
    pub(super) address: SocketAddr,
    token_file: PathBuf,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) reason: Option<String>,
    pub(super) body: String,
}

impl Proxy {
    /// With a configuration file in `home`; waits until it says that it listens.
    pub(super) fn start(home: &Path, configuration: &serde_json::Value) -> Self {
        let file = home.join("meshbridge.json");
        std::fs::write(&file, configuration.to_string()).unwrap();
        let mut command = program();
        command.arg("--config").arg(&file).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).and_then(|rest| rest.split([' ', ';']).next());
        let address = address.unwrap_or_else(|| panic!("{line}")).parse().unwrap();
        Self { child, address, token_file: home.join("token") }
    }

    pub(super) fn token(&self) -> String {
        std::fs::read_to_string(&self.token_file).unwrap()
    }

    /// With the token, and the rest of the request as it is written.
    pub(super) fn call(&self, line: &str, headers: &str) -> Answer {
        let token = self.token();
        self.send(&format!("{line} HTTP/1.1\r\n{headers}X-Meshbridge-Token: {token}\r\nConnection: close\r\n\r\n"))
    }

    pub(super) fn send(&self, request: &str) -> Answer {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        socket.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text:?}"));
        let reason = head.lines().find_map(|line| line.strip_prefix("x-meshbridge-error: ")).map(str::to_owned);
        Answer { status: head[9..12].parse().unwrap(), reason, body: body.to_owned() }
    }

    pub(super) fn signal(&self, name: &str) {
        let kill = format!("kill -s {name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// How it ended.
    pub(super) fn wait(&mut self) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(begun.elapsed() < LIMIT, "the proxy does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
