//! A Lambda extension (and a program for a laptop) that takes plain HTTP from a function on loopback and carries it to apps
//! of the mesh by mutual TLS. `README.md` beside this package is the manual.
//!
//! `cli` reads the command line and the [`config`]uration, `run` is the life of the process, `lambda` speaks Lambda's
//! Extensions API. A request passes the `gate`, then `proxy`: [`token`], `route`, `hygiene` of headers, the [`calls`]. What
//! fails is a [`answer::Failure`] and a line of the `journal`.

pub mod answer;
pub mod calls;
mod cli;
mod clock;
pub mod config;
mod gate;
mod hygiene;
mod journal;
mod lambda;
mod proxy;
mod route;
mod run;
pub mod token;

pub use cli::main;
pub use hygiene::{TIMEOUT_HEADER, TOKEN_HEADER};
pub use proxy::RequestBody;
