//! Brings what a new machine lacks: the wasm target, Node's test runner for wasm-bindgen.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::TARGET;
use crate::cmd::{self, Output, cargo, minutes};
use crate::workspace::{self, executable};

/// Makes sure that the pinned compiler can build for the filters' target.
pub fn wasm_target(root: &Path) -> Result<(), String> {
    target(root, TARGET)
}

/// Makes sure that the pinned compiler can build for a target.
pub fn target(root: &Path, target: &str) -> Result<(), String> {
    let has_it = || {
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        let ran = cmd::run(
            rustc.current_dir(root).args(["--print", "target-libdir", "--target", target]),
            Output::Kept,
            minutes(1),
        );
        ran.is_ok_and(|ran| ran.success && Path::new(ran.stdout.trim()).is_dir())
    };
    if has_it() {
        return Ok(());
    }
    let remedy = format!(
        "the target {target} is missing; run `rustup target add {target}`, or install the compiler with rustup"
    );
    let mut rustup = Command::new("rustup");
    let ran = cmd::run(rustup.current_dir(root).args(["target", "add", target]), Output::Kept, minutes(10))
        .map_err(|e| format!("{remedy} ({e})"))?;
    if ran.success && has_it() {
        return Ok(());
    }
    Err(format!("{remedy} (rustup says: {})", ran.stderr.lines().last().unwrap_or("nothing").trim()))
}

/// The runner that runs tests for wasm32 under Node, of exactly the version of wasm-bindgen in Cargo.lock, else why there is none.
pub fn wasm_test_runner(root: &Path) -> Result<PathBuf, String> {
    executable("node", &[]).ok_or("Node is not on the PATH; install Node.js")?;
    let version = workspace::locked_version(root, "wasm-bindgen")
        .ok_or("Cargo.lock names no wasm-bindgen; does any core have wasm-bindgen-test as a dev-dependency?")?;
    let home = workspace::tools(root).join(format!("wasm-bindgen-{version}"));
    let runner = home.join("bin/wasm-bindgen-test-runner");
    if workspace::is_executable(&runner) {
        return Ok(runner);
    }
    // Unoptimised and without symbols: it compiles in a third of the time, and the runs take milliseconds anyway.
    let install = |locked: &[&str]| {
        let mut install = cargo(root, ["install", "wasm-bindgen-cli", "--bin", "wasm-bindgen-test-runner", "--debug"]);
        install.args(["--no-default-features", "--version", &format!("={version}"), "--root"]).arg(&home).args(locked);
        install.arg("--target-dir").arg(workspace::tools(root).join("build")).env("CARGO_PROFILE_DEV_DEBUG", "0");
        cmd::run(install.env_remove("CARGO_TARGET_DIR"), Output::Shown, minutes(20))
    };
    // A registry's mirror may not have yet what the tool's own lock file names; then the newest that it has will do.
    if !install(&["--locked"])?.success && !install(&[])?.success {
        return Err(format!("`cargo install wasm-bindgen-cli --version ={version}` failed; see above"));
    }
    let _ = std::fs::remove_dir_all(workspace::tools(root).join("build"));
    Ok(runner)
}
