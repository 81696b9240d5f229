//! Two clocks that are given, and the offset between the wall clock and AWS's.

use time::{Date, Month};

/// The time, as the adapter sees it at one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since 1970 by the host's wall clock, which may jump.
    pub wall_ms: u64,
    /// Milliseconds that have certainly passed since the VM started: the sum of the tick periods. Never ahead of the
    /// truth, never backwards. Leases and waiting are measured by it, so that no jump of the wall clock ends them.
    pub steady_ms: u64,
}

/// How far AWS's clock is ahead of the host's, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockOffset(i64);

impl ClockOffset {
    /// Below this the difference may be the way of the answer, and SigV4 does not mind.
    const TOLERATED_S: i64 = 60;
    /// A clock that is wrong by more than this is not corrected: better no service than an expiry that means nothing.
    const BOUND_S: i64 = 24 * 3600;

    /// From an offset that was kept in shared data.
    pub(super) fn from_seconds(seconds: i64) -> Option<Self> {
        (seconds.abs() <= Self::BOUND_S).then_some(Self(seconds))
    }

    /// What an answer's `Date` says. `None` when the clocks differ by more than a day.
    pub(super) fn measured(date_s: u64, now: Now) -> Option<Self> {
        let difference = i64::try_from(date_s).ok()?.checked_sub(i64::try_from(now.wall_ms / 1000).ok()?)?;
        if difference.abs() <= Self::TOLERATED_S { Some(Self(0)) } else { Self::from_seconds(difference) }
    }

    /// The offset in seconds, positive when AWS is ahead.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0
    }

    /// AWS's time, in milliseconds since 1970.
    #[must_use]
    pub fn aws_ms(self, now: Now) -> u64 {
        now.wall_ms.saturating_add_signed(self.0.saturating_mul(1000))
    }
}

/// Reads an HTTP `Date`: the IMF-fixdate of RFC 9110, section 5.6.7, in seconds since 1970.
pub(super) fn parse_http_date(text: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(text).ok()?;
    let mut parts = text.split(' ');
    parts.next().filter(|weekday| weekday.ends_with(','))?;
    let (day, month, year, clock, zone) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if zone != "GMT" || parts.next().is_some() {
        return None;
    }
    let month = match month {
        "Jan" => Month::January,
        "Feb" => Month::February,
        "Mar" => Month::March,
        "Apr" => Month::April,
        "May" => Month::May,
        "Jun" => Month::June,
        "Jul" => Month::July,
        "Aug" => Month::August,
        "Sep" => Month::September,
        "Oct" => Month::October,
        "Nov" => Month::November,
        "Dec" => Month::December,
        _ => return None,
    };
    let mut clock = clock.split(':').map(|part| part.parse::<u8>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let date = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
    // A leap second is read as the second after it.
    let at = date.with_hms(hour, minute, second.min(59)).ok()?;
    u64::try_from(at.assume_utc().unix_timestamp()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall_s: u64) -> Now {
        Now { wall_ms: wall_s * 1000, steady_ms: 0 }
    }

    #[test]
    fn a_difference_of_a_minute_or_less_is_no_offset() {
        for date in [940, 1000, 1060] {
            assert_eq!(ClockOffset::measured(date, at(1000)), Some(ClockOffset(0)));
        }
    }

    #[test]
    fn a_larger_difference_is_corrected_in_both_directions() {
        for (date, seconds) in [(1061, 61), (939, -61), (4600, 3600)] {
            let offset = ClockOffset::measured(date, at(1000)).unwrap();
            assert_eq!(offset.seconds(), seconds);
            assert_eq!(offset.aws_ms(at(1000)), date * 1000);
        }
    }

    #[test]
    fn a_difference_of_more_than_a_day_is_not_believed() {
        assert_eq!(ClockOffset::measured(1000 + 86_401, at(1000)), None);
        assert_eq!(ClockOffset::measured(u64::MAX, at(1000)), None);
        assert_eq!(ClockOffset::from_seconds(-86_401), None);
    }

    #[test]
    fn an_http_date_is_read() {
        assert_eq!(parse_http_date(b"Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse_http_date(b"Sun, 22 Nov 2026 05:51:21 GMT"), Some(1_795_326_681));
    }

    #[test]
    fn what_is_no_http_date_is_none() {
        for text in [
            "",
            "now",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun, 06 Nov 1969 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "\u{ff}",
        ] {
            assert_eq!(parse_http_date(text.as_bytes()), None, "{text}");
        }
    }
}
