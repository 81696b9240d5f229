//! Requests that find no credentials: they wait, within bounds, and are served, refused or gone.

use irsa_core::session::{Answer, NoAnswer, Now, RootStep, Shared};
use irsa_core::{Exchange, Ingress, Reason, Step};

use crate::support::{HELLO_HASH, NOW, Sent, assert_signed_as_aws_would, cold, issue, only};

const ABSENT: Shared<'_> = Shared { value: None, version: None };

fn reason(step: Step) -> Reason {
    match step {
        Step::Reject(refusal) => refusal.reason,
        step => panic!("{step:?}"),
    }
}

fn later(ms: u64) -> Now {
    Now { wall_ms: NOW.wall_ms + ms, steady_ms: NOW.steady_ms + ms }
}

fn wait(ingress: &mut Ingress, id: u32, sent: &Sent) -> Exchange {
    match sent.arrive(ingress, id) {
        (exchange, Step::Hold) => exchange,
        (_, step) => panic!("{step:?}"),
    }
}

/// An attempt that ends like this.
fn fail(ingress: &mut Ingress, token: Result<&[u8], NoAnswer>, sts: Result<(u16, &[u8]), NoAnswer>) {
    let RootStep::Claim(claim) = ingress.on_tick(NOW, ABSENT) else { panic!("nothing is claimed") };
    let keeper = ingress.keeper();
    let RootStep::ReadToken(_) = keeper.on_claim(NOW, true) else { panic!("no token is read") };
    let step = keeper.on_token(NOW, token.map(|body| Answer { status: 200, date: None, body }));
    if matches!(step, RootStep::CallSts(_)) {
        keeper.on_sts(NOW, sts.map(|(status, body)| Answer { status, date: None, body }));
    }
    let claimed = Shared { value: Some(&claim.value), version: Some(1) };
    assert!(keeper.settle(NOW, claimed).is_some());
    keeper.on_settled(NOW, true);
}

#[test]
fn a_request_waits_for_the_first_credentials_and_is_signed_by_a_tick() {
    let mut ingress = cold(true, "");
    let sent = Sent::get();
    let mut exchange = wait(&mut ingress, 7, &sent);
    assert_eq!((ingress.waiting(), ingress.released(NOW).len()), (1, 0));
    issue(&mut ingress, NOW);
    assert_eq!(ingress.released(NOW), [7]);
    let Step::Forward(changes) = ingress.release(NOW, &mut exchange, &sent.headers) else { panic!("not sent on") };
    assert_signed_as_aws_would(&sent.applied(&changes), true);
    assert_eq!(changes.caller.as_deref(), Some(crate::support::CALLER));
    assert_eq!((ingress.waiting(), exchange.is_open()), (0, false));
}

#[test]
fn a_body_that_arrives_while_its_request_waits_is_held_and_hashed() {
    let mut ingress = cold(false, "");
    let sent = Sent::put();
    let mut exchange = wait(&mut ingress, 1, &sent);
    for piece in [&b"hel"[..], b"lo"] {
        assert!(matches!(ingress.on_body(NOW, 1, &mut exchange, &sent.headers, piece), Step::Hold));
    }
    assert_eq!(ingress.waiting(), 0, "the body is not complete");
    assert!(matches!(ingress.on_end(NOW, 1, &mut exchange, &sent.headers), Step::Hold));
    assert_eq!(ingress.waiting(), 1);
    issue(&mut ingress, NOW);
    assert_eq!(ingress.released(NOW), [1]);
    let Step::Forward(changes) = ingress.release(NOW, &mut exchange, &sent.headers) else { panic!("not sent on") };
    assert_eq!(only(&sent.applied(&changes), "x-amz-content-sha256"), HELLO_HASH);
}

#[test]
fn a_streamed_body_is_held_while_its_request_waits_and_its_end_changes_nothing() {
    let mut ingress = cold(true, r#", "max_waiting": 1"#);
    let sent = Sent::put();
    let mut exchange = wait(&mut ingress, 1, &sent);
    assert!(matches!(ingress.on_body(NOW, 1, &mut exchange, &sent.headers, b"hello"), Step::Hold));
    let longest_ms = ingress.keeper().longest_wait_ms();
    let almost = later(longest_ms - 1);
    assert!(matches!(ingress.on_end(almost, 1, &mut exchange, &sent.headers), Step::Hold));
    assert_eq!((ingress.waiting(), exchange.is_open()), (1, true));
    assert!(ingress.released(almost).is_empty());
    assert_eq!(ingress.released(later(longest_ms)), [1], "the end of the body gives no new deadline");
    let step = ingress.release(later(longest_ms), &mut exchange, &sent.headers);
    assert_eq!(reason(step), Reason::NoCredentials);
}

#[test]
fn a_body_that_ends_after_the_credentials_came_is_signed_by_its_end() {
    let mut ingress = cold(true, "");
    let sent = Sent::put();
    let mut exchange = wait(&mut ingress, 1, &sent);
    issue(&mut ingress, NOW);
    assert!(matches!(ingress.on_end(NOW, 1, &mut exchange, &sent.headers), Step::Forward(_)));
    // The tick that comes next finds it decided.
    assert_eq!(ingress.released(NOW), [1]);
    assert!(matches!(ingress.release(NOW, &mut exchange, &sent.headers), Step::Pass));
}

#[test]
fn a_faulty_body_is_refused_whether_there_are_credentials_or_not() {
    let mut ingress = cold(false, r#", "max_body_bytes": 5"#);
    let sent = Sent::put();
    let mut exchange = wait(&mut ingress, 1, &sent);
    let step = ingress.on_body(NOW, 1, &mut exchange, &sent.headers, b"hello!");
    assert_eq!((reason(step), ingress.waiting()), (Reason::BodyTooLarge, 0));
    let sent = sent.with("x-amz-content-sha256", HELLO_HASH);
    let mut exchange = wait(&mut ingress, 2, &sent);
    let step = ingress.on_end(NOW, 2, &mut exchange, &sent.headers);
    assert_eq!((reason(step), ingress.waiting()), (Reason::PayloadHashMismatch, 0));
}

#[test]
fn whoever_hangs_up_leaves_room_for_another_and_is_never_released() {
    let mut ingress = cold(true, r#", "max_waiting": 2"#);
    let sent = Sent::get();
    wait(&mut ingress, 1, &sent);
    wait(&mut ingress, 2, &sent);
    assert_eq!(reason(sent.arrive(&mut ingress, 3).1), Reason::TooManyWaiting);
    ingress.leave(1);
    wait(&mut ingress, 4, &sent);
    issue(&mut ingress, NOW);
    assert_eq!(ingress.released(NOW), [2, 4]);
}

#[test]
fn nobody_waits_longer_than_an_exchange_may_take() {
    let mut ingress = cold(true, r#", "sts": {"timeout_seconds": 3}"#);
    let sent = Sent::get();
    let mut exchange = wait(&mut ingress, 1, &sent);
    assert_eq!(ingress.keeper().longest_wait_ms(), 6_000);
    assert!(ingress.released(later(5_999)).is_empty());
    assert_eq!(ingress.released(later(6_000)), [1]);
    assert_eq!(reason(ingress.release(later(6_000), &mut exchange, &sent.headers)), Reason::NoCredentials);
}

#[test]
fn each_outage_has_a_reason_of_its_own() {
    let denied = br#"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"#;
    let token: Result<&[u8], NoAnswer> = Ok(b"aaaa.bbbb.cccc");
    for (token, sts, expected) in [
        (Err(NoAnswer::Unreachable), Err(NoAnswer::Unreachable), Reason::NoToken),
        (Err(NoAnswer::UnknownCluster), Err(NoAnswer::Unreachable), Reason::NoToken),
        (Ok(&b""[..]), Err(NoAnswer::Unreachable), Reason::NoToken),
        (token, Err(NoAnswer::Unreachable), Reason::NoCredentials),
        (token, Err(NoAnswer::UnknownCluster), Reason::NoCredentials),
        (token, Ok((200, &b"<html>"[..])), Reason::NoCredentials),
        (token, Ok((503, b"")), Reason::NoCredentials),
        (token, Ok((403, denied)), Reason::StsDenied),
    ] {
        let mut ingress = cold(true, r#", "sts": {"timeout_seconds": 1}"#);
        let sent = Sent::get();
        let mut first = wait(&mut ingress, 1, &sent);
        fail(&mut ingress, token, sts);
        let end = later(ingress.keeper().longest_wait_ms());
        assert_eq!(ingress.released(end), [1]);
        assert_eq!(reason(ingress.release(end, &mut first, &sent.headers)), expected);
    }
}

#[test]
fn a_request_that_nothing_can_come_for_in_time_is_refused_at_once() {
    let denied = br#"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"#;
    for s3 in [true, false] {
        let mut ingress = cold(s3, r#", "sts": {"timeout_seconds": 1}"#);
        // The pause after a denial is at least ten seconds; nobody waits longer than four.
        fail(&mut ingress, Ok(b"aaaa.bbbb.cccc"), Ok((403, denied)));
        assert_eq!(Sent::get().refused(&mut ingress), Reason::StsDenied);
        assert_eq!(Sent::put().refused(&mut ingress), Reason::StsDenied, "and its body is not waited for");
    }
}
