//! The identity: one proven pair, fetched by one task at a time, on which everyone waits.

mod fetch;
mod freshness;
mod keeper;
mod pair;

pub(crate) use keeper::Keeper;
pub(crate) use pair::Pair;
