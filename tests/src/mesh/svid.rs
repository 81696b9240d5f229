//! A trust domain's authority, and SVIDs with every deviation that a verifier must notice.

use std::fmt;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PublicKeyData as _, SanType,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use time::OffsetDateTime;

use crate::aws::clock::{system_now, unix_seconds};
use crate::aws::random::sha256_hex;
use crate::pki::Identity;

const HOUR: Duration = Duration::from_secs(3600);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

type Authority = CertifiedIssuer<'static, KeyPair>;

/// A trust domain: a root, an intermediate under it, and a stranger's root of the same name that nobody trusts.
pub struct TrustDomain {
    name: String,
    root: Authority,
    intermediate: Authority,
    expired_intermediate: Authority,
    stranger: Authority,
}

impl fmt::Debug for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustDomain").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A leaf to be made.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// Its URI names: one in an SVID.
    pub uris: Vec<String>,
    /// Its DNS names: none in an SVID of this mesh.
    pub dns: Vec<String>,
    /// The first second of its life.
    pub not_before: SystemTime,
    /// The last second of its life.
    pub not_after: SystemTime,
    /// What is wrong with it.
    pub flaw: Option<Flaw>,
}

/// What can be wrong with a leaf or its chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flaw {
    /// `basicConstraints` says that it is an authority.
    IsAuthority,
    /// Its key may sign certificates.
    SignsCertificates,
    /// Its key may not sign at all.
    SignsNothing,
    /// It is for servers only.
    OnlyForServers,
    /// It is for clients only.
    OnlyForClients,
    /// It is signed by a root that nobody trusts.
    Stranger,
    /// Its intermediate does not come along.
    NoIntermediate,
    /// Its intermediate's time is over.
    ExpiredIntermediate,
}

/// A certificate with its key and all that goes with it.
#[derive(Clone)]
pub struct Svid {
    /// The leaf, in PEM.
    pub certificate_pem: String,
    /// Intermediates, the leaf's issuer first, in PEM.
    pub chain_pem: String,
    /// The roots of the trust domain, in PEM.
    pub bundle_pem: String,
    /// The private key (PKCS #8), in PEM.
    pub key_pem: String,
    /// SHA-256 of the public key (DER SubjectPublicKeyInfo), in lower-case hexadecimal.
    pub key_sha256: String,
    /// The first URI name, or nothing.
    pub spiffe_id: String,
    /// In seconds since 1970.
    pub not_before: u64,
    /// In seconds since 1970.
    pub not_after: u64,
}

impl fmt::Debug for Svid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Svid").field("spiffe_id", &self.spiffe_id).finish_non_exhaustive()
    }
}

impl Svid {
    /// Leaf and intermediates in one PEM text, as TLS sends them.
    #[must_use]
    pub fn full_chain_pem(&self) -> String {
        format!("{}{}", self.certificate_pem, self.chain_pem)
    }

    /// SHA-256 of the leaf: what tells it from every other.
    ///
    /// # Panics
    /// When the PEM is none.
    #[must_use]
    pub fn certificate_sha256(&self) -> String {
        let der = CertificateDer::from_pem_slice(self.certificate_pem.as_bytes()).expect("a certificate");
        sha256_hex(&der)
    }

    /// For [`crate::client::Client`].
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity { certificate_pem: self.full_chain_pem(), key_pem: self.key_pem.clone() }
    }
}

impl Leaf {
    /// A good one: from five minutes ago, for 24 hours.
    #[must_use]
    pub fn new(spiffe_id: impl Into<String>) -> Self {
        let now = system_now();
        let not_before = now - Duration::from_secs(300);
        Self { uris: vec![spiffe_id.into()], dns: Vec::new(), not_before, not_after: now + 24 * HOUR, flaw: None }
    }

    /// With this flaw.
    #[must_use]
    pub fn flawed(self, flaw: Flaw) -> Self {
        Self { flaw: Some(flaw), ..self }
    }

    /// With one more URI name.
    #[must_use]
    pub fn and_uri(mut self, uri: &str) -> Self {
        self.uris.push(uri.to_owned());
        self
    }

    /// With a DNS name.
    #[must_use]
    pub fn and_dns(mut self, name: &str) -> Self {
        self.dns.push(name.to_owned());
        self
    }

    /// With this life.
    #[must_use]
    pub fn living(self, not_before: SystemTime, not_after: SystemTime) -> Self {
        Self { not_before, not_after, ..self }
    }

    /// Living from so many hours ago for so many hours to come.
    #[must_use]
    pub fn hours(self, ago: u32, to_come: u32) -> Self {
        let now = system_now();
        self.living(now - HOUR * ago, now + HOUR * to_come)
    }

    /// Its life was over an hour ago.
    #[must_use]
    pub fn expired(self) -> Self {
        let now = system_now();
        self.living(now - 25 * HOUR, now - HOUR)
    }

    /// Its life begins in an hour.
    #[must_use]
    pub fn not_yet_valid(self) -> Self {
        let now = system_now();
        self.living(now + HOUR, now + 25 * HOUR)
    }
}

impl TrustDomain {
    /// New authorities. They outlive every move of a clock that a test makes.
    ///
    /// # Panics
    /// When a certificate cannot be made.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let now = system_now();
        let long = (now - YEAR, now + 10 * YEAR);
        let root = authority(name, "root", None, long);
        let intermediate = authority(name, "intermediate", Some(&root), long);
        let expired_intermediate = authority(name, "old intermediate", Some(&root), (now - YEAR, now - HOUR));
        let stranger = authority(name, "root", None, long);
        Self { name: name.to_owned(), root, intermediate, expired_intermediate, stranger }
    }

    /// `spiffe://<trust domain>/<environment>/<app>`
    #[must_use]
    pub fn id(&self, environment: &str, app: &str) -> String {
        format!("spiffe://{}/{environment}/{app}", self.name)
    }

    /// Its root, in PEM.
    #[must_use]
    pub fn bundle_pem(&self) -> String {
        self.root.pem()
    }

    /// The root of the same name that nobody trusts, in PEM.
    #[must_use]
    pub fn stranger_pem(&self) -> String {
        self.stranger.pem()
    }

    /// A good SVID of an app.
    #[must_use]
    pub fn svid(&self, environment: &str, app: &str) -> Svid {
        self.issue(&Leaf::new(self.id(environment, app)))
    }

    /// Whatever was asked for.
    ///
    /// # Panics
    /// When a certificate cannot be made.
    #[must_use]
    pub fn issue(&self, leaf: &Leaf) -> Svid {
        let key = KeyPair::generate().expect("a key");
        let (issuer, chain_pem) = match leaf.flaw {
            Some(Flaw::Stranger) => (&self.stranger, String::new()),
            Some(Flaw::NoIntermediate) => (&self.intermediate, String::new()),
            Some(Flaw::ExpiredIntermediate) => (&self.expired_intermediate, self.expired_intermediate.pem()),
            _ => (&self.intermediate, self.intermediate.pem()),
        };
        let certificate = parameters(leaf).signed_by(&key, issuer).expect("a certificate");
        Svid {
            certificate_pem: certificate.pem(),
            chain_pem,
            bundle_pem: self.bundle_pem(),
            key_pem: key.serialize_pem(),
            key_sha256: sha256_hex(&key.subject_public_key_info()),
            spiffe_id: leaf.uris.first().cloned().unwrap_or_default(),
            not_before: unix_seconds(leaf.not_before),
            not_after: unix_seconds(leaf.not_after),
        }
    }
}

fn parameters(leaf: &Leaf) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for name in &leaf.dns {
        params.subject_alt_names.push(SanType::DnsName(name.as_str().try_into().expect("a DNS name")));
    }
    for uri in &leaf.uris {
        params.subject_alt_names.push(SanType::URI(uri.as_str().try_into().expect("a URI")));
    }
    (params.not_before, params.not_after) = (whole_seconds(leaf.not_before), whole_seconds(leaf.not_after));
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    match leaf.flaw {
        Some(Flaw::IsAuthority) => params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
        Some(Flaw::SignsCertificates) => params.key_usages.push(KeyUsagePurpose::KeyCertSign),
        Some(Flaw::SignsNothing) => params.key_usages = vec![KeyUsagePurpose::KeyAgreement],
        Some(Flaw::OnlyForServers) => params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth],
        Some(Flaw::OnlyForClients) => params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
        Some(Flaw::Stranger | Flaw::NoIntermediate | Flaw::ExpiredIntermediate) | None => {}
    }
    params
}

fn authority(
    trust_domain: &str,
    name: &str,
    issuer: Option<&Authority>,
    (from, to): (SystemTime, SystemTime),
) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("{trust_domain} {name}"));
    (params.not_before, params.not_after) = (whole_seconds(from), whole_seconds(to));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // SPIFFE's X509-SVID, 3: a signing certificate may carry the ID of its trust domain, without a path.
    let uri = format!("spiffe://{trust_domain}");
    params.subject_alt_names.push(SanType::URI(uri.as_str().try_into().expect("a URI")));
    let key = KeyPair::generate().expect("a key");
    match issuer {
        None => CertifiedIssuer::self_signed(params, key),
        Some(issuer) => {
            params.use_authority_key_identifier_extension = true;
            CertifiedIssuer::signed_by(params, key, issuer)
        }
    }
    .expect("an authority")
}

/// A certificate knows no parts of a second.
fn whole_seconds(time: SystemTime) -> OffsetDateTime {
    let seconds = i64::try_from(unix_seconds(time)).expect("a time of our time");
    OffsetDateTime::from_unix_timestamp(seconds).expect("a time of our time")
}
