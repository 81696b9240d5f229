//! The double of AWS is itself under test: it stands for AWS in every other test, so it must refuse what AWS refuses.

mod api_gateway;
mod clients;
mod journal;
mod policies;
mod s3;
mod signatures;
mod sts_faults;
mod sts_requests;
mod sts_tokens;
mod support;
