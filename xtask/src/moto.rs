//! Finds or fetches moto, the server that stands for Secrets Manager in tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cmd::{self, Output, minutes};
use crate::envoy::{finish, python};
use crate::workspace;

/// moto, and what its server needs of its extras: `moto[server]` would bring 200 MB more, for services that no test uses.
const PACKAGES: &[&str] = &["moto==5.2.5", "flask==3.1.3", "flask-cors==6.0.5"];

/// How to run it: `python -m moto.server` with `PYTHONPATH` at `site`.
#[derive(Clone, Debug)]
pub struct Moto {
    /// The interpreter itself, not a script that looks for one.
    pub python: PathBuf,
    /// The directory with the packages.
    pub site: PathBuf,
}

/// moto, installed below `target/` first when it is not there yet. Needs no virtual environment, which Debian's Python may
/// lack the module for.
pub fn find(root: &Path) -> Result<Moto, String> {
    let remedy = |e: String| {
        let packages = PACKAGES.join(" ");
        format!("moto could not be had; make `python3 -m pip install --target DIR {packages}` work ({e})")
    };
    let (python, version) = interpreter().map_err(remedy)?;
    let pinned = PACKAGES.first().map(|package| package.replace("==", "-")).unwrap_or_default();
    // Compiled modules belong to one version of Python.
    let site = workspace::tools(root).join(format!("{pinned}-python{version}"));
    if site.is_dir() {
        return Ok(Moto { python, site });
    }
    eprintln!("installing {pinned} (about 110 MB) …");
    let begun = std::time::Instant::now();
    // Installed beside and moved in one step: another process may be doing the same.
    let scratch = site.with_extension(format!("{version}.installing-{}", std::process::id()));
    let installed = install(&scratch).and_then(|()| match fs::rename(&scratch, &site) {
        Err(e) if !site.is_dir() => Err(format!("{} cannot be written: {e}", site.display())),
        _ => Ok(()),
    });
    let _ = fs::remove_dir_all(&scratch);
    installed.map_err(remedy)?;
    eprintln!("installing {pinned}: {:.1} s", begun.elapsed().as_secs_f64());
    Ok(Moto { python, site })
}

/// The interpreter behind `python3`, and its version, such as `3.11`.
fn interpreter() -> Result<(PathBuf, String), String> {
    let mut ask = python();
    ask.args(["-c", "import sys; print(sys.executable); print('%d.%d' % sys.version_info[:2])"]);
    let ran = cmd::run(&mut ask, Output::Kept, Duration::from_secs(20))?;
    let mut lines = ran.stdout.lines();
    match (lines.next(), lines.next()) {
        (Some(path), Some(version)) if ran.success && !path.is_empty() => Ok((path.into(), version.to_owned())),
        _ => Err(format!("python3 does not say what it is: {}", (ran.stdout + &ran.stderr).trim())),
    }
}

fn install(into: &Path) -> Result<(), String> {
    fs::create_dir_all(into).map_err(|e| format!("{} cannot be made: {e}", into.display()))?;
    let mut pip = python();
    pip.args(["-m", "pip", "install", "--quiet", "--only-binary=:all:", "--no-warn-conflicts", "--target"]).arg(into);
    finish(pip.args(PACKAGES), minutes(10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_is_pinned() {
        assert!(PACKAGES.iter().all(|package| package.split("==").count() == 2), "{PACKAGES:?}");
    }

    #[test]
    fn the_interpreter_is_a_file_and_not_a_name() {
        let (path, version) = interpreter().unwrap();
        assert!(path.is_absolute() && path.exists(), "{}", path.display());
        assert!(version.starts_with("3."), "{version}");
    }
}
