//! The mesh of the tests: its authority makes what it says, its apps demand certificates and note who called.

mod apps;
mod certificates;
mod envoys;
