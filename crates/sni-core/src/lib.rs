//! Everything that the sni-router filter decides, without a socket, a clock or a host.
//!
//! A configuration becomes a [`Router`], or every mistake in it at once. The name that a client asked for goes in, a
//! [`Step`] comes out, and the adapter carries it out as its last act. See `filters/sni-router` for the adapter.
//!
//! The client's bytes are compared with the table's names and with nothing else. They never become a part of a cluster's
//! name: Istio's AUTO_PASSTHROUGH let them, which was CVE-2021-31921.
#![no_std]

extern crate alloc;

pub mod config;
pub mod filter_state;
mod log_budget;
mod name;
mod refusal;
mod router;
mod table;

pub use config::{Config, Mistake, Mistakes};
pub use log_budget::LogBudget;
pub use name::{NotAName, SniName};
pub use refusal::Refusal;
pub use router::{Router, Step};
pub use table::{MOST_NAMES, Table};
