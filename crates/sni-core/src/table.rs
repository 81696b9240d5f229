//! The table of names and clusters: one block of text and a hash index over it.
//!
//! Looking a name up costs the same with ten names as with ten thousand. An index of our own, because every worker keeps
//! a table: the text of 10,000 routes and 16 to 24 bytes for each, where a map of strings takes several times that.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::name::{SniName, without_dot};

/// More than any mesh has apps; a worker's table then takes some 12 MB.
pub const MOST_NAMES: usize = 100_000;

/// Exact names, each with its cluster.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Each name with its cluster behind it, one after another.
    text: String,
    routes: Vec<Route>,
    /// Open addressing: the number of a route and one, or 0. A power of two, and at least twice the routes.
    slots: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Route {
    start: u32,
    name_len: u16,
    cluster_len: u16,
}

/// Why a route was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// The name is there already.
    Twice,
    /// There is no room for it.
    Full,
}

impl Table {
    /// An empty table with room for so many names, [`MOST_NAMES`] at most.
    pub(crate) fn with_room_for(names: usize) -> Self {
        let names = names.min(MOST_NAMES);
        let slots = (names.max(1) * 2).next_power_of_two();
        Self { text: String::new(), routes: Vec::with_capacity(names), slots: vec![0; slots] }
    }

    /// Adds a route.
    pub(crate) fn insert(&mut self, name: &SniName, cluster: &str) -> Result<(), NotTaken> {
        let name = name.as_str();
        // Half of the slots stay free, so that every search ends soon.
        if (self.routes.len() + 1) * 2 > self.slots.len() {
            return Err(NotTaken::Full);
        }
        let mut free = None;
        for (slot, route) in self.probe(name.as_bytes()) {
            match route {
                Some(route) if self.name(route) == name => return Err(NotTaken::Twice),
                Some(_) => {}
                None => {
                    free = Some(slot);
                    break;
                }
            }
        }
        let full = |_| NotTaken::Full;
        let route = Route {
            start: self.text.len().try_into().map_err(full)?,
            name_len: name.len().try_into().map_err(full)?,
            cluster_len: cluster.len().try_into().map_err(full)?,
        };
        let number = u32::try_from(self.routes.len() + 1).map_err(full)?;
        *free.and_then(|slot| self.slots.get_mut(slot)).ok_or(NotTaken::Full)? = number;
        self.routes.push(route);
        self.text.push_str(name);
        self.text.push_str(cluster);
        Ok(())
    }

    /// Gives back the room that nothing went into: a table may be in use for months.
    pub(crate) fn shrunk(mut self) -> Self {
        self.text.shrink_to_fit();
        self.routes.shrink_to_fit();
        self
    }

    /// The cluster of a name that a client sent: in any case, with or without one trailing dot. `None` for whatever is
    /// not, letter for letter, a name of the table.
    #[must_use]
    pub fn cluster(&self, name: &[u8]) -> Option<&str> {
        let name = without_dot(name);
        let mut found = self.probe(name).map_while(|(_, route)| route);
        let route = found.find(|&route| self.name(route).as_bytes().eq_ignore_ascii_case(name))?;
        self.part(route.start as usize + usize::from(route.name_len), route.cluster_len)
    }

    /// Each name with its cluster, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.routes.iter().filter_map(|&route| {
            let cluster = self.part(route.start as usize + usize::from(route.name_len), route.cluster_len)?;
            Some((self.name(route), cluster))
        })
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.routes.len()
    }

    /// Whether there is no name at all, so that every connection is closed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    fn name(&self, route: Route) -> &str {
        self.part(route.start as usize, route.name_len).unwrap_or_default()
    }

    fn part(&self, start: usize, len: u16) -> Option<&str> {
        self.text.get(start..start + usize::from(len))
    }

    /// The slots where a name may be, with the routes that are there, up to the first that is free.
    fn probe(&self, name: &[u8]) -> impl Iterator<Item = (usize, Option<Route>)> {
        let first = hash(name) as usize;
        (0..self.slots.len()).map(move |step| {
            let slot = first.wrapping_add(step) & (self.slots.len() - 1);
            let number = self.slots.get(slot).map_or(0, |&number| number as usize);
            (slot, number.checked_sub(1).and_then(|at| self.routes.get(at)).copied())
        })
    }
}

/// FNV-1a over the lower-case name, and a last mix, because the index takes the low bits.
fn hash(name: &[u8]) -> u32 {
    let hash = name
        .iter()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193));
    let hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash ^ (hash >> 13)
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    fn table(names: usize) -> Table {
        let mut table = Table::with_room_for(names);
        for number in 0..names {
            let name = SniName::parse(format!("staging.app-{number}.mesh.example.com").as_bytes()).unwrap();
            table.insert(&name, &format!("app-{number}-staging")).unwrap();
        }
        table
    }

    /// What no clock can say reliably: how many names a search is compared with.
    #[test]
    fn a_search_is_as_short_among_ten_thousand_names_as_among_ten() {
        for names in [1, 10, 100, 10_000, MOST_NAMES] {
            let table = table(names);
            let compared = |name: &str| table.probe(name.as_bytes()).take_while(|(_, route)| route.is_some()).count();
            let there = table.iter().map(|(name, _)| compared(name));
            let absent = (0..10_000).map(|number| compared(&format!("production.app-{number}.mesh.example.com")));
            let (total, longest) = there.chain(absent).fold((0, 0), |(sum, most), n| (sum + n, most.max(n)));
            assert!(total < 3 * (names + 10_000), "{names} names: {total} comparisons");
            assert!(longest < 64, "{names} names: {longest} comparisons in one search");
        }
    }

    #[test]
    fn a_table_takes_as_many_names_as_it_has_room_for() {
        let mut table = table(8);
        assert_eq!((table.len(), table.slots.len()), (8, 16));
        let name = SniName::parse(b"one.more").unwrap();
        assert_eq!(table.insert(&name, "c"), Err(NotTaken::Full));
        assert_eq!(table.cluster(b"one.more"), None);
        assert!(Table::default().is_empty() && Table::default().cluster(b"a").is_none());
    }
}
