//! Why a certificate is not a valid SVID, in words for whoever issued it.

use core::fmt;

use spiffe_id::{Invalid, SpiffeIdBuf};

/// Why a certificate and its chain do not identify a workload. The numbers are sections of SPIFFE's X509-SVID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not the DER of an X.509 certificate, version 3, or an extension that is there twice or cannot be read.
    Malformed,
    /// No URI among the subject alternative names, whatever else is there. (2)
    NoUri,
    /// More than one URI, of whatever scheme. (2, 5.2)
    ManyUris,
    /// The URI is not the SPIFFE ID of a workload: another scheme, no path, … (2, 3.1, 5.2)
    NotSpiffeId(Invalid),
    /// The subject is empty and the subject alternative names are not critical. (3.1)
    SanNotCritical,
    /// Basic constraints say that it is a CA. (4.1, 5.2)
    IsCa,
    /// No key usage. (4.3)
    NoKeyUsage,
    /// Key usage that is not critical. (4.3)
    KeyUsageNotCritical,
    /// Key usage without digitalSignature. (4.3)
    NoDigitalSignature,
    /// Key usage has keyCertSign. (4.3, 5.2)
    SignsCertificates,
    /// Key usage has cRLSign. (4.3, 5.2)
    SignsCrls,
    /// Extended key usage without serverAuth, clientAuth or both. (4.4)
    HalfExtendedKeyUsage,
    /// It is of another trust domain than the bundle. (5.1)
    TrustDomain {
        /// The ID that it has.
        found: SpiffeIdBuf,
    },
    /// Its time has not come, in seconds since 1970.
    NotYetValid {
        /// When it begins.
        not_before: u64,
    },
    /// Its time is over, in seconds since 1970.
    Expired {
        /// The last second in which it was valid.
        not_after: u64,
    },
    /// A signing certificate of the chain or the bundle cannot be one.
    Signing(SigningFault),
    /// No chain of signatures leads to a root of the bundle that is in its time. (5.1)
    NoPath,
    /// A chain was found, and RFC 5280 forbids it.
    Path(webpki::Error),
    /// The bundle has no root at all.
    EmptyBundle,
    /// It names another workload than the expected one.
    OtherId {
        /// The ID that it has.
        found: SpiffeIdBuf,
    },
    /// The private key belongs to another certificate.
    OtherKey,
    /// The document contradicts the certificate within it, in this field.
    DocumentContradicts(&'static str),
}

/// Why a certificate may not sign SVIDs. (X509-SVID, sections 3.2, 4.1 and 4.3)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningFault {
    /// Not the DER of an X.509 certificate, version 3.
    Malformed,
    /// Basic constraints do not say that it is a CA.
    NotCa,
    /// Key usage is missing or has no keyCertSign.
    NoKeyCertSign,
    /// It has a SPIFFE ID, and its key usage is not critical.
    KeyUsageNotCritical,
    /// It has more than one URI, and one of them is a SPIFFE ID.
    ManyUris,
    /// It has a SPIFFE ID with a path, or one that is none.
    HasPath,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the certificate is not a readable X.509 certificate of version 3",
            Self::NoUri => "the certificate has no URI among its subject alternative names",
            Self::ManyUris => "the certificate has more than one URI among its subject alternative names",
            Self::NotSpiffeId(invalid) => return write!(f, "the certificate's URI {}", invalid.problem),
            Self::SanNotCritical => {
                "the certificate has no subject, and its subject alternative names are not critical"
            }
            Self::IsCa => "the certificate is one of a CA",
            Self::NoKeyUsage => "the certificate has no key usage",
            Self::KeyUsageNotCritical => "the certificate's key usage is not critical",
            Self::NoDigitalSignature => "the certificate's key usage lacks digitalSignature",
            Self::SignsCertificates => "the certificate's key usage has keyCertSign",
            Self::SignsCrls => "the certificate's key usage has cRLSign",
            Self::HalfExtendedKeyUsage => "the certificate's extended key usage lacks serverAuth or clientAuth",
            Self::TrustDomain { found } => return write!(f, "{found} is not of the bundle's trust domain"),
            Self::NotYetValid { not_before } => {
                return write!(f, "the certificate is not valid before {not_before} (seconds since 1970)");
            }
            Self::Expired { not_after } => {
                return write!(f, "the certificate expired at {not_after} (seconds since 1970)");
            }
            Self::Signing(fault) => return fault.fmt(f),
            Self::NoPath => "no chain of signatures leads to a root of the trust domain's bundle",
            Self::Path(error) => return write!(f, "the chain is not valid: {error}"),
            Self::EmptyBundle => "the bundle has no root certificate",
            Self::OtherId { found } => return write!(f, "the certificate names another workload, {found}"),
            Self::OtherKey => "the private key does not belong to the certificate",
            Self::DocumentContradicts(field) => {
                return write!(f, "the document's {field} is not that of the certificate in it");
            }
        })
    }
}

impl core::error::Error for Fault {}

impl fmt::Display for SigningFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "a signing certificate is not a readable X.509 certificate of version 3",
            Self::NotCa => "a signing certificate is not one of a CA",
            Self::NoKeyCertSign => "a signing certificate's key usage lacks keyCertSign",
            Self::KeyUsageNotCritical => "a signing certificate has a SPIFFE ID, and its key usage is not critical",
            Self::ManyUris => "a signing certificate has a SPIFFE ID and other URIs",
            Self::HasPath => "a signing certificate's SPIFFE ID is not the one of a trust domain",
        })
    }
}

impl core::error::Error for SigningFault {}
