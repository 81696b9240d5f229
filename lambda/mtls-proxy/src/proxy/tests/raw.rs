//! Bytes that would be taken for two requests by one reader and for one by another: refused, answered once, and nothing of
//! what follows them is acted on.

use super::world::{TOKEN, World};
use crate::gate::tests::REFUSED;
use crate::gate::{Malformed, malformed};

/// What an attacker would like to have taken for a request of its own.
fn smuggled() -> String {
    format!("GET /~users/smuggled HTTP/1.1\r\nHost: localhost\r\nX-Meshbridge-Token: {TOKEN}\r\n\r\n")
}

fn check_answer(case: &str, answers: &[super::world::Answered], why: Malformed) {
    assert_eq!(answers.len(), 1, "{case:?}: {answers:?}");
    let answer = &answers[0];
    let expected = if why.status == 405 { "method-not-allowed" } else { "bad-request" };
    assert_eq!((answer.status, answer.reason()), (why.status, expected), "{case:?}");
    assert_eq!(answer.json()["error"], expected, "{case:?}");
    assert_eq!(answer.json()["message"], why.message, "{case:?}");
    if why.status != 405 {
        assert_eq!(answer.json()["kind"], why.kind, "{case:?}");
        assert_eq!(answer.header("connection"), Some("close"), "{case:?}");
    }
}

#[tokio::test]
async fn a_head_of_more_than_one_meaning_gets_one_answer_and_its_connection_ends() {
    let world = World::echo().await;
    assert!(REFUSED.len() >= 60);
    for (head, why) in REFUSED {
        let answers = world.exchange(&format!("{head}{}", smuggled())).await;
        check_answer(head, &answers, *why);
    }
    assert_eq!(world.arrived().len(), 0);
}

#[tokio::test]
async fn a_broken_body_ends_its_call_and_nothing_after_it_is_a_request() {
    let world = World::echo().await;
    for (body, why) in [
        ("\r\n", malformed::CHUNK),
        ("5\nhello\r\n0\r\n\r\n", malformed::CHUNK),
        ("5\r\nhello\n0\r\n\r\n", malformed::CHUNK),
        ("5\r\nhelloX0\r\n\r\n", malformed::CHUNK),
        ("5;a\nb\r\nhello\r\n0\r\n\r\n", malformed::CHUNK),
        ("ffffffffffffffff\r\nhello", malformed::CHUNK),
        ("-5\r\nhello\r\n0\r\n\r\n", malformed::CHUNK),
        ("0x5\r\nhello\r\n0\r\n\r\n", malformed::CHUNK),
        ("5 \r\nhello\r\n0\r\n\r\n", malformed::CHUNK),
        ("0\r\nX: a\nY: b\r\n\r\n", malformed::TRAILER),
        ("0\r\nX\r\n\r\n", malformed::TRAILER),
        ("0\r\nGET /~users/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n", malformed::TRAILER),
    ] {
        let before = world.arrived().len();
        let head = format!(
            "POST /~ledger/ HTTP/1.1\r\nHost: localhost\r\nX-Meshbridge-Token: {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        let answers = world.exchange(&format!("{head}{body}{}", smuggled())).await;
        assert_eq!(answers.len(), 1, "{body:?}: {answers:?}");
        assert_eq!((answers[0].status, answers[0].reason()), (400, "bad-request"), "{body:?}");
        assert_eq!(answers[0].json()["kind"], why.kind, "{body:?}");
        assert_eq!(world.arrived().len(), before + 1, "{body:?}");
    }
    assert!(world.arrived().iter().all(|arrived| !arrived.line.contains("smuggled")));
}

/// Whole requests, with the token, that are well-formed and yet have no place here.
#[tokio::test]
async fn a_request_that_is_well_formed_and_yet_not_ours_is_refused() {
    let world = World::echo().await;
    for (line, headers, why) in [
        ("GET * HTTP/1.1", "Host: ledger", malformed::ASTERISK),
        ("OPTIONS * HTTP/1.1", "Host: ledger", malformed::ASTERISK),
        ("TRACE / HTTP/1.1", "Host: ledger", malformed::TRACE),
        ("GET / HTTP/1.1", "Host: localhost", malformed::NO_APP),
        ("GET / HTTP/1.1", "Host: user@ledger", malformed::HOST),
        ("GET / HTTP/1.1", "Host: ledger:8080", malformed::HOST),
        ("GET / HTTP/1.1", "Host: ledger, users", malformed::HOST),
        ("GET / HTTP/1.1", "Host:", malformed::HOST),
        ("GET / HTTP/1.1", "Host: led\u{e9}ger", malformed::HOST),
        ("GET http://ledger.mesh/ HTTP/1.1", "Host: users.mesh", malformed::HOST_OTHER),
        ("GET http://ledger.mesh:8080/ HTTP/1.1", "Host: ledger.mesh:8080", malformed::ABSOLUTE),
        ("GET https://ledger.mesh/ HTTP/1.1", "Host: ledger.mesh", malformed::ABSOLUTE),
        ("GET http://user:word@ledger.mesh/ HTTP/1.1", "Host: ledger.mesh", malformed::ABSOLUTE),
        ("GET http://169.254.169.254/latest/meta-data/ HTTP/1.1", "Host: 169.254.169.254", malformed::ABSOLUTE),
        ("GET http://example.com/ HTTP/1.1", "Host: example.com", malformed::ABSOLUTE),
        ("GET ledger HTTP/1.1", "Host: ledger", malformed::TARGET),
        ("GET / HTTP/1.1", "Host: ledger\r\nExpect: a-miracle", malformed::EXPECTATION),
        ("GET / HTTP/1.1", "Host: ledger\r\nConnection: Upgrade\r\nUpgrade: websocket", malformed::UPGRADE),
        ("GET / HTTP/1.1", "Host: ledger\r\nConnection: host", malformed::CONNECTION),
        ("POST / HTTP/1.1", "Host: ledger\r\nContent-Length: 0\r\nConnection: content-length", malformed::CONNECTION),
        ("GET / HTTP/1.1", "Host: ledger\r\nX-Meshbridge-Timeout-Ms: soon", malformed::TIMEOUT_HEADER),
    ] {
        let answer = world.call(&format!("{line}\r\n{headers}\r\n\r\n")).await;
        check_answer(line, &[answer], why);
    }
    let twice = format!("GET / HTTP/1.1\r\nHost: ledger\r\nX-Meshbridge-Token: {TOKEN}\r\n\r\n");
    check_answer("token", &[world.call(&twice).await], malformed::TOKEN_TWICE);
    assert_eq!(world.arrived().len(), 0);
}

#[tokio::test]
async fn connect_is_answered_with_what_is_to_be_used_instead() {
    let world = World::echo().await;
    for target in ["ledger.mesh:443", "example.com:443", "169.254.169.254:80"] {
        let answers =
            world.exchange(&format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nConnection: close\r\n\r\n")).await;
        assert_eq!(answers.len(), 1, "{target}");
        assert_eq!((answers[0].status, answers[0].reason()), (405, "method-not-allowed"), "{target}");
        assert!(answers[0].header("allow").unwrap().contains("POST"));
        assert!(answers[0].text().contains("HTTP_PROXY alone"));
    }
    assert_eq!(world.arrived().len(), 0);
}

#[tokio::test]
async fn a_refusal_of_a_head_request_has_no_body() {
    let world = World::echo().await;
    let mut wire = world.connect().await;
    wire.send(b"HEAD / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").await;
    let head = wire.head().await.unwrap();
    assert!(head.starts_with("HTTP/1.1 400 ") && head.contains("x-meshbridge-error: bad-request"), "{head}");
    assert_eq!(wire.bytes(1).await, b"");
}

#[tokio::test]
async fn requests_before_the_refused_one_are_answered_in_their_order() {
    let world = World::echo().await;
    let sound = |path: &str| {
        format!(
            "POST /~ledger/{path} HTTP/1.1\r\nHost: localhost\r\nX-Meshbridge-Token: {TOKEN}\r\nContent-Length: 3\r\n\r\n{path}"
        )
    };
    let bytes = format!("{}{}GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n{}", sound("one"), sound("two"), smuggled());
    let answers = world.exchange(&bytes).await;
    let told: Vec<_> = answers.iter().map(|answer| (answer.status, answer.reason())).collect();
    assert_eq!(told, [(200, "none"), (200, "none"), (400, "bad-request")]);
    assert_eq!((answers[0].text(), answers[1].text()), ("one", "two"));
    assert_eq!(world.arrived().len(), 2);
}

#[tokio::test]
async fn the_answer_to_a_refused_head_reaches_a_client_that_is_still_sending() {
    use tokio::io::AsyncWriteExt as _;
    let world = World::echo().await;
    let mut wire = world.connect().await;
    wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 1000000\r\n\r\n").await;
    wire.send(&vec![b'x'; 500_000]).await;
    let answer = wire.answer().await.unwrap();
    assert_eq!((answer.status, answer.json()["kind"].as_str()), (400, Some("host-twice")));
    // Clients that fail to send do not look for an answer.
    for _ in 0..50 {
        wire.socket.write_all(&[b'x'; 10_000]).await.unwrap();
        tokio::task::yield_now().await;
    }
}
