//! The credentials of one session: who asks STS, when, and what all workers of the Envoy do meanwhile.
//!
//! Every worker has a [`Keeper`]. They agree through one value in shared data: whoever raises its fence by
//! compare-and-swap may make the next attempt, and all adopt what the attempt brings. No worker ever waits for another
//! while it has valid credentials.

mod clock;
mod keeper;
mod outage;
mod schedule;
mod slot;
mod step;
mod terms;

pub use clock::{ClockOffset, Now};
pub use keeper::Keeper;
pub use outage::{Event, Outage};
pub use schedule::LONGEST_PAUSE_MS;
pub use slot::{Expect, Live, Shared, Write};
pub use step::{Answer, NoAnswer, Prospect, RootStep, StsCall, TokenCall};
pub use terms::Terms;
