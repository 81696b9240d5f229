//! The mesh gateway: real Envoys with sni-router, every row of the decision, and what may happen around it.

mod configurations;
mod connections;
mod failing_closed;
mod hellos;
mod logs;
mod names;
mod proxy_protocol;
mod stacks;
mod support;
mod tables;
mod tables_at_start;
