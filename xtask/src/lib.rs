//! What the project's own commands are made of; `e2e` uses [`envoy`], [`extension`], [`moto`] and [`workspace`] too, so that both find the same things.

pub mod artefact;
pub mod bench;
pub mod build;
pub mod ci;
pub mod clients;
pub mod cmd;
pub mod demo;
pub mod envoy;
pub mod extension;
pub mod help;
pub mod layer;
pub mod moto;
pub mod process_tree;
pub mod prune;
pub mod reproducible;
pub mod sdk;
pub mod tally;
pub mod test;
pub mod tidy;
pub mod tools;
pub mod workspace;
