//! Schedules with a name: the rows of the failure table that concern credentials, and what was found by chance once.

use irsa_core::session::LONGEST_PAUSE_MS;

use crate::aws::{StsHealth, TokenHealth};
use crate::plan::{Action, Kind, Plan};
use crate::world::{Outcome, run};

fn outcome(plan: &Plan) -> Outcome {
    run(plan).unwrap_or_else(|broken| panic!("{broken}\n{plan:#?}"))
}

/// A request reaches worker 0 every so often.
fn arriving(mut plan: Plan, from_ms: u64, every_ms: u64, to_ms: u64) -> Plan {
    let mut at = from_ms;
    while at < to_ms {
        plan = plan.at(at, Action::Arrive(0, Kind::Get));
        at += every_ms;
    }
    plan
}

fn refused(outcome: &Outcome, reason: &str) -> u64 {
    outcome.refused.get(reason).copied().unwrap_or_default()
}

#[test]
fn eight_workers_that_start_together_make_one_call() {
    for write_delay_ms in [0, 1, 30] {
        let outcome = outcome(&Plan { write_delay_ms, healed_ms: 20_000, ..Plan::calm(8) });
        assert_eq!((outcome.sts_calls, outcome.token_calls, outcome.issued), (1, 1, 1));
    }
}

#[test]
fn an_hour_long_session_takes_as_many_calls_for_eight_workers_as_for_one() {
    let calls = [1, 2, 8].map(|workers| {
        let plan = Plan { life_ms: 3_600_000, healed_ms: 9_000_000, then_ms: Some(0), ..Plan::calm(workers) };
        let outcome = outcome(&plan);
        assert_eq!((outcome.sts_calls, outcome.failed, outcome.most_in_flight), (outcome.issued, 0, 1));
        outcome.sts_calls
    });
    // Two and a half hours, with a refresh after 30 to 45 minutes each.
    assert!((4..=6).contains(&calls[0]) && calls.iter().all(|number| *number == calls[0]), "{calls:?}");
}

#[test]
fn the_first_requests_wait_and_are_served() {
    let outcome =
        outcome(&Plan { healed_ms: 5_000, ..Plan::calm(2) }.at(0, Action::Flood(0, 5)).at(1, Action::Flood(1, 5)));
    assert_eq!((outcome.waited, outcome.forwarded, outcome.refused.len()), (10, 12, 0));
}

#[test]
fn sts_down_at_the_start_means_a_bounded_wait_and_recovery_by_itself() {
    for fault in StsHealth::FAULTS {
        let plan = Plan { healed_ms: 100_000, life_ms: 900_000, ..Plan::calm(3) }.at(0, Action::Sts(fault));
        let outcome = outcome(&arriving(plan, 1, 500, 100_000));
        let reason = if fault == StsHealth::Denying { "sts-denied" } else { "no-credentials" };
        assert!(refused(&outcome, reason) > 100, "{fault:?}: {outcome:?}");
        assert_eq!(
            outcome.refused.values().sum::<u64>() - refused(&outcome, reason),
            refused(&outcome, "no-credentials") * u64::from(reason == "sts-denied")
        );
        assert!(outcome.recovered_after_ms < LONGEST_PAUSE_MS + 7_000 + 2_000, "{fault:?}: {outcome:?}");
    }
}

#[test]
fn a_token_that_is_not_there_is_waited_for_without_a_call_to_sts() {
    for fault in TokenHealth::FAULTS {
        let plan = Plan { healed_ms: 60_000, then_ms: Some(0), ..Plan::calm(3) }.at(0, Action::Token(fault));
        let down = outcome(&arriving(plan.clone(), 10_000, 500, 59_000));
        assert_eq!((down.sts_calls, down.forwarded), (0, 0), "{fault:?}");
        assert!(refused(&down, "no-token") > 50 && down.refused.len() == 1, "{fault:?}: {down:?}");
        let back = outcome(&Plan { then_ms: None, ..plan });
        assert!(back.recovered_after_ms < 20_000, "{fault:?}: {back:?}");
    }
}

#[test]
fn sts_down_during_a_refresh_is_not_noticed_by_anybody() {
    for fault in StsHealth::FAULTS {
        let plan = Plan { life_ms: 120_000, healed_ms: 115_000, ..Plan::calm(4) }.at(20_000, Action::Sts(fault));
        let outcome = outcome(&arriving(plan, 5_000, 500, 115_000));
        assert!(outcome.failed >= 2 && outcome.refused.is_empty() && outcome.waited == 0, "{fault:?}: {outcome:?}");
    }
}

#[test]
fn sts_down_past_the_expiry_means_refusals_and_never_a_stale_signature() {
    let plan = Plan { healed_ms: 120_000, ..Plan::calm(2) }.at(5_000, Action::Sts(StsHealth::Down));
    let outcome = outcome(&arriving(plan, 5_000, 100, 120_000));
    assert!(outcome.forwarded > 500 && refused(&outcome, "no-credentials") > 400, "{outcome:?}");
}

#[test]
fn the_main_thread_neither_holds_the_workers_up_nor_hides_why_there_are_no_credentials() {
    let plan = Plan { main_thread: true, healed_ms: 300_000, ..Plan::calm(2) }.at(0, Action::Sts(StsHealth::Down));
    let outcome = outcome(&arriving(plan, 10_000, 500, 300_000));
    assert!(refused(&outcome, "no-credentials") > 500 && refused(&outcome, "no-token") == 0, "{outcome:?}");
    assert!(outcome.recovered_after_ms < LONGEST_PAUSE_MS + 3_000, "{outcome:?}");
}

#[test]
fn the_main_thread_takes_turns_when_no_worker_could_read_the_token() {
    for seed in 0..40 {
        let plan = Plan { seed, main_thread: true, healed_ms: 90_000, ..Plan::calm(1) }
            .at(0, Action::Token(TokenHealth::Empty));
        let outcome = outcome(&plan);
        assert!(outcome.recovered_after_ms < LONGEST_PAUSE_MS, "{seed}: {outcome:?}");
    }
}

#[test]
fn a_worker_that_dies_in_mid_exchange_is_replaced_when_its_lease_ends() {
    for died_ms in [30, 60, 100, 300, 600] {
        let plan = Plan { healed_ms: 1_000, ..Plan::calm(3) };
        let plan = (0..3).fold(plan, |plan, worker| plan.at(died_ms, Action::Die(worker)));
        let outcome = outcome(&plan);
        assert!(outcome.issued == 1 && outcome.recovered_after_ms < 2_000 + 5_000 + 5_000 + 2_000, "{outcome:?}");
    }
}

#[test]
fn the_first_waiting_caller_hangs_up_and_the_others_are_served() {
    let plan = Plan { healed_ms: 5_000, ..Plan::calm(1) }
        .at(1, Action::Arrive(0, Kind::HangUp(100)))
        .at(2, Action::Flood(0, 3));
    let outcome = outcome(&plan);
    assert_eq!((outcome.waited, outcome.forwarded, outcome.refused.len()), (4, 4, 0));
}

#[test]
fn no_more_wait_than_may_and_the_rest_are_told_so() {
    let outcome = outcome(&Plan { max_waiting: 3, healed_ms: 5_000, ..Plan::calm(1) }.at(0, Action::Flood(0, 10)));
    assert_eq!((outcome.waited, outcome.forwarded, refused(&outcome, "too-many-waiting")), (3, 4, 7));
}

#[test]
fn an_upload_whose_body_ends_while_it_waits_keeps_its_place() {
    let plan = Plan { max_waiting: 1, sts_latency_ms: (3_000, 3_000), healed_ms: 8_000, ..Plan::calm(1) }
        .at(1, Action::Arrive(0, Kind::Put(3)));
    let outcome = outcome(&plan);
    assert_eq!((outcome.waited, outcome.forwarded, outcome.refused.len()), (1, 2, 0));
}

#[test]
fn five_thousand_that_wait_are_refused_and_a_thousand_are_served_a_few_at_a_tick() {
    let plan = Plan { max_waiting: 5_000, healed_ms: 30_000, ..Plan::calm(1) };
    let down = outcome(&plan.clone().at(0, Action::Sts(StsHealth::Slow)).at(100, Action::Flood(0, 5_000)));
    assert_eq!((down.waited, down.refused.values().sum::<u64>()), (5_000, 5_000));
    let served = outcome(&plan.at(100, Action::Flood(0, 1_000)));
    assert_eq!((served.waited, served.forwarded), (1_000, 1_001));
}

#[test]
fn a_new_configuration_of_the_same_session_finds_its_credentials() {
    let plan = Plan { healed_ms: 15_000, ..Plan::calm(4) }.at(10_000, Action::Reload);
    let outcome = outcome(&arriving(plan, 10_000, 10, 11_000));
    assert_eq!((outcome.sts_calls, outcome.waited, outcome.refused.len()), (1, 0, 0));
}

#[test]
fn a_shared_value_that_another_module_destroyed_is_written_anew_and_nobody_notices() {
    let plan = Plan { healed_ms: 100_000, ..Plan::calm(3) }.at(10_000, Action::Corrupt).at(70_000, Action::Corrupt);
    let outcome = outcome(&arriving(plan, 5_000, 500, 100_000));
    assert_eq!((outcome.waited, outcome.refused.len(), outcome.failed), (0, 0, 0));
}

#[test]
fn a_clock_that_is_hours_wrong_is_corrected_by_the_first_answer() {
    for skew_ms in [-36_000_000, -7_200_000, -90_000, 90_000, 7_200_000, 36_000_000] {
        let plan = Plan { skew_ms, life_ms: 900_000, healed_ms: 1_000_000, then_ms: Some(0), ..Plan::calm(2) };
        let outcome = outcome(&arriving(plan, 1, 20_000, 1_000_000));
        assert_eq!((outcome.failed, outcome.refused.len(), outcome.sts_calls), (0, 0, outcome.issued), "{skew_ms}");
        assert!((2..=3).contains(&outcome.issued), "{skew_ms}: {outcome:?}");
    }
}

#[test]
fn a_clock_that_jumps_by_hours_costs_one_exchange() {
    for jump_ms in [-36_000_000, -7_200_000, 7_200_000, 36_000_000] {
        let plan = Plan { life_ms: 900_000, healed_ms: 60_000, ..Plan::calm(3) }.at(30_000, Action::Jump(jump_ms));
        let outcome = outcome(&arriving(plan, 33_000, 1_000, 60_000));
        assert_eq!((outcome.sts_calls, outcome.issued, outcome.refused.len()), (2, 2, 0), "{jump_ms}");
    }
}

#[test]
fn a_clock_that_jumps_during_a_pause_ends_or_keeps_it_but_never_prolongs_it_beyond_half_a_minute() {
    for jump_ms in [-36_000_000, -40_000, -10_000, 10_000, 40_000, 36_000_000] {
        let plan = Plan { life_ms: 900_000, healed_ms: 60_000, ..Plan::calm(2) }
            .at(0, Action::Sts(StsHealth::Down))
            .at(59_999, Action::Jump(jump_ms));
        let outcome = outcome(&plan);
        assert!(outcome.recovered_after_ms < LONGEST_PAUSE_MS + 3_000, "{jump_ms}: {outcome:?}");
    }
}

#[test]
fn credentials_that_live_for_seconds_only_are_not_fetched_at_every_tick() {
    let outcome = outcome(&Plan {
        life_ms: 4_000,
        healed_ms: 120_000,
        then_ms: Some(0),
        sts_latency_ms: (5, 20),
        ..Plan::calm(8)
    });
    assert!(outcome.sts_calls <= 120, "{outcome:?}");
}

#[test]
fn a_worker_that_was_stopped_in_mid_exchange_does_not_call_sts_beside_the_one_that_took_over() {
    for stalled_ms in (11_000..14_000).step_by(25) {
        for seed in [1, 2] {
            let plan = Plan { seed, healed_ms: 20_000, ..Plan::calm(3) }.at(21, Action::Stall(0, stalled_ms));
            let plan = Plan { sts_latency_ms: (4_000, 4_900), ..plan };
            assert_eq!(outcome(&plan).most_in_flight, 1);
        }
    }
}

#[test]
fn a_shared_value_that_is_lost_does_not_take_the_time_with_it() {
    for skew_ms in [-7_200_000, 7_200_000] {
        let plan = Plan { skew_ms, life_ms: 900_000, healed_ms: 60_000, ..Plan::calm(3) }.at(10_000, Action::Corrupt);
        let outcome = outcome(&arriving(plan, 5_000, 500, 60_000));
        assert_eq!((outcome.waited, outcome.refused.len()), (0, 0), "{skew_ms}");
    }
}
