//! What the rules need to know of one certificate, read once.

use alloc::string::String;
use alloc::vec::Vec;

use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName};

/// id-kp-serverAuth (RFC 5280, section 4.2.1.12).
const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
/// id-kp-clientAuth.
const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// The DER could not be read, or an extension of these is there twice.
#[derive(Debug)]
pub(crate) struct Unreadable;

/// The facts. Nothing is judged here.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) not_before: u64,
    pub(crate) not_after: u64,
    /// DER SubjectPublicKeyInfo.
    pub(crate) public_key: Vec<u8>,
    pub(crate) empty_subject: bool,
    pub(crate) san_critical: bool,
    /// URIs of the subject alternative names, in their order.
    pub(crate) uris: Vec<String>,
    pub(crate) is_ca: bool,
    pub(crate) key_usage: Option<Usage>,
    pub(crate) extended: Option<Extended>,
}

/// The key usage extension.
#[derive(Debug)]
pub(crate) struct Usage {
    pub(crate) critical: bool,
    pub(crate) digital_signature: bool,
    pub(crate) key_cert_sign: bool,
    pub(crate) crl_sign: bool,
}

/// The extended key usage extension.
#[derive(Debug)]
pub(crate) struct Extended {
    pub(crate) server_auth: bool,
    pub(crate) client_auth: bool,
}

impl Facts {
    pub(crate) fn read(der: &[u8]) -> Result<Self, Unreadable> {
        let certificate = Certificate::from_der(der).map_err(|_| Unreadable)?;
        let tbs = certificate.tbs_certificate();
        let constraints = tbs.get_extension::<BasicConstraints>().map_err(|_| Unreadable)?;
        let usage = tbs.get_extension::<KeyUsage>().map_err(|_| Unreadable)?;
        let extended = tbs.get_extension::<ExtendedKeyUsage>().map_err(|_| Unreadable)?;
        let san = tbs.get_extension::<SubjectAltName>().map_err(|_| Unreadable)?;
        let (san_critical, names) = san.map_or((false, Vec::new()), |(critical, san)| (critical, san.0));
        Ok(Self {
            not_before: tbs.validity().not_before.to_unix_duration().as_secs(),
            not_after: tbs.validity().not_after.to_unix_duration().as_secs(),
            public_key: tbs.subject_public_key_info().to_der().map_err(|_| Unreadable)?,
            empty_subject: tbs.subject().is_empty(),
            san_critical,
            uris: names
                .iter()
                .filter_map(|name| match name {
                    GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str().into()),
                    _ => None,
                })
                .collect(),
            is_ca: constraints.is_some_and(|(_, constraints)| constraints.ca),
            key_usage: usage.map(|(critical, usage)| Usage {
                critical,
                digital_signature: usage.digital_signature(),
                key_cert_sign: usage.key_cert_sign(),
                crl_sign: usage.crl_sign(),
            }),
            extended: extended.map(|(_, purposes)| Extended {
                server_auth: purposes.0.contains(&SERVER_AUTH),
                client_auth: purposes.0.contains(&CLIENT_AUTH),
            }),
        })
    }
}
