//! The patterns that callers are listed by.

use alloc::string::String;

use spiffe_id::{SCHEME, SpiffeId, is_trust_domain};

use super::Invalid;

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
