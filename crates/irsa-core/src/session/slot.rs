//! What all workers of an Envoy share about one session: one value in shared data, written only by compare-and-swap.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use sigv4::{Credentials, Secret};
use zeroize::Zeroizing;

use super::Outage;
use super::clock::ClockOffset;

/// Changes with the layout, so that a newer filter takes an older one's value for an absent one.
const VERSION: u8 = 1;

/// A value of shared data as it was read. Absent is `None` for both.
#[derive(Clone, Copy)]
pub struct Shared<'a> {
    /// The bytes.
    pub value: Option<&'a [u8]>,
    /// The host's counter for compare-and-swap.
    pub version: Option<u32>,
}

impl fmt::Debug for Shared<'_> {
    /// The value holds credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("version", &self.version).finish_non_exhaustive()
    }
}

impl Shared<'_> {
    /// The condition under which a value made from this reading may be written.
    pub(super) fn expect(self) -> Expect {
        self.version.map_or(Expect::Absent, Expect::Version)
    }
}

/// What must still be so for a write to take place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// There is no value. Envoy creates one for a counter that no value has, and refuses when there is one.
    Absent,
    /// The value has this counter.
    Version(u32),
}

/// A value to be written to shared data.
#[derive(Clone, PartialEq, Eq)]
pub struct Write {
    /// The bytes; they hold credentials and are wiped.
    pub value: Zeroizing<Vec<u8>>,
    /// Only then.
    pub expect: Expect,
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Write").field("expect", &self.expect).finish_non_exhaustive()
    }
}

/// Credentials with their life. Times are AWS's, in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// What to sign with.
    pub credentials: Credentials,
    /// When STS handed them out.
    pub obtained_ms: u64,
    /// When AWS stops taking them.
    pub expires_ms: u64,
}

/// The shared state of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Slot {
    /// Counts attempts. Whoever raised it by compare-and-swap is the one that may write this attempt's outcome.
    pub(super) fence: u64,
    /// An attempt is under way.
    pub(super) leased: bool,
    /// Failures in a row.
    pub(super) failures: u32,
    /// No attempt before this, by the wall clock.
    pub(super) next_attempt_ms: u64,
    /// Why the last attempt failed.
    pub(super) outage: Option<Outage>,
    /// How far AWS's clock is ahead.
    pub(super) offset: ClockOffset,
    pub(super) live: Option<Rc<Live>>,
}

impl Slot {
    /// `None` for a value that this version did not write.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        if reader.byte()? != VERSION {
            return None;
        }
        let fence = reader.u64()?;
        let leased = reader.flag()?;
        let failures = u32::from_le_bytes(reader.array()?);
        let next_attempt_ms = reader.u64()?;
        let outage = match reader.byte()? {
            0 => None,
            code => Some(Outage::from_code(code)?),
        };
        let offset = ClockOffset::from_seconds(i64::from_le_bytes(reader.array()?))?;
        let live = if reader.flag()? {
            let (obtained_ms, expires_ms) = (reader.u64()?, reader.u64()?);
            let credentials = Credentials {
                access_key_id: reader.text()?,
                secret_access_key: Secret::new(reader.text()?),
                session_token: Some(Secret::new(reader.text()?)),
            };
            Some(Rc::new(Live { credentials, obtained_ms, expires_ms }))
        } else {
            None
        };
        reader.0.is_empty().then_some(Self { fence, leased, failures, next_attempt_ms, outage, offset, live })
    }

    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        // Room for all of it at once: a vector that grows leaves copies of the secrets behind.
        let mut out = Zeroizing::new(Vec::with_capacity(64 + self.live.as_ref().map_or(0, |live| room(live))));
        out.push(VERSION);
        out.extend_from_slice(&self.fence.to_le_bytes());
        out.push(u8::from(self.leased));
        out.extend_from_slice(&self.failures.to_le_bytes());
        out.extend_from_slice(&self.next_attempt_ms.to_le_bytes());
        out.push(self.outage.map_or(0, Outage::code));
        out.extend_from_slice(&self.offset.seconds().to_le_bytes());
        out.push(u8::from(self.live.is_some()));
        if let Some(live) = &self.live {
            out.extend_from_slice(&live.obtained_ms.to_le_bytes());
            out.extend_from_slice(&live.expires_ms.to_le_bytes());
            for text in texts(live) {
                // A text never comes near 4 GiB: STS's whole answer is at most 64 KiB.
                out.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
                out.extend_from_slice(text.as_bytes());
            }
        }
        out
    }
}

fn texts(live: &Live) -> [&str; 3] {
    let Credentials { access_key_id, secret_access_key, session_token } = &live.credentials;
    [access_key_id, secret_access_key.expose(), session_token.as_ref().map_or("", Secret::expose)]
}

fn room(live: &Live) -> usize {
    texts(live).iter().map(|text| 4 + text.len()).sum()
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(len)?;
        self.0 = tail;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Option<String> {
        let len = usize::try_from(u32::from_le_bytes(self.array()?)).ok()?;
        core::str::from_utf8(self.take(len)?).ok().map(String::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn full() -> Slot {
        Slot {
            fence: 7,
            leased: true,
            failures: 3,
            next_attempt_ms: 1_795_326_681_000,
            outage: Some(Outage::StsDenied),
            offset: ClockOffset::from_seconds(-90).unwrap(),
            live: Some(Rc::new(Live {
                credentials: Credentials {
                    access_key_id: "ASIAEXAMPLE".into(),
                    secret_access_key: Secret::new("hush-secret".into()),
                    session_token: Some(Secret::new("hush-token".into())),
                },
                obtained_ms: 1,
                expires_ms: 2,
            })),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for slot in [Slot::default(), full()] {
            assert_eq!(Slot::decode(&slot.encode()), Some(slot));
        }
    }

    #[test]
    fn a_value_that_is_cut_or_longer_or_of_another_version_is_none() {
        let bytes = full().encode();
        for len in 0..bytes.len() {
            assert_eq!(Slot::decode(&bytes[..len]), None, "{len}");
        }
        let mut longer = bytes.to_vec();
        longer.push(0);
        assert_eq!(Slot::decode(&longer), None);
        let mut newer = bytes.to_vec();
        newer[0] = VERSION + 1;
        assert_eq!(Slot::decode(&newer), None);
    }

    #[test]
    fn a_value_with_any_byte_changed_is_read_without_a_panic() {
        let bytes = full().encode();
        for at in 0..bytes.len() {
            for byte in [0, 1, 2, 0x7f, 0x80, 0xff] {
                let mut changed = bytes.to_vec();
                changed[at] = byte;
                let _ = Slot::decode(&changed);
            }
        }
    }

    #[test]
    fn the_buffer_never_grows_while_secrets_are_written() {
        let slot = full();
        let bytes = slot.encode();
        assert!(bytes.len() <= 64 + room(slot.live.as_ref().unwrap()));
    }

    #[test]
    fn nothing_secret_can_be_printed() {
        let slot = full();
        let write = Write { value: slot.encode(), expect: Expect::Absent };
        for text in [format!("{slot:?}"), format!("{write:?}")] {
            assert!(!text.contains("hush"), "{text}");
        }
    }
}
