//! Certificates made for one case: right in everything but what the case changes.

use pki_types::CertificateDer;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData as _, SanType, SigningKey,
};
use spiffe_id::{SpiffeIdBuf, TrustDomain};
use svid::{Algorithms, Bundle, Fault, Role, Svid};
use time::OffsetDateTime;

pub(crate) const DAY: u64 = 86_400;
/// When certificates begin.
pub(crate) const START: u64 = 1_700_000_000;
/// A time within the life of every certificate that says nothing else.
pub(crate) const NOW: u64 = START + DAY / 2;
pub(crate) const ID: &str = "spiffe://mesh.example.com/staging/reports";

pub(crate) type Root = CertifiedIssuer<'static, KeyPair>;

pub(crate) fn seconds(unix: u64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(i64::try_from(unix).unwrap()).unwrap()
}

pub(crate) fn algorithms() -> Algorithms<'static> {
    rustls::crypto::ring::default_provider().signature_verification_algorithms.all
}

pub(crate) fn id(text: &str) -> SpiffeIdBuf {
    SpiffeIdBuf::parse(text).unwrap()
}

pub(crate) fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

/// A valid leaf's parameters.
pub(crate) fn leaf_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named("reports.staging");
    params.not_before = seconds(START);
    params.not_after = seconds(START + DAY);
    params.subject_alt_names = vec![uri(ID)];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params
}

/// A valid signing certificate's parameters. It has no SPIFFE ID.
pub(crate) fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.not_before = seconds(START - DAY);
    params.not_after = seconds(START + 10 * DAY);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

pub(crate) fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

pub(crate) fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

pub(crate) fn root() -> Root {
    CertifiedIssuer::self_signed(ca_params("mesh root"), key()).unwrap()
}

pub(crate) fn below(params: CertificateParams, issuer: &Issuer<'_, impl SigningKey>) -> Root {
    CertifiedIssuer::signed_by(params, key(), issuer).unwrap()
}

pub(crate) fn issue(params: &CertificateParams, issuer: &Issuer<'_, impl SigningKey>) -> Certificate {
    params.signed_by(&key(), issuer).unwrap()
}

pub(crate) fn bundle(roots: &[CertificateDer<'static>]) -> Result<Bundle, Fault> {
    Bundle::new(TrustDomain::parse("mesh.example.com").unwrap(), roots)
}

/// As both roles, which must agree.
pub(crate) fn verify(
    leaf: &CertificateDer<'_>,
    chain: &[CertificateDer<'_>],
    roots: &[CertificateDer<'static>],
    at: u64,
) -> Result<Svid, Fault> {
    let bundle = bundle(roots)?;
    let outcome = svid::verify(leaf, chain, &bundle, Role::Client, at, algorithms());
    let server = svid::verify(leaf, chain, &bundle, Role::Server, at, algorithms());
    match (&outcome, &server) {
        // Their texts name the role.
        (Err(Fault::Path(_)), Err(Fault::Path(_))) => {}
        _ => assert_eq!(outcome, server),
    }
    outcome
}

/// One DER element with a short or a two-byte length.
pub(crate) fn der(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let contents = contents.concat();
    let mut out = vec![tag];
    match u8::try_from(contents.len()) {
        Ok(len @ 0..=127) => out.push(len),
        Ok(len) => out.extend([0x81, len]),
        Err(_) => {
            out.push(0x82);
            out.extend(u16::try_from(contents.len()).unwrap().to_be_bytes());
        }
    }
    out.extend(contents);
    out
}

pub(crate) fn extension(oid: &[u64], critical: bool, value: Vec<u8>) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(oid, value);
    extension.set_criticality(critical);
    extension
}

/// Key usage by its bits, the first one (digitalSignature) highest.
pub(crate) fn key_usage(bits: u8, critical: bool) -> CustomExtension {
    let unused = u8::try_from(bits.trailing_zeros().min(7)).unwrap();
    extension(&[2, 5, 29, 15], critical, der(3, &[&[unused, bits]]))
}

/// Subject alternative names, each by its tag and bytes.
pub(crate) fn san(critical: bool, names: &[(u8, &[u8])]) -> CustomExtension {
    let names: Vec<Vec<u8>> = names.iter().map(|(tag, bytes)| der(*tag, &[bytes])).collect();
    let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    extension(&[2, 5, 29, 17], critical, der(0x30, &names))
}

pub(crate) fn public_key(key: &KeyPair) -> Vec<u8> {
    key.subject_public_key_info()
}
