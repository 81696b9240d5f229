//! The simulation itself on trial: what a host or an adapter does wrong must be noticed, by the invariant it breaks.

use crate::aws::StsHealth;
use crate::plan::{Action, Defect, Kind, Plan, Trouble};
use crate::rules::Rule;
use crate::shared::Cas;
use crate::world::run;

/// The invariants that so many random schedules break when each is changed like this.
fn broken_by(trouble: Trouble, schedules: u64, change: impl Fn(&mut Plan)) -> Vec<Rule> {
    let mut rules: Vec<Rule> = (0..schedules)
        .filter_map(|seed| {
            let mut plan = Plan::random(seed, trouble);
            change(&mut plan);
            run(&plan).err().map(|broken| broken.rule)
        })
        .collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

#[test]
fn an_adapter_that_overwrites_where_it_should_create_makes_two_calls() {
    let rules = broken_by(Trouble::Calm, 60, |plan| (plan.cas, plan.write_delay_ms) = (Cas::CreatingOverwrites, 30));
    assert!(rules.contains(&Rule::OneCall), "{rules:?}");
}

#[test]
fn a_host_that_ignores_the_counter_makes_two_calls() {
    let rules = broken_by(Trouble::Calm, 60, |plan| (plan.cas, plan.write_delay_ms) = (Cas::Ignored, 30));
    assert!(rules.contains(&Rule::OneCall), "{rules:?}");
}

#[test]
fn ticks_that_come_before_their_time_end_a_lease_too_early() {
    let plan = Plan { defect: Defect::EarlyTicks, workers: 3, healed_ms: 60_000, ..Plan::calm(3) }
        .at(0, Action::Sts(StsHealth::Slow));
    assert_eq!(run(&plan).unwrap_err().rule, Rule::OneCall);
    assert!(run(&Plan { defect: Defect::None, ..plan }).is_ok());
}

#[test]
fn a_call_that_goes_on_longer_than_the_margin_of_its_lease_meets_the_next_one() {
    let late = |ms: u64| Plan { defect: Defect::LateAnswers(ms), healed_ms: 60_000, ..Plan::calm(3) };
    assert_eq!(run(&late(20_000)).unwrap_err().rule, Rule::OneCall);
    // What the margin is for.
    assert!(run(&late(4_000)).is_ok());
}

#[test]
fn an_adapter_that_does_not_look_at_shared_data_keeps_requests_waiting_in_vain() {
    let rules = broken_by(Trouble::Faults, 300, |plan| (plan.defect, plan.main_thread) = (Defect::Blind, false));
    assert_eq!(rules, [Rule::NeverWaitsInVain]);
}

#[test]
fn an_adapter_that_keeps_quiet_about_hang_ups_releases_who_is_gone() {
    let plan = Plan { defect: Defect::SilentHangUps, healed_ms: 5_000, ..Plan::calm(1) }
        .at(1, Action::Arrive(0, Kind::HangUp(100)))
        .at(1, Action::Arrive(0, Kind::Get));
    assert_eq!(run(&plan).unwrap_err().rule, Rule::GoneIsGone);
    assert!(run(&Plan { defect: Defect::None, ..plan }).is_ok());
}

#[test]
fn an_sts_that_does_not_tell_the_time_leaves_a_wrong_clock_uncorrected() {
    let plan = Plan { skew_ms: -7_200_000, healed_ms: 5_000, life_ms: 300_000, ..Plan::calm(2) };
    assert!(run(&plan).is_ok());
    let plan = plan.at(0, Action::Sts(StsHealth::Dateless)).at(3_000, Action::Arrive(0, Kind::Get));
    assert_eq!(run(&plan).unwrap_err().rule, Rule::ClockIsCorrected);
}

#[test]
fn answers_that_come_twice_do_no_harm() {
    for trouble in [Trouble::Calm, Trouble::Faults, Trouble::Deaths, Trouble::Clocks] {
        let rules = broken_by(trouble, 60, |plan| plan.defect = Defect::TwiceAnswered);
        assert!(rules.is_empty(), "{trouble:?}: {rules:?}");
    }
}
