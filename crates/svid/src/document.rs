//! The certificate document: what the issuer writes beside the key, and readers follow.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use pki_types::CertificateDer;
use pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};
use spiffe_id::{Invalid, SpiffeIdBuf, TrustDomain};

use crate::bundle::Bundle;
use crate::fault::Fault;
use crate::public_key_hash;
use crate::verify::{Algorithms, Role, Svid, verify};

/// The layout that this crate reads and writes.
const VERSION: u32 = 1;
/// A value of Secrets Manager has at most so many bytes.
const MAX_LEN: usize = 65_536;

/// One published certificate, and how to find its key. Contents are read but not yet proven: see [`Document::prove`].
///
/// Readers ignore members that they do not know, so that writers can add some without breaking them.
#[derive(Clone, Debug)]
pub struct Document {
    /// Whom the certificate is for.
    pub spiffe_id: SpiffeIdBuf,
    /// The version of the key secret's value (Secrets Manager's VersionId; in a directory, the file's name).
    pub key_version: String,
    /// SHA-256 of the DER SubjectPublicKeyInfo.
    pub key_sha256: [u8; 32],
    /// The leaf.
    pub certificate: CertificateDer<'static>,
    /// Intermediates, the leaf's issuer first.
    pub chain: Vec<CertificateDer<'static>>,
    /// Roots of the trust domain.
    pub bundle: Vec<CertificateDer<'static>>,
    /// The leaf's times, in seconds since 1970.
    pub not_before: u64,
    /// The last second in which the leaf is valid.
    pub not_after: u64,
}

/// Why a value is not a certificate document. Of the value itself, which holds no secret, little is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentError {
    /// More than 64 KiB.
    TooLong,
    /// Not JSON, or a member is missing or of another type; in words, with line and column.
    Json(String),
    /// A version of the layout that this reader does not know.
    Version(u32),
    /// `spiffe_id` is not the SPIFFE ID of a workload.
    SpiffeId(Invalid),
    /// `key_version` is not 1 to 64 letters, digits, `-`, `_` and `.`, or begins with a dot.
    KeyVersion,
    /// `key_sha256` is not 64 hexadecimal digits.
    KeyHash,
    /// `certificate` is not exactly one PEM certificate.
    Certificate,
    /// `chain` is not a sequence of PEM certificates.
    Chain,
    /// `bundle` is not a sequence of at least one PEM certificate.
    Bundle,
    /// `not_after` is before `not_before`.
    Times,
}

/// The layout on the wire, version 1.
#[derive(Serialize, Deserialize)]
struct Wire {
    version: u32,
    spiffe_id: String,
    key_version: String,
    key_sha256: String,
    certificate: String,
    chain: String,
    bundle: String,
    not_before: u64,
    not_after: u64,
}

/// Read first, so that a later layout is called by its name, whatever else it looks like.
#[derive(Deserialize)]
struct WireVersion {
    version: u32,
}

impl Document {
    /// Reads the value of the certificate secret, or the file `certificate.json`.
    ///
    /// # Errors
    /// The first [`DocumentError`] found.
    pub fn parse(json: &[u8]) -> Result<Self, DocumentError> {
        if json.len() > MAX_LEN {
            return Err(DocumentError::TooLong);
        }
        let mistake = |error: serde_json::Error| DocumentError::Json(alloc::format!("{error}"));
        let WireVersion { version } = serde_json::from_slice(json).map_err(mistake)?;
        if version != VERSION {
            return Err(DocumentError::Version(version));
        }
        let wire: Wire = serde_json::from_slice(json).map_err(mistake)?;
        let spiffe_id = SpiffeIdBuf::parse(&wire.spiffe_id).map_err(DocumentError::SpiffeId)?;
        if !is_key_version(&wire.key_version) {
            return Err(DocumentError::KeyVersion);
        }
        let key_sha256 = parse_hash(&wire.key_sha256).ok_or(DocumentError::KeyHash)?;
        let Some([certificate]) = certificates(&wire.certificate).and_then(|list| <[_; 1]>::try_from(list).ok()) else {
            return Err(DocumentError::Certificate);
        };
        let chain = certificates(&wire.chain).ok_or(DocumentError::Chain)?;
        let bundle = certificates(&wire.bundle).filter(|roots| !roots.is_empty()).ok_or(DocumentError::Bundle)?;
        let Wire { key_version, not_before, not_after, .. } = wire;
        if not_after < not_before {
            return Err(DocumentError::Times);
        }
        Ok(Self { spiffe_id, key_version, key_sha256, certificate, chain, bundle, not_before, not_after })
    }

    /// The same in JSON, as [`Document::parse`] reads it.
    #[must_use]
    pub fn to_json(&self) -> String {
        let wire = Wire {
            version: VERSION,
            spiffe_id: self.spiffe_id.as_str().into(),
            key_version: self.key_version.clone(),
            key_sha256: hex(&self.key_sha256),
            certificate: pem(core::slice::from_ref(&self.certificate)),
            chain: pem(&self.chain),
            bundle: pem(&self.bundle),
            not_before: self.not_before,
            not_after: self.not_after,
        };
        // Strings and numbers always have a form in JSON.
        serde_json::to_string(&wire).unwrap_or_default()
    }

    /// Proves the pair: the document, the certificate in it and the private key with this public key (DER
    /// SubjectPublicKeyInfo) belong together, name the expected workload, chain to the bundle and are in their time.
    ///
    /// # Errors
    /// The first [`Fault`] found.
    pub fn prove(
        &self,
        expected: &SpiffeIdBuf,
        public_key: &[u8],
        at: u64,
        algorithms: Algorithms<'_>,
    ) -> Result<(Svid, Bundle), Fault> {
        // A trust domain of a valid SPIFFE ID is a valid trust domain.
        let trust_domain = TrustDomain::parse(expected.trust_domain()).map_err(Fault::NotSpiffeId)?;
        let bundle = Bundle::new(trust_domain, &self.bundle)?;
        let svid = verify(&self.certificate, &self.chain, &bundle, Role::Client, at, algorithms)?;
        if svid.spiffe_id != *expected {
            return Err(Fault::OtherId { found: svid.spiffe_id });
        }
        let times = (svid.not_before, svid.not_after) == (self.not_before, self.not_after);
        for (agrees, field) in [
            (self.spiffe_id == svid.spiffe_id, "spiffe_id"),
            (self.key_sha256 == public_key_hash(&svid.public_key), "key_sha256"),
            (times, "not_before or not_after"),
        ] {
            if !agrees {
                return Err(Fault::DocumentContradicts(field));
            }
        }
        if svid.public_key != public_key {
            return Err(Fault::OtherKey);
        }
        Ok((svid, bundle))
    }
}

/// In a directory it is part of a file's name, so nothing that leads elsewhere may pass.
fn is_key_version(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && !text.starts_with('.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn parse_hash(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        for &digit in digits {
            *byte = *byte << 4 | u8::try_from(char::from(digit).to_digit(16)?).ok()?;
        }
    }
    Some(hash)
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// All certificates of a PEM text, or `None` when a part of it cannot be read or is something else.
fn certificates(text: &str) -> Option<Vec<CertificateDer<'static>>> {
    let blocks = text.matches("-----BEGIN ").count();
    let list: Vec<_> = CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<_, _>>().ok()?;
    (list.len() == blocks && (blocks > 0 || text.trim().is_empty())).then_some(list)
}

fn pem(certificates: &[CertificateDer<'_>]) -> String {
    let mut text = String::new();
    for certificate in certificates {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        for line in base64(certificate).as_bytes().chunks(64) {
            text.extend(line.iter().map(|&b| char::from(b)));
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

/// RFC 4648, section 4, which RFC 7468 asks for.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let digit = usize::try_from(bits >> (18 - 6 * at) & 63).ok().and_then(|index| ALPHABET.get(index));
            text.push(if at <= group.len() { digit.map_or('=', |&b| char::from(b)) } else { '=' });
        }
    }
    text
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the certificate document is longer than 64 KiB",
            Self::Json(mistake) => return write!(f, "the certificate document is not as it should be: {mistake}"),
            Self::Version(version) => {
                return write!(f, "the certificate document has version {version}, this reader knows {VERSION} only");
            }
            Self::SpiffeId(invalid) => return write!(f, "the document's spiffe_id {}", invalid.problem),
            Self::KeyVersion => {
                "the document's key_version is not 1 to 64 letters, digits, hyphens, underscores and dots"
            }
            Self::KeyHash => "the document's key_sha256 is not 64 hexadecimal digits",
            Self::Certificate => "the document's certificate is not exactly one PEM certificate",
            Self::Chain => "the document's chain is not a sequence of PEM certificates",
            Self::Bundle => "the document's bundle is not a sequence of at least one PEM certificate",
            Self::Times => "the document's not_after is before its not_before",
        })
    }
}

impl core::error::Error for DocumentError {}
