//! The clock of a fake environment: its processes', moved by a preloaded library, and the doubles', moved with it.
//!
//! Why a library of our own: CLOCK_REALTIME belongs to the whole machine and no namespace has one of its own (time
//! namespaces move only CLOCK_MONOTONIC and CLOCK_BOOTTIME); Debian's `faketime` does the same, but is not on every
//! machine, and a C compiler is. It needs no privilege. What is linked statically cannot be moved: tests of time run the
//! host's build of the extension, which is the same source.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use xtask::workspace;

use crate::aws::Clock;

const SOURCE: &str = include_str!("clock.c");

/// Time as the environment's processes and the doubles see it.
#[derive(Debug)]
pub struct MovedClock {
    file: File,
    path: PathBuf,
    shared: Arc<Clock>,
}

impl MovedClock {
    /// A clock that shows the machine's time, its file in `directory`; `shared` moves with it.
    pub(super) fn new(directory: &Path, shared: Arc<Clock>) -> io::Result<Self> {
        let path = directory.join("clock");
        let file = File::create(&path)?;
        let clock = Self { file, path, shared };
        clock.set(clock.shared.skew_seconds())?;
        Ok(clock)
    }

    /// Moves it forward, for the processes and for whoever shares the clock.
    pub fn advance(&self, by: Duration) -> io::Result<()> {
        let seconds = i64::try_from(by.as_secs()).map_err(io::Error::other)?;
        self.set(self.shared.skew_seconds() + seconds)
    }

    /// Moves it back.
    pub fn set_back(&self, by: Duration) -> io::Result<()> {
        let seconds = i64::try_from(by.as_secs()).map_err(io::Error::other)?;
        self.set(self.shared.skew_seconds() - seconds)
    }

    fn set(&self, seconds: i64) -> io::Result<()> {
        self.file.write_all_at(&seconds.to_ne_bytes(), 0)?;
        self.shared.set_skew(seconds);
        Ok(())
    }

    /// The clock that the doubles go by.
    #[must_use]
    pub fn shared(&self) -> &Arc<Clock> {
        &self.shared
    }

    /// The environment variables that make a process go by it.
    pub(super) fn variables(&self) -> io::Result<Vec<(String, String)>> {
        let text =
            |path: &Path| path.to_str().map(str::to_owned).ok_or_else(|| io::Error::other("a path not in UTF-8"));
        Ok(vec![("LD_PRELOAD".to_owned(), text(&library()?)?), ("MESHBRIDGE_TEST_CLOCK".to_owned(), text(&self.path)?)])
    }
}

/// The library, compiled once for each version of its source.
fn library() -> io::Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT.get_or_init(build).clone().map_err(io::Error::other)
}

fn build() -> Result<PathBuf, String> {
    let directory = workspace::tools(&workspace::root()?);
    let digest = crate::aws::random::sha256_hex(SOURCE.as_bytes());
    let library = directory.join(format!("clock-{}.so", digest.get(..12).unwrap_or(&digest)));
    if library.is_file() {
        return Ok(library);
    }
    fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let scratch = tempfile::tempdir_in(&directory).map_err(|error| error.to_string())?;
    let (source, built) = (scratch.path().join("clock.c"), scratch.path().join("clock.so"));
    fs::write(&source, SOURCE).map_err(|error| error.to_string())?;
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let ran = Command::new(&compiler)
        .args(["-std=c11", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o"])
        .args([&built, &source])
        .arg("-ldl")
        .output()
        .map_err(|error| format!("{} cannot be run: {error}; install a C compiler", compiler.display()))?;
    if !ran.status.success() {
        return Err(format!("the clock does not compile: {}", String::from_utf8_lossy(&ran.stderr)));
    }
    // Moved in one step: another test process may be doing the same.
    fs::rename(&built, &library).map_err(|error| format!("{}: {error}", library.display()))?;
    Ok(library)
}
