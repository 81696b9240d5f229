//! Under SnapStart: before the restore there is no identity and no token, and nothing is answered but that.

use std::time::Duration;

use super::world::{TOKEN, World, app, echo, until};
use crate::token::Token;

#[tokio::test]
async fn before_the_restore_a_request_waits_a_moment_and_is_refused() {
    let world = World::asleep(echo(), "").await;
    for (request, token) in [("/~ledger/", TOKEN), ("/status", TOKEN), ("/~ledger/", "")] {
        let request = format!(
            "GET {request} HTTP/1.1\r\nHost: localhost\r\nX-Meshbridge-Token: {token}\r\nConnection: close\r\n\r\n"
        );
        let answers = world.exchange(&request).await;
        assert_eq!((answers[0].status, answers[0].reason()), (503, "restore-pending"));
    }
    assert_eq!(world.arrived().len(), 0);
}

#[tokio::test]
async fn a_request_that_is_quicker_than_the_news_of_the_restore_is_served() {
    let world = World::asleep(echo(), "").await;
    let mut wire = world.connect().await;
    let request = format!("GET /~ledger/ HTTP/1.1\r\nHost: localhost\r\nX-Meshbridge-Token: {TOKEN}\r\n\r\n");
    wire.send(request.as_bytes()).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(world.arrived().len(), 0);
    world.proxy.wake(Token::given(TOKEN).unwrap());
    assert_eq!(wire.answer().await.unwrap().status, 200);
}

#[tokio::test]
async fn a_malformed_request_is_told_so_in_its_sleep() {
    let world = World::asleep(app(|_| std::future::pending()), "").await;
    let answers = world.exchange("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").await;
    assert_eq!((answers[0].status, answers[0].reason()), (400, "bad-request"));
    until("it is logged", || world.log.lines().len() == 1).await;
}
