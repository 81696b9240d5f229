//! CPU of a process in nanoseconds, where the kernel tells.

use std::fs;

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

fn nanoseconds(pid: u32) -> Option<u64> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        sum += text.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(sum)
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
}
