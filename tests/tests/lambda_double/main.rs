//! The fake Lambda environment does what the documentation says, and refuses what it does not allow.

mod clock;
mod failures;
mod initialisation;
mod invocations;
mod registration;
mod shutdown;
mod snapstart;
mod support;
mod variables;
