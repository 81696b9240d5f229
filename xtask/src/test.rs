//! `cargo xtask test`: the three rings, and a table of what ran, what failed and what was skipped.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::TARGET;
use crate::cmd::{Progress, Ran, cargo, minutes};
use crate::envoy::{self, Which};
use crate::tally::{Counts, Summary};
use crate::{build, clients, extension, help, moto, tools, workspace};

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    /// Empty means all.
    rings: Vec<u8>,
    filter: Option<String>,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self, String> {
        let mut options = Options::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let (flag, inline) = arg.split_once('=').map_or((arg.as_str(), None), |(flag, value)| (flag, Some(value)));
            let mut value = |of: &str| {
                let next = inline.map(str::to_owned).or_else(|| args.next().cloned());
                next.filter(|value| !value.is_empty()).ok_or_else(|| format!("`{flag}` needs {of}"))
            };
            match flag {
                "--ring" => match value("1, 2 or 3")?.as_str() {
                    ring @ ("1" | "2" | "3") => options.rings.extend(ring.parse::<u8>()),
                    other => {
                        return Err(format!("there is no ring `{other}`; rings are 1 (native), 2 (wasm), 3 (Envoy)"));
                    }
                },
                "--filter" => options.filter = Some(value("a part of the tests' names")?),
                _ => return Err(help::unknown_flag("test", arg)),
            }
        }
        Ok(options)
    }

    fn wants(&self, ring: u8) -> bool {
        self.rings.is_empty() || self.rings.contains(&ring)
    }
}

/// `cargo xtask test`.
pub fn command(root: &Path, args: &[String]) -> Result<(), String> {
    let options = Options::parse(args)?;
    let wasm_suites = wasm_suites(root);
    let steps = if options.wants(1) { 1 + clients::STEPS } else { 0 }
        + if options.wants(2) || options.wants(3) { build::STEPS } else { 0 }
        + if options.wants(2) { 2 } else { 0 }
        + if options.wants(3) { 6 } else { 0 };
    let mut rings = Rings { root, options, progress: Progress::new(steps), summary: Summary::default() };

    if rings.options.wants(1) {
        println!("== ring 1: native");
        rings.native();
        // They have names of their own, to which a filter for tests in Rust says nothing.
        if rings.options.filter.is_none() {
            clients::run(root, &mut rings.progress, &mut rings.summary);
        }
    }
    if rings.options.wants(2) || rings.options.wants(3) {
        println!(
            "== {}",
            if rings.options.wants(2) { "ring 2: the wasm artefact" } else { "the wasm artefact, for ring 3" }
        );
        let built = build::all(root, &mut rings.progress);
        if rings.options.wants(2) {
            rings.summary.check(2, "build, imports, size", &built);
            rings.inside_a_wasm_engine(&wasm_suites);
        }
        if rings.options.wants(3) {
            println!("== ring 3: real Envoys");
            match built {
                Ok(()) => rings.real_envoys(),
                Err(e) => rings.summary.check(3, "every test on an Envoy", &Err(format!("there is no artefact: {e}"))),
            }
        }
    }
    rings.summary.finish(workspace::in_ci())
}

struct Rings<'a> {
    root: &'a Path,
    options: Options,
    progress: Progress,
    summary: Summary,
}

impl Rings<'_> {
    fn native(&mut self) {
        let command = cargo(self.root, ["test", "--workspace", "--exclude", "e2e", "--no-fail-fast"]);
        self.cargo_test(1, "workspace without e2e", command);
    }

    /// The cores' own vectors, compiled to wasm and run under Node.
    fn inside_a_wasm_engine(&mut self, packages: &[String]) {
        let what = "vectors in a wasm engine";
        if packages.is_empty() {
            return self.summary.skip(2, what, "no crate has tests/wasm.rs");
        }
        let finding = "finding wasm-bindgen's test runner (compiled the first time: minutes)";
        let runner = match self.progress.loud(finding, || tools::wasm_test_runner(self.root)) {
            Ok(runner) => runner,
            Err(reason) => return self.summary.skip(2, what, &reason),
        };
        let mut command = cargo(self.root, ["test", "--target", TARGET, "--test", "wasm", "--no-fail-fast"]);
        command.args(packages.iter().flat_map(|package| ["-p", package]));
        command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner);
        self.cargo_test(2, &format!("{what}: {}", packages.join(", ")), command);
    }

    /// All of `e2e` on the newest Envoy, and its suites (not the tests of the doubles themselves) on the oldest.
    fn real_envoys(&mut self) {
        let func_e = match self.progress.quiet("looking for func-e", || Ok(envoy::func_e_or_install(self.root))) {
            Ok(Ok(path)) => Some(path),
            Ok(Err(reason)) => {
                self.summary.note(&format!("Envoys were started directly, not through func-e: {reason}"));
                None
            }
            Err(_) => None,
        };
        let found = self.progress.quiet("finding Envoys", || {
            let newest = envoy::find(self.root, Which::Newest)?;
            Ok((envoy::version_of(&newest)?, newest, envoy::find(self.root, Which::Oldest)?))
        });
        let (version, newest, oldest) = match found {
            Ok(found) => found,
            Err(reason) => return self.summary.skip(3, "every test on an Envoy", &reason),
        };
        let prepared = self.progress.quiet("finding moto", || moto::find(self.root));
        let built = self.progress.quiet("building mtls-proxy for this machine", || extension::build(self.root));
        let proxy = match prepared.and(built) {
            Ok(proxy) => proxy,
            Err(reason) => return self.summary.check(3, "what the tests of egress need", &Err(reason)),
        };
        let in_environment = |mut command: Command, envoy: &PathBuf| {
            command.envs(envoy::environment(self.root, envoy, func_e.as_deref()));
            command.env(extension::MESHBRIDGE_MTLS_PROXY, &proxy);
            command.env(envoy::MESHBRIDGE_ENVOY_OLDEST, &oldest);
            command
        };
        let all = in_environment(cargo(self.root, ["test", "-p", "e2e", "--no-fail-fast"]), &newest);
        let mut suites = cargo(self.root, ["test", "-p", "e2e", "--no-fail-fast"]);
        suites.args(suites_with_envoys(self.root).iter().flat_map(|suite| ["--test", suite]));
        let suites = in_environment(suites, &oldest);
        self.cargo_test(3, &format!("e2e on Envoy {version}"), all);
        let version = workspace::pinned(self.root, workspace::OLDEST_FILE).unwrap_or_default();
        self.cargo_test(3, &format!("e2e's suites on Envoy {version}"), suites);
    }

    fn cargo_test(&mut self, ring: u8, what: &str, mut command: Command) {
        command.args(self.options.filter.as_ref());
        let outcome = self.progress.shown(what, &mut command, minutes(40));
        let (success, stdout, seconds) = match &outcome {
            Ok(Ran { success, stdout, seconds, .. }) => (*success, stdout.as_str(), *seconds),
            Err(_) => (false, "", 0.0),
        };
        self.summary.ran(ring, what, Counts::read(stdout), success, seconds);
    }
}

/// The suites of `e2e` but those that test a double, which know nothing of the Envoy's version.
fn suites_with_envoys(root: &Path) -> Vec<String> {
    let mut found: Vec<String> = std::fs::read_dir(root.join("tests/tests"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned()))
        .filter(|suite| !suite.ends_with("_double"))
        .collect();
    found.sort();
    found
}

/// Packages under crates/ that have `tests/wasm.rs`.
fn wasm_suites(root: &Path) -> Vec<String> {
    let mut found: Vec<String> = std::fs::read_dir(root.join("crates"))
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let dir = entry.ok()?.path();
            dir.join("tests/wasm.rs").is_file().then(|| dir.file_name()?.to_str().map(str::to_owned))?
        })
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Options, String> {
        Options::parse(&args.iter().map(|&s| s.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn flags_are_read_in_both_forms() {
        let expected = Options { rings: vec![1, 3], filter: Some("sts_is_down".into()) };
        assert_eq!(parse(&["--ring", "1", "--ring=3", "--filter", "sts_is_down"]), Ok(expected));
        assert!(parse(&[]).unwrap().wants(2));
    }

    #[test]
    fn mistakes_are_answered_with_the_remedy() {
        assert!(parse(&["--ring", "4"]).unwrap_err().contains("1 (native)"));
        assert!(parse(&["--ring"]).unwrap_err().contains("needs 1, 2 or 3"));
        assert!(parse(&["--fast"]).unwrap_err().contains("cargo xtask help test"));
    }

    #[test]
    fn the_tests_of_doubles_do_not_run_on_the_oldest_envoy() {
        let dir = tempfile::tempdir().unwrap();
        for file in ["tests/tests/router/main.rs", "tests/tests/aws_double/main.rs", "tests/tests/demo.rs"] {
            let file = dir.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        }
        assert_eq!(suites_with_envoys(dir.path()), ["demo", "router"]);
    }

    #[test]
    fn only_crates_with_a_wasm_suite_run_in_the_engine() {
        let dir = tempfile::tempdir().unwrap();
        for file in ["crates/b/tests/wasm.rs", "crates/a/tests/wasm.rs", "crates/c/tests/other.rs"] {
            let file = dir.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        }
        assert_eq!(wasm_suites(dir.path()), ["a", "b"]);
    }
}
