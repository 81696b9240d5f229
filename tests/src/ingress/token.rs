//! The pod's token as kubelet mounts it: a directory whose content is swapped by moving one symbolic link.

use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A projected volume with one file, `token`.
#[derive(Debug)]
pub struct TokenMount {
    dir: PathBuf,
    generation: AtomicU32,
}

impl TokenMount {
    /// Makes the directory; it holds no token yet.
    pub fn new(dir: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_owned(), generation: AtomicU32::new(0) })
    }

    /// Where `token` is.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Swaps in another content, as kubelet does: a new directory, and `..data` moved onto it by rename.
    pub fn write(&self, content: impl AsRef<[u8]>) -> io::Result<()> {
        self.swap(Some(content.as_ref()))
    }

    /// Swaps in a directory without the file.
    pub fn remove(&self) -> io::Result<()> {
        self.swap(None)
    }

    fn swap(&self, content: Option<&[u8]>) -> io::Result<()> {
        let generation = self.generation.fetch_add(1, Ordering::Relaxed);
        let name = format!("..generation_{generation}");
        let new = self.dir.join(&name);
        std::fs::create_dir(&new)?;
        if let Some(content) = content {
            std::fs::write(new.join("token"), content)?;
        }
        let staged = self.dir.join("..data_tmp");
        symlink(&name, &staged)?;
        std::fs::rename(&staged, self.dir.join("..data"))?;
        let token = self.dir.join("token");
        if token.symlink_metadata().is_err() {
            symlink("..data/token", &token)?;
        }
        if let Some(previous) = generation.checked_sub(1) {
            std::fs::remove_dir_all(self.dir.join(format!("..generation_{previous}")))?;
        }
        Ok(())
    }
}
