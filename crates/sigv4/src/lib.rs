//! AWS Signature Version 4 from the raw request as it stands on the wire.
//!
//! The rules are those of the IAM User Guide, "Create a signed AWS API request", and of the S3 API Reference,
//! "Signature Calculations for the Authorization Header". This crate adds one of its own: **what is signed is what goes
//! on the wire**. [`CanonicalTarget::parse`] returns a request target that the sender writes back to the request, so
//! that no server can read the path or the query in another way than the signature does.
//!
//! ```
//! use sigv4::{CanonicalTarget, Credentials, Header, PathRules, PayloadHash, Request, Scope, Secret, Signer, Timestamp};
//!
//! # fn sign() -> Option<()> {
//! let credentials = Credentials {
//!     access_key_id: "ASIAIOSFODNN7EXAMPLE".into(),
//!     secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into()),
//!     session_token: Some(Secret::new("token".into())),
//! };
//! let mut signer = Signer::new(Scope { region: "us-west-2".into(), service: "s3".into() });
//! let target = CanonicalTarget::parse(b"/a b.txt?versionId=3&acl", PathRules::S3).ok()?;
//! assert_eq!(target.as_bytes(), b"/a%20b.txt?acl=&versionId=3");
//!
//! let request = Request {
//!     method: b"GET",
//!     target: &target,
//!     headers: &[Header { name: "host", value: b"bucket.s3.us-west-2.amazonaws.com" }],
//!     payload: PayloadHash::EMPTY,
//! };
//! let signed = signer.sign(&request, &credentials, Timestamp::from_unix_seconds(1_440_938_160)?);
//! for (name, value) in signed.headers() {
//!     // replace `name` by `value` on the request, and `:path` by `target`
//!     # let _ = (name, value);
//! }
//! # Some(())
//! # }
//! # assert!(sign().is_some());
//! ```
#![no_std]

extern crate alloc;

mod canonical;
mod credentials;
mod hash;
mod key;
mod signer;
mod target;
mod timestamp;

pub use canonical::{Header, Request};
pub use credentials::{Credentials, Secret};
pub use hash::{PayloadHash, Sha256Stream};
pub use signer::{Options, Scope, SessionToken, Signed, Signer};
pub use target::{CanonicalTarget, Encode, Normalize, PathRules, TargetError};
pub use timestamp::Timestamp;
