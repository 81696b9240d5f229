//! A process that a test starts: in a group of its own, its output kept, stopped and continued, and never left behind.
//!
//! Three things end it: [`Child::kill`], dropping (also by a panic), and the death of the test process itself, however that
//! comes: a small watchdog holds the other end of a pipe that only this process keeps open.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// Waits for the end of its standard input, then ends the group by force: a stopped process heeds nothing else.
const WATCHDOG: &str = "read -r _; kill -s KILL -- \"-$1\"";

/// How long the kernel may take to carry out a signal.
const PROMPTLY: Duration = Duration::from_secs(10);

/// How a process ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// By itself, with this code.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
}

/// A running process, or one that has ended.
#[derive(Debug)]
pub struct Child {
    leader: std::process::Child,
    watchdog: std::process::Child,
    output: PathBuf,
    ended: Option<Ended>,
}

impl Child {
    /// Starts it with standard output and error appended to the file `output`.
    pub fn spawn(mut command: Command, output: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(output)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
        let mut leader = command.spawn()?;
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog", &leader.id().to_string()])
            // In a group of its own: what ends the tests' group must not end it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match watchdog {
            Ok(watchdog) => Ok(Self { leader, watchdog, output: output.to_owned(), ended: None }),
            Err(error) => {
                signal_group(leader.id(), Signal::KILL);
                let _ = leader.wait();
                Err(error)
            }
        }
    }

    /// Its number, which is its group's too.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.leader.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<Ended> {
        if self.ended.is_none() {
            self.ended = self.leader.try_wait().ok().flatten().map(how);
        }
        self.ended
    }

    /// Waits for its end; None when it still runs after `patience`.
    pub fn wait(&mut self, patience: Duration) -> Option<Ended> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(ended) = self.ended() {
                return Some(ended);
            }
            if Instant::now() >= deadline {
                return None;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// SIGTERM to the whole group.
    pub fn terminate(&mut self) {
        self.signal(Signal::TERM);
    }

    /// SIGKILL to the whole group, and the wait for its end.
    pub fn kill(&mut self) -> Ended {
        self.signal(Signal::KILL);
        self.wait(PROMPTLY).expect("a process ends when it is killed")
    }

    /// SIGSTOP to the whole group; returns when the kernel has stopped it.
    ///
    /// # Panics
    /// When it ends instead.
    pub fn stop(&mut self) {
        self.signal(Signal::STOP);
        let deadline = Instant::now() + PROMPTLY;
        let mut patience = 0;
        while state(self.pid()) != Some('T') {
            assert_eq!(self.ended(), None, "a process that is to be stopped has ended:\n{}", self.output());
            assert!(Instant::now() < deadline, "a process does not stop; its state is {:?}", state(self.pid()));
            thread::sleep(Duration::from_millis(1));
            patience += 1;
            // A shell that starts a program waits in the kernel (vfork) until that one has begun, which now is stopped.
            if patience % 100 == 0 {
                self.signal(Signal::CONT);
                thread::sleep(Duration::from_millis(5));
                self.signal(Signal::STOP);
            }
        }
    }

    /// SIGCONT to the whole group.
    pub fn resume(&mut self) {
        self.signal(Signal::CONT);
    }

    /// What it wrote to standard output and standard error so far.
    #[must_use]
    pub fn output(&self) -> String {
        fs::read(&self.output).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// A signal to the whole group, unless the leader has been reaped and its number may be another's.
    fn signal(&mut self, signal: Signal) {
        if self.ended().is_none() {
            signal_group(self.pid(), signal);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.ended().is_none() {
            self.kill();
        }
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
    }
}

fn how(status: ExitStatus) -> Ended {
    status.code().map_or_else(|| Ended::Signalled(status.signal().unwrap_or_default()), Ended::Exited)
}

fn signal_group(leader: u32, signal: Signal) {
    if let Some(group) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, signal);
    }
}

/// The letter in `/proc/<pid>/stat` behind the bracketed name.
fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeping(dir: &Path) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", "echo begun; sleep 600"]);
        Child::spawn(command, &dir.join("log")).unwrap()
    }

    #[test]
    fn a_process_is_stopped_resumed_and_ended() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = sleeping(dir.path());
        child.stop();
        assert_eq!(state(child.pid()), Some('T'));
        child.resume();
        child.terminate();
        assert_eq!(child.wait(PROMPTLY), Some(Ended::Signalled(15)));
    }

    #[test]
    fn how_it_ended_and_what_it_said_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let mut child = Child::spawn(command, &dir.path().join("log")).unwrap();
        assert_eq!(child.wait(PROMPTLY), Some(Ended::Exited(3)));
        assert_eq!(child.output(), "out\nerr\n");
    }

    #[test]
    fn a_process_ends_with_the_test_process_even_when_it_is_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = sleeping(dir.path());
        child.stop();
        // What the kernel does to the pipe when this process ends.
        drop(child.watchdog.stdin.take());
        assert_eq!(child.wait(PROMPTLY), Some(Ended::Signalled(9)));
    }
}
