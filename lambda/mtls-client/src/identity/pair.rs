//! A proven pair of certificate and key.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use svid::{Bundle, Document, Fault, Svid};

use super::freshness::Life;
use crate::clock::Now;
use crate::error::{Error, Reason};
use crate::source::PrivateKey;
use spiffe_id::SpiffeIdBuf;

/// Parses, matches, chains to its bundle, names the expected workload, was in its time when it was accepted.
pub(crate) struct Pair {
    /// 1 for the first pair of the client, and so on: connections are never shared between generations.
    pub(crate) generation: u64,
    /// The replica that it came from.
    pub(crate) replica: usize,
    pub(crate) svid: Svid,
    pub(crate) bundle: Arc<Bundle>,
    pub(crate) certified_key: Arc<CertifiedKey>,
    document: Document,
}

impl Pair {
    /// Proves the pair as of now.
    pub(crate) fn prove(
        document: Document,
        key: &PrivateKey,
        replica: usize,
        expected: &SpiffeIdBuf,
        provider: &CryptoProvider,
        now: Now,
    ) -> Result<Self, Error> {
        let signing_key = key.load()?;
        let public_key = signing_key.public_key().ok_or_else(|| {
            Error::new(Reason::IdentityInvalid, "the private key has no public key; make a P-256 key")
        })?;
        let algorithms = provider.signature_verification_algorithms.all;
        let (svid, bundle) = document
            .prove(expected, &public_key, now.unix_seconds(), algorithms)
            .map_err(|fault| invalid(&fault, expected))?;
        let chain = std::iter::once(&document.certificate).chain(&document.chain).cloned().collect();
        let certified_key = Arc::new(CertifiedKey::new(chain, signing_key));
        Ok(Self { generation: 0, replica, svid, bundle: Arc::new(bundle), certified_key, document })
    }

    pub(crate) fn life(&self) -> Life {
        Life { not_before: self.svid.not_before, not_after: self.svid.not_after }
    }

    /// # Errors
    /// `identity-expired` or `identity-invalid` outside of its time.
    pub(crate) fn check_time(&self, now: Now) -> Result<(), Error> {
        let Svid { not_before, not_after, .. } = self.svid;
        let at = now.unix_seconds();
        if at > not_after {
            return Err(invalid(&Fault::Expired { not_after }, &self.svid.spiffe_id));
        }
        if at < not_before {
            return Err(invalid(&Fault::NotYetValid { not_before }, &self.svid.spiffe_id));
        }
        Ok(())
    }

    /// Whether the document is the one that this pair was made from, so that its key need not be fetched again.
    pub(crate) fn is_from(&self, document: &Document) -> bool {
        let Document { key_version, certificate, chain, bundle, .. } = document;
        let own = &self.document;
        (&own.key_version, &own.certificate, &own.chain, &own.bundle) == (key_version, certificate, chain, bundle)
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair").field("generation", &self.generation).field("svid", &self.svid).finish_non_exhaustive()
    }
}

fn invalid(fault: &Fault, expected: &SpiffeIdBuf) -> Error {
    match fault {
        Fault::Expired { .. } => {
            Error::new(Reason::IdentityExpired, format!("{fault}; see why the issuer does not renew it"))
        }
        Fault::OtherKey | Fault::DocumentContradicts(_) => {
            Error::new(Reason::IdentityInvalid, format!("{fault}; let the issuer publish a new pair for {expected}"))
        }
        _ => Error::new(Reason::IdentityInvalid, format!("{fault}; correct what the issuer makes for {expected}")),
    }
}
