//! A map from the host's context IDs, which only grow: nearly every entry is added at the end.

use alloc::vec::Vec;

/// Entries in the order of their IDs, which is the order of arrival.
#[derive(Debug)]
pub struct IdMap<T>(Vec<(u32, T)>);

impl<T> Default for IdMap<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> IdMap<T> {
    /// Adds an entry, or replaces the one of this ID.
    pub fn insert(&mut self, id: u32, value: T) {
        match self.0.binary_search_by_key(&id, |entry| entry.0) {
            Ok(at) => {
                if let Some(entry) = self.0.get_mut(at) {
                    entry.1 = value;
                }
            }
            Err(at) => self.0.insert(at, (id, value)),
        }
    }

    /// Takes an entry out.
    pub fn remove(&mut self, id: u32) -> Option<T> {
        let at = self.0.binary_search_by_key(&id, |entry| entry.0).ok()?;
        Some(self.0.remove(at).1)
    }

    /// Whether there is an entry of this ID.
    #[must_use]
    pub fn contains(&self, id: u32) -> bool {
        self.0.binary_search_by_key(&id, |entry| entry.0).is_ok()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes out the first `most` entries for which `wanted` is true, and returns their IDs.
    pub fn take_if(&mut self, most: usize, mut wanted: impl FnMut(&T) -> bool) -> Vec<u32> {
        let mut taken = Vec::new();
        self.0.retain(|(id, value)| {
            let take = taken.len() < most && wanted(value);
            if take {
                taken.push(*id);
            }
            !take
        });
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_whatever_the_order_they_came_in() {
        let mut map = IdMap::default();
        for id in [5, 1, 9, 3, 5] {
            map.insert(id, id * 10);
        }
        assert_eq!(map.len(), 4);
        assert_eq!(map.remove(9), Some(90));
        assert_eq!(map.remove(9), None);
        assert_eq!(map.take_if(2, |_| true), [1, 3]);
        assert_eq!(map.remove(5), Some(50));
        assert!(map.is_empty());
    }
}
