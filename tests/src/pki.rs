//! Throw-away certificates: the mesh's CA with SPIFFE identities, a CA that stands for the public web, and a stranger's.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType,
};
use time::{Duration, OffsetDateTime};

use crate::aws::clock;

/// What can go wrong while making a certificate.
pub type Error = rcgen::Error;

/// Three certificate authorities that know nothing of one another.
pub struct Pki {
    mesh: CertifiedIssuer<'static, KeyPair>,
    aws: CertifiedIssuer<'static, KeyPair>,
    stranger: CertifiedIssuer<'static, KeyPair>,
}

impl fmt::Debug for Pki {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pki { .. }")
    }
}

/// A certificate and its private key.
#[derive(Clone)]
pub struct Identity {
    /// The certificate, in PEM.
    pub certificate_pem: String,
    /// Its private key (PKCS #8), in PEM.
    pub key_pem: String,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity { .. }")
    }
}

/// Where [`Identity::write_to`] has put its two files.
#[derive(Clone, Debug)]
pub struct IdentityFiles {
    /// The certificate, readable by anyone.
    pub certificate: PathBuf,
    /// The key, readable by its owner only.
    pub key: PathBuf,
}

impl Pki {
    /// Three new authorities, valid for a week.
    pub fn new() -> Result<Self, Error> {
        Ok(Self { mesh: authority("mesh CA")?, aws: authority("web CA")?, stranger: authority("stranger's CA")? })
    }

    /// The root that the mesh trusts (the trust domain's bundle).
    #[must_use]
    pub fn mesh_ca_pem(&self) -> String {
        self.mesh.pem()
    }

    /// The root that signs the certificates of the double of AWS.
    #[must_use]
    pub fn aws_ca_pem(&self) -> String {
        self.aws.pem()
    }

    /// A root that nobody should trust.
    #[must_use]
    pub fn stranger_ca_pem(&self) -> String {
        self.stranger.pem()
    }

    /// A caller of the mesh with these URI names: one in an SVID, none or two in a hostile certificate.
    pub fn mesh_client(&self, spiffe_ids: &[&str]) -> Result<Identity, Error> {
        issue(&self.mesh, &Leaf::client(spiffe_ids))
    }

    /// The same, but its validity ended an hour ago.
    pub fn mesh_client_expired(&self, spiffe_ids: &[&str]) -> Result<Identity, Error> {
        issue(&self.mesh, &Leaf { expired: true, ..Leaf::client(spiffe_ids) })
    }

    /// A caller that claims these names, signed by an authority that the mesh does not trust.
    pub fn untrusted_client(&self, spiffe_ids: &[&str]) -> Result<Identity, Error> {
        issue(&self.stranger, &Leaf::client(spiffe_ids))
    }

    /// A server of the mesh: DNS names for its clients, a SPIFFE ID for the mesh, good for both ends of TLS.
    pub fn mesh_server(&self, dns: &[&str], spiffe_id: &str) -> Result<Identity, Error> {
        let uris = [spiffe_id];
        issue(&self.mesh, &Leaf { dns, uris: &uris, client: true, server: true, expired: false })
    }

    /// A public web server under these DNS names (a wildcard's `*` may be the first label).
    pub fn server(&self, dns: &[&str]) -> Result<Identity, Error> {
        issue(&self.aws, &Leaf::server(dns))
    }

    /// A server that claims these names, signed by an authority that nobody trusts.
    pub fn untrusted_server(&self, dns: &[&str]) -> Result<Identity, Error> {
        issue(&self.stranger, &Leaf::server(dns))
    }
}

impl Identity {
    /// Writes `NAME.pem` and `NAME.key` (mode 0600) into `directory`.
    pub fn write_to(&self, directory: &Path, name: &str) -> io::Result<IdentityFiles> {
        let certificate = directory.join(format!("{name}.pem"));
        let key = directory.join(format!("{name}.key"));
        fs::write(&certificate, &self.certificate_pem)?;
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&key)?;
        file.write_all(self.key_pem.as_bytes())?;
        Ok(IdentityFiles { certificate, key })
    }
}

struct Leaf<'a> {
    dns: &'a [&'a str],
    uris: &'a [&'a str],
    client: bool,
    server: bool,
    expired: bool,
}

impl<'a> Leaf<'a> {
    fn client(uris: &'a [&'a str]) -> Self {
        Self { dns: &[], uris, client: true, server: false, expired: false }
    }

    fn server(dns: &'a [&'a str]) -> Self {
        Self { dns, uris: &[], client: false, server: true, expired: false }
    }
}

fn authority(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>, Error> {
    let now = OffsetDateTime::from(clock::system_now());
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = now - Duration::days(1);
    params.not_after = now + Duration::days(7);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

fn issue(issuer: &CertifiedIssuer<'static, KeyPair>, leaf: &Leaf<'_>) -> Result<Identity, Error> {
    let now = OffsetDateTime::from(clock::system_now());
    let mut params = CertificateParams::default();
    // The subject stays empty, as SPIFFE advises; the certificate's names are its SANs.
    params.distinguished_name = DistinguishedName::new();
    for name in leaf.dns {
        params.subject_alt_names.push(SanType::DnsName((*name).try_into()?));
    }
    for uri in leaf.uris {
        params.subject_alt_names.push(SanType::URI((*uri).try_into()?));
    }
    (params.not_before, params.not_after) = if leaf.expired {
        (now - Duration::hours(12), now - Duration::hours(1))
    } else {
        // Ten minutes of grace for clocks, a day of life as an SVID has.
        (now - Duration::minutes(10), now + Duration::hours(24))
    };
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    if leaf.client {
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
    }
    if leaf.server {
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    }
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer)?;
    Ok(Identity { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() })
}
