//! What is sent a second time, and what never is. The server here speaks HTTP/1.1 by hand and breaks connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{Empty, Full};
use mtls_client::{Error, Reason};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::support::{Alpn, ClientAuth, LEDGER, Lambda, PATIENCE, ServerOptions, get, ledger, tls, whole};

/// What the server does with the n-th request of all that it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Answer,
    /// Reads the head and closes.
    Drop,
    /// Sends half of a head and closes.
    Half,
    /// Sends half of a body and closes.
    Cut,
    /// Sends what is not HTTP.
    Garbage,
}

struct Fragile {
    address: std::net::SocketAddr,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

async fn fragile(lambda: &Lambda, acts: &'static [Act]) -> Fragile {
    let options = ServerOptions { alpn: Alpn::Http1, client_auth: ClientAuth::Required };
    let acceptor = TlsAcceptor::from(tls(&lambda.pki.svid(LEDGER), &lambda.pki, options));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (requests, connections) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let fragile = Fragile { address, requests: Arc::clone(&requests), connections: Arc::clone(&connections) };
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::SeqCst);
            let (acceptor, requests) = (acceptor.clone(), Arc::clone(&requests));
            tokio::spawn(async move {
                let mut stream = acceptor.accept(tcp).await.unwrap();
                while head(&mut stream).await {
                    let number = requests.fetch_add(1, Ordering::SeqCst);
                    let act = acts.get(number).copied().unwrap_or(Act::Answer);
                    let text: &[u8] = match act {
                        Act::Answer => b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
                        Act::Drop => b"",
                        Act::Half => b"HTTP/1.1 200 OK\r\ncontent-le",
                        Act::Cut => b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf",
                        Act::Garbage => b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
                    };
                    stream.write_all(text).await.unwrap();
                    if act != Act::Answer {
                        // The client may have closed already.
                        let _ = stream.shutdown().await;
                        return;
                    }
                }
            });
        }
    });
    fragile
}

/// Reads a head and a body of as many bytes as it says. `false` at the end of the connection.
async fn head(stream: &mut TlsStream<TcpStream>) -> bool {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => text.push(byte),
            Err(_) => return false,
        }
    }
    let text = String::from_utf8(text).unwrap().to_ascii_lowercase();
    let length = text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.is_ok()
}

/// Two requests one after the other: the first is answered, the second is of this method.
async fn second(acts: &'static [Act], method: Method, body: &'static str) -> (Result<Bytes, Error>, usize, usize) {
    let lambda = Lambda::new();
    let server = fragile(&lambda, acts).await;
    let to = ledger(server.address);
    let first = lambda.client.send(&to, get("/"), Some(PATIENCE)).await.unwrap();
    whole(first.into_body()).await.unwrap();
    let request =
        Request::builder().method(method).uri("/").body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap();
    let outcome = match lambda.client.send(&to, request, Some(PATIENCE)).await {
        Ok(response) => whole(response.into_body()).await,
        Err(error) => Err(error),
    };
    (outcome, server.requests.load(Ordering::SeqCst), server.connections.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_harmless_request_is_repeated_once_on_a_new_connection() {
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
        for act in [&[Act::Answer, Act::Drop], &[Act::Answer, Act::Half]] {
            let (outcome, requests, connections) = second(act, method.clone(), "").await;
            outcome.unwrap();
            assert_eq!((requests, connections), (3, 2), "{method} {act:?}");
        }
    }
}

#[tokio::test]
async fn what_may_have_been_done_is_not_done_again() {
    for (method, body) in [(Method::POST, ""), (Method::PATCH, ""), (Method::POST, "body"), (Method::PUT, "body")] {
        let (outcome, requests, _) = second(&[Act::Answer, Act::Drop], method.clone(), body).await;
        assert_eq!(outcome.unwrap_err().kind(), Reason::UpstreamUnreachable, "{method} {body}");
        assert_eq!(requests, 2, "{method} {body}");
    }
}

#[tokio::test]
async fn nothing_is_sent_a_third_time() {
    let (outcome, requests, connections) = second(&[Act::Answer, Act::Drop, Act::Drop], Method::GET, "").await;
    assert_eq!(outcome.unwrap_err().kind(), Reason::UpstreamUnreachable);
    assert_eq!((requests, connections), (3, 2));
}

#[tokio::test]
async fn a_new_connection_that_breaks_is_no_reason_to_try_again() {
    let lambda = Lambda::new();
    let server = fragile(&lambda, &[Act::Drop]).await;
    let error = lambda.client.send(&ledger(server.address), get("/"), Some(PATIENCE)).await.unwrap_err();
    assert_eq!(error.kind(), Reason::UpstreamUnreachable, "{error}");
    assert_eq!(server.requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_answer_that_has_begun_is_not_asked_for_again() {
    let (outcome, requests, _) = second(&[Act::Answer, Act::Cut], Method::GET, "").await;
    assert_eq!(outcome.unwrap_err().kind(), Reason::UpstreamUnreachable);
    assert_eq!(requests, 2);
}

#[tokio::test]
async fn what_is_not_http_is_a_failure_of_the_protocol() {
    let lambda = Lambda::new();
    let server = fragile(&lambda, &[Act::Garbage]).await;
    let error = lambda.client.send(&ledger(server.address), get("/"), Some(PATIENCE)).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (Reason::UpstreamProtocol, 502), "{error}");
    assert_eq!(server.requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_that_the_server_has_closed_costs_no_request_whatever_it_is() {
    let lambda = Lambda::new();
    let server = lambda.ledger(Alpn::Http1).await;
    let to = ledger(server.address);
    for round in 1..=5 {
        let close = Request::get("/close").body(Empty::<Bytes>::new()).unwrap();
        let response = lambda.client.send(&to, close, Some(PATIENCE)).await.unwrap();
        whole(response.into_body()).await.unwrap();
        let post = Request::post("/hash").body(Full::new(Bytes::from_static(b"body"))).unwrap();
        let response = lambda.client.send(&to, post, Some(PATIENCE)).await.unwrap();
        whole(response.into_body()).await.unwrap();
        assert_eq!(server.journal.requests(), 2 * round);
    }
}
