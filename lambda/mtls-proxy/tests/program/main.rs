//! The executable and the wrapper script, as they are started.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "in tests a panic is the verdict"
)]

mod app;
mod command_line;
mod mesh;
mod process;
mod wrapper;
