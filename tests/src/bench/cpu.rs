//! CPU of a process in nanoseconds, where the kernel tells.

use std::fs;
use std::path::{Path, PathBuf};

use crate::envoy::Envoy;

/// User and system time of all threads of the Envoy so far.
///
/// The first field of a thread's `schedstat` is its time on a CPU in nanoseconds, exact whenever the thread sleeps; `stat`
/// counts in steps of 10 ms, and serves where the kernel has no `schedstat`.
pub(super) fn seconds(envoy: &Envoy) -> Result<f64, String> {
    match nanoseconds(envoy.pid()) {
        #[allow(clippy::cast_precision_loss, reason = "2^53 nanoseconds are a hundred days of CPU")]
        Some(nanoseconds) => Ok(nanoseconds as f64 / 1e9),
        None => envoy.cpu_seconds().map_err(|e| e.to_string()),
    }
}

/// The same of any process, where the kernel has `schedstat`.
pub(super) fn nanoseconds(pid: u32) -> Option<u64> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        sum += nanoseconds_in(&thread.ok()?.path())?;
    }
    Some(sum)
}

/// The same of one thread of it.
pub(super) fn nanoseconds_of_thread(pid: u32, tid: u32) -> Option<u64> {
    nanoseconds_in(&PathBuf::from(format!("/proc/{pid}/task/{tid}")))
}

/// The thread of the process that has this name.
pub(super) fn thread_named(pid: u32, name: &str) -> Option<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let its_name = |path: &Path| fs::read_to_string(path.join("comm")).unwrap_or_default();
    let thread = threads.map(|thread| thread.path()).find(|path| its_name(path).trim() == name)?;
    thread.file_name()?.to_str()?.parse().ok()
}

fn nanoseconds_in(task: &Path) -> Option<u64> {
    fs::read_to_string(task.join("schedstat")).ok()?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::{Duration, Instant};

    #[test]
    fn a_process_that_works_uses_cpu() {
        let Some(_) = super::nanoseconds(1) else { return };
        let mut busy = Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        let mut used = 0;
        while used < 1_000_000 && Instant::now() < until {
            used = super::nanoseconds(busy.id()).unwrap();
        }
        busy.kill().unwrap();
        busy.wait().unwrap();
        assert!(used >= 1_000_000);
        assert_eq!(super::nanoseconds(u32::MAX), None);
    }

    #[test]
    fn a_thread_is_found_by_its_name() {
        let (tell, told) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::Builder::new().name("bench-worker".into()).spawn(move || told.recv());
        let pid = std::process::id();
        let until = Instant::now() + Duration::from_secs(20);
        let mut found = None;
        // A thread gives itself its name.
        while found.is_none() && Instant::now() < until {
            found = super::thread_named(pid, "bench-worker");
        }
        let tid = found.unwrap();
        assert!(tid != pid && super::thread_named(pid, "nobody").is_none());
        assert_eq!(super::nanoseconds_of_thread(pid, tid).is_some(), super::nanoseconds(pid).is_some());
        drop(tell);
        assert!(thread.unwrap().join().unwrap().is_err());
    }
}
