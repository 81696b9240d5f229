//! The processes of one initialisation: the extensions, and the runtime where it is a program.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::child::{Child, Ended};

/// What runs.
#[derive(Debug, Default)]
pub(super) struct Processes {
    pub(super) extensions: BTreeMap<String, Child>,
    pub(super) runtime: Option<Child>,
}

/// How a process ended at the shutdown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// By itself, within its time.
    InTime(Ended),
    /// By force, because its time was up.
    Killed,
    /// By force at once, because it had not asked to be told.
    NotTold,
}

impl Processes {
    /// The first process that has ended: `Some(None)` for the runtime.
    pub(super) fn gone(&mut self) -> Option<Option<String>> {
        for (name, child) in &mut self.extensions {
            if child.ended().is_some() {
                return Some(Some(name.clone()));
            }
        }
        self.runtime.as_mut().is_some_and(|child| child.ended().is_some()).then_some(None)
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Child> {
        self.extensions.values_mut().chain(self.runtime.as_mut())
    }

    pub(super) fn stop(&mut self) {
        self.all().for_each(Child::stop);
    }

    pub(super) fn resume(&mut self) {
        self.all().for_each(Child::resume);
    }

    /// SIGTERM to the runtime, and SIGKILL when its time is up.
    pub(super) fn end_runtime(&mut self, patience: Duration) -> Option<End> {
        let child = self.runtime.as_mut()?;
        child.terminate();
        Some(end(child, patience))
    }

    /// Waits for those that have been told, each until the common deadline; ends the others by force, first.
    pub(super) fn end_extensions(&mut self, told: &[String], deadline: Instant) -> BTreeMap<String, End> {
        let mut ends = BTreeMap::new();
        for (name, child) in self.extensions.iter_mut().filter(|(name, _)| !told.contains(name)) {
            child.kill();
            ends.insert(name.clone(), End::NotTold);
        }
        for name in told {
            if let Some(child) = self.extensions.get_mut(name) {
                ends.insert(name.clone(), end(child, deadline.saturating_duration_since(Instant::now())));
            }
        }
        ends
    }

    pub(super) fn kill(&mut self) {
        self.all().for_each(|child| {
            child.kill();
        });
    }
}

fn end(child: &mut Child, patience: Duration) -> End {
    match child.wait(patience) {
        Some(ended) => End::InTime(ended),
        None => {
            child.kill();
            End::Killed
        }
    }
}
