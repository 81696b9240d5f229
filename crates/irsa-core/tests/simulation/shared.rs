//! Envoy's shared data: a value and a counter per key, written by compare-and-swap.

use std::collections::BTreeMap;

use irsa_core::session::{Expect, Write};

/// How the host keeps its promise about compare-and-swap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Cas {
    /// As Envoy does: one counter for all keys that only grows; a write with another counter than the value's is
    /// refused; a write with a counter that no value has creates the value where there is none.
    #[default]
    Envoy,
    /// As an adapter does that creates with no counter at all: the value is overwritten.
    CreatingOverwrites,
    /// No counter is looked at.
    Ignored,
}

#[derive(Debug)]
pub(crate) struct SharedData {
    cas: Cas,
    counter: u32,
    entries: BTreeMap<String, (Vec<u8>, u32)>,
}

impl SharedData {
    pub(crate) fn new(cas: Cas) -> Self {
        Self { cas, counter: 0, entries: BTreeMap::new() }
    }

    pub(crate) fn get(&self, key: &str) -> (Option<Vec<u8>>, Option<u32>) {
        self.entries.get(key).cloned().unzip()
    }

    /// Whether it was written.
    pub(crate) fn set(&mut self, key: &str, write: &Write) -> bool {
        let current = self.entries.get(key).map(|(_, counter)| *counter);
        let expected = match write.expect {
            Expect::Version(counter) => Some(counter),
            Expect::Absent if self.cas == Cas::CreatingOverwrites => None,
            Expect::Absent => Some(u32::MAX),
        };
        let refused = match (current, expected) {
            (Some(current), Some(expected)) => self.cas != Cas::Ignored && current != expected,
            // Without a counter Envoy overwrites; and where there is nothing it creates, whatever the counter.
            _ => false,
        };
        if !refused {
            self.overwrite(key, write.value.to_vec());
        }
        !refused
    }

    /// What another module with the same `vm_id` could do.
    pub(crate) fn overwrite(&mut self, key: &str, value: Vec<u8>) {
        self.counter += 1;
        self.entries.insert(key.into(), (value, self.counter));
    }
}
