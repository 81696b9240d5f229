//! moto's server process: started once for all tests of a process, ended with the last of them.

use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use xtask::{moto, workspace};

use crate::child::Child;
use crate::client::{Client, Request};

/// A machine under load takes its time to start Python.
const PATIENCE: Duration = Duration::from_secs(90);

/// A running moto.
#[derive(Debug)]
pub struct Moto {
    process: Mutex<Child>,
    address: SocketAddr,
    // Removed after the process has ended.
    _dir: TempDir,
}

impl Moto {
    /// The one that runs, or a new one.
    pub fn shared() -> io::Result<Arc<Self>> {
        static SHARED: Mutex<Weak<Moto>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return Ok(running);
        }
        let started = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&started);
        Ok(started)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.lock().pid()
    }

    fn start() -> io::Result<Self> {
        let moto = workspace::root().and_then(|root| moto::find(&root)).map_err(io::Error::other)?;
        let dir = tempfile::Builder::new().prefix("moto-").tempdir()?;
        let mut command = Command::new(&moto.python);
        // Nothing of this process's environment, so that no configuration of AWS on this machine has a say.
        command.args(["-s", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]).env_clear().current_dir(dir.path());
        command.env("PYTHONPATH", &moto.site).env("PYTHONUNBUFFERED", "1").env("HOME", dir.path());
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LANG", "C.UTF-8");
        let process = Child::spawn(command, &dir.path().join("moto.log"))?;
        let mut moto = Self { process: Mutex::new(process), address: ([127, 0, 0, 1], 0).into(), _dir: dir };
        moto.address = moto.await_health()?;
        Ok(moto)
    }

    /// Its port, once it has told it and answers there.
    fn await_health(&self) -> io::Result<SocketAddr> {
        let deadline = Instant::now() + PATIENCE;
        let mut process = self.lock();
        while Instant::now() < deadline {
            let said = process.output();
            if let Some(ended) = process.ended() {
                return Err(io::Error::other(format!("moto has ended ({ended:?}):\n{said}")));
            }
            if let Some(address) = address_in(&said) {
                let health = Request::new("GET", "/moto-api/").host("moto");
                if Client::plain(address).send(&health).is_ok_and(|answer| answer.status == 200) {
                    return Ok(address);
                }
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(io::Error::other(format!("moto is not up after {} s:\n{}", PATIENCE.as_secs(), process.output())))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Child> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// ` * Running on http://127.0.0.1:PORT`
fn address_in(said: &str) -> Option<SocketAddr> {
    let (_, rest) = said.split_once("Running on http://")?;
    let (address, _) = rest.split_once(|c: char| c.is_whitespace())?;
    address.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_once_its_line_is_complete() {
        assert_eq!(address_in(" * Running on http://127.0.0.1:50"), None);
        assert_eq!(address_in(" * Running on http://127.0.0.1:5000\n"), Some(([127, 0, 0, 1], 5000).into()));
    }

    #[test]
    fn nothing_is_left_of_a_moto_that_is_dropped() {
        let moto = Moto::start().unwrap();
        let (pid, dir) = (moto.pid(), moto._dir.path().to_owned());
        assert!(std::path::Path::new(&format!("/proc/{pid}")).exists());
        drop(moto);
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
        assert!(!dir.exists());
    }
}
