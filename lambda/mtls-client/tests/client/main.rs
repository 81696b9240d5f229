//! The client against real servers in this process: TLS, HTTP/1.1 and HTTP/2, with identities made for each test.
#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "in tests a panic is the verdict, and the helpers are part of them"
)]

mod deadlines;
mod directory;
mod herds;
mod pairs;
mod protocols;
mod replicas;
mod retries;
mod rotation;
mod secrets;
mod server_identity;
mod support;
mod thaw;
