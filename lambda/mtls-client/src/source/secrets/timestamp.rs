//! The one form in which AWS's credential endpoints write a time.

use time::{Date, Month, Time};

/// Reads `2026-11-22T10:00:00Z`, with or without a fraction, as seconds since 1970. The fraction is cut off: what ends
/// within a second has ended at its start. Anything else is `None`.
pub(super) fn unix_seconds(text: &str) -> Option<u64> {
    let (seconds, fraction) = text.strip_suffix('Z')?.split_at_checked(19)?;
    if !(fraction.is_empty() || fraction.strip_prefix('.')?.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    let (date, time) = seconds.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let byte = |number: u16| u8::try_from(number).ok();
    let month = Month::try_from(byte(month)?).ok()?;
    let date = Date::from_calendar_date(year.into(), month, byte(day)?).ok()?;
    let time = Time::from_hms(byte(hour)?, byte(minute)?, byte(second)?).ok()?;
    u64::try_from(date.with_time(time).assume_utc().unix_timestamp()).ok()
}

fn numbers(text: &str, separator: char) -> Option<[u16; 3]> {
    let mut parts = text.split(separator).map(|part| {
        let digits = part.bytes().all(|b| b.is_ascii_digit());
        part.parse().ok().filter(|_| digits)
    });
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::unix_seconds;

    #[test]
    fn the_documented_form_is_read_and_no_other() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-11-22T10:00:00Z", Some(1_795_341_600)),
            ("2026-11-22T10:00:00.999Z", Some(1_795_341_600)),
            ("2026-11-22T10:00:00", None),
            ("2026-11-22T10:00:00+01:00", None),
            ("2026-02-30T10:00:00Z", None),
            ("2026-11-22T10:00:00.9eZ", None),
            ("2026-11-22 10:00:00Z", None),
            ("2026-1-22T10:00:000Z", Some(1_769_076_000)),
            ("", None),
        ] {
            assert_eq!(unix_seconds(text), seconds, "{text}");
        }
    }
}
