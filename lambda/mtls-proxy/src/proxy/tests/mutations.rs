//! Sound requests, broken at every place in every way that has ever confused a parser: whatever comes of it, it is an answer
//! of the app or one that says why, and what follows never becomes a request of its own.

use tokio::io::AsyncWriteExt as _;

use super::world::{Answered, TOKEN, World};

const POISON: &[&[u8]] =
    &[b"\r", b"\n", b"\r\n", b" ", b"\t", b"\0", b":", b",", b";", b"0", b"x", b"\x80", b"\x0b", b""];

fn samples() -> [String; 3] {
    let head = format!("HTTP/1.1\r\nHost: ledger\r\nX-Meshbridge-Token: {TOKEN}\r\n");
    [
        format!("GET /a?b {head}Accept: */*\r\n\r\n"),
        format!("POST /a {head}Content-Length: 5\r\n\r\nhello"),
        format!("POST /a {head}Transfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\nX: y\r\n\r\n"),
    ]
}

/// What is sent behind each: it must be answered as a request only when what is before it ended where it seems to end.
fn follower() -> String {
    format!(
        "GET /~users/follower HTTP/1.1\r\nHost: localhost\r\nX-Meshbridge-Token: {TOKEN}\r\nConnection: close\r\n\r\n"
    )
}

async fn send(world: &World, bytes: &[u8]) -> Vec<Answered> {
    let mut wire = world.connect().await;
    wire.send(bytes).await;
    // Nothing more comes, so that what waits for more must give up.
    let _ = wire.socket.shutdown().await;
    let mut answers = Vec::new();
    while let Some(answer) = wire.answer().await {
        answers.push(answer);
    }
    answers
}

fn check(sent: &[u8], answers: &[Answered]) {
    let shown = String::from_utf8_lossy(sent);
    for answer in answers {
        let typed = answer.status >= 400 && answer.reason() != "none" && answer.json()["error"] == answer.reason();
        assert!(answer.status == 200 || typed, "{shown:?}: {answer:?}");
    }
    assert!(answers.len() <= 2, "{shown:?}: {answers:?}");
    // After a refusal of what bytes mean there is nothing more.
    let refused =
        answers.iter().position(|answer| answer.reason() == "bad-request" && answer.header("connection").is_some());
    assert!(refused.is_none_or(|at| at + 1 == answers.len()), "{shown:?}: {answers:?}");
}

#[tokio::test]
async fn no_mutation_of_a_request_gets_an_answer_without_a_reason() {
    let world = World::echo().await;
    for sample in samples() {
        let sample = sample.as_bytes();
        for at in 0..sample.len() {
            for poison in POISON {
                for skipped in [0, 1] {
                    let sent = [&sample[..at], poison, &sample[at + skipped..]].concat();
                    check(&sent, &send(&world, &sent).await);
                }
            }
        }
    }
}

#[tokio::test]
async fn what_follows_a_mutated_framing_is_no_request_of_its_own() {
    let world = World::echo().await;
    for framing in ["Content-Length: 5", "Transfer-Encoding: chunked"] {
        let body = if framing.starts_with('C') { "hello" } else { "5\r\nhello\r\n0\r\n\r\n" };
        for at in 0..framing.len() {
            for poison in POISON {
                let mutated = [&framing.as_bytes()[..at], poison, &framing.as_bytes()[at + 1..]].concat();
                let before = world.arrived().len();
                let head = format!("POST /~ledger/ HTTP/1.1\r\nHost: localhost\r\nX-Meshbridge-Token: {TOKEN}\r\n");
                let sent = [head.as_bytes(), &mutated, b"\r\n\r\n", body.as_bytes(), follower().as_bytes()].concat();
                let answers = send(&world, &sent).await;
                check(&sent, &answers);
                let arrived = world.arrived().split_off(before);
                // It is one only behind a body that was read whole: the app has echoed it. (Without its length, a body becomes
                // the beginning of a method, `helloGET`; so it does for every reader.)
                let follower = arrived
                    .iter()
                    .any(|arrived| arrived.line.starts_with("GET ") && arrived.line.ends_with("/follower"));
                let whole = answers.first().is_some_and(|answer| answer.status == 200 && answer.text() == "hello");
                assert!(!follower || whole, "{:?}: {answers:?}", String::from_utf8_lossy(&sent));
            }
        }
    }
}
