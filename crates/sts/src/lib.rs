//! `AssumeRoleWithWebIdentity`: the pod's OIDC token goes in, temporary credentials or a classified error come out.
//!
//! Nothing here has a clock or a socket. The adapter reads the token, sends [`AssumeRole::form_body`] with [`HEADERS`]
//! as a POST to [`regional_endpoint`], and hands status and body to [`read_answer`]; when there was no answer it says
//! so with [`StsError::unreachable`] or [`StsError::timed_out`]. [`Issued::check_valid_at`] takes the time as an
//! argument.
//!
//! The source of the protocol is the AWS Security Token Service API Reference, page `AssumeRoleWithWebIdentity`.
#![no_std]

extern crate alloc;

mod answer;
mod error;
mod redact;
mod region;
mod request;
mod timestamp;
mod token;
mod wiped;
mod xml;

pub use answer::{Issued, MAX_ANSWER_BYTES, read_answer};
pub use error::{ErrorKind, Retry, StsError};
pub use region::{Partition, regional_endpoint};
pub use request::{AssumeRole, CONTENT_TYPE, FormBody, HEADERS};
pub use token::{MAX_TOKEN_BYTES, TokenError, WebIdentityToken};
