//! Connections: kept, bounded in number, and ended in peace.

use std::time::Duration;

use http::Response;
use tokio::sync::Semaphore;

use super::world::{LIMIT, TOKEN, Wire, World, app, echo, until, whole};

fn get(path: &str) -> String {
    format!("GET /~ledger/{path} HTTP/1.1\r\nHost: localhost\r\nX-Meshbridge-Token: {TOKEN}\r\n\r\n")
}

async fn status(wire: &mut Wire) -> u16 {
    wire.answer().await.unwrap().status
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let world = World::echo().await;
    let mut wire = world.connect().await;
    for _ in 0..100 {
        wire.send(get("").as_bytes()).await;
        assert_eq!(status(&mut wire).await, 200);
    }
    assert_eq!(world.arrived().len(), 100);
}

#[tokio::test]
async fn an_offer_of_h2c_is_not_taken_and_the_connection_goes_on() {
    let world = World::echo().await;
    let mut wire = world.connect().await;
    // As Java's client makes it.
    let offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n\r\n";
    for _ in 0..2 {
        wire.send(get("").replace("\r\n\r\n", &format!("\r\n{offer}")).as_bytes()).await;
        assert_eq!(status(&mut wire).await, 200);
        let headers = world.arrived().pop().unwrap().headers;
        assert!(!headers.contains_key("upgrade") && !headers.contains_key("http2-settings"));
    }
}

#[tokio::test]
async fn a_refusal_that_leaves_no_doubt_keeps_the_connection() {
    let world = World::echo().await;
    let mut wire = world.connect().await;
    for (request, expected) in [
        ("GET / HTTP/1.1\r\nHost: ledger\r\n\r\n".to_owned(), 401),
        (get("").replace("~ledger", "~secrets"), 403),
        (get(""), 200),
    ] {
        wire.send(request.as_bytes()).await;
        assert_eq!(status(&mut wire).await, expected);
    }
}

#[tokio::test]
async fn a_refused_body_that_is_small_keeps_the_connection_and_a_large_one_gets_its_answer() {
    let world = World::echo().await;
    let mut wire = world.connect().await;
    wire.send(b"POST / HTTP/1.1\r\nHost: ledger\r\nContent-Length: 5\r\n\r\nhello").await;
    assert_eq!(status(&mut wire).await, 401);
    wire.send(get("").as_bytes()).await;
    assert_eq!(status(&mut wire).await, 200);
    let mut wire = world.connect().await;
    wire.send(b"POST / HTTP/1.1\r\nHost: ledger\r\nContent-Length: 2000000\r\n\r\n").await;
    wire.send(&vec![b'x'; 2_000_000]).await;
    assert_eq!(status(&mut wire).await, 401);
}

#[tokio::test]
async fn idle_connections_make_room_for_new_ones() {
    let world = World::new(echo(), r#", "max_connections": 4"#).await;
    let mut idle = Vec::new();
    for _ in 0..4 {
        let mut wire = world.connect().await;
        wire.send(get("").as_bytes()).await;
        assert_eq!(status(&mut wire).await, 200);
        idle.push(wire);
    }
    let mut fifth = world.connect().await;
    fifth.send(get("").as_bytes()).await;
    assert_eq!(status(&mut fifth).await, 200);
}

#[tokio::test]
async fn a_connection_that_never_says_anything_gives_its_place_back() {
    let world = World::new(echo(), r#", "max_connections": 2, "timeouts": {"head_ms": 100}"#).await;
    let silent = [world.connect().await, world.connect().await, world.connect().await];
    let mut wire = world.connect().await;
    wire.send(get("").as_bytes()).await;
    assert_eq!(status(&mut wire).await, 200);
    for mut wire in silent {
        assert!(wire.head().await.is_none());
    }
}

#[tokio::test]
async fn a_new_connection_that_has_not_spoken_yet_is_not_ended_for_another() {
    let world = World::new(echo(), r#", "max_connections": 1"#).await;
    let (mut first, mut second) = (world.connect().await, world.connect().await);
    second.send(get("").as_bytes()).await;
    // Time in which the first would be ended.
    tokio::time::sleep(Duration::from_millis(100)).await;
    first.send(get("").as_bytes()).await;
    let answer = first.answer().await.unwrap();
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    assert_eq!(status(&mut second).await, 200);
}

#[tokio::test]
async fn busy_connections_are_not_ended_for_new_ones_which_wait() {
    let open: &'static Semaphore = Box::leak(Box::new(Semaphore::new(0)));
    let waiting = app(move |_| async move {
        open.acquire().await.unwrap().forget();
        Ok(Response::new(whole("done")))
    });
    let world = World::new(waiting, r#", "max_connections": 2"#).await;
    let mut wires = Vec::new();
    for _ in 0..6 {
        let mut wire = world.connect().await;
        wire.send(get("").as_bytes()).await;
        wires.push(wire);
    }
    // One of the two listeners holds a place while it waits for a connection.
    until("places are taken", || !world.arrived().is_empty()).await;
    open.add_permits(6);
    for wire in &mut wires {
        assert_eq!(status(wire).await, 200);
    }
    assert_eq!(world.arrived().len(), 6);
}

#[tokio::test]
async fn a_herd_is_served_whole() {
    let world = World::new(echo(), r#", "max_connections": 32"#).await;
    let mut herd = tokio::task::JoinSet::new();
    for _ in 0..500 {
        let mut wire = world.connect().await;
        herd.spawn(async move {
            wire.send(get("").as_bytes()).await;
            status(&mut wire).await
        });
    }
    while let Some(status) = herd.join_next().await {
        assert_eq!(status.unwrap(), 200);
    }
    assert_eq!(world.arrived().len(), 500);
}

#[tokio::test]
async fn at_the_end_what_is_under_way_is_finished_and_nothing_new_is_taken() {
    let open: &'static Semaphore = Box::leak(Box::new(Semaphore::new(0)));
    let waiting = app(move |_| async move {
        open.acquire().await.unwrap().forget();
        Ok(Response::new(whole("done")))
    });
    let world = World::new(waiting, "").await;
    let (mut idle, mut busy) = (world.connect().await, world.connect().await);
    busy.send(get("").as_bytes()).await;
    until("it is under way", || world.arrived().len() == 1).await;
    let server = std::sync::Arc::clone(&world.server);
    let stopped = tokio::spawn(async move { server.stop(LIMIT).await });
    assert!(idle.head().await.is_none());
    assert!(!stopped.is_finished());
    open.add_permits(1);
    let answer = busy.answer().await.unwrap();
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    stopped.await.unwrap();
    until("the port is free", || std::net::TcpStream::connect(world.address).is_err()).await;
    assert!(!world.unix.exists());
}

#[tokio::test]
async fn the_end_does_not_wait_for_ever() {
    let world = World::new(app(|_| std::future::pending()), "").await;
    let mut busy = world.connect().await;
    busy.send(get("").as_bytes()).await;
    until("it is under way", || world.arrived().len() == 1).await;
    tokio::time::timeout(LIMIT, world.server.stop(Duration::from_millis(50))).await.unwrap();
}

#[tokio::test]
async fn the_socket_of_a_killed_proxy_is_taken_over_and_another_file_is_not() {
    use super::super::Listeners;
    use crate::config::{Listen, UnixToken};
    let home = tempfile::tempdir().unwrap();
    let unix = home.path().join("proxy.sock");
    let listen = Listen { port: 0, unix: Some(unix.clone()), unix_token: UnixToken::Required };
    drop(std::os::unix::net::UnixListener::bind(&unix).unwrap());
    assert!(unix.exists());
    drop(Listeners::bind(&listen).unwrap());
    std::fs::write(&unix, "precious").unwrap();
    let refusal = Listeners::bind(&listen).unwrap_err();
    assert!(refusal.contains("listen.unix"), "{refusal}");
    assert_eq!(std::fs::read_to_string(&unix).unwrap(), "precious");
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_with_what_to_do() {
    use super::super::Listeners;
    use crate::config::{Listen, UnixToken};
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let refusal = Listeners::bind(&Listen { port, unix: None, unix_token: UnixToken::Required }).unwrap_err();
    assert!(refusal.contains(&format!("127.0.0.1:{port}")) && refusal.contains("MESHBRIDGE_PROXY"), "{refusal}");
}
