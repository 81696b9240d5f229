//! The roots of one trust domain.

use alloc::vec::Vec;

use pki_types::{CertificateDer, TrustAnchor};
use spiffe_id::TrustDomain;

use crate::certificate::Facts;
use crate::fault::{Fault, SigningFault};
use crate::rules;

/// The roots that may vouch for the SVIDs of one trust domain, and of no other. (X509-SVID, section 5.1)
#[derive(Clone, Debug)]
pub struct Bundle {
    trust_domain: TrustDomain,
    roots: Vec<Root>,
    refused: Vec<SigningFault>,
}

#[derive(Clone, Debug)]
struct Root {
    anchor: TrustAnchor<'static>,
    not_before: u64,
    not_after: u64,
}

impl Bundle {
    /// Takes the roots that can be signing certificates and leaves out those that cannot: one bad root among those that
    /// a mesh has collected must not take the identity from everyone. [`Bundle::refused`] tells about them.
    ///
    /// # Errors
    /// [`Fault::EmptyBundle`] when there is no certificate, and [`Fault::Signing`] when none can be a root.
    pub fn new(trust_domain: TrustDomain, certificates: &[CertificateDer<'_>]) -> Result<Self, Fault> {
        let mut roots = Vec::with_capacity(certificates.len());
        let mut refused = Vec::new();
        for certificate in certificates {
            match root(certificate) {
                Ok(root) => roots.push(root),
                Err(fault) => refused.push(fault),
            }
        }
        if roots.is_empty() {
            return Err(refused.first().map_or(Fault::EmptyBundle, |fault| Fault::Signing(*fault)));
        }
        Ok(Self { trust_domain, roots, refused })
    }

    /// Whose SVIDs these roots vouch for.
    #[must_use]
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// Why roots were left out, one entry for each.
    #[must_use]
    pub fn refused(&self) -> &[SigningFault] {
        &self.refused
    }

    /// The roots that are in their time. RFC 5280, section 6.1.1, leaves the anchor's times to the application; a root
    /// that was retired by letting it expire must not count here.
    pub(crate) fn anchors(&self, at: u64) -> Vec<TrustAnchor<'_>> {
        let in_time = self.roots.iter().filter(|root| (root.not_before..=root.not_after).contains(&at));
        in_time
            .map(|Root { anchor, .. }| TrustAnchor {
                subject: anchor.subject.as_ref().into(),
                subject_public_key_info: anchor.subject_public_key_info.as_ref().into(),
                name_constraints: anchor.name_constraints.as_ref().map(|der| der.as_ref().into()),
            })
            .collect()
    }
}

fn root(certificate: &CertificateDer<'_>) -> Result<Root, SigningFault> {
    let facts = Facts::read(certificate).map_err(|_| SigningFault::Malformed)?;
    rules::signing(&facts)?;
    let anchor = webpki::anchor_from_trusted_cert(certificate).map_err(|_| SigningFault::Malformed)?.to_owned();
    Ok(Root { anchor, not_before: facts.not_before, not_after: facts.not_after })
}
