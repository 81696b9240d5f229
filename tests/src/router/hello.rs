//! ClientHellos: recorded from real stacks, taken apart, changed, and put together again.
//!
//! It shares no code with Envoy or with what it tests: RFC 8446, sections 4.1.2, 4.2 and 5.1; RFC 6066, section 3.

use std::fmt;

/// RFC 8446, section 5.1.
const MOST_IN_A_RECORD: usize = 1 << 14;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const HOST_NAME: u8 = 0;

/// Extension `server_name`.
pub const SERVER_NAME: u16 = 0;
/// Extension `padding` (RFC 7685).
pub const PADDING: u16 = 21;
/// Extension `key_share`.
pub const KEY_SHARE: u16 = 51;
/// Extension `encrypted_client_hello`.
pub const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;

/// The name in every recorded hello.
pub const RECORDED_NAME: &str = "staging.ledger.mesh.example.com";

/// A hello that some client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// GREASE, ECH GREASE, and a post-quantum key share.
    Chrome,
    /// ECH GREASE and a post-quantum key share.
    Firefox,
    /// A post-quantum key share.
    Go,
    /// No TLS 1.3.
    OpensslTls12,
    /// OpenSSL as Node.js configures it.
    Node,
}

impl Recorded {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Chrome, Self::Firefox, Self::Go, Self::OpensslTls12, Self::Node];

    /// Its bytes, as they were on the wire.
    pub fn bytes(self) -> Vec<u8> {
        let text = match self {
            Self::Chrome => include_str!("hellos/chrome.hex"),
            Self::Firefox => include_str!("hellos/firefox.hex"),
            Self::Go => include_str!("hellos/go.hex"),
            Self::OpensslTls12 => include_str!("hellos/openssl-tls12.hex"),
            Self::Node => include_str!("hellos/node.hex"),
        };
        let digits: Vec<u8> = text.lines().filter(|line| !line.starts_with('#')).flat_map(str::bytes).collect();
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).expect("hex");
        digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
    }

    /// The same, taken apart.
    pub fn hello(self) -> Hello {
        Hello::parse(&self.bytes()).expect("a recorded hello")
    }
}

/// A ClientHello in its parts.
#[derive(Clone, PartialEq, Eq)]
pub struct Hello {
    /// Everything in front of the extensions: version, random, session, ciphers, compression.
    head: Vec<u8>,
    extensions: Vec<(u16, Vec<u8>)>,
}

impl fmt::Debug for Hello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<u16> = self.extensions.iter().map(|(id, _)| *id).collect();
        write!(f, "Hello({} bytes, extensions {ids:?})", self.to_bytes().len())
    }
}

impl Hello {
    /// Takes apart what may be split over several records. `None` when it is not the whole of one hello and nothing else.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let end = whole_hello(bytes)?;
        let mut message = Reader(&bytes[..end]).records()?;
        message.drain(..4);
        let mut body = Reader(&message);
        body.take(2 + 32)?;
        let session = body.length(1)?;
        body.take(session)?;
        let ciphers = body.length(2)?;
        body.take(ciphers)?;
        let compression = body.length(1)?;
        body.take(compression)?;
        let head = message[..message.len() - body.0.len()].to_vec();
        let mut extensions = Vec::new();
        if !body.0.is_empty() {
            let length = body.length(2)?;
            let mut rest = Reader(body.take(length)?);
            while !rest.0.is_empty() {
                let id = u16::try_from(rest.length(2)?).ok()?;
                let length = rest.length(2)?;
                extensions.push((id, rest.take(length)?.to_vec()));
            }
        }
        (body.0.is_empty() && end == bytes.len()).then_some(Self { head, extensions })
    }

    /// Asks for another server; the bytes may be of any kind.
    #[must_use]
    pub fn named(self, name: impl AsRef<[u8]>) -> Self {
        let name = name.as_ref();
        let entry = [&[HOST_NAME], &prefixed(2, name)[..]].concat();
        self.with(SERVER_NAME, prefixed(2, &entry))
    }

    /// Asks for no server.
    #[must_use]
    pub fn nameless(self) -> Self {
        self.without(SERVER_NAME)
    }

    /// With this extension: in the place of the one with this number, or else in front.
    #[must_use]
    pub fn with(mut self, id: u16, body: Vec<u8>) -> Self {
        match self.extensions.iter_mut().find(|(other, _)| *other == id) {
            Some((_, old)) => *old = body,
            None => self.extensions.insert(0, (id, body)),
        }
        self
    }

    /// With this extension in front, whatever else is there.
    #[must_use]
    pub fn with_another(mut self, id: u16, body: Vec<u8>) -> Self {
        self.extensions.insert(0, (id, body));
        self
    }

    /// With this extension behind all others.
    #[must_use]
    pub fn with_last(mut self, id: u16, body: Vec<u8>) -> Self {
        self.extensions.push((id, body));
        self
    }

    /// Without this extension.
    #[must_use]
    pub fn without(mut self, id: u16) -> Self {
        self.extensions.retain(|(other, _)| *other != id);
        self
    }

    /// An extension's content.
    pub fn extension(&self, id: u16) -> Option<&[u8]> {
        self.extensions.iter().find(|(other, _)| *other == id).map(|(_, body)| &body[..])
    }

    /// Whether any extension has a number that RFC 8701 keeps for greasing.
    pub fn is_greased(&self) -> bool {
        self.extensions.iter().any(|(id, _)| id & 0x0f0f == 0x0a0a && id >> 8 == id & 0xff)
    }

    /// With a padding extension that makes the handshake message this long.
    #[must_use]
    pub fn padded_to(self, bytes: usize) -> Self {
        let bare = self.without(PADDING);
        let missing = bytes.checked_sub(bare.message().len() + 4).expect("a shorter hello");
        bare.with_last(PADDING, vec![0; missing])
    }

    /// The handshake message.
    pub fn message(&self) -> Vec<u8> {
        let extensions: Vec<u8> = self
            .extensions
            .iter()
            .flat_map(|(id, body)| [&id.to_be_bytes()[..], &prefixed(2, body)].concat())
            .collect();
        let body = [&self.head[..], &prefixed(2, &extensions)].concat();
        [&[CLIENT_HELLO], &prefixed(3, &body)[..]].concat()
    }

    /// On the wire, in records with at most so many bytes of the message in each.
    pub fn in_records_of(&self, most: usize) -> Vec<u8> {
        self.message().chunks(most).flat_map(|part| [&[HANDSHAKE, 3, 1], &prefixed(2, part)[..]].concat()).collect()
    }

    /// On the wire, in as few records as it may.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.in_records_of(MOST_IN_A_RECORD)
    }
}

/// Where the hello at the beginning of these bytes ends; `None` when more is to come, or when it is none.
pub fn whole_hello(bytes: &[u8]) -> Option<usize> {
    let mut message = 0;
    let mut wanted = None;
    let mut rest = Reader(bytes);
    let mut head = Vec::new();
    while wanted.is_none_or(|wanted| message < wanted) {
        if rest.take(1)? != [HANDSHAKE] {
            return None;
        }
        rest.take(2)?;
        let length = rest.length(2)?;
        let part = rest.take(length)?;
        message += part.len();
        head.extend(part.iter().take(4));
        if wanted.is_none() && head.len() >= 4 {
            let mut length = Reader(&head[1..]);
            wanted = Some(4 + length.length(3)?).filter(|_| head[0] == CLIENT_HELLO);
            wanted?;
        }
    }
    Some(bytes.len() - rest.0.len())
}

fn prefixed(width: usize, body: &[u8]) -> Vec<u8> {
    let length = body.len().to_be_bytes();
    [&length[length.len() - width..], body].concat()
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn length(&mut self, width: usize) -> Option<usize> {
        Some(self.take(width)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
    }

    /// What is inside the records.
    fn records(mut self) -> Option<Vec<u8>> {
        let mut inside = Vec::new();
        while !self.0.is_empty() {
            self.take(3)?;
            let length = self.length(2)?;
            inside.extend(self.take(length)?);
        }
        Some(inside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_recorded_hello_is_the_same_when_it_is_put_together_again() {
        for recorded in Recorded::ALL {
            let bytes = recorded.bytes();
            let hello = recorded.hello();
            assert_eq!(whole_hello(&bytes), Some(bytes.len()));
            assert_eq!(hello.message(), bytes[5..], "{recorded:?}");
            let named = [&[0, 34, 0, 0, 31], RECORDED_NAME.as_bytes()].concat();
            assert_eq!(hello.extension(SERVER_NAME), Some(&named[..]), "{recorded:?}");
            assert_eq!(hello.clone().named(RECORDED_NAME), hello);
            for cut in 0..bytes.len() {
                assert_eq!(whole_hello(&bytes[..cut]), None, "{recorded:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn the_recorded_hellos_are_of_the_kinds_that_they_are_called() {
        let long = [Recorded::Chrome, Recorded::Firefox, Recorded::Go];
        assert!(long.iter().all(|recorded| recorded.bytes().len() > 1500));
        assert!(Recorded::Chrome.hello().is_greased());
        assert!(Recorded::Chrome.hello().extension(ENCRYPTED_CLIENT_HELLO).is_some());
        assert!(Recorded::Firefox.hello().extension(ENCRYPTED_CLIENT_HELLO).is_some());
        assert!(Recorded::OpensslTls12.hello().extension(KEY_SHARE).is_none());
    }

    #[test]
    fn a_hello_is_found_whole_in_however_many_records() {
        let hello = Recorded::Node.hello();
        for most in [1, 2, 3, 4, 5, 100, 16_384] {
            let bytes = hello.in_records_of(most);
            assert_eq!(Hello::parse(&bytes).as_ref(), Some(&hello));
            let more = [&bytes[..], b"more"].concat();
            assert_eq!(whole_hello(&more), Some(bytes.len()));
        }
        assert_eq!(hello.clone().padded_to(9000).message().len(), 9000);
    }
}
