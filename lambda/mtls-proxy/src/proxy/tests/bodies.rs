//! Bodies stream both ways, one piece at a time, and a broken one cannot be taken for a whole one.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::sync::mpsc;

use super::world::{TOKEN, World, app, echo, until, whole};
use crate::answer::Failure;

type Piece = Result<Frame<Bytes>, Failure>;

/// An app whose answer's body is what the test sends.
async fn streaming(fields: &str) -> (World, mpsc::UnboundedSender<Piece>) {
    let (pieces, receiver) = mpsc::unbounded_channel();
    let receiver = std::sync::Mutex::new(Some(receiver));
    let answering = app(move |_| {
        let mut receiver: mpsc::UnboundedReceiver<Piece> = receiver.lock().unwrap().take().unwrap();
        let stream = futures_like(move |cx| receiver.poll_recv(cx));
        async move { Ok(Response::new(StreamBody::new(stream).boxed_unsync())) }
    });
    (World::new(answering, fields).await, pieces)
}

/// `futures::stream::poll_fn`, without the crate.
fn futures_like<F>(poll: F) -> impl futures_core::Stream<Item = Piece> + Send
where
    F: FnMut(&mut std::task::Context<'_>) -> std::task::Poll<Option<Piece>> + Send + Unpin,
{
    struct Polled<F>(F);
    impl<F> futures_core::Stream for Polled<F>
    where
        F: FnMut(&mut std::task::Context<'_>) -> std::task::Poll<Option<Piece>> + Unpin,
    {
        type Item = Piece;
        fn poll_next(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Piece>> {
            (self.0)(cx)
        }
    }
    Polled(poll)
}

fn data(text: &'static str) -> Piece {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

fn request(line: &str, more: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: ledger\r\nX-Meshbridge-Token: {TOKEN}\r\n{more}\r\n")
}

#[tokio::test]
async fn an_answer_is_passed_on_piece_by_piece() {
    let (world, pieces) = streaming("").await;
    let mut wire = world.connect().await;
    wire.send(request("GET /", "").as_bytes()).await;
    let head = wire.head().await.unwrap();
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    for text in ["first", "again"] {
        pieces.send(data(text)).unwrap();
        assert_eq!(wire.bytes(10).await, format!("5\r\n{text}\r\n").as_bytes());
    }
    drop(pieces);
    assert_eq!(wire.bytes(5).await, b"0\r\n\r\n");
    // And the connection goes on.
    wire.send(b"GET / HTTP/1.1\r\nHost: ledger\r\n\r\n").await;
    assert_eq!(wire.answer().await.unwrap().status, 401);
}

#[tokio::test]
async fn a_request_is_passed_on_piece_by_piece() {
    let (seen, mut arrived) = mpsc::unbounded_channel();
    let reading = app(move |request| {
        let seen = seen.clone();
        async move {
            let mut body = request.into_body();
            while let Some(frame) = body.frame().await {
                seen.send(frame.unwrap().into_data().unwrap()).unwrap();
            }
            Ok(Response::new(whole("done")))
        }
    });
    let world = World::new(reading, "").await;
    for (framing, pieces, end) in [
        ("Content-Length: 10\r\n", ["first", "again"], ""),
        ("Transfer-Encoding: chunked\r\n", ["5\r\nfirst\r\n", "5\r\nagain\r\n"], "0\r\nX-Sum: 1\r\n\r\n"),
    ] {
        let mut wire = world.connect().await;
        wire.send(request("POST /", framing).as_bytes()).await;
        for (piece, text) in pieces.iter().zip(["first", "again"]) {
            wire.send(piece.as_bytes()).await;
            assert_eq!(arrived.recv().await.unwrap(), text);
        }
        wire.send(end.as_bytes()).await;
        assert_eq!(wire.answer().await.unwrap().text(), "done");
    }
}

#[tokio::test]
async fn a_length_that_is_known_is_told_in_both_directions() {
    let measuring = app(|request| async move {
        let told = request.headers().get("content-length").map(|length| length.to_str().unwrap().to_owned());
        let hint = http_body::Body::size_hint(request.body()).exact();
        Ok(Response::new(whole(format!("{told:?} {hint:?}"))))
    });
    let world = World::new(measuring, "").await;
    let answer = world.call("POST / HTTP/1.1\r\nHost: ledger\r\nContent-Length: 2\r\n\r\nhi").await;
    assert_eq!((answer.text(), answer.header("content-length")), ("Some(\"2\") Some(2)", Some("17")));
    let answer = world.call("POST / HTTP/1.1\r\nHost: ledger\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").await;
    assert_eq!(answer.text(), "None None");
}

#[tokio::test]
async fn large_bodies_come_back_as_they_went() {
    let world = World::echo().await;
    let body: Vec<u8> = (0..3_000_000_u32).map(|n| u8::try_from(n * 7 % 251).unwrap()).collect();
    for chunked in [false, true] {
        let wire = world.connect().await;
        let (mut wire, sent) = (wire, body.clone());
        let head = if chunked {
            "Transfer-Encoding: chunked\r\n".to_owned()
        } else {
            format!("Content-Length: {}\r\n", sent.len())
        };
        wire.send(request("POST /", &head).as_bytes()).await;
        if chunked {
            for piece in sent.chunks(70_001) {
                wire.send(format!("{:x}\r\n", piece.len()).as_bytes()).await;
                wire.send(piece).await;
                wire.send(b"\r\n").await;
            }
            wire.send(b"0\r\n\r\n").await;
        } else {
            wire.send(&sent).await;
        }
        let answer = wire.answer().await.unwrap();
        assert_eq!((answer.status, answer.body.len()), (200, body.len()));
        assert!(answer.body == body);
    }
}

#[tokio::test]
async fn an_app_that_is_not_read_from_is_not_read_ahead_of_without_bound() {
    let (world, pieces) = streaming("").await;
    let taken = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let mut wire = world.connect().await;
    wire.send(request("GET /", "").as_bytes()).await;
    let count = std::sync::Arc::clone(&taken);
    let (fed, mut wanted) = mpsc::channel::<()>(1);
    // Each piece says when it is taken, by being dropped.
    struct Owned(Vec<u8>, std::sync::Arc<std::sync::atomic::AtomicUsize>, Option<mpsc::Sender<()>>);
    impl AsRef<[u8]> for Owned {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    impl Drop for Owned {
        fn drop(&mut self) {
            self.1.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            drop(self.2.take());
        }
    }
    const PIECES: usize = 1000;
    for _ in 0..PIECES {
        let owned = Owned(vec![b'x'; 100_000], std::sync::Arc::clone(&count), Some(fed.clone()));
        pieces.send(Ok(Frame::data(Bytes::from_owner(owned)))).unwrap();
    }
    drop((pieces, fed));
    // Nobody reads: socket buffers fill, and then it must stand still.
    let mut before = usize::MAX;
    while before != taken.load(std::sync::atomic::Ordering::SeqCst) {
        before = taken.load(std::sync::atomic::Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(before < PIECES / 2, "{before} of {PIECES} pieces were taken though nobody reads");
    // Then all of it comes.
    let answer = wire.answer().await.unwrap();
    assert_eq!((answer.body.len(), answer.complete), (PIECES * 100_000, true));
    assert!(wanted.recv().await.is_none());
}

#[tokio::test]
async fn a_caller_is_asked_for_its_body_only_when_the_app_wants_it() {
    let world = World::echo().await;
    let mut wire = world.connect().await;
    wire.send(request("POST /", "Expect: 100-continue\r\nContent-Length: 2\r\n").as_bytes()).await;
    assert!(wire.head().await.unwrap().starts_with("HTTP/1.1 100 "));
    wire.send(b"hi").await;
    assert_eq!(wire.answer().await.unwrap().text(), "hi");

    let mut wire = world.connect().await;
    wire.send(b"POST / HTTP/1.1\r\nHost: ledger\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n").await;
    assert_eq!(wire.answer().await.unwrap().status, 401);
}

#[tokio::test]
async fn trailers_stay_behind_in_both_directions() {
    let (world, pieces) = streaming("").await;
    let mut wire = world.connect().await;
    wire.send(request("GET /", "TE: trailers\r\nConnection: TE\r\n").as_bytes()).await;
    pieces.send(data("hello")).unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("x-meshbridge-error", "identity-expired".parse().unwrap());
    pieces.send(Ok(Frame::trailers(trailers))).unwrap();
    drop(pieces);
    let answer = wire.answer().await.unwrap();
    assert_eq!((answer.text(), answer.complete), ("hello", true));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_cut_and_logged() {
    let (world, pieces) = streaming("").await;
    let mut wire = world.connect().await;
    wire.send(request("GET /", "").as_bytes()).await;
    pieces.send(data("hello")).unwrap();
    pieces.send(Err(Failure::of_call("upstream-unreachable", 503, "it broke".into()))).unwrap();
    let answer = wire.answer().await.unwrap();
    assert_eq!((answer.status, answer.text(), answer.complete), (200, "hello", false));
    until("it is logged", || !world.log.lines().is_empty()).await;
    let line = world.log.lines().remove(0);
    assert_eq!((&line["reason"], &line["upstream"]), (&"upstream-unreachable".into(), &"ledger.staging".into()));
}

#[tokio::test]
async fn an_app_that_falls_silent_in_its_answer_is_given_up() {
    let (world, pieces) = streaming(r#", "timeouts": {"stall_ms": 100}"#).await;
    let mut wire = world.connect().await;
    wire.send(request("GET /", "").as_bytes()).await;
    pieces.send(data("hello")).unwrap();
    let answer = wire.answer().await.unwrap();
    assert_eq!((answer.text(), answer.complete), ("hello", false));
    assert_eq!(world.log.lines()[0]["reason"], "upstream-timeout");
    drop(pieces);
}

#[tokio::test]
async fn a_body_that_ends_before_its_length_reaches_nobody_as_a_whole() {
    let (told, mut heard) = mpsc::unbounded_channel();
    let reading = app(move |request| {
        let told = told.clone();
        async move {
            let whole_body = request.into_body().collect().await.is_ok();
            told.send(whole_body).unwrap();
            Ok(Response::new(whole("done")))
        }
    });
    let world = World::new(reading, "").await;
    for (framing, begun) in [
        ("Content-Length: 10\r\n", "only"),
        ("Transfer-Encoding: chunked\r\n", "a\r\nonly"),
        ("Transfer-Encoding: chunked\r\n", "4\r\nonly\r\n0\r\n"),
    ] {
        let mut wire = world.connect().await;
        wire.send(request("POST /", framing).as_bytes()).await;
        wire.send(begun.as_bytes()).await;
        let before = world.arrived().len();
        until("the call begins", || world.arrived().len() >= before.max(1)).await;
        drop(wire);
        // Either the app sees the break, or its call is dropped with the caller.
        if let Ok(Some(whole_body)) = tokio::time::timeout(Duration::from_millis(500), heard.recv()).await {
            assert!(!whole_body, "{framing}");
        }
    }
}

#[tokio::test]
async fn an_answer_to_head_or_without_content_has_no_body() {
    let world = World::new(echo(), "").await;
    let mut wire = world.connect().await;
    wire.send(request("HEAD /", "").as_bytes()).await;
    assert!(wire.head().await.unwrap().starts_with("HTTP/1.1 200 "));
    wire.send(request("POST /", "Content-Length: 2\r\n").as_bytes()).await;
    wire.send(b"hi").await;
    assert_eq!(wire.answer().await.unwrap().text(), "hi");
}
