//! SPIFFE IDs and trust domains, parsed once.
//!
//! [`SpiffeId`] borrows its text, [`SpiffeIdBuf`] owns it; both are always the ID of a workload: with a trust domain and
//! a path.
//!
//! ```
//! use spiffe_id::{SpiffeId, TrustDomain};
//!
//! let id = SpiffeId::parse("spiffe://example.org/staging/reports")?;
//! assert_eq!(id.trust_domain(), TrustDomain::parse("example.org")?.as_str());
//! assert!(SpiffeId::parse("spiffe://example.org").is_err());
//! # Ok::<(), spiffe_id::Invalid>(())
//! ```
#![no_std]

extern crate alloc;

use alloc::string::String;
use core::fmt;

/// What every SPIFFE ID begins with. (SPIFFE-ID, section 2.)
pub const SCHEME: &str = "spiffe://";
/// SPIFFE-ID, section 2.3: implementations must support URIs up to this many bytes, and must not make longer ones.
const MAX_LEN: usize = 2048;

/// The name of a trust domain, such as `example.org`. (SPIFFE-ID, section 2.1.)
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrustDomain(String);

impl TrustDomain {
    /// The name alone, as `example.org`.
    ///
    /// # Errors
    /// [`Invalid`], when no SPIFFE ID could have it.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if !is_trust_domain(text) {
            return Err(Invalid {
                problem: "is not a trust domain",
                remedy: "write its name alone, in lower case, as example.org",
            });
        }
        Ok(Self(text.into()))
    }

    /// The name, without a scheme.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The SPIFFE ID of a workload: a trust domain and a path. Instances are always valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpiffeId<'a> {
    text: &'a str,
    trust_domain: &'a str,
}

impl<'a> SpiffeId<'a> {
    /// SPIFFE-ID, sections 2.1 to 2.3; the path must be there, since X509-SVID, section 3.1, asks a leaf for one.
    ///
    /// # Errors
    /// [`Invalid`], when it is not the SPIFFE ID of a workload.
    pub fn parse(text: &'a str) -> Result<Self, Invalid> {
        let invalid = |problem| Invalid { problem, remedy: "write it as spiffe://example.org/path/of/the/workload" };
        if text.len() > MAX_LEN {
            return Err(invalid("is longer than 2048 bytes"));
        }
        let (trust_domain, path) = text
            .strip_prefix(SCHEME)
            .ok_or(invalid("does not begin with spiffe://"))?
            .split_once('/')
            .ok_or(invalid("is a SPIFFE ID without a path"))?;
        if !is_trust_domain(trust_domain) {
            return Err(invalid("has an invalid trust domain"));
        }
        if !path.split('/').all(is_path_segment) {
            return Err(invalid("has an invalid path"));
        }
        Ok(Self { text, trust_domain })
    }

    /// The whole ID.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// The trust domain's name.
    #[must_use]
    pub fn trust_domain(&self) -> &'a str {
        self.trust_domain
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SpiffeId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// A [`SpiffeId`] that owns its text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpiffeIdBuf {
    text: String,
    trust_domain_len: usize,
}

impl SpiffeIdBuf {
    /// As [`SpiffeId::parse`].
    ///
    /// # Errors
    /// [`Invalid`], when it is not the SPIFFE ID of a workload.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        SpiffeId::parse(text).map(Self::from)
    }

    /// The same ID, borrowed.
    #[must_use]
    pub fn as_id(&self) -> SpiffeId<'_> {
        SpiffeId { text: &self.text, trust_domain: self.trust_domain() }
    }

    /// The whole ID.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The trust domain's name.
    #[must_use]
    pub fn trust_domain(&self) -> &str {
        self.text.get(SCHEME.len()..SCHEME.len() + self.trust_domain_len).unwrap_or_default()
    }
}

impl From<SpiffeId<'_>> for SpiffeIdBuf {
    fn from(id: SpiffeId<'_>) -> Self {
        Self { text: id.text.into(), trust_domain_len: id.trust_domain.len() }
    }
}

impl PartialEq<SpiffeId<'_>> for SpiffeIdBuf {
    fn eq(&self, other: &SpiffeId<'_>) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for SpiffeIdBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text is not a name of its kind, in words for the person who wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// What is wrong with it.
    pub problem: &'static str,
    /// What to write instead.
    pub remedy: &'static str,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.problem, self.remedy)
    }
}

impl core::error::Error for Invalid {}

/// Whether this is the name of a trust domain. (SPIFFE-ID, section 2.1.)
#[must_use]
pub fn is_trust_domain(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
}

fn is_path_segment(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workload_ids_are_valid() {
        for text in ["spiffe://example.org/web", "spiffe://a_b.c-d/ns/shop/sa/web.v2_A", "spiffe://1/..a"] {
            assert_eq!(SpiffeId::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(SpiffeId::parse("spiffe://example.org/a/b").unwrap().trust_domain(), "example.org");
    }

    #[test]
    fn what_the_spiffe_id_standard_forbids_is_refused() {
        for text in [
            "",
            "spiffe://",
            "spiffe:///web",
            "spiffe://example.org",
            "spiffe://example.org/",
            "spiffe://example.org//web",
            "spiffe://example.org/web/",
            "spiffe://example.org/./web",
            "spiffe://example.org/../web",
            "spiffe://Example.org/web",
            "SPIFFE://example.org/web",
            "spiffe://example.org:443/web",
            "spiffe://user@example.org/web",
            "spiffe://example.org/web?a",
            "spiffe://example.org/web#a",
            "spiffe://example.org/we%62",
            "spiffe://example.org/caf\u{e9}",
            "spiffe://example.org/a b",
            "https://example.org/web",
        ] {
            assert!(SpiffeId::parse(text).is_err(), "{text}");
        }
        let long = alloc::format!("spiffe://example.org/{}", "a".repeat(MAX_LEN));
        assert!(SpiffeId::parse(&long).is_err());
    }

    #[test]
    fn an_owned_id_is_the_id_that_it_was_made_from() {
        let id = SpiffeId::parse("spiffe://example.org/a/b").unwrap();
        let owned = SpiffeIdBuf::from(id);
        assert_eq!((owned.as_id(), owned.as_str(), owned.trust_domain()), (id, id.as_str(), "example.org"));
        assert_eq!(owned, id);
        assert!(SpiffeIdBuf::parse("spiffe://example.org").is_err());
    }

    #[test]
    fn a_trust_domain_is_a_name_alone() {
        assert_eq!(TrustDomain::parse("example.org").unwrap().as_str(), "example.org");
        let long = "a".repeat(256);
        for text in ["", "Example.org", "spiffe://example.org", "example.org/", "example.org:1", "ex ample", &long] {
            assert!(TrustDomain::parse(text).is_err(), "{text}");
        }
    }
}
