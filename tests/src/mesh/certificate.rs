//! The URI names of a certificate that has been verified already, for the record of who called.

/// Every SPIFFE ID among its names, in order.
///
/// It looks for the bytes of a URI name (RFC 5280, 4.2.1.6: context tag 6) that begin with the scheme. The certificate was
/// verified before, so nobody but its authority chose what stands in it.
pub(super) fn spiffe_ids(der: &[u8]) -> Vec<String> {
    const TAG: u8 = 0x86;
    let scheme = b"spiffe://";
    let mut found = Vec::new();
    for (at, _) in der.windows(scheme.len()).enumerate().filter(|(_, bytes)| bytes == scheme) {
        let Some([.., tag, length]) = der.get(..at) else { continue };
        let name = der.get(at..at + usize::from(*length));
        if let (&TAG, Some(Ok(name))) = (tag, name.map(std::str::from_utf8)) {
            found.push(name.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    use super::*;
    use crate::mesh::{Leaf, TrustDomain};

    #[test]
    fn reads_the_names_that_the_authority_wrote() {
        let mesh = TrustDomain::new("mesh.example.com");
        let (one, two) = (mesh.id("staging", "one"), mesh.id("staging", "two"));
        let svid = mesh.issue(&Leaf::new(&one).and_dns("one.example.com").and_uri(&two));
        let der = CertificateDer::from_pem_slice(svid.certificate_pem.as_bytes()).unwrap();
        assert_eq!(spiffe_ids(&der), [one, two]);
    }
}
