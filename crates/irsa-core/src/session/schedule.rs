//! When to refresh, and when to try again: deterministic, and spread over sessions and pods.

use sha2::{Digest, Sha256};
use sts::Retry;

/// The longest pause between two attempts, so that service returns this soon after STS does.
pub const LONGEST_PAUSE_MS: u64 = 30_000;
const SHORTEST_PAUSE_MS: u64 = 1_000;
const SHORTEST_SLOW_PAUSE_MS: u64 = 10_000;
/// A refresh has this long to succeed, where the lifetime allows it.
const REFRESH_MARGIN_MS: u64 = 10 * 60 * 1000;

/// What spreads the schedule: the same for all workers of one Envoy, different from pod to pod.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread([u8; 32]);

impl Spread {
    pub(super) fn new(session_key: &str, node: &[u8]) -> Self {
        Self(Sha256::new().chain_update(session_key).chain_update(b"\0").chain_update(node).finalize().into())
    }

    /// A fraction of `range_ms` that depends on `salt`.
    fn part_of(&self, range_ms: u64, salt: u64) -> u64 {
        let hash: [u8; 32] = Sha256::new().chain_update(self.0).chain_update(salt.to_le_bytes()).finalize().into();
        let [a, b, c, d, ..] = hash;
        let fraction = u64::from(u32::from_le_bytes([a, b, c, d]));
        // range × fraction / 2^32, without overflow for any range below 2^32 ms (50 days).
        range_ms.min(u64::from(u32::MAX)).saturating_mul(fraction) >> 32
    }

    /// When credentials are to be refreshed: between 50 % and 75 % of their life, and never later than ten minutes
    /// before its end when half of it is longer than that.
    pub(super) fn refresh_at(&self, obtained_ms: u64, expires_ms: u64) -> u64 {
        let life = expires_ms.saturating_sub(obtained_ms);
        let half = life / 2;
        let point = half.saturating_add(self.part_of(life / 4, 0));
        let latest = life.saturating_sub(REFRESH_MARGIN_MS);
        obtained_ms.saturating_add(if half <= latest { point.min(latest) } else { point })
    }

    /// The pause after the `failures`-th failure in a row, with full jitter. `fence` makes each draw a new one.
    pub(super) fn pause_ms(&self, retry: Retry, failures: u32, fence: u64) -> u64 {
        let (shortest, ceiling) = match retry {
            Retry::Soon => (SHORTEST_PAUSE_MS, SHORTEST_PAUSE_MS.saturating_mul(1 << failures.clamp(1, 10))),
            Retry::Slow => (SHORTEST_SLOW_PAUSE_MS, LONGEST_PAUSE_MS),
        };
        shortest + self.part_of(ceiling.min(LONGEST_PAUSE_MS).saturating_sub(shortest), fence.wrapping_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec::Vec;

    fn spreads() -> Vec<Spread> {
        (0..200).map(|pod| Spread::new("session", format!("pod-{pod}").as_bytes())).collect()
    }

    #[test]
    fn the_refresh_lies_between_half_and_three_quarters_of_the_life() {
        let life = 3_600_000;
        for spread in spreads() {
            let at = spread.refresh_at(1_000, 1_000 + life) - 1_000;
            assert!((life / 2..=life * 3 / 4).contains(&at), "{at}");
        }
    }

    #[test]
    fn the_refresh_has_ten_minutes_when_half_of_the_life_is_longer_than_that() {
        let life = 1_300_000;
        for spread in spreads() {
            let at = spread.refresh_at(0, life);
            assert!((life / 2..=life - REFRESH_MARGIN_MS).contains(&at), "{at}");
        }
        let short = 900_000;
        assert!(spreads().iter().all(|spread| spread.refresh_at(0, short) >= short / 2));
    }

    #[test]
    fn pods_are_spread_and_one_pod_is_always_the_same() {
        let mut points: Vec<u64> = spreads().iter().map(|spread| spread.refresh_at(0, 3_600_000)).collect();
        assert_eq!(points, spreads().iter().map(|spread| spread.refresh_at(0, 3_600_000)).collect::<Vec<_>>());
        points.sort_unstable();
        points.dedup();
        assert!(points.len() > 190, "{}", points.len());
        assert!(points[0] < 1_850_000 && *points.last().unwrap() > 2_650_000);
    }

    #[test]
    fn pauses_grow_to_half_a_minute_and_never_beyond() {
        for spread in spreads() {
            for failures in 0..100 {
                let soon = spread.pause_ms(Retry::Soon, failures, u64::from(failures));
                let ceiling = (1_000 << failures.clamp(1, 10)).min(LONGEST_PAUSE_MS);
                assert!((SHORTEST_PAUSE_MS..=ceiling).contains(&soon), "{failures}: {soon}");
                let slow = spread.pause_ms(Retry::Slow, failures, u64::from(failures));
                assert!((SHORTEST_SLOW_PAUSE_MS..=LONGEST_PAUSE_MS).contains(&slow), "{failures}: {slow}");
            }
        }
    }

    #[test]
    fn a_clock_at_its_end_overflows_nothing() {
        let spread = Spread::new("", b"");
        assert_eq!(spread.refresh_at(u64::MAX - 10, u64::MAX), u64::MAX - 5);
        assert!(spread.refresh_at(0, u64::MAX) >= u64::MAX / 2);
        assert_eq!(spread.refresh_at(10, 5), 10);
        spread.pause_ms(Retry::Soon, u32::MAX, u64::MAX);
    }
}
