//! The double of Secrets Manager verifies what AWS verifies, keeps what moto keeps, and fails as it is told.

mod faults;
mod signatures;
mod support;
mod values;
