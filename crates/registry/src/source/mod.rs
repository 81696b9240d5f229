//! Where registries come from.

mod cache;
mod directory;
mod file;
mod memory;
mod walk;

use std::sync::Arc;

pub use directory::{Directory, Reading};
pub use memory::Memory;

use crate::mistake::{Mistake, Mistakes};
use crate::snapshot::Snapshot;

/// A source of declarations: a directory now, a portal's database later.
pub trait Registry {
    /// The registry as it is now; the same `Arc` as before while nothing has changed.
    ///
    /// # Errors
    /// Every mistake at once. A source that cannot be read has a mistake too: an app that could not be read must not pass
    /// for one that left, since leaving the registry deletes an identity.
    fn snapshot(&mut self) -> Result<Arc<Snapshot>, Mistakes>;
}

/// The registry's settings are missing.
pub(crate) fn no_settings() -> Mistake {
    Mistake {
        file: crate::SETTINGS_FILE.into(),
        place: None,
        field: String::new(),
        problem: "is missing".to_owned(),
        remedy: "write it, with organisation, regions, mesh_suffix and an [environments.…] table".to_owned(),
    }
}
