//! The Lambda extension end to end: the real binary in the fake environment, real Envoys, Secrets Manager with its faults.

mod bad_identities;
mod cold_start;
mod crashes;
mod faults;
mod freezing;
mod herds;
mod invocations;
mod paths;
mod regions;
mod rotation;
mod secrecy;
mod shutdown;
mod snapstart;
mod sources;
mod support;
mod trust;
