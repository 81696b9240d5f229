//! Finds the files of a registry's directory, and what tells whether each has changed.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::mistake::Mistake;

/// Directories in directories.
const MOST_DEPTH: usize = 8;
/// Entries of all directories together.
const MOST_ENTRIES: usize = 2_000_000;

/// What a file looked like from outside. While it stays the same, so does what the file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    /// Cannot be set by programs, other than the time of modification.
    changed: (i64, i64),
}

impl Mark {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    pub(super) fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    pub(super) fn changed_at(&self) -> Option<SystemTime> {
        let (seconds, nanos) = self.changed;
        let since = Duration::new(u64::try_from(seconds).ok()?, u32::try_from(nanos).ok()?);
        SystemTime::UNIX_EPOCH.checked_add(since)
    }
}

/// What a directory holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Files named `*.toml`, by their path from the directory, with slashes.
    pub(super) files: BTreeMap<Arc<str>, Mark>,
    pub(super) mistakes: Vec<Mistake>,
}

/// Walks the directory and those in it.
///
/// Hidden files and directories are left out, as is whatever does not end in `.toml`: what editors and version control
/// leave behind. Symbolic links are followed to files inside the directory, as mounted ConfigMaps have them; others are
/// mistakes, since a link could show the registry, and through its messages anybody, any file of this machine.
pub(super) fn walk(root: &Path) -> Found {
    let mut walk = Walk { found: Found::default(), entries: 0, root };
    match fs::canonicalize(root) {
        Ok(canonical) => walk.directory(&canonical, &canonical, "", 0),
        Err(error) => {
            let remedy = "give the directory that holds meshbridge.toml";
            walk.mistake("", format!("cannot be read: {}", plain(&error)), remedy);
        }
    }
    walk.found
}

struct Walk<'r> {
    found: Found,
    entries: usize,
    root: &'r Path,
}

impl Walk<'_> {
    fn directory(&mut self, canonical_root: &Path, directory: &Path, prefix: &str, depth: usize) {
        if depth > MOST_DEPTH {
            self.mistake(prefix, format!("is more than {MOST_DEPTH} directories deep"), "move it up");
            return;
        }
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) => return self.unreadable(prefix, &error),
        };
        for entry in entries {
            self.entries += 1;
            if self.entries > MOST_ENTRIES {
                // Once: each directory above stops here too.
                if self.entries == MOST_ENTRIES + 1 {
                    let remedy = "give the registry a directory of its own";
                    self.mistake("", format!("has more than {MOST_ENTRIES} entries"), remedy);
                }
                return;
            }
            match entry {
                Ok(entry) => self.entry(canonical_root, &entry, prefix, depth),
                Err(error) => self.unreadable(prefix, &error),
            }
        }
    }

    fn entry(&mut self, canonical_root: &Path, entry: &DirEntry, prefix: &str, depth: usize) {
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            return;
        }
        let shown = name.to_string_lossy();
        let path = if prefix.is_empty() { shown.to_string() } else { format!("{prefix}/{shown}") };
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(error) => return self.unreadable(&path, &error),
        };
        if kind.is_dir() {
            return self.directory(canonical_root, &entry.path(), &path, depth + 1);
        }
        let target = if kind.is_symlink() {
            match self.target(canonical_root, entry, &path) {
                Some(target) => target,
                None => return,
            }
        } else {
            entry.path()
        };
        if !is_toml(&path) {
            if path.to_ascii_lowercase().ends_with(".toml") {
                self.mistake(
                    &path,
                    "would be left out: its name ends in something else than .toml".to_owned(),
                    "rename it",
                );
            }
            return;
        }
        if name.to_str().is_none() {
            return self.mistake(
                &path,
                "has a name that is not UTF-8".to_owned(),
                "rename it after the app that it declares",
            );
        }
        match fs::metadata(&target) {
            Ok(metadata) if metadata.is_file() => {
                self.found.files.insert(path.into(), Mark::of(&metadata));
            }
            Ok(_) => self.mistake(&path, "is not a file".to_owned(), "put a file there, or take it away"),
            Err(error) => self.unreadable(&path, &error),
        }
    }

    /// What a symbolic link leads to, if the registry may read it.
    fn target(&mut self, canonical_root: &Path, entry: &DirEntry, path: &str) -> Option<PathBuf> {
        let target = match fs::canonicalize(entry.path()) {
            Ok(target) => target,
            Err(error) if is_toml(path) => {
                let problem = format!("is a symbolic link that leads nowhere: {}", plain(&error));
                self.mistake(path, problem, "take it away, or put the file there");
                return None;
            }
            Err(_) => return None,
        };
        if target.is_dir() {
            let problem = "is a symbolic link to a directory, which is not followed".to_owned();
            self.mistake(path, problem, "put the directory itself there");
            return None;
        }
        if !is_toml(path) {
            return None;
        }
        if !target.starts_with(canonical_root) {
            let problem = "is a symbolic link that leads out of the registry's directory".to_owned();
            self.mistake(path, problem, "put the file itself there");
            return None;
        }
        Some(target)
    }

    fn unreadable(&mut self, path: &str, error: &io::Error) {
        let remedy = match error.kind() {
            ErrorKind::NotFound => "it went away while it was read; try again",
            _ => "make it readable for this process",
        };
        self.mistake(path, format!("cannot be read: {}", plain(error)), remedy);
    }

    fn mistake(&mut self, path: &str, problem: String, remedy: &str) {
        let file = if path.is_empty() { self.root.to_string_lossy().into() } else { path.into() };
        let (field, remedy) = (String::new(), remedy.to_owned());
        self.found.mistakes.push(Mistake { file, place: None, field, problem, remedy });
    }
}

fn is_toml(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.len() > ".toml".len() && name.ends_with(".toml"))
}

/// Without the number that the system adds.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
