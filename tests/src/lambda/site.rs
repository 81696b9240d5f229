//! The directories of an environment: what stands at `/opt/extensions`, `/var/task` and `/tmp` in Lambda.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Directories of one environment, removed with it.
#[derive(Debug)]
pub struct Site {
    dir: TempDir,
    extensions: PathBuf,
    task: PathBuf,
    temporary: PathBuf,
}

impl Site {
    /// Empty directories. Their paths are short, so that UNIX sockets (107 bytes) fit.
    pub fn new() -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("mb-").tempdir()?;
        let made = |name: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(&path).map(|()| path)
        };
        let (extensions, task, temporary) = (made("opt/extensions")?, made("task")?, made("tmp")?);
        Ok(Self { dir, extensions, task, temporary })
    }

    /// What stands at `/opt/extensions`: each file is started as an extension of that name.
    #[must_use]
    pub fn extensions(&self) -> &Path {
        &self.extensions
    }

    /// What stands at `/opt`.
    #[must_use]
    pub fn opt(&self) -> PathBuf {
        self.dir.path().join("opt")
    }

    /// What stands at `/var/task`: the function's own files.
    #[must_use]
    pub fn task(&self) -> &Path {
        &self.task
    }

    /// What stands at `/tmp`.
    #[must_use]
    pub fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Where the environment keeps its own files.
    pub(super) fn own(&self) -> &Path {
        self.dir.path()
    }

    /// Makes a program an extension of this name.
    pub fn install(&self, name: &str, program: &Path) -> io::Result<()> {
        symlink(program, self.extensions.join(name))
    }

    /// Makes a script an extension of this name; its first line names what runs it.
    pub fn install_script(&self, name: &str, script: &str) -> io::Result<()> {
        write_program(&self.extensions.join(name), script)
    }

    /// The files that are extensions, in the order of their names.
    pub(super) fn installed(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.extensions)? {
            let entry = entry?;
            if fs::metadata(entry.path())?.is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }
}

/// Writes a text that can be executed.
pub fn write_program(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}
