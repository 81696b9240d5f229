//! A registry in memory: for tests, simulations, and sources that have the texts at hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Registry, no_settings};
use crate::mistake::Mistakes;
use crate::names::Shared;
use crate::parse::{self, DraftSettings, Parsed};
use crate::snapshot::Snapshot;

/// Texts by file name, each parsed once.
#[derive(Debug, Default)]
pub struct Memory {
    settings: Option<DraftSettings>,
    apps: BTreeMap<Arc<str>, Parsed>,
    names: Shared,
    /// Until something changes.
    last: Option<Result<Arc<Snapshot>, Mistakes>>,
}

impl Memory {
    /// An empty one. Without settings it has no snapshot.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a file's text, `meshbridge.toml` included. `file` is a path with slashes, as in a directory.
    pub fn set(&mut self, file: &str, text: &str) {
        self.last = None;
        let name: Arc<str> = file.into();
        if file == crate::SETTINGS_FILE {
            self.settings = Some(parse::read_settings(&name, text));
        } else {
            let parsed = parse::read_app(&name, text, &mut self.names);
            self.apps.insert(name, parsed);
        }
    }

    /// Takes a file away.
    pub fn remove(&mut self, file: &str) {
        self.last = None;
        if file == crate::SETTINGS_FILE {
            self.settings = None;
        } else {
            self.apps.remove(file);
        }
    }

    fn build(&self) -> Result<Arc<Snapshot>, Mistakes> {
        let (draft, missing) = match &self.settings {
            Some(settings) => (settings.clone(), Vec::new()),
            None => (DraftSettings::default(), vec![no_settings()]),
        };
        Snapshot::build(&draft, self.apps.values().collect(), missing).map(Arc::new)
    }
}

impl Registry for Memory {
    fn snapshot(&mut self) -> Result<Arc<Snapshot>, Mistakes> {
        let last = match self.last.take() {
            Some(last) => last,
            None => self.build(),
        };
        self.last = Some(last.clone());
        last
    }
}
