//! One decision at a time.

use super::*;

pub(super) const LIFE: Life = Life { not_before: 1_000_000, not_after: 1_086_400 };
const HALF: u64 = 1_043_200;

pub(super) fn terms() -> Terms {
    Terms {
        refresh_every: Duration::from_secs(60),
        refresh_budget: Duration::from_millis(300),
        fetch_budget: Duration::from_secs(5),
        expiry_margin: Duration::from_secs(600),
        first_pause: Duration::from_millis(250),
        longest_pause: Duration::from_secs(10),
        thaw_gap: Duration::from_secs(2),
    }
}

/// Both clocks at the same time.
fn at(seconds: u64) -> Now {
    at_millis(seconds * 1000)
}

fn at_millis(millis: u64) -> Now {
    Now { wall: Duration::from_millis(millis), steady: Duration::from_millis(millis) }
}

/// Holds a pair that was fetched when it began.
fn holding() -> Freshness {
    let mut freshness = Freshness::new(terms());
    let number = freshness.start(at(LIFE.not_before));
    assert!(freshness.settle(number, Some(LIFE), at(LIFE.not_before)));
    freshness
}

/// One failed fetch, at that time.
fn fail(freshness: &mut Freshness, now: Now) {
    let number = freshness.start(now);
    assert!(freshness.settle(number, None, now));
}

const FETCH: Decision = Decision::Wait { start: true, at_most: Duration::from_secs(5) };
const JOIN: Decision = Decision::Wait { start: false, at_most: Duration::from_secs(5) };
const REFRESH: Decision = Decision::Wait { start: true, at_most: Duration::from_millis(300) };

#[test]
fn a_life_has_five_phases() {
    let margin = terms().expiry_margin;
    for (seconds, phase) in [
        (LIFE.not_before - 1, Phase::NotYet),
        (LIFE.not_before, Phase::Young),
        (HALF - 1, Phase::Young),
        (HALF, Phase::Aged),
        (LIFE.not_after - 600, Phase::Aged),
        (LIFE.not_after - 599, Phase::Ending),
        (LIFE.not_after, Phase::Ending),
        (LIFE.not_after + 1, Phase::Over),
    ] {
        assert_eq!(LIFE.phase(seconds, margin), phase, "{seconds}");
    }
    // The margin of a short life is a tenth of it.
    let short = Life { not_before: 1000, not_after: 1100 };
    assert_eq!(short.phase(1090, margin), Phase::Aged);
    assert_eq!(short.phase(1091, margin), Phase::Ending);
}

#[test]
fn the_first_request_fetches_and_the_others_wait_for_it() {
    let mut freshness = Freshness::new(terms());
    assert_eq!(freshness.decide(at(5)), FETCH);
    freshness.start(at(5));
    assert_eq!(freshness.decide(at(5)), JOIN);
    assert_eq!(freshness.decide(at(9)), JOIN);
}

#[test]
fn a_young_pair_is_used_without_asking() {
    let freshness = holding();
    for seconds in [LIFE.not_before, LIFE.not_before + 1, HALF - 1] {
        assert_eq!(freshness.decide(at(seconds)), Decision::Use);
    }
}

#[test]
fn past_half_life_one_request_a_minute_looks_for_a_newer_pair_and_nobody_else_waits() {
    let mut freshness = holding();
    assert_eq!(freshness.decide(at(HALF)), REFRESH);
    let number = freshness.start(at(HALF));
    assert_eq!(freshness.decide(at(HALF)), Decision::Use);
    assert!(freshness.settle(number, Some(LIFE), at(HALF)));
    assert_eq!(freshness.decide(at(HALF + 59)), Decision::Use);
    assert_eq!(freshness.decide(at(HALF + 60)), REFRESH);
}

#[test]
fn a_newer_pair_ends_the_looking() {
    let mut freshness = holding();
    let number = freshness.start(at(HALF));
    let newer = Life { not_before: HALF, not_after: HALF + 86_400 };
    assert!(freshness.settle(number, Some(newer), at(HALF)));
    assert_eq!(freshness.decide(at(HALF + 100)), Decision::Use);
}

#[test]
fn a_failed_refresh_is_not_repeated_before_its_time() {
    let mut freshness = holding();
    fail(&mut freshness, at(HALF));
    assert_eq!(freshness.decide(at(HALF + 59)), Decision::Use);
    assert_eq!(freshness.decide(at(HALF + 60)), REFRESH);
}

#[test]
fn a_pair_that_is_about_to_end_makes_everyone_wait_for_a_newer_one() {
    let mut freshness = holding();
    let ending = LIFE.not_after - 10;
    assert_eq!(freshness.decide(at(ending)), FETCH);
    let number = freshness.start(at(ending));
    assert_eq!(freshness.decide(at(ending)), JOIN);
    // There is none: it is used to its end, and asked for more often than before.
    assert!(freshness.settle(number, Some(LIFE), at(ending)));
    assert_eq!(freshness.decide(at(ending + 5)), Decision::Use);
    assert_eq!(freshness.decide(at(ending + 6)), FETCH);
}

#[test]
fn a_failure_while_ending_leaves_the_pair_in_use_to_its_last_second() {
    let mut freshness = holding();
    fail(&mut freshness, at(LIFE.not_after));
    assert_eq!(freshness.decide(at(LIFE.not_after)), Decision::Use);
    assert_eq!(freshness.decide(at_millis(LIFE.not_after * 1000 + 999)), Decision::Use);
    assert_eq!(freshness.decide(at(LIFE.not_after + 1)), FETCH);
}

#[test]
fn an_expired_pair_is_like_none() {
    let mut freshness = holding();
    let over = at(LIFE.not_after + 1);
    assert_eq!(freshness.decide(over), FETCH);
    fail(&mut freshness, over);
    assert_eq!(freshness.decide(over), Decision::Fail);
}

#[test]
fn pauses_after_failures_grow_to_their_bound_and_end_with_a_success() {
    let mut freshness = Freshness::new(terms());
    let mut now = 1_000_000;
    for pause in [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000] {
        fail(&mut freshness, at_millis(now));
        assert_eq!(freshness.decide(at_millis(now + pause - 1)), Decision::Fail, "{pause}");
        assert_eq!(freshness.decide(at_millis(now + pause)), FETCH, "{pause}");
        now += pause;
    }
    for _ in 0..100 {
        fail(&mut freshness, at_millis(now));
    }
    assert_eq!(freshness.decide(at_millis(now + 10_000)), FETCH);
    let mut freshness = holding();
    freshness.held = None;
    fail(&mut freshness, at_millis(now));
    assert_eq!(freshness.decide(at_millis(now + 250)), FETCH);
}

#[test]
fn a_clock_that_was_set_back_holds_nobody_up() {
    let mut freshness = Freshness::new(terms());
    fail(&mut freshness, at(1_000_000));
    assert_eq!(freshness.decide(Now { wall: Duration::from_secs(10), steady: Duration::from_secs(1_000_000) }), FETCH);
    // A pair whose time has not come by this clock is not used.
    let freshness = holding();
    assert_eq!(freshness.decide(at(LIFE.not_before - 1)), FETCH);
}

#[test]
fn a_fetch_that_lived_through_a_freeze_is_given_up() {
    let mut freshness = Freshness::new(terms());
    let before = freshness.start(at(1000));
    let thawed = Now { wall: Duration::from_secs(4600), steady: Duration::from_secs(1001) };
    assert_eq!(freshness.decide(thawed), FETCH);
    let after = freshness.start(thawed);
    // Its late result does not count, whatever it is.
    assert!(!freshness.settle(before, None, thawed));
    assert_eq!(freshness.decide(thawed), JOIN);
    assert!(freshness.settle(after, Some(Life { not_before: 1000, not_after: 90_000 }), thawed));
    assert!(!freshness.settle(before, Some(Life { not_before: 0, not_after: 5000 }), thawed));
    assert_eq!(freshness.decide(thawed), Decision::Use);
}

#[test]
fn nothing_survives_a_restore() {
    let mut freshness = holding();
    fail(&mut freshness, at(LIFE.not_before + 1));
    let number = freshness.start(at(LIFE.not_before + 2));
    freshness.forget();
    assert_eq!(freshness.decide(at(LIFE.not_before + 2)), FETCH);
    assert!(!freshness.settle(number, Some(LIFE), at(LIFE.not_before + 2)));
    let next = freshness.start(at(LIFE.not_before + 2));
    assert!(next > number);
}
