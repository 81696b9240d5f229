//! Everything that the irsa-signer filter decides, without a clock, a socket or a host.
//!
//! The core never acts. Each event goes in with the time, a value comes out ([`Step`] for a request, [`RootStep`] for
//! the root context), and the adapter carries it out as its last act. See `filters/irsa-signer` for the adapter.
#![no_std]

extern crate alloc;

pub mod config;
pub mod id_map;
mod ingress;
pub mod names;
pub mod readiness;
mod refusal;
mod request;
pub mod session;
pub mod shared_key;
mod waiting;

pub use sigv4::CanonicalTarget;

pub use ingress::Ingress;
pub use readiness::Readiness;
pub use refusal::{Reason, Refusal};
pub use request::{Arrival, Body, Changes, Edit, Exchange, Placement, Step};
pub use session::RootStep;
