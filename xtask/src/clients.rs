//! `cargo xtask clients`: the own tests of the clients in lambda/clients/, and one conformance suite through all of them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cmd::{self, Output, Progress, Ran, cargo, minutes};
use crate::help;
use crate::tally::{Counts, Summary};
use crate::workspace::{self, executable};

/// A client's language, and how its tests are run.
struct Language {
    /// Also the directory's name, and what the conformance script calls it.
    name: &'static str,
    program: &'static str,
    version: &'static [&'static str],
    /// The oldest version that the client promises to work with.
    oldest: (u32, u32),
    remedy: &'static str,
    tests: &'static [&'static str],
}

const LANGUAGES: [Language; 4] = [
    Language {
        name: "ruby",
        program: "ruby",
        version: &["--version"],
        oldest: (3, 1),
        remedy: "install the package ruby",
        tests: &["-w", "test/all.rb"],
    },
    Language {
        name: "go",
        program: "go",
        version: &["version"],
        oldest: (1, 19),
        remedy: "install Go, or the package golang-go",
        tests: &["test", "-v", "-count=1", "./..."],
    },
    Language {
        name: "python",
        program: "python3",
        version: &["--version"],
        oldest: (3, 9),
        remedy: "install the package python3",
        tests: &["-W", "error", "-m", "unittest", "discover", "-s", "tests", "-t", "."],
    },
    Language {
        name: "node",
        program: "node",
        version: &["--version"],
        oldest: (18, 15),
        remedy: "install the package nodejs",
        tests: &["--test", "--test-reporter=tap"],
    },
];

/// How many steps [`run`] counts on its [`Progress`] at most.
pub const STEPS: usize = LANGUAGES.len() + 2;

/// The ring under which the clients stand in the table: native programs, without an Envoy.
const RING: u8 = 1;

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    /// Empty means all.
    only: Vec<String>,
    stand_in: bool,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self, String> {
        let mut options = Options::default();
        for arg in args {
            match arg.as_str() {
                "--stand-in" => options.stand_in = true,
                name if LANGUAGES.iter().any(|language| language.name == name) => options.only.push(name.to_owned()),
                _ => return Err(help::unknown_flag("clients", arg)),
            }
        }
        Ok(options)
    }
}

/// `cargo xtask clients`.
pub fn command(root: &Path, args: &[String]) -> Result<(), String> {
    let options = Options::parse(args)?;
    let mut summary = Summary::default();
    run_some(root, &options, &mut Progress::new(STEPS), &mut summary);
    summary.finish(workspace::in_ci())
}

/// All of it, as part of `cargo xtask test`: [`STEPS`] steps.
pub fn run(root: &Path, progress: &mut Progress, summary: &mut Summary) {
    run_some(root, &Options::default(), progress, summary);
}

fn run_some(root: &Path, options: &Options, progress: &mut Progress, summary: &mut Summary) {
    let mut found = Vec::new();
    for language in &LANGUAGES {
        if !options.only.is_empty() && !options.only.iter().any(|name| name == language.name) {
            continue;
        }
        let what = format!("client for {}, its own tests", language.name);
        match language.find() {
            Err(reason) => summary.skip(RING, &what, &reason),
            Ok(program) => {
                let mut tests = Command::new(program);
                tests.args(language.tests).current_dir(root.join("lambda/clients").join(language.name));
                run_tests(&what, tests, progress, summary);
                found.push(language.name);
            }
        }
    }
    conformance(root, options, &found, progress, summary);
}

/// The same cases through every client, against the real proxy.
fn conformance(root: &Path, options: &Options, found: &[&str], progress: &mut Progress, summary: &mut Summary) {
    let what = if options.stand_in { "conformance against the stand-in" } else { "conformance against mtls-proxy" };
    if found.is_empty() {
        return summary.skip(RING, what, "there is no client to run");
    }
    let Some(python) = executable("python3", &[]) else {
        return summary.skip(RING, what, "Python is not on the PATH; install the package python3");
    };
    let mut script = Command::new(python);
    script.arg(root.join("lambda/clients/conformance/run.py"));
    script.args(found.iter().flat_map(|client| ["--client", client]));
    if options.stand_in {
        script.arg("--stand-in");
    } else {
        if executable("openssl", &[]).is_none() {
            return summary.skip(RING, what, "`openssl` is not on the PATH; install the package openssl");
        }
        let mut build = cargo(root, ["build", "-p", "mtls-proxy"]);
        match progress.shown("building mtls-proxy", &mut build, minutes(20)) {
            Ok(Ran { success: true, .. }) => {}
            _ => return summary.check(RING, what, &Err("mtls-proxy cannot be built; see above".into())),
        }
        script.arg("--proxy").arg(workspace::cargo_target(root).join("debug/mtls-proxy"));
    }
    run_tests(what, script, progress, summary);
}

fn run_tests(what: &str, program: Command, progress: &mut Progress, summary: &mut Summary) {
    match progress.shown(what, &mut with_one_output(&program), minutes(15)) {
        Ok(Ran { success, stdout, seconds, .. }) => summary.ran(RING, what, read(&stdout), success, seconds),
        Err(_) => summary.ran(RING, what, Counts::default(), false, 0.0),
    }
}

/// Standard error goes where standard output goes (Python's unittest reports there), and nothing is written beside the sources
/// or fetched.
fn with_one_output(program: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$@\" 2>&1", "sh"]).arg(program.get_program()).args(program.get_args());
    shell.envs([("PYTHONDONTWRITEBYTECODE", "1"), ("GOTOOLCHAIN", "local"), ("GOPROXY", "off"), ("GOWORK", "off")]);
    if let Some(directory) = program.get_current_dir() {
        shell.current_dir(directory);
    }
    shell
}

impl Language {
    /// The program, when it is there and not too old; else why not, with the remedy.
    fn find(&self) -> Result<PathBuf, String> {
        let Some(program) = executable(self.program, &[]) else {
            return Err(format!("`{}` is not on the PATH; {}", self.program, self.remedy));
        };
        let ran = cmd::run(Command::new(&program).args(self.version), Output::Kept, minutes(1))?;
        let (major, minor) = self.oldest;
        match version_in(&ran.stdout) {
            Some(version) if version >= self.oldest => Ok(program),
            _ => {
                Err(format!("`{}` is {}, older than {major}.{minor}; {}", self.program, ran.stdout.trim(), self.remedy))
            }
        }
    }
}

/// Major and minor of the first version number in a text.
fn version_in(text: &str) -> Option<(u32, u32)> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.').find_map(|word| {
        let mut numbers = word.split('.').map(|number| number.parse().ok());
        Some((numbers.next()??, numbers.next()??))
    })
}

/// Adds up what a test tool says at its end: minitest, `go test -v`, unittest, Node's test runner (TAP), or the conformance script.
fn read(output: &str) -> Counts {
    let mut counts = Counts::default();
    for line in output.lines() {
        let line = line.trim();
        let numbers = numbers_before(line);
        let number = |word: &str| numbers.iter().find(|(_, w)| *w == word).map_or(0, |(n, _)| *n);
        if line.contains(" runs, ") && line.contains(" assertions, ") {
            counts.failed += number("failures") + number("errors");
            counts.ignored += number("skips");
            counts.passed += number("runs").saturating_sub(counts.failed + counts.ignored);
        } else if line.starts_with("--- PASS: ") {
            counts.passed += 1;
        } else if line.starts_with("--- FAIL: ") {
            counts.failed += 1;
        } else if line.starts_with("--- SKIP: ") {
            counts.ignored += 1;
        } else if line.starts_with("Ran ") && line.contains(" tests in ") {
            counts.passed += number("tests");
        } else if line == "OK" || line.starts_with("OK (") || line.starts_with("FAILED (") {
            counts.ignored += value(line, "skipped=");
            counts.failed += value(line, "failures=") + value(line, "errors=");
            counts.passed = counts.passed.saturating_sub(counts.ignored + counts.failed);
        } else if let Some(passed) = line.strip_prefix("# pass ") {
            counts.passed += passed.parse::<usize>().unwrap_or(0);
        } else if let Some(failed) = line.strip_prefix("# fail ").or_else(|| line.strip_prefix("# cancelled ")) {
            counts.failed += failed.parse::<usize>().unwrap_or(0);
        } else if let Some(skipped) = line.strip_prefix("# skipped ").or_else(|| line.strip_prefix("# todo ")) {
            counts.ignored += skipped.parse::<usize>().unwrap_or(0);
        } else if line.ends_with(" clients skipped") {
            counts.passed += number("passed");
            counts.failed += number("failed");
        }
        counts.failures.extend(failed_name(line).map(str::to_owned));
    }
    counts
}

/// The test that a line says has failed.
fn failed_name(line: &str) -> Option<&str> {
    ["--- FAIL: ", "not ok ", "FAIL: ", "ERROR: ", "failed: "].iter().find_map(|mark| line.strip_prefix(mark))
}

/// Each number in a line, with the word after it.
fn numbers_before(line: &str) -> Vec<(usize, &str)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.windows(2).filter_map(|pair| Some((pair[0].parse().ok()?, pair[1].trim_end_matches(',')))).collect()
}

/// The number behind `name`, such as `failures=`.
fn value(line: &str, name: &str) -> usize {
    let after = line.split_once(name).map_or("", |(_, after)| after);
    after.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: usize, failed: usize, ignored: usize) -> (usize, usize, usize) {
        (passed, failed, ignored)
    }

    fn read_as(output: &str) -> (usize, usize, usize) {
        let read = read(output);
        counts(read.passed, read.failed, read.ignored)
    }

    #[test]
    fn the_last_words_of_each_test_tool_are_understood() {
        assert_eq!(read_as("29 runs, 218 assertions, 1 failures, 2 errors, 3 skips\n"), counts(23, 3, 3));
        let go = "=== RUN   TestA\n--- PASS: TestA (0.00s)\n--- FAIL: TestB (0.00s)\n--- SKIP: TestC (0.00s)\nFAIL\n";
        assert_eq!(read_as(go), counts(1, 1, 1));
        assert_eq!(read_as("Ran 28 tests in 4.2s\n\nFAILED (failures=3, errors=1, skipped=2)\n"), counts(22, 4, 2));
        assert_eq!(read_as("Ran 28 tests in 4.2s\n\nOK\n"), counts(28, 0, 0));
        let node = "not ok 4 - calls\n# tests 28\n# pass 26\n# fail 1\n# cancelled 0\n# skipped 1\n# todo 0\n";
        assert_eq!(read_as(node), counts(26, 1, 1));
        assert_eq!(read_as("543 passed, 2 failed, 0 clients skipped\n"), counts(543, 2, 0));
    }

    #[test]
    fn failed_tests_are_named() {
        let output =
            "--- FAIL: TestB (0.00s)\nnot ok 4 - calls\nFAIL: test_a (tests.C)\nfailed: go: a case: why\nok 5\n";
        let named = ["TestB (0.00s)", "4 - calls", "test_a (tests.C)", "go: a case: why"];
        assert_eq!(read(output).failures, named);
    }

    #[test]
    fn a_version_is_found_wherever_it_stands() {
        assert_eq!(version_in("go version go1.26.8 linux/amd64"), Some((1, 26)));
        assert_eq!(version_in("v20.20.2\n"), Some((20, 20)));
        assert_eq!(version_in("ruby 3.1.2p20 (2022-04-12 revision 4491bb740a)"), Some((3, 1)));
        assert_eq!(version_in("Python 3.11.7"), Some((3, 11)));
        assert_eq!(version_in("command not found"), None);
    }

    #[test]
    fn clients_are_chosen_by_name() {
        let parse = |args: &[&str]| Options::parse(&args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>());
        let expected = Options { only: vec!["go".into()], stand_in: true };
        assert_eq!(parse(&["go", "--stand-in"]), Ok(expected));
        assert!(parse(&["rust"]).unwrap_err().contains("cargo xtask help clients"));
    }

    #[test]
    fn every_language_has_a_directory_and_is_known_to_the_conformance_script() {
        let clients = workspace::root().unwrap().join("lambda/clients");
        let drivers = std::fs::read_to_string(clients.join("conformance/drivers.py")).unwrap();
        for language in &LANGUAGES {
            assert!(clients.join(language.name).join("README.md").is_file(), "{}", language.name);
            assert!(drivers.contains(&format!("\"{}\"", language.name)), "{}", language.name);
        }
    }

    #[test]
    fn the_clients_know_every_reason_that_the_proxy_gives() {
        let root = workspace::root().unwrap();
        let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
        let sources = read("lambda/mtls-proxy/src/answer.rs") + &read("lambda/mtls-client/src/error.rs");
        let arms = sources
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Self::")?.split_once(" => \"")?.1.strip_suffix("\","));
        let mut given: Vec<&str> = arms.collect();
        let shared = read("lambda/clients/conformance/errors.json");
        let mut known: Vec<&str> = shared
            .split("\"reason\": \"")
            .skip(1)
            .filter(|entry| entry.split_once(']').is_some_and(|(start, _)| start.contains("\"proxy\"")))
            .filter_map(|entry| Some(entry.split_once('"')?.0))
            .collect();
        given.sort_unstable();
        known.sort_unstable();
        assert!(known.len() > 10);
        assert_eq!(known, given);
    }
}
