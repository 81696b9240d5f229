//! Identities of a mesh, made at run time.

use std::time::{SystemTime, UNIX_EPOCH};

use mtls_client::Document;
use pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PublicKeyData as _, SanType,
};
use time::OffsetDateTime;

use super::id;

/// One trust domain: a root and an intermediate.
pub(crate) struct Pki {
    root: CertifiedIssuer<'static, KeyPair>,
    intermediate: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate, its chain and its key.
pub(crate) struct Svid {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: KeyPair,
    pub(crate) document: Document,
}

#[expect(clippy::disallowed_methods, reason = "the servers of these tests live in the system's time")]
pub(crate) fn system_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn date(unix: u64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(i64::try_from(unix).unwrap()).unwrap()
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

impl Pki {
    pub(crate) fn new() -> Self {
        let root = CertifiedIssuer::self_signed(authority("mesh root"), KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let intermediate = CertifiedIssuer::signed_by(authority("mesh intermediate"), key, &root).unwrap();
        Self { root, intermediate }
    }

    pub(crate) fn root(&self) -> CertificateDer<'static> {
        self.root.der().clone()
    }

    /// Valid for a day from five minutes ago, by the system's clock.
    pub(crate) fn svid(&self, spiffe_id: &str) -> Svid {
        let now = system_seconds();
        self.svid_with(spiffe_id, now - 300, now + 86_400, |_| ())
    }

    pub(crate) fn svid_with(
        &self,
        spiffe_id: &str,
        not_before: u64,
        not_after: u64,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Svid {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "workload");
        params.subject_alt_names = vec![SanType::URI(spiffe_id.try_into().unwrap())];
        params.not_before = date(not_before);
        params.not_after = date(not_after);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let certificate = params.signed_by(&key, &self.intermediate).unwrap().der().clone();
        let key_sha256 = svid::public_key_hash(&key.subject_public_key_info());
        let document = Document {
            spiffe_id: id(spiffe_id),
            key_version: key_sha256[..8].iter().map(|byte| format!("{byte:02x}")).collect(),
            key_sha256,
            certificate: certificate.clone(),
            chain: vec![self.intermediate.der().clone()],
            bundle: vec![self.root()],
            not_before,
            not_after,
        };
        Svid { certificate, chain: document.chain.clone(), key, document }
    }
}

impl Svid {
    pub(crate) fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()))
    }

    /// What a server sees of a client with this identity.
    pub(crate) fn fingerprint(&self) -> String {
        super::hash(&self.certificate)
    }
}
