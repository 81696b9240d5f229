//! A directory of declarations: `meshbridge.toml` and one file for each app.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::cache::Cached;
use super::walk::{self, Found};
use super::{Registry, file, no_settings};
use crate::mistake::{Mistake, Mistakes};
use crate::names::Shared;
use crate::parse::{self, DraftSettings, Parsed};
use crate::snapshot::Snapshot;

/// A directory that is read again whenever a snapshot is asked for; of the files, those that have changed since.
///
/// A snapshot is what the walk through the directory met. Whoever changes several files at once (a checkout, say) either
/// gives the registry a directory that is swapped as a whole, or takes a failed check as "not yet".
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
    clock: fn() -> SystemTime,
    settings: Option<Cached<DraftSettings>>,
    apps: BTreeMap<Arc<str>, Cached<Parsed>>,
    names: Shared,
    last: Option<Arc<Snapshot>>,
    reading: Reading,
}

/// What the last snapshot took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Files of the registry.
    pub files: usize,
    /// Those of them that were read, since they had changed or might have.
    pub read: usize,
}

impl Directory {
    /// The directory at `root`. Nothing is read yet.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self::with_clock(root, system)
    }

    /// The same with another clock, which is compared with the times of files and nothing else: one that changed within the
    /// last two seconds is read again, since its time would not show another change.
    #[must_use]
    pub fn with_clock(root: impl Into<PathBuf>, clock: fn() -> SystemTime) -> Self {
        Self {
            root: root.into(),
            clock,
            settings: None,
            apps: BTreeMap::new(),
            names: Shared::default(),
            last: None,
            reading: Reading::default(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What the last snapshot took.
    #[must_use]
    pub fn reading(&self) -> Reading {
        self.reading
    }

    /// Reads what has changed; true if anything means something else than before.
    fn refresh(&mut self, found: &mut Found, mistakes: &mut Vec<Mistake>) -> bool {
        let now = (self.clock)();
        let mut buffer = Vec::new();
        self.reading = Reading { files: found.files.len(), read: 0 };
        let mut changed = self.refresh_settings(found, now, &mut buffer, mistakes);
        let before = self.apps.len();
        self.apps.retain(|file, _| found.files.contains_key(file));
        changed |= self.apps.len() != before;
        for (file, mark) in &found.files {
            let cached = self.apps.get(file);
            if cached.is_some_and(|cached| cached.holds(mark)) {
                continue;
            }
            self.reading.read += 1;
            let parsed = match file::read(&self.root, file, mark, &mut buffer) {
                Ok(text) => parse::read_app(file, &text, &mut self.names),
                Err(mistake) => Parsed::unread(file, vec![mistake]),
            };
            changed |= cached.is_none_or(|cached| cached.value != parsed);
            self.apps.insert(Arc::clone(file), Cached::new(parsed, *mark, now));
        }
        self.names.forget_unused();
        changed
    }

    fn refresh_settings(
        &mut self,
        found: &mut Found,
        now: SystemTime,
        buffer: &mut Vec<u8>,
        mistakes: &mut Vec<Mistake>,
    ) -> bool {
        let Some((file, mark)) = found.files.remove_entry(crate::SETTINGS_FILE) else {
            mistakes.push(no_settings());
            return self.settings.take().is_some();
        };
        if self.settings.as_ref().is_some_and(|cached| cached.holds(&mark)) {
            return false;
        }
        self.reading.read += 1;
        let draft = match file::read(&self.root, &file, &mark, buffer) {
            Ok(text) => parse::read_settings(&file, &text),
            Err(mistake) => DraftSettings { mistakes: vec![mistake], ..DraftSettings::default() },
        };
        let changed = self.settings.as_ref().is_none_or(|cached| cached.value != draft);
        self.settings = Some(Cached::new(draft, mark, now));
        changed
    }
}

impl Registry for Directory {
    fn snapshot(&mut self) -> Result<Arc<Snapshot>, Mistakes> {
        let mut found = walk::walk(&self.root);
        let mut mistakes = std::mem::take(&mut found.mistakes);
        let unreadable = !mistakes.is_empty() && found.files.is_empty();
        let changed = if unreadable { true } else { self.refresh(&mut found, &mut mistakes) };
        if let (false, true, Some(last)) = (changed, mistakes.is_empty(), &self.last) {
            return Ok(Arc::clone(last));
        }
        self.last = None;
        if unreadable {
            return Err(Mistakes::new(mistakes).unwrap_or_else(|| no_settings().into()));
        }
        let draft = self.settings.as_ref().map(|cached| cached.value.clone()).unwrap_or_default();
        let apps = self.apps.values().map(|cached| &cached.value).collect();
        let snapshot = Arc::new(Snapshot::build(&draft, apps, mistakes)?);
        self.last = Some(Arc::clone(&snapshot));
        Ok(snapshot)
    }
}

#[expect(clippy::disallowed_methods, reason = "a directory is I/O; its clock tells which files may yet change unseen")]
fn system() -> SystemTime {
    SystemTime::now()
}
