//! The one form in which STS writes a time.

use time::{Date, Month, Time};

/// Reads `2026-11-22T10:00:00Z`, with or without a fraction of up to nine digits, as seconds since the Unix epoch. The
/// fraction is cut off: credentials that expire within a second count as expired at its start.
///
/// ISO 8601 as in the AWS Security Token Service API Reference, page `Credentials`. Anything else, an offset or a date
/// that does not exist included, is `None`.
pub(crate) fn unix_seconds(text: &str) -> Option<u64> {
    let (seconds, fraction) = text.strip_suffix('Z')?.split_at_checked(19)?;
    if !fraction.is_empty() {
        let digits = fraction.strip_prefix('.')?;
        if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
    }
    let mut rest = seconds.as_bytes();
    let year = number(&mut rest, 4, None)?;
    let month = number(&mut rest, 2, Some(b'-'))?;
    let day = number(&mut rest, 2, Some(b'-'))?;
    let hour = number(&mut rest, 2, Some(b'T'))?;
    let minute = number(&mut rest, 2, Some(b':'))?;
    let second = number(&mut rest, 2, Some(b':'))?;
    let byte = |number: u16| u8::try_from(number).ok();
    let month = Month::try_from(byte(month)?).ok()?;
    let date = Date::from_calendar_date(i32::from(year), month, byte(day)?).ok()?;
    let time = Time::from_hms(byte(hour)?, byte(minute)?, byte(second)?).ok()?;
    u64::try_from(date.with_time(time).assume_utc().unix_timestamp()).ok()
}

/// Takes `separator` and then exactly `digits` digits off the front.
fn number(rest: &mut &[u8], digits: usize, separator: Option<u8>) -> Option<u16> {
    if let Some(separator) = separator {
        *rest = rest.strip_prefix(&[separator])?;
    }
    let (taken, left) = rest.split_at_checked(digits)?;
    *rest = left;
    taken.iter().try_fold(0_u16, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u16::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::unix_seconds;

    #[test]
    fn the_documented_form_is_read_with_and_without_a_fraction() {
        assert_eq!(unix_seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(unix_seconds("2014-10-24T23:00:23Z"), Some(1_414_191_623));
        assert_eq!(unix_seconds("2026-11-22T10:00:00Z"), Some(1_795_341_600));
        assert_eq!(unix_seconds("2026-11-22T10:00:00.999Z"), Some(1_795_341_600));
        assert_eq!(unix_seconds("2024-02-29T23:59:59.000000001Z"), Some(1_709_251_199));
        assert_eq!(unix_seconds("9999-12-31T23:59:59Z"), Some(253_402_300_799));
    }

    #[test]
    fn every_other_form_is_refused() {
        for text in [
            "",
            "Z",
            "2026-11-22",
            "2026-11-22T10:00:00",
            "2026-11-22T10:00:00z",
            "2026-11-22t10:00:00Z",
            "2026-11-22 10:00:00Z",
            "2026-11-22T10:00:00+00:00",
            "2026-11-22T10:00:00.Z",
            "2026-11-22T10:00:00.0000000000Z",
            "2026-11-22T10:00:00,5Z",
            "2026-11-22T10:00:00.5 Z",
            "2026-11-22T10:00Z",
            "2026-11-22T10:00:60Z",
            "2026-11-22T10:60:00Z",
            "2026-11-22T24:00:00Z",
            "2026-02-29T10:00:00Z",
            "2026-13-01T10:00:00Z",
            "2026-00-01T10:00:00Z",
            "2026-11-00T10:00:00Z",
            "1969-12-31T23:59:59Z",
            "+026-11-22T10:00:00Z",
            "20261122T100000Z",
            " 2026-11-22T10:00:00Z",
            "2026-11-22T10:00:00Z ",
            "2026-11-22T10:00:0éZ",
            "２026-11-22T10:00:Z",
            "1795341600",
        ] {
            assert_eq!(unix_seconds(text), None, "{text}");
        }
    }
}
