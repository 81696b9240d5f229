//! Names as they may stand in the table: lower case, without a trailing dot, never an address.

use alloc::borrow::ToOwned;
use alloc::string::String;

/// RFC 1035, section 2.3.4: 255 octets on the wire, which are 253 characters.
const MOST_CHARS: usize = 253;
/// RFC 1035, section 2.3.4.
const MOST_LABEL_CHARS: usize = 63;

/// A host name as TLS carries it in `server_name` (RFC 6066, section 3), in lower case and without a trailing dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SniName(String);

/// Why something is no [`SniName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAName {
    /// Nothing at all.
    Empty,
    /// Longer than 253 characters.
    TooLong,
    /// Bytes that are not ASCII: TLS carries international names in A-labels only (RFC 6066, section 3).
    NotAscii,
    /// A `*`.
    Wildcard,
    /// An address of either family, or what some resolvers would take for one: RFC 6066, section 3, forbids them.
    IpLiteral,
    /// A character that host names do not have, such as NUL, a blank or a slash.
    Character,
    /// A label that is empty, longer than 63 characters, or with a hyphen at one of its ends (RFC 1123, section 2.1).
    Label,
}

impl SniName {
    /// Reads a name in any case, with or without one trailing dot.
    ///
    /// # Errors
    /// [`NotAName`], when no certificate and no resolver could know it.
    pub fn parse(name: &[u8]) -> Result<Self, NotAName> {
        if name.is_empty() {
            return Err(NotAName::Empty);
        }
        let text = core::str::from_utf8(name).map_err(|_| NotAName::NotAscii)?;
        if !text.is_ascii() {
            return Err(NotAName::NotAscii);
        }
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.len() > MOST_CHARS {
            return Err(NotAName::TooLong);
        }
        if text.contains('*') {
            return Err(NotAName::Wildcard);
        }
        if is_address(text) {
            return Err(NotAName::IpLiteral);
        }
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
            return Err(NotAName::Character);
        }
        if !text.split('.').all(is_label) {
            return Err(NotAName::Label);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// Reads one label of a name, such as an environment or an app: a name without a dot.
    ///
    /// # Errors
    /// [`NotAName`] as for a whole name. A dot is a character that a label does not have.
    pub fn parse_label(label: &[u8]) -> Result<Self, NotAName> {
        if label.contains(&b'.') {
            return Err(NotAName::Character);
        }
        // A label of digits is no address as long as another follows it.
        let name = Self::parse(&[label, b".x"].concat());
        let name = if label.is_empty() { Err(NotAName::Empty) } else { name };
        name.map(|Self(name)| Self(name.strip_suffix(".x").unwrap_or(&name).to_owned()))
    }

    /// The name: lower case, without a trailing dot.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl NotAName {
    /// What is wrong, to stand behind the name in a message.
    #[must_use]
    pub fn problem(self) -> &'static str {
        match self {
            Self::Empty => "is empty",
            Self::TooLong => "is longer than the 253 characters that a name may have",
            Self::NotAscii => "holds characters that are not ASCII",
            Self::Wildcard => "holds a *, and this table has no wildcards",
            Self::IpLiteral => "is an address, which TLS does not allow as a server's name",
            Self::Character => "holds a character that it may not have",
            Self::Label => "has a label that is empty, longer than 63 characters, or with a hyphen at its end",
        }
    }

    /// What to write instead.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Wildcard => "list each name",
            Self::NotAscii => "write it as TLS carries it, in A-labels such as xn--bcher-kva",
            Self::IpLiteral => "give the server a name, and list that",
            Self::Empty | Self::TooLong | Self::Character | Self::Label => {
                "use labels of letters, digits, hyphens and underscores, with dots between them"
            }
        }
    }
}

/// Without the one trailing dot that a fully qualified name may have.
pub(crate) fn without_dot(name: &[u8]) -> &[u8] {
    name.strip_suffix(b".").unwrap_or(name)
}

fn is_label(label: &str) -> bool {
    (1..=MOST_LABEL_CHARS).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
}

/// IPv6 in its letters; or a last label that is a number, which resolvers take for an IPv4 address in one of its many
/// forms (WHATWG URL, "ends in a number"): `10.0.0.1`, `127.1`, `0x7f.1`.
fn is_address(text: &str) -> bool {
    // Two colons at least: with one of them it is a name with a port.
    if text.matches(':').nth(1).is_some() {
        return text.bytes().all(|b| b.is_ascii_hexdigit() || b":.[]%".contains(&b));
    }
    let last = text.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()),
    }
}
