//! A certificate and its chain become an identity, or a fault.

use alloc::vec::Vec;
use core::cell::Cell;
use core::time::Duration;

use pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use spiffe_id::SpiffeIdBuf;
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};

use crate::bundle::Bundle;
use crate::certificate::Facts;
use crate::fault::{Fault, SigningFault};
use crate::rules;

/// The signature algorithms that a chain may use: those of the caller's cryptography provider.
pub type Algorithms<'a> = &'a [&'a dyn SignatureVerificationAlgorithm];

/// What the holder of the certificate is in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It accepted the connection.
    Server,
    /// It opened the connection.
    Client,
}

/// A leaf that has passed every rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Svid {
    /// Whom it identifies.
    pub spiffe_id: SpiffeIdBuf,
    /// The first second in which it is valid, since 1970.
    pub not_before: u64,
    /// The last one.
    pub not_after: u64,
    /// DER SubjectPublicKeyInfo.
    pub public_key: Vec<u8>,
}

/// Checks a leaf, what it says of itself and the path to a root of its trust domain, as of `at` (seconds since 1970).
/// `intermediates` may come in any order and may hold certificates that no path needs. Name constraints on URIs, which
/// SPIFFE allows and does not define yet (X509-SVID, section 4.2), are refused; those on other names are enforced.
///
/// # Errors
/// The first [`Fault`] found: in the leaf itself, its trust domain, its time, then in the path.
pub fn verify(
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    bundle: &Bundle,
    role: Role,
    at: u64,
    algorithms: Algorithms<'_>,
) -> Result<Svid, Fault> {
    let facts = Facts::read(leaf).map_err(|_| Fault::Malformed)?;
    let spiffe_id = rules::leaf(&facts)?;
    if spiffe_id.trust_domain() != bundle.trust_domain().as_str() {
        return Err(Fault::TrustDomain { found: spiffe_id });
    }
    if at < facts.not_before {
        return Err(Fault::NotYetValid { not_before: facts.not_before });
    }
    if at > facts.not_after {
        return Err(Fault::Expired { not_after: facts.not_after });
    }
    verify_path(leaf, intermediates, bundle, role, at, algorithms)?;
    let Facts { not_before, not_after, public_key, .. } = facts;
    Ok(Svid { spiffe_id, not_before, not_after, public_key })
}

fn verify_path(
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    bundle: &Bundle,
    role: Role,
    at: u64,
    algorithms: Algorithms<'_>,
) -> Result<(), Fault> {
    let end_entity = EndEntityCert::try_from(leaf).map_err(|_| Fault::Malformed)?;
    let anchors = bundle.anchors(at);
    let signing_fault: Cell<Option<SigningFault>> = Cell::new(None);
    let usage = match role {
        Role::Server => KeyUsage::server_auth(),
        Role::Client => KeyUsage::client_auth(),
    };
    let outcome = end_entity.verify_for_usage(
        algorithms,
        &anchors,
        intermediates,
        UnixTime::since_unix_epoch(Duration::from_secs(at)),
        usage,
        None,
        Some(&|path: &VerifiedPath<'_>| {
            path.intermediate_certificates().try_for_each(|certificate| signing(&certificate.der())).map_err(|fault| {
                signing_fault.set(Some(fault));
                webpki::Error::EndEntityUsedAsCa
            })
        }),
    );
    match (outcome, signing_fault.get()) {
        (Ok(_), _) => Ok(()),
        (Err(_), Some(fault)) => Err(Fault::Signing(fault)),
        (Err(webpki::Error::EndEntityUsedAsCa), None) => Err(Fault::Signing(SigningFault::NotCa)),
        (Err(webpki::Error::UnknownIssuer | webpki::Error::InvalidSignatureForPublicKey), None) => Err(Fault::NoPath),
        (Err(error), None) => Err(Fault::Path(error)),
    }
}

fn signing(certificate: &CertificateDer<'_>) -> Result<(), SigningFault> {
    rules::signing(&Facts::read(certificate).map_err(|_| SigningFault::Malformed)?)
}
