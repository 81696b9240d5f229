//! The readiness probe, which sees nothing but the shared value of another plugin's session.
#![cfg(not(target_arch = "wasm32"))]
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests a panic is the verdict, and the helpers are part of them"
)]

use irsa_core::config::{Config, Host, Plugin};
use irsa_core::session::{Answer, NoAnswer, Now, RootStep, Shared};
use irsa_core::{Ingress, Readiness, Reason, shared_key};

/// 2026-11-22T05:51:21Z.
const NOW_S: u64 = 1_795_326_681;
const EXPIRES_S: u64 = NOW_S + 3_600;
const TOKEN: &[u8] = b"aaaa.bbbb.cccc";
const ISSUED: &str = r#"<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <Credentials>
      <AccessKeyId>ASIATESTTESTTEST0001</AccessKeyId>
      <SecretAccessKey>wJalrXUtnFEMI/K7MDENG+bPxRfiCYzTESTSECRETKEY</SecretAccessKey>
      <SessionToken>IQoJb3JpZ2luX2VjEHoaCXVzLXdlc3QtMiJHMEUCIQDtests//only+not==</SessionToken>
      <Expiration>2026-11-22T06:51:21Z</Expiration>
    </Credentials>
  </AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>"#;
const DENIED: &str =
    "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";

fn at(wall_s: u64) -> Now {
    Now { wall_ms: wall_s * 1000, steady_ms: 0 }
}

fn config() -> Config {
    let text = r#"{"service_name": "s3", "region": "us-west-2", "backend_hostname": "b.s3.us-west-2.amazonaws.com",
        "role_arn": "arn:aws:iam::123456789012:role/x"}"#;
    match Plugin::parse(text.as_bytes(), Host { vm_id: "irsa-signer" }) {
        Ok(Plugin::Signer(config)) => *config,
        other => panic!("{other:?}"),
    }
}

type Reply<'a> = Result<(u16, Option<&'a str>, &'a str), NoAnswer>;

fn answer<'a>(reply: &'a Reply<'_>) -> Result<Answer<'a>, NoAnswer> {
    let &(status, date, body) = reply.as_ref().map_err(|no| *no)?;
    Ok(Answer { status, date: date.map(str::as_bytes), body: body.as_bytes() })
}

/// The shared value after a claim, and after the attempt that ended like this; `before` is what there was.
fn attempt(before: Option<&[u8]>, now: Now, token: &Reply<'_>, sts: &Reply<'_>) -> (Vec<u8>, Vec<u8>) {
    let mut ingress = Ingress::new(config(), b"pod-1");
    let found = Shared { value: before, version: before.map(|_| 1) };
    let RootStep::Claim(claim) = ingress.on_tick(now, found) else { panic!("nothing is claimed") };
    let keeper = ingress.keeper();
    let RootStep::ReadToken(_) = keeper.on_claim(now, true) else { panic!("no token is read") };
    if matches!(keeper.on_token(now, answer(token)), RootStep::CallSts(_)) {
        keeper.on_sts(now, answer(sts));
    }
    let settled = keeper.settle(now, Shared { value: Some(&claim.value), version: Some(2) }).unwrap();
    (claim.value.to_vec(), settled.value.to_vec())
}

fn probe(now: Now, value: Option<&[u8]>) -> Readiness {
    Readiness::of_session(now, Shared { value, version: value.map(|_| 3) })
}

const READ: Reply<'_> = Ok((200, None, "aaaa.bbbb.cccc"));
const UNREACHABLE: Reply<'_> = Err(NoAnswer::Unreachable);

#[test]
fn nothing_shared_yet_is_not_ready() {
    let found = probe(at(NOW_S), None);
    assert_eq!((found.clone(), found.status()), (Readiness::NotReady(Reason::NoCredentials), 503));
    assert_eq!(found.body(), "{\"ready\":false,\"reason\":\"no-credentials\"}\n");
}

#[test]
fn valid_credentials_are_ready_until_the_very_second_of_their_expiry() {
    let (claimed, settled) = attempt(None, at(NOW_S), &READ, &Ok((200, None, ISSUED)));
    assert_eq!(probe(at(NOW_S), Some(&claimed)), Readiness::NotReady(Reason::NoCredentials));
    for now in [NOW_S, NOW_S + 1, EXPIRES_S - 1] {
        let found = probe(at(now), Some(&settled));
        assert_eq!((found.clone(), found.status()), (Readiness::Ready { expires_at: EXPIRES_S }, 200), "{now}");
        assert_eq!(found.body(), format!("{{\"ready\":true,\"expires_at\":{EXPIRES_S}}}\n"));
    }
    for now in [EXPIRES_S, EXPIRES_S + 1, u64::MAX / 1000] {
        assert_eq!(probe(at(now), Some(&settled)), Readiness::NotReady(Reason::NoCredentials), "{now}");
    }
}

#[test]
fn each_outage_is_named_and_a_later_success_ends_it() {
    for (token, sts, reason) in [
        (&Err(NoAnswer::Unreachable), &UNREACHABLE, Reason::NoToken),
        (&Ok((503, None, "")), &UNREACHABLE, Reason::NoToken),
        (&Ok((200, None, "<html>")), &UNREACHABLE, Reason::NoToken),
        (&READ, &UNREACHABLE, Reason::NoCredentials),
        (&READ, &Ok((200, None, "<html>")), Reason::NoCredentials),
        (&READ, &Ok((403, None, DENIED)), Reason::StsDenied),
    ] {
        let (_, failed) = attempt(None, at(NOW_S), token, sts);
        let found = probe(at(NOW_S), Some(&failed));
        assert_eq!((found.clone(), found.status()), (Readiness::NotReady(reason), 503));
        assert_eq!(found.body(), format!("{{\"ready\":false,\"reason\":\"{reason}\"}}\n"));
        let (claimed, settled) = attempt(Some(&failed), at(NOW_S + 31), &READ, &Ok((200, None, ISSUED)));
        assert_eq!(probe(at(NOW_S + 31), Some(&claimed)), Readiness::NotReady(reason), "while the next attempt is on");
        assert_eq!(probe(at(NOW_S + 31), Some(&settled)), Readiness::Ready { expires_at: EXPIRES_S });
    }
}

#[test]
fn a_failed_refresh_leaves_it_ready_until_the_credentials_expire() {
    let (_, settled) = attempt(None, at(NOW_S), &READ, &Ok((200, None, ISSUED)));
    let late = EXPIRES_S - 60;
    let (claimed, failed) = attempt(Some(&settled), at(late), &READ, &Ok((403, None, DENIED)));
    for value in [&claimed, &failed] {
        assert_eq!(probe(at(late), Some(value)), Readiness::Ready { expires_at: EXPIRES_S });
    }
    assert_eq!(probe(at(EXPIRES_S), Some(&failed)), Readiness::NotReady(Reason::StsDenied));
}

#[test]
fn the_expiry_is_judged_by_the_clock_of_aws() {
    // This machine is two hours behind.
    let behind = NOW_S - 7_200;
    let date = "Sun, 22 Nov 2026 05:51:21 GMT";
    let (_, settled) = attempt(None, at(behind), &READ, &Ok((200, Some(date), ISSUED)));
    assert_eq!(probe(at(behind + 3_599), Some(&settled)), Readiness::Ready { expires_at: EXPIRES_S });
    assert_eq!(probe(at(behind + 3_600), Some(&settled)), Readiness::NotReady(Reason::NoCredentials));
}

#[test]
fn a_value_that_is_not_ours_is_the_same_as_none() {
    let (_, settled) = attempt(None, at(NOW_S), &READ, &Ok((200, None, ISSUED)));
    let mut longer = settled.clone();
    longer.push(0);
    for value in [&b""[..], b"x", TOKEN, &[0xff; 200], &settled[..settled.len() - 1], &settled[1..], &longer] {
        assert_eq!(probe(at(NOW_S), Some(value)), Readiness::NotReady(Reason::NoCredentials));
    }
    for index in 0..settled.len() {
        let mut changed = settled.clone();
        changed[index] ^= 0x41;
        let _ = probe(at(NOW_S), Some(&changed));
    }
}

#[test]
fn no_answer_of_the_probe_shows_a_secret() {
    let (_, settled) = attempt(None, at(NOW_S), &READ, &Ok((200, None, ISSUED)));
    let shared = Shared { value: Some(&settled), version: Some(1) };
    let found = Readiness::of_session(at(NOW_S), shared);
    for shown in [format!("{found:?}"), found.body(), format!("{shared:?}")] {
        assert!(
            !shown.contains("wJalrXUtn") && !shown.contains("IQoJb3Jp") && !shown.contains("119, 74, 97"),
            "{shown}"
        );
    }
}

#[test]
fn the_probe_finds_the_session_by_the_name_of_its_plugin() {
    assert_eq!(shared_key::of_plugin("ingress-s3"), "meshbridge.irsa.plugin.ingress-s3");
    assert_ne!(shared_key::of_plugin("a"), shared_key::of_plugin("b"));
    let mut ingress = Ingress::new(config(), b"pod-1");
    assert!(ingress.keeper().shared_key().starts_with("meshbridge.irsa.session."));
}
