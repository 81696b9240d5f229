//! One copy of each name, however often it is written: in a large registry most names are references.

use std::collections::HashSet;
use std::sync::Arc;

/// The names that are in use.
#[derive(Debug, Default)]
pub(crate) struct Shared(HashSet<Arc<str>>);

impl Shared {
    /// The copy that is kept of this text.
    pub(super) fn copy_of(&mut self, text: Arc<str>) -> Arc<str> {
        if let Some(kept) = self.0.get(&text) {
            return Arc::clone(kept);
        }
        self.0.insert(Arc::clone(&text));
        text
    }

    /// Forgets the names that nobody uses any more.
    pub(crate) fn forget_unused(&mut self) {
        self.0.retain(|kept| Arc::strong_count(kept) > 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_are_kept_once_and_forgotten_after_use() {
        let mut shared = Shared::default();
        let first = shared.copy_of("ledger".into());
        let second = shared.copy_of("ledger".into());
        assert!(Arc::ptr_eq(&first, &second));
        drop((first, second));
        let other = shared.copy_of("reports".into());
        shared.forget_unused();
        assert_eq!((shared.0.len(), &*other), (1, "reports"));
    }
}
