//! X.509 SVIDs: every MUST of a leaf and its chain, pairs of key and certificate, the certificate document.
//!
//! Nothing here reads a clock, a file or a socket, and no cryptography is compiled in: time goes in as seconds since
//! 1970, the signature algorithms of the caller's provider go in as a list (`rustls::crypto::CryptoProvider` has one),
//! and a private key is known by its public key only.
//!
//! Paths are built by `rustls-webpki`, which rustls links anyway. It does not show key usage, names or times, so those are
//! read by `x509-cert`, which adds 87 KB to a release build (x86_64, optimised for size) where `x509-parser` adds 122 KB,
//! has `no_std`, and refuses what is not DER.
//!
//! ```
//! use spiffe_id::TrustDomain;
//! use svid::{Bundle, Role};
//!
//! # fn check(leaf: pki_types::CertificateDer<'_>, roots: Vec<pki_types::CertificateDer<'static>>, now: u64) -> Result<(), svid::Fault> {
//! let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms.all;
//! let bundle = Bundle::new(TrustDomain::parse("example.org").unwrap(), &roots)?;
//! let svid = svid::verify(&leaf, &[], &bundle, Role::Server, now, algorithms)?;
//! println!("{} until {}", svid.spiffe_id, svid.not_after);
//! # Ok(())
//! # }
//! ```
#![no_std]

extern crate alloc;

mod bundle;
mod certificate;
mod document;
mod fault;
mod rules;
mod verify;

pub use bundle::Bundle;
pub use document::{Document, DocumentError};
pub use fault::{Fault, SigningFault};
pub use verify::{Algorithms, Role, Svid, verify};

/// SHA-256 of a DER SubjectPublicKeyInfo, by which documents name keys.
#[must_use]
pub fn public_key_hash(subject_public_key_info: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(subject_public_key_info).into()
}
