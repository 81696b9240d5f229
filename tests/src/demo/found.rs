//! What both acts need to find on this machine, and how it is told when it is not there.

use std::fmt::Display;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::Stop;
use crate::envoy::find;

/// A reason to stop before anything was started.
pub(super) fn failed(why: impl Display) -> Stop {
    Stop::Failed(why.to_string())
}

/// The artefact of a filter.
pub(super) struct Module {
    pub(super) path: PathBuf,
    bytes: u64,
}

impl Module {
    /// Reads as much of it as tells whether it is one; `remedy` is for when it is none.
    pub(super) fn at(path: PathBuf, remedy: &str) -> Result<Self, Stop> {
        let bytes = size_of_module(&path).map_err(|why| failed(format!("{} {why}; {remedy}", path.display())))?;
        Ok(Self { path, bytes })
    }
}

impl Display for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({:.1} KB)", self.path.display(), kilobytes(self.bytes))
    }
}

fn size_of_module(path: &Path) -> Result<u64, String> {
    let cannot = |e| format!("cannot be read: {e}");
    let mut file = File::open(path).map_err(cannot)?;
    let mut magic = [0; 4];
    match file.read_exact(&mut magic) {
        Ok(()) if magic == *b"\0asm" => Ok(file.metadata().map_err(cannot)?.len()),
        _ => Err("is no wasm module".to_owned()),
    }
}

/// The Envoy under test, and what launches it.
pub(super) struct Envoys {
    version: String,
    func_e: Option<PathBuf>,
}

impl Envoys {
    /// One that says its version.
    pub(super) fn find() -> Result<Self, Stop> {
        let envoy = find::envoy().map_err(failed)?;
        let version = xtask::envoy::version_of(&envoy)
            .map_err(|why| failed(format!("no Envoy starts: {why}; correct $MESHBRIDGE_ENVOY, or unset it")))?;
        Ok(Self { version, func_e: find::func_e() })
    }

    /// Such as `1.40.0, two of them, 2 workers each, started directly`.
    pub(super) fn two_of_them(&self) -> String {
        let launcher = self.func_e.as_ref().map_or("started directly".to_owned(), |f| format!("by {}", f.display()));
        format!("{}, two of them, 2 workers each, {launcher}", self.version)
    }
}

#[expect(clippy::cast_precision_loss, reason = "an artefact is smaller than 2^53 bytes")]
pub(super) fn kilobytes(bytes: u64) -> f64 {
    bytes as f64 / 1000.0
}
