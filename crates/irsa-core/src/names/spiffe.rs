//! SPIFFE IDs and the patterns that callers are listed by.

use alloc::string::String;
use core::fmt;

use super::Invalid;

const SCHEME: &str = "spiffe://";
/// SPIFFE-ID, section 2.3: implementations must support URIs up to this many bytes, and must not make longer ones.
const MAX_LEN: usize = 2048;

/// The name of a trust domain, such as `example.org`. (SPIFFE-ID, section 2.1.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustDomain(String);

impl TrustDomain {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

impl fmt::Display for SpiffeId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

fn is_trust_domain(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
}

fn is_path_segment(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// One entry of `callers`: a SPIFFE ID, or all SPIFFE IDs below a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallerPattern {
    /// This one.
    Exact(String),
    /// Those that begin with this text, which ends with a slash.
    Below(String),
}

impl CallerPattern {
    /// `spiffe://example.org/web`, or `spiffe://example.org/ns/shop/*`.
    ///
    /// # Errors
    /// [`Invalid`], when no SPIFFE ID could match it.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let Some(prefix) = text.strip_suffix('*') else {
            return if text.contains('*') {
                Err(Invalid {
                    problem: "has a * before its end",
                    remedy: "write whole SPIFFE IDs, or prefixes that end with /*",
                })
            } else {
                SpiffeId::parse(text).map(|id| Self::Exact(id.as_str().into()))
            };
        };
        let inside = prefix.strip_suffix('/').ok_or(Invalid {
            problem: "ends with a * that does not stand for whole path segments",
            remedy: "end the prefix with /*",
        })?;
        // A prefix is valid when an ID below it is; the trust domain itself is the shortest prefix.
        let trust_domain = inside.strip_prefix(SCHEME).unwrap_or_default();
        if !is_trust_domain(trust_domain) {
            SpiffeId::parse(inside)?;
        }
        Ok(Self::Below(prefix.into()))
    }

    /// Whether the caller is one of those.
    #[must_use]
    pub fn matches(&self, id: &SpiffeId<'_>) -> bool {
        match self {
            Self::Exact(text) => text == id.as_str(),
            Self::Below(prefix) => id.as_str().starts_with(prefix.as_str()),
        }
    }

    /// The trust domain of every ID that can match.
    #[must_use]
    pub fn trust_domain(&self) -> &str {
        let (Self::Exact(text) | Self::Below(text)) = self;
        text.strip_prefix(SCHEME).and_then(|rest| rest.split('/').next()).unwrap_or_default()
    }
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
    fn a_prefix_matches_whole_segments_below_it_and_nothing_else() {
        let below = CallerPattern::parse("spiffe://example.org/ns/*").unwrap();
        for (text, matches) in [
            ("spiffe://example.org/ns/web", true),
            ("spiffe://example.org/ns/a/b", true),
            ("spiffe://example.org/ns", false),
            ("spiffe://example.org/nsx/web", false),
            ("spiffe://example.org.evil/ns/web", false),
        ] {
            assert_eq!(below.matches(&SpiffeId::parse(text).unwrap()), matches, "{text}");
        }
        let domain = CallerPattern::parse("spiffe://example.org/*").unwrap();
        assert!(domain.matches(&SpiffeId::parse("spiffe://example.org/web").unwrap()));
        assert!(!domain.matches(&SpiffeId::parse("spiffe://example.orga/web").unwrap()));
    }

    #[test]
    fn a_pattern_that_nothing_could_match_is_refused() {
        for text in
            ["*", "spiffe://*", "spiffe://example.org*", "spiffe://example.org/a*", "spiffe://*/a", "spiffe://e.org//*"]
        {
            assert!(CallerPattern::parse(text).is_err(), "{text}");
        }
        assert_eq!(CallerPattern::parse("spiffe://example.org/a/*").unwrap().trust_domain(), "example.org");
    }
}
