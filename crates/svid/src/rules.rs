//! SPIFFE's rules for one certificate at a time: a leaf, and a signing certificate.

use spiffe_id::{SCHEME, SpiffeIdBuf, is_trust_domain};

use crate::certificate::Facts;
use crate::fault::{Fault, SigningFault};

/// X509-SVID, sections 2, 3.1, 4.1, 4.3, 4.4 and 5.2. Returns the leaf's SPIFFE ID.
pub(crate) fn leaf(facts: &Facts) -> Result<SpiffeIdBuf, Fault> {
    if facts.is_ca {
        return Err(Fault::IsCa);
    }
    let usage = facts.key_usage.as_ref().ok_or(Fault::NoKeyUsage)?;
    if usage.key_cert_sign {
        return Err(Fault::SignsCertificates);
    }
    if usage.crl_sign {
        return Err(Fault::SignsCrls);
    }
    if !usage.critical {
        return Err(Fault::KeyUsageNotCritical);
    }
    if !usage.digital_signature {
        return Err(Fault::NoDigitalSignature);
    }
    if facts.extended.as_ref().is_some_and(|extended| !(extended.server_auth && extended.client_auth)) {
        return Err(Fault::HalfExtendedKeyUsage);
    }
    let uri = match facts.uris.as_slice() {
        [] => return Err(Fault::NoUri),
        [uri] => uri,
        _ => return Err(Fault::ManyUris),
    };
    if facts.empty_subject && !facts.san_critical {
        return Err(Fault::SanNotCritical);
    }
    SpiffeIdBuf::parse(uri).map_err(Fault::NotSpiffeId)
}

/// X509-SVID, sections 3.2, 4.1 and 4.3. A signing certificate without a SPIFFE ID is no SVID, and only the rules that
/// make it a signing certificate are for it.
pub(crate) fn signing(facts: &Facts) -> Result<(), SigningFault> {
    if !facts.is_ca {
        return Err(SigningFault::NotCa);
    }
    let usage = facts.key_usage.as_ref().ok_or(SigningFault::NoKeyCertSign)?;
    if !usage.key_cert_sign {
        return Err(SigningFault::NoKeyCertSign);
    }
    // RFC 3986, section 3.1: schemes are compared without regard to case. SPIFFE IDs are lower case, so one in another
    // case is a wrong one, not none.
    let spiffe = |uri: &str| uri.get(..SCHEME.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME));
    if !facts.uris.iter().any(|uri| spiffe(uri)) {
        return Ok(());
    }
    if !usage.critical {
        return Err(SigningFault::KeyUsageNotCritical);
    }
    match facts.uris.as_slice() {
        [uri] if uri.strip_prefix(SCHEME).is_some_and(is_trust_domain) => Ok(()),
        [_] => Err(SigningFault::HasPath),
        _ => Err(SigningFault::ManyUris),
    }
}
