//! The proxy over real sockets, with an app that the test plays.

mod answers;
mod bodies;
mod connections;
mod forms;
mod mutations;
mod raw;
mod sleep;
mod world;
