//! Where things are: the workspace's root, what is written below it, and the versions that its files pin.

use std::path::{Path, PathBuf};

/// The newest Envoy that is supported, and the one that people should run.
pub const NEWEST_FILE: &str = ".envoy-version";
/// The oldest Envoy that is supported; beside the newest, so that whoever moves one sees the other.
pub const OLDEST_FILE: &str = ".envoy-version-oldest";

/// The directory above this package (or above the working directory) that holds `.envoy-version`.
pub fn root() -> Result<PathBuf, String> {
    let start = match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => std::env::current_dir().map_err(|e| format!("the working directory cannot be read: {e}"))?,
    };
    start
        .ancestors()
        .find(|dir| dir.join(NEWEST_FILE).is_file() && dir.join("Cargo.toml").is_file())
        .map(Path::to_path_buf)
        .ok_or_else(|| format!("no {NEWEST_FILE} in {} or above it; run this inside the workspace", start.display()))
}

/// Where cargo puts what it builds: `$CARGO_TARGET_DIR`, else `target/`.
pub fn cargo_target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}

/// What is fetched or installed once for this checkout, whatever `$CARGO_TARGET_DIR` is.
pub fn tools(root: &Path) -> PathBuf {
    root.join("target/tools")
}

/// The finished artefact of a filter.
pub fn artefact(root: &Path, filter: &str) -> PathBuf {
    root.join("dist").join(format!("{filter}.wasm"))
}

/// The version that a pin file holds.
pub fn pinned(root: &Path, file: &str) -> Result<String, String> {
    let path = root.join(file);
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
    let version = text.trim();
    let sound = version.split('.').count() == 3 && version.split('.').all(|n| n.parse::<u32>().is_ok());
    sound
        .then(|| version.to_owned())
        .ok_or_else(|| format!("{file} must hold a version such as 1.40.0, not {version:?}"))
}

/// The version of `package` in Cargo.lock.
pub fn locked_version(root: &Path, package: &str) -> Option<String> {
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).ok()?;
    version_in_lock(&lock, package)
}

fn version_in_lock(lock: &str, package: &str) -> Option<String> {
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{package}\""));
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"').map(str::to_owned)
}

/// An executable of that name in one of the `dirs`, else on the PATH.
pub fn executable(name: &str, dirs: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    dirs.iter().cloned().chain(std::env::split_paths(&path)).map(|dir| dir.join(name)).find(|file| is_executable(file))
}

/// A regular file that someone may execute.
pub fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Whether this run is continuous integration, where a skipped test is a failed one.
pub fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true" || value == "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_version_of_a_package_and_not_of_its_namesakes() {
        let lock = "[[package]]\nname = \"wasm-bindgen-test\"\nversion = \"0.3.1\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(version_in_lock(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(version_in_lock(lock, "wasm"), None);
    }

    #[test]
    fn a_pin_file_must_hold_a_version() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("pin"), "1.40.0\n").unwrap();
        assert_eq!(pinned(dir.path(), "pin").unwrap(), "1.40.0");
        std::fs::write(dir.path().join("pin"), "latest\n").unwrap();
        assert!(pinned(dir.path(), "pin").unwrap_err().contains("such as 1.40.0"));
        assert!(pinned(dir.path(), "none").unwrap_err().contains("cannot be read"));
    }
}
