//! The Lambda extension as the tests run it: built for this machine, so that its clock can be moved.

use std::path::{Path, PathBuf};

use crate::cmd::{self, Output, cargo, minutes};
use crate::workspace;

/// Set for tests: the extension's executable.
pub const MESHBRIDGE_MTLS_PROXY: &str = "MESHBRIDGE_MTLS_PROXY";

/// `$MESHBRIDGE_MTLS_PROXY`, else built by cargo first, which takes a moment when nothing has changed.
pub fn find(root: &Path) -> Result<PathBuf, String> {
    match std::env::var_os(MESHBRIDGE_MTLS_PROXY).filter(|path| !path.is_empty()) {
        Some(path) => Ok(path.into()),
        None => build(root),
    }
}

/// Builds it with cargo's `dev` profile.
pub fn build(root: &Path) -> Result<PathBuf, String> {
    let mut build = cargo(root, ["build", "--quiet", "--package", "mtls-proxy", "--bin", "mtls-proxy"]);
    // What cargo tells a test about itself would be news to build scripts, which would all run again.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let of_a_package = ["CARGO_PKG_", "CARGO_BIN_"].iter().any(|prefix| name.starts_with(prefix));
        if of_a_package || ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_CRATE_NAME"].contains(&&*name) {
            build.env_remove(&*name);
        }
    }
    let ran = cmd::run(&mut build, Output::Kept, minutes(20))?;
    if !ran.success {
        return Err(format!("mtls-proxy does not build:\n{}", ran.stderr.trim()));
    }
    let built = workspace::cargo_target(root).join("debug/mtls-proxy");
    if workspace::is_executable(&built) {
        return Ok(built);
    }
    Err(format!("cargo built mtls-proxy, but it is not at {}; unset CARGO_BUILD_TARGET", built.display()))
}
