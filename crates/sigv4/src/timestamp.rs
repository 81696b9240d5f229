//! Points in time as SigV4 writes them. There is no clock here: the time is given.

use core::fmt;

use time::OffsetDateTime;

/// A second between 1970 and 9999, in the basic ISO 8601 form of SigV4: `20150830T123600Z`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Timestamp([u8; 16]);

impl Timestamp {
    /// From seconds since 1970-01-01T00:00:00Z. `None` after the year 9999, which SigV4 cannot write.
    #[must_use]
    pub fn from_unix_seconds(seconds: u64) -> Option<Self> {
        let at = OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()?;
        let year = u32::try_from(at.year()).ok().filter(|year| *year <= 9999)?;
        let mut text = *b"00000000T000000Z";
        let fields = [
            (0, 4, year),
            (4, 2, u32::from(u8::from(at.month()))),
            (6, 2, u32::from(at.day())),
            (9, 2, u32::from(at.hour())),
            (11, 2, u32::from(at.minute())),
            (13, 2, u32::from(at.second())),
        ];
        for (start, len, mut value) in fields {
            for digit in text.get_mut(start..start + len)?.iter_mut().rev() {
                *digit = b'0' + u8::try_from(value % 10).ok()?;
                value /= 10;
            }
        }
        Some(Self(text))
    }

    /// `20150830T123600Z`: the value of `x-amz-date`.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// `20150830`: the first part of the credential scope.
    #[must_use]
    pub fn date(&self) -> [u8; 8] {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        [a, b, c, d, e, f, g, h]
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(&self.0).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_form_that_sigv4_asks_for() {
        for (seconds, text) in [
            (0, "19700101T000000Z"),
            (1_440_938_160, "20150830T123600Z"),
            (951_782_399, "20000228T235959Z"),
            (951_868_799, "20000229T235959Z"),
            (253_402_300_799, "99991231T235959Z"),
        ] {
            let at = Timestamp::from_unix_seconds(seconds).unwrap();
            assert_eq!(at.as_bytes(), text.as_bytes());
            assert_eq!(&at.date(), &text.as_bytes()[..8]);
        }
    }

    #[test]
    fn a_time_that_cannot_be_written_is_none() {
        assert_eq!(Timestamp::from_unix_seconds(253_402_300_800), None);
        assert_eq!(Timestamp::from_unix_seconds(u64::MAX), None);
    }
}
