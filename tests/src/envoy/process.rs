//! The Envoy process: its launcher, its process group, its log file, and its end.
//!
//! Three things end it: [`Process::stop`], dropping (also by a panic), and the death of the test process itself, however that
//! comes: a small watchdog holds the other end of a pipe that only this process keeps open.

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::TempDir;
use xtask::process_tree;

use super::{EnvoyError, EnvoyOptions, find};

/// The files below [`Process::dir`].
const LOG: &str = "envoy.log";
const ADMIN_ADDRESS: &str = "admin-address.txt";

/// Merged over every configuration: several Envoys run at once, and only loopback may reach them.
const ADMIN: &str = "admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}";

/// Waits for the end of its standard input, then ends the process group that it was given.
const WATCHDOG: &str = "read -r _; kill -s TERM -- \"-$1\"; sleep 1; kill -s KILL -- \"-$1\"";

/// How long an Envoy may take to end after it was asked to.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Process {
    dir: TempDir,
    /// func-e, or Envoy itself. Not reaped before its group was signalled for the last time, so its number stays ours.
    leader: Child,
    watchdog: Child,
    through_func_e: bool,
    ended: bool,
}

impl Process {
    pub(super) fn launch(config: &str, options: &EnvoyOptions) -> Result<Process, EnvoyError> {
        let binary = options.binary.clone().map_or_else(find::envoy, Ok)?;
        let func_e = find::func_e();
        let dir = match &options.base_dir {
            Some(base) => tempfile::Builder::new().prefix("envoy-").tempdir_in(base),
            None => tempfile::Builder::new().prefix("envoy-").tempdir(),
        };
        let dir = dir.map_err(io("the Envoy's temporary directory"))?;
        // YAML is a superset of JSON, and Envoy goes by the name's end.
        let config_path = dir.path().join("envoy.yaml");
        fs::write(&config_path, config).map_err(io("the Envoy's configuration"))?;
        let log = File::create(dir.path().join(LOG)).map_err(io("the Envoy's log"))?;

        let mut command = match &func_e {
            Some(func_e) => under_func_e(func_e, &binary, dir.path()),
            None => Command::new(&binary),
        };
        command.arg("--config-path").arg(&config_path).args(["--config-yaml", ADMIN]);
        command.arg("--admin-address-path").arg(dir.path().join(ADMIN_ADDRESS));
        // Without hot restart there is no shared memory to collide in, so any number can run at once.
        command.args(["--disable-hot-restart", "--concurrency", &options.workers.to_string()]);
        command.args(["--log-level", &options.log_level]);
        if !options.component_log_level.is_empty() {
            command.args(["--component-log-level", &options.component_log_level]);
        }
        command.args(&options.extra_args).envs(options.envs.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).process_group(0);
        command.stdout(log.try_clone().map_err(io("the Envoy's log"))?).stderr(log);
        let mut leader = command.spawn().map_err(io(&format!("{} cannot be started", program(&command))))?;
        match watch(leader.id()) {
            Ok(watchdog) => Ok(Process { dir, leader, watchdog, through_func_e: func_e.is_some(), ended: false }),
            Err(e) => {
                signal_group(&leader, Signal::KILL);
                let _ = leader.wait();
                Err(EnvoyError::Io("the Envoy's watchdog cannot be started".into(), e))
            }
        }
    }

    /// Where the admin interface listens, once Envoy has said so.
    pub(super) fn admin_address(&self) -> Option<SocketAddr> {
        fs::read_to_string(self.dir.path().join(ADMIN_ADDRESS)).ok()?.trim().parse().ok()
    }

    /// Whether the Envoy has not ended (func-e ends with it). Does not reap.
    pub(super) fn is_running(&mut self) -> bool {
        !self.ended && !is_zombie(self.leader.id())
    }

    pub(super) fn envoy_pid(&self) -> u32 {
        let leader = self.leader.id();
        if !self.through_func_e {
            return leader;
        }
        process_tree::children(leader).first().copied().unwrap_or(leader)
    }

    pub(super) fn cpu_seconds(&self) -> Result<f64, EnvoyError> {
        let path = format!("/proc/{}/stat", self.envoy_pid());
        let stat = fs::read_to_string(&path).map_err(io(&path))?;
        let ticks = cpu_ticks(&stat).ok_or_else(|| EnvoyError::Admin(format!("{path} holds no times: {stat:?}")))?;
        #[allow(clippy::cast_precision_loss, reason = "2^53 ticks are millions of years")]
        Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }

    pub(super) fn log(&self) -> String {
        fs::read(self.dir.path().join(LOG))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Asks Envoy itself, because func-e would end it by force; then, if need be, ends the whole group by force.
    pub(super) fn stop(&mut self) {
        if self.ended {
            return;
        }
        self.ended = true;
        let mut asked = false;
        let deadline = Instant::now() + PATIENCE;
        while !is_zombie(self.leader.id()) && Instant::now() < deadline {
            // func-e may not have started its Envoy yet.
            let envoy = self.envoy_pid();
            if !asked && (!self.through_func_e || envoy != self.leader.id()) {
                asked = pid(envoy).is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok());
            }
            thread::sleep(Duration::from_millis(5));
        }
        signal_group(&self.leader, Signal::KILL);
        let _ = self.leader.wait();
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// func-e takes the binary from `$ENVOY_PATH`, and everything that it writes goes below `dir`.
fn under_func_e(func_e: &Path, envoy: &Path, dir: &Path) -> Command {
    let mut command = Command::new(func_e);
    command.arg("run").env("ENVOY_PATH", envoy).env_remove("FUNC_E_HOME").env_remove("FUNC_E_RUN_ID");
    for (variable, name) in [
        ("FUNC_E_CONFIG_HOME", "func-e-config"),
        ("FUNC_E_DATA_HOME", "func-e-data"),
        ("FUNC_E_STATE_HOME", "func-e-state"),
        ("FUNC_E_RUNTIME_DIR", "func-e-run"),
    ] {
        command.env(variable, dir.join(name));
    }
    command
}

fn watch(group: u32) -> io::Result<Child> {
    let mut watchdog = Command::new("sh");
    watchdog.args(["-c", WATCHDOG, "watchdog", &group.to_string()]);
    // In a group of its own: what ends the tests' group must not end it.
    watchdog.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn()
}

fn signal_group(leader: &Child, signal: Signal) {
    if let Some(group) = pid(leader.id()) {
        let _ = kill_process_group(group, signal);
    }
}

fn pid(number: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(number).ok()?)
}

/// Ended, but not reaped (or no longer there).
fn is_zombie(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().next()).is_none_or(|state| state == "Z")
}

/// User plus system time: fields 14 and 15 of `/proc/<pid>/stat`, the 12th and 13th behind the bracketed name.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

fn program(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

fn io(what: &str) -> impl FnOnce(io::Error) -> EnvoyError + use<> {
    let what = what.to_owned();
    move |e| EnvoyError::Io(what, e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_a_hostile_name() {
        assert_eq!(cpu_ticks("7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 40 2 0 0 20 0"), Some(42));
        assert_eq!(cpu_ticks("7 (a) S 1"), None);
    }
}
