//! Runs other programs: with a progress line, within a time limit, output shown or kept.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::process_tree;

/// What a program did.
#[derive(Debug)]
pub struct Ran {
    /// It ended by itself, with 0.
    pub success: bool,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error; empty when that was shown instead.
    pub stderr: String,
    /// How long it took.
    pub seconds: f64,
}

/// What becomes of a program's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Kept, and shown only by whoever asked for it.
    Kept,
    /// Shown as it comes; standard output is kept as well.
    Shown,
}

/// Runs a program to its end, for at most `limit`.
///
/// Fails when it cannot be started or is not done in time (then it and its descendants are ended); how it ended is in [`Ran`].
pub fn run(command: &mut Command, output: Output, limit: Duration) -> Result<Ran, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let begun = Instant::now();
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(if output == Output::Kept { Stdio::piped() } else { Stdio::inherit() });
    let mut child =
        command.spawn().map_err(|e| format!("`{name}` cannot be run: {e}; is it installed and on the PATH?"))?;
    let stdout = child.stdout.take().map(|pipe| collect(pipe, output));
    let stderr = child.stderr.take().map(|pipe| collect(pipe, output));
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if begun.elapsed() < limit => thread::sleep(Duration::from_millis(10)),
            Ok(None) => {
                kill_tree(&mut child);
                return Err(format!("`{name}` was not done after {} s and was ended", limit.as_secs()));
            }
            Err(e) => return Err(format!("`{name}` cannot be waited for: {e}")),
        }
    };
    let (stdout, stderr) = (stdout.map(Collected::text), stderr.map(Collected::text));
    Ok(Ran {
        success: status.success(),
        stdout: stdout.unwrap_or_default(),
        stderr: stderr.unwrap_or_default(),
        seconds: begun.elapsed().as_secs_f64(),
    })
}

/// Ends a process and everything that descends from it, and reaps it.
pub fn kill_tree(child: &mut Child) {
    let below = process_tree::descendants(child.id());
    let _ = child.kill();
    if !below.is_empty() {
        // The shell's own `kill`, because the program of that name is not on every machine.
        let mut kill = Command::new("sh");
        kill.args(["-c", "kill -s KILL \"$@\"", "kill"]).args(below.iter().map(u32::to_string));
        let _ = kill.stderr(Stdio::null()).status();
    }
    let _ = child.wait();
}

struct Collected {
    text: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl Collected {
    /// Everything up to the end of the pipe, or what came within two seconds: a descendant may hold the pipe open for ever.
    fn text(self) -> String {
        let deadline = Instant::now() + Duration::from_secs(2);
        while !self.reader.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        self.text.lock().map(|text| text.clone()).unwrap_or_default()
    }
}

fn collect(pipe: impl Read + Send + 'static, output: Output) -> Collected {
    let text = Arc::new(Mutex::new(String::new()));
    let sink = Arc::clone(&text);
    let reader = thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            if output == Output::Shown {
                let mut out = std::io::stdout().lock();
                let _ = out.write_all(&line).and_then(|()| out.flush());
            }
            if let Ok(mut sink) = sink.lock() {
                sink.push_str(&String::from_utf8_lossy(&line));
            }
            line.clear();
        }
    });
    Collected { text, reader }
}

/// `cargo` as it was called, with these arguments.
pub fn cargo<S: AsRef<OsStr>>(root: &std::path::Path, args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).args(args);
    command
}

/// Counts the long steps of a command and says which one is under way.
#[derive(Debug)]
pub struct Progress {
    done: usize,
    total: usize,
}

impl Progress {
    /// For that many steps.
    pub fn new(total: usize) -> Self {
        Progress { done: 0, total }
    }

    /// Does a step quietly: `[3/7] what … 1.2 s`.
    pub fn quiet<T>(&mut self, what: &str, step: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
        self.done += 1;
        print!("[{}/{}] {what} …", self.done, self.total);
        let _ = std::io::stdout().flush();
        let begun = Instant::now();
        let outcome = step();
        let verdict = if outcome.is_ok() { "" } else { ", failed" };
        println!(" {:.1} s{verdict}", begun.elapsed().as_secs_f64());
        outcome
    }

    /// Does a step that prints, between two lines that say what it is and how long it took.
    pub fn loud<T>(&mut self, what: &str, step: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
        self.done += 1;
        println!("[{}/{}] {what} …", self.done, self.total);
        let begun = Instant::now();
        let outcome = step();
        let verdict = outcome.as_ref().err().map(|e| format!(", failed: {e}")).unwrap_or_default();
        println!("[{}/{}] {what}: {:.1} s{verdict}", self.done, self.total, begun.elapsed().as_secs_f64());
        outcome
    }

    /// Runs a program with its output shown, as a step.
    pub fn shown(&mut self, what: &str, command: &mut Command, limit: Duration) -> Result<Ran, String> {
        self.loud(what, || {
            let ran = run(command, Output::Shown, limit)?;
            if !ran.success {
                println!("`{}` failed", command.get_program().to_string_lossy());
            }
            Ok(ran)
        })
    }
}

/// Minutes, as a limit.
pub const fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_both_outputs_and_the_verdict() {
        let ran =
            run(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]), Output::Kept, minutes(1)).unwrap();
        assert_eq!((ran.success, ran.stdout.as_str(), ran.stderr.as_str()), (false, "out\n", "err\n"));
    }

    #[test]
    fn ends_what_takes_too_long_with_its_descendants() {
        let begun = Instant::now();
        let refusal =
            run(Command::new("sh").args(["-c", "sleep 300 & wait"]), Output::Kept, Duration::from_millis(300))
                .unwrap_err();
        assert!(refusal.contains("was not done"), "{refusal}");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn does_not_wait_for_a_descendant_that_holds_the_output_open() {
        let begun = Instant::now();
        let ran = run(Command::new("sh").args(["-c", "echo done; sleep 12 &"]), Output::Kept, minutes(1)).unwrap();
        assert_eq!(ran.stdout, "done\n");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn says_what_is_not_there() {
        let refusal = run(&mut Command::new("no-such-program"), Output::Kept, minutes(1)).unwrap_err();
        assert!(refusal.contains("`no-such-program` cannot be run"), "{refusal}");
    }
}
