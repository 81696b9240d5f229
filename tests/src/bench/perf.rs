//! Instructions that a process executes, where the machine has `perf` and lets us: what else runs there does not change them.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

/// The event: user space only, because what a filter adds, it adds there.
const EVENT: &str = "instructions:u";
/// perf counts from before this begins until it ends: it tells when to begin, and ends when told.
const GATE: &str = "echo counting; read -r _";

/// Whose instructions.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whose {
    /// Of all threads of this process.
    Process(u32),
    /// Of this thread alone.
    Thread(u32),
}

/// Runs `work` and counts the instructions of a process meanwhile. `None` when nothing can be counted.
pub(super) fn instructions_of<T>(pid: u32, work: impl FnOnce() -> T) -> (T, Option<u64>) {
    count_during(Whose::Process(pid), work)
}

/// Runs `work` and counts instructions meanwhile. `None` when nothing can be counted.
pub(super) fn count_during<T>(whose: Whose, work: impl FnOnce() -> T) -> (T, Option<u64>) {
    let Some(mut perf) = start(whose) else { return (work(), None) };
    let outcome = work();
    drop(perf.stdin.take());
    let mut text = String::new();
    let read = perf.stderr.take().and_then(|mut stderr| stderr.read_to_string(&mut text).ok());
    let ended = perf.wait();
    (outcome, read.and(ended.ok()).and_then(|_| count(&text)))
}

fn start(whose: Whose) -> Option<Child> {
    let (flag, number) = match whose {
        Whose::Process(pid) => ("-p", pid),
        Whose::Thread(tid) => ("-t", tid),
    };
    let mut command = Command::new("perf");
    command.args(["stat", "-x", ",", "-e", EVENT, flag, &number.to_string(), "--", "sh", "-c", GATE]);
    command.env("LC_ALL", "C").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut perf = command.spawn().ok()?;
    let mut line = String::new();
    let begun = perf.stdout.take().and_then(|stdout| BufReader::new(stdout).read_line(&mut line).ok());
    if begun.is_some_and(|bytes| bytes > 0) {
        return Some(perf);
    }
    let _ = perf.kill();
    let _ = perf.wait();
    None
}

/// `12345,,instructions:u,…`; not a number where the machine does not count.
fn count(text: &str) -> Option<u64> {
    text.lines().find(|line| line.contains(EVENT))?.split(',').next()?.parse().ok().filter(|count| *count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_if_there_is_one() {
        assert_eq!(count("110398,,instructions:u,1083720,100.00,,\n"), Some(110_398));
        assert_eq!(count("<not supported>,,instructions:u,0,100.00,,\n"), None);
        assert_eq!(count("Error:\nNo permission to enable instructions:u event.\n"), None);
    }

    #[test]
    fn the_work_is_done_whether_it_can_be_counted_or_not() {
        assert_eq!(instructions_of(u32::MAX, || 7).0, 7);
        let (sum, _) = instructions_of(std::process::id(), || (0..1000).sum::<u64>());
        assert_eq!(sum, 499_500);
    }
}
