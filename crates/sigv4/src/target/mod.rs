//! The request target: each byte decoded once, encoded once, and the query sorted.

mod path;
mod percent;
mod query;

use alloc::vec::Vec;
use core::fmt;

use path::write_path;
use query::write_query;

/// How a service reads the path of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathRules {
    /// Whether `.`, `..` and `//` are resolved.
    pub normalize: Normalize,
    /// How often the path is encoded in the canonical request.
    pub encode: Encode,
}

impl PathRules {
    /// S3: a path is a key, in which `..` and `//` are ordinary text and `%2F` is the same as `/`.
    /// (S3 API Reference, "Signature Calculations for the Authorization Header": do not normalise, encode once.)
    pub const S3: Self = Self { normalize: Normalize::No, encode: Encode::Once };
    /// Every other service. (IAM User Guide, "Create a signed AWS API request": normalise by RFC 3986, encode twice.)
    pub const STANDARD: Self = Self { normalize: Normalize::Yes, encode: Encode::Twice };
}

/// Whether dot segments and empty segments of a path are resolved (RFC 3986, section 5.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalize {
    /// They are text.
    No,
    /// They are resolved, also when they were sent percent-encoded.
    Yes,
}

/// How often the path is percent-encoded in the canonical request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encode {
    /// As it stands on the wire. `%2F` and `/` are one and the same.
    Once,
    /// Once more than on the wire. `%2F` stays a part of its segment.
    Twice,
}

/// Why a request target cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetError {
    /// It does not begin with `/`: the asterisk, authority and absolute forms of RFC 9112 have no canonical path.
    NotOriginForm,
    /// A `%` that two hexadecimal digits do not follow.
    MalformedPercent,
    /// A NUL, raw or as `%00`.
    Nul,
    /// A `#`: a fragment never belongs on the wire.
    Fragment,
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOriginForm => "the request target does not begin with a slash",
            Self::MalformedPercent => "a percent sign is not followed by two hexadecimal digits",
            Self::Nul => "the request target contains a NUL",
            Self::Fragment => "the request target contains a fragment",
        })
    }
}

impl core::error::Error for TargetError {}

/// A request target in the one form that is both signed and sent.
///
/// Parsing is idempotent: a canonical target parses to itself.
#[derive(Clone, Debug)]
pub struct CanonicalTarget {
    /// Path, then `?` and query when there is one. ASCII.
    wire: Vec<u8>,
    path_len: usize,
    encode: Encode,
    path_reread: bool,
}

impl PartialEq for CanonicalTarget {
    /// By what is on the wire; what the raw target looked like does not matter.
    fn eq(&self, other: &Self) -> bool {
        (&self.wire, self.path_len, self.encode) == (&other.wire, other.path_len, other.encode)
    }
}

impl Eq for CanonicalTarget {}

impl CanonicalTarget {
    /// Reads the raw target (`:path`, as it came) by the rules of the service that will get it.
    ///
    /// In the path a raw `+` is a plus sign; in the query it is a space, as browsers and every AWS service read it.
    /// Empty query parameters (`a&&b`) are dropped, `a` becomes `a=`, duplicates stay.
    ///
    /// # Errors
    /// [`TargetError`], when no service could be sure to read the target in one way only.
    pub fn parse(raw: &[u8], rules: PathRules) -> Result<Self, TargetError> {
        if raw.first() != Some(&b'/') {
            return Err(TargetError::NotOriginForm);
        }
        let (path, query) = match raw.iter().position(|&b| b == b'?') {
            Some(at) => (raw.get(..at).unwrap_or_default(), raw.get(at + 1..).unwrap_or_default()),
            None => (raw, &[][..]),
        };
        let mut wire = Vec::with_capacity(raw.len() + 16);
        let path_reread = write_path(path, rules, &mut wire)?;
        let path_len = wire.len();
        if !query.is_empty() {
            write_query(query, &mut wire)?;
        }
        Ok(Self { wire, path_len, encode: rules.encode, path_reread })
    }

    /// Path and query, to be written back to `:path`.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.wire
    }

    /// The path as it stands on the wire.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        self.wire.get(..self.path_len).unwrap_or_default()
    }

    /// The canonical query string, without the `?`; empty when there is none.
    #[must_use]
    pub fn query(&self) -> &[u8] {
        self.wire.get(self.path_len + 1..).unwrap_or_default()
    }

    /// The parameters of the query in canonical order, still encoded.
    pub fn query_pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.query().split(|&b| b == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
            let mut halves = pair.splitn(2, |&b| b == b'=');
            (halves.next().unwrap_or_default(), halves.next().unwrap_or_default())
        })
    }

    /// Whether the path had segments to resolve, or characters to decode: whether someone who compares paths as text
    /// could have taken the raw one for another. Encoding what stood there raw, and the case of `%2f`, do not count.
    #[must_use]
    pub fn path_was_reread(&self) -> bool {
        self.path_reread
    }

    /// Whether the path of a raw target could be one of which [`CanonicalTarget::path_was_reread`] is true, under any
    /// rules: a quick look that never says no wrongly.
    #[must_use]
    pub fn path_may_be_reread(raw: &[u8]) -> bool {
        let mut rest = raw;
        while let Ok(Some(percent::Decoded { byte, was_encoded, rest: tail })) = percent::decode_first(rest) {
            match byte {
                b'?' if !was_encoded => return false,
                b'/' if was_encoded || matches!(tail, [b'/' | b'.', ..]) => return true,
                _ if was_encoded && percent::is_unreserved(byte) => return true,
                _ => rest = tail,
            }
        }
        // The end of it, or something that cannot be signed.
        false
    }

    /// The canonical URI: the path as the canonical request has it.
    pub(crate) fn write_canonical_uri(&self, out: &mut Vec<u8>) {
        match self.encode {
            Encode::Once => out.extend_from_slice(self.path()),
            // The wire has only unreserved characters, `/` and `%XX`: encoding it again changes nothing but the `%`.
            Encode::Twice => {
                for &byte in self.path() {
                    if byte == b'%' { out.extend_from_slice(b"%25") } else { out.push(byte) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    fn canon(raw: &str, rules: PathRules) -> String {
        String::from_utf8(CanonicalTarget::parse(raw.as_bytes(), rules).unwrap().as_bytes().to_vec()).unwrap()
    }

    fn canonical_uri(raw: &str, rules: PathRules) -> String {
        let mut out = Vec::new();
        CanonicalTarget::parse(raw.as_bytes(), rules).unwrap().write_canonical_uri(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn s3_paths_are_decoded_once_and_encoded_once_and_never_resolved() {
        for (raw, wire) in [
            ("/", "/"),
            ("//", "//"),
            ("/a//b/../c/.", "/a//b/../c/."),
            ("/a b@2x.png", "/a%20b%402x.png"),
            ("/(paren) (1).txt", "/%28paren%29%20%281%29.txt"),
            ("/a+b", "/a%2Bb"),
            ("/a%2fb", "/a/b"),
            ("/%7euser/%41%2d%5f%2e", "/~user/A-_."),
            ("/caf\u{e9}", "/caf%C3%A9"),
            ("/100%25", "/100%25"),
            ("/%2525", "/%2525"),
            ("/a;b=c,d:e!f$g'h*i", "/a%3Bb%3Dc%2Cd%3Ae%21f%24g%27h%2Ai"),
        ] {
            assert_eq!(canon(raw, PathRules::S3), wire, "{raw}");
            assert_eq!(canonical_uri(raw, PathRules::S3), wire, "{raw}");
        }
    }

    #[test]
    fn other_services_get_a_resolved_path_that_is_signed_encoded_twice() {
        for (raw, wire, canonical) in [
            ("/", "/", "/"),
            ("//", "/", "/"),
            ("/a//b", "/a/b", "/a/b"),
            ("/a/./b/../c", "/a/c", "/a/c"),
            ("/a/b/..", "/a/", "/a/"),
            ("/a/.", "/a/", "/a/"),
            ("/..", "/", "/"),
            ("/../../a", "/a", "/a"),
            ("/a/%2e%2E/b", "/b", "/b"),
            ("/a%2Fb", "/a%2Fb", "/a%252Fb"),
            ("/a%2f..%2fb/..", "/", "/"),
            ("/a b", "/a%20b", "/a%2520b"),
            ("/...", "/...", "/..."),
            ("/..a/.b", "/..a/.b", "/..a/.b"),
        ] {
            assert_eq!(canon(raw, PathRules::STANDARD), wire, "{raw}");
            assert_eq!(canonical_uri(raw, PathRules::STANDARD), canonical, "{raw}");
        }
    }

    #[test]
    fn the_query_is_sorted_by_encoded_name_and_then_by_encoded_value() {
        for (raw, wire) in [
            ("/?", "/"),
            ("/?&&", "/"),
            ("/?acl", "/?acl="),
            ("/?b=2&a=1", "/?a=1&b=2"),
            ("/?a=2&a=1&a", "/?a=&a=1&a=2"),
            ("/?a-b=1&a=2", "/?a=2&a-b=1"),
            ("/?B=1&a=1&A=1", "/?A=1&B=1&a=1"),
            ("/?q=a+b%2Bc", "/?q=a%20b%2Bc"),
            ("/?k=a=b==", "/?k=a%3Db%3D%3D"),
            ("/?x=a?b/c", "/?x=a%3Fb%2Fc"),
            ("/?=v", "/?=v"),
            ("/?%e1%88%b4=bar", "/?%E1%88%B4=bar"),
        ] {
            assert_eq!(canon(raw, PathRules::S3), wire, "{raw}");
            assert_eq!(canon(raw, PathRules::STANDARD), wire, "{raw}");
        }
    }

    #[test]
    fn what_two_servers_could_read_in_two_ways_is_refused() {
        for (raw, error) in [
            ("", TargetError::NotOriginForm),
            ("*", TargetError::NotOriginForm),
            ("http://a/b", TargetError::NotOriginForm),
            ("a", TargetError::NotOriginForm),
            ("?a", TargetError::NotOriginForm),
            ("/%", TargetError::MalformedPercent),
            ("/%4", TargetError::MalformedPercent),
            ("/%4g", TargetError::MalformedPercent),
            ("/%%41", TargetError::MalformedPercent),
            ("/?a=%", TargetError::MalformedPercent),
            ("/?%zz", TargetError::MalformedPercent),
            ("/%00", TargetError::Nul),
            ("/\0", TargetError::Nul),
            ("/?a=%00", TargetError::Nul),
            ("/a#b", TargetError::Fragment),
            ("/?a#b", TargetError::Fragment),
        ] {
            for rules in [PathRules::S3, PathRules::STANDARD] {
                assert_eq!(CanonicalTarget::parse(raw.as_bytes(), rules), Err(error), "{raw:?}");
            }
        }
    }

    #[test]
    fn a_path_that_could_be_taken_for_another_is_known() {
        for (raw, s3, standard) in [
            ("/", false, false),
            ("/a/b", false, false),
            ("/a/b/", false, false),
            ("/a b+(c)%20%2f", true, false),
            ("/a b+(c)%20%2B%c3", false, false),
            ("/%61", true, true),
            ("/a%2Fb", true, false),
            ("/a//b", false, true),
            ("//", false, true),
            ("/a/./b", false, true),
            ("/a/../b", false, true),
            ("/a/..", false, true),
            ("/a/.", false, true),
            ("/%2e%2e/a", true, true),
            ("/a?b=%61", false, false),
        ] {
            for (rules, expected) in [(PathRules::S3, s3), (PathRules::STANDARD, standard)] {
                let target = CanonicalTarget::parse(raw.as_bytes(), rules).unwrap();
                assert_eq!(target.path_was_reread(), expected, "{raw} {rules:?}");
                assert!(!expected || CanonicalTarget::path_may_be_reread(raw.as_bytes()), "{raw}");
            }
        }
    }

    #[test]
    fn path_and_query_can_be_read_apart() {
        let target = CanonicalTarget::parse(b"/a?b=1&c", PathRules::S3).unwrap();
        assert_eq!(target.path(), b"/a");
        assert_eq!(target.query(), b"b=1&c=");
        assert_eq!(target.query_pairs().collect::<Vec<_>>(), [(&b"b"[..], &b"1"[..]), (b"c", b"")]);
        assert_eq!(CanonicalTarget::parse(b"/a", PathRules::S3).unwrap().query(), b"");
    }
}
