//! HTTP/1.1 and HTTP/2: what goes out, what comes back, both ways at once.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Channel, Full};
use hyper::body::Frame;
use mtls_client::Reason;

use crate::support::{Alpn, LEDGER_SNI, Lambda, OWN, PATIENCE, body_of, fetch, get, hash, header, ledger, whole};

const PROTOCOLS: [(Alpn, &str); 3] = [(Alpn::Http1, "HTTP/1.1"), (Alpn::Http2, "HTTP/2.0"), (Alpn::Silent, "HTTP/1.1")];

#[tokio::test]
async fn the_best_protocol_of_the_server_is_spoken_under_the_functions_identity() {
    for (alpn, version) in PROTOCOLS {
        let lambda = Lambda::new();
        let server = lambda.ledger(alpn).await;
        let to = ledger(server.address);
        let answer = fetch(&lambda.client, &to, "/mirror/a?b=c%20d").await.unwrap();
        let (head, headers) = std::str::from_utf8(answer.body()).unwrap().split_once('\n').unwrap();
        assert_eq!(head, format!("{version} GET /mirror/a?b=c%20d {LEDGER_SNI}"));
        assert!(headers.lines().all(|line| line.starts_with("host=")), "nothing is added: {headers}");
        assert_eq!(server.journal.snis.lock().unwrap().as_slice(), [LEDGER_SNI]);
        assert_ne!(header(&answer, "x-client"), "");
        let status = lambda.client.status();
        let identity = status.identity.unwrap();
        assert_eq!((identity.spiffe_id.as_str(), identity.generation, identity.replica), (OWN, 1, 0));
        assert!(status.failure.is_none() && !status.fetching);
    }
}

#[tokio::test]
async fn requests_follow_one_another_on_one_connection() {
    for (alpn, _) in PROTOCOLS {
        let lambda = Lambda::new();
        let server = lambda.ledger(alpn).await;
        let to = ledger(server.address);
        for path in ["/hello", "/empty", "/bytes/1/0", "/bytes/1/100000", "/missing", "/hello"] {
            fetch(&lambda.client, &to, path).await.unwrap();
        }
        assert_eq!((server.journal.connections(), server.journal.requests()), (1, 6), "{alpn:?}");
        assert_eq!(lambda.source.documents(), 1);
    }
}

#[tokio::test]
async fn the_upstreams_name_is_the_host_header_or_the_authority_or_the_sni() {
    for (alpn, _) in PROTOCOLS {
        let lambda = Lambda::new();
        let server = lambda.ledger(alpn).await;
        let to = ledger(server.address);
        let named = Request::get("http://uri.example/mirror").header("host", "header.example:8080");
        for (request, host) in [
            (named, "header.example:8080"),
            (Request::get("http://uri.example/mirror"), "uri.example"),
            (Request::get("/mirror"), LEDGER_SNI),
        ] {
            let request = request.body(http_body_util::Empty::<Bytes>::new()).unwrap();
            let response = lambda.client.send(&to, request, Some(PATIENCE)).await.unwrap();
            let body = whole(response.into_body()).await.unwrap();
            let head = std::str::from_utf8(&body).unwrap().lines().next().unwrap();
            assert!(head.ends_with(&format!(" GET /mirror {host}")), "{head}");
        }
    }
}

#[tokio::test]
async fn headers_of_one_connection_go_no_further() {
    for (alpn, _) in PROTOCOLS {
        let lambda = Lambda::new();
        let server = lambda.ledger(alpn).await;
        let request = Request::get("/mirror")
            .header("connection", "x-private, close")
            .header("x-private", "1")
            .header("keep-alive", "timeout=5")
            .header("proxy-connection", "keep-alive")
            .header("upgrade", "websocket")
            .header("te", "trailers")
            .header("x-kept", "2")
            .body(http_body_util::Empty::<Bytes>::new())
            .unwrap();
        let response = lambda.client.send(&ledger(server.address), request, Some(PATIENCE)).await.unwrap();
        let body = whole(response.into_body()).await.unwrap();
        let mut headers: Vec<_> = std::str::from_utf8(&body).unwrap().lines().skip(1).collect();
        headers.retain(|line| !line.starts_with("host="));
        headers.sort_unstable();
        assert_eq!(headers, ["te=trailers", "x-kept=2"], "{alpn:?}");
    }
}

#[tokio::test]
async fn bodies_arrive_as_they_were_sent() {
    for (alpn, _) in PROTOCOLS {
        let lambda = Lambda::new();
        let server = lambda.ledger(alpn).await;
        let to = ledger(server.address);
        for len in [0, 1, 16_384, 5_000_000] {
            let body = body_of(7, len);
            let request = Request::post("/hash").body(Full::new(body.clone())).unwrap();
            let response = lambda.client.send(&to, request, Some(PATIENCE)).await.unwrap();
            assert_eq!(whole(response.into_body()).await.unwrap(), hash(&body), "{alpn:?} {len}");
            let answer = fetch(&lambda.client, &to, &format!("/bytes/7/{len}")).await.unwrap();
            assert_eq!(hash(answer.body()), hash(&body), "{alpn:?} {len}");
        }
        assert_eq!(server.journal.connections(), 1, "{alpn:?}");
    }
}

#[tokio::test]
async fn both_bodies_and_their_trailers_flow_at_the_same_time() {
    for (alpn, _) in PROTOCOLS {
        let lambda = Lambda::new();
        let server = lambda.ledger(alpn).await;
        let (mut sender, body) = Channel::<Bytes>::new(1);
        let request = Request::post("/echo").header("trailer", "x-sum").header("te", "trailers").body(body).unwrap();
        let response = lambda.client.send(&ledger(server.address), request, Some(PATIENCE)).await.unwrap();
        let mut answer = response.into_body();
        // Each piece is back before the next one leaves: nothing waits for an end.
        for at in 0..20 {
            let piece = body_of(at, 1000);
            sender.send_data(piece.clone()).await.unwrap();
            let mut back = Vec::new();
            while back.len() < piece.len() {
                let frame = tokio::time::timeout(PATIENCE, answer.frame()).await.unwrap().unwrap().unwrap();
                back.extend_from_slice(frame.data_ref().unwrap());
            }
            assert_eq!(back, piece);
        }
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", HeaderValue::from_static("42"));
        sender.send_trailers(trailers).await.unwrap();
        drop(sender);
        let rest = tokio::time::timeout(PATIENCE, answer.collect()).await.unwrap().unwrap();
        let trailers = rest.trailers().unwrap();
        assert_eq!(trailers["x-seen"], "x-sum=42", "{alpn:?}");
    }
}

#[tokio::test]
async fn every_method_but_connect_goes_through() {
    for (alpn, _) in PROTOCOLS {
        let lambda = Lambda::new();
        let server = lambda.ledger(alpn).await;
        let to = ledger(server.address);
        for method in
            [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS, Method::from_bytes(b"PURGE").unwrap()]
        {
            let request = Request::builder().method(&method).uri("/mirror").body(Full::<Bytes>::default()).unwrap();
            let response = lambda.client.send(&to, request, Some(PATIENCE)).await.unwrap();
            let body = whole(response.into_body()).await.unwrap();
            assert!(std::str::from_utf8(&body).unwrap().contains(&format!(" {method} /mirror ")), "{alpn:?}");
        }
        let head = Request::head("/bytes/1/1000").body(Full::<Bytes>::default()).unwrap();
        let response = lambda.client.send(&to, head, Some(PATIENCE)).await.unwrap();
        assert_eq!(header(&response, "content-length"), "1000");
        assert_eq!(whole(response.into_body()).await.unwrap(), "");
        let connect = Request::connect("ledger:443").body(Full::<Bytes>::default()).unwrap();
        let error = lambda.client.send(&to, connect, Some(PATIENCE)).await.unwrap_err();
        assert_eq!(error.kind(), Reason::RequestInvalid);
        assert_eq!(server.journal.connections(), 1, "{alpn:?}");
    }
}

#[tokio::test]
async fn a_host_that_is_none_is_refused_before_anything_is_sent() {
    let lambda = Lambda::new();
    let server = lambda.ledger(Alpn::Http1).await;
    for host in ["a b", "a/b", "", "a@b", "a@b:80", "a@b@c", "a:b", "a:", "a:70000", "[::1"] {
        let mut request = get("/hello");
        request.headers_mut().insert("host", HeaderValue::from_static(host));
        let error = lambda.client.send(&ledger(server.address), request, Some(PATIENCE)).await.unwrap_err();
        assert_eq!(error.kind(), Reason::RequestInvalid, "{host:?}");
    }
    assert_eq!(server.journal.requests(), 0);
}

#[tokio::test]
async fn many_requests_share_one_http2_connection_up_to_its_limit() {
    let lambda = Lambda::with(|settings| settings.streams_per_connection = 10);
    let server = lambda.ledger(Alpn::Http2).await;
    let to = ledger(server.address);
    let calls: Vec<_> = (0..30)
        .map(|_| {
            let (client, to) = (lambda.client.clone(), to.clone());
            tokio::spawn(async move { fetch(&client, &to, "/slow").await })
        })
        .collect();
    while server.journal.requests() < 30 {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.journal.connections(), 3);
    server.journal.release.notify_waiters();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().body(), "at last");
    }
    fetch(&lambda.client, &to, "/hello").await.unwrap();
    assert_eq!(server.journal.connections(), 3);
}

#[tokio::test]
async fn a_server_that_allows_few_streams_gets_more_connections_instead_of_a_queue() {
    let lambda = Lambda::new();
    let server = lambda.ledger(Alpn::Http2Narrow).await;
    let to = ledger(server.address);
    // The server tells its limit with its first answer, and it is read with the next request.
    fetch(&lambda.client, &to, "/hello").await.unwrap();
    fetch(&lambda.client, &to, "/hello").await.unwrap();
    let calls: Vec<_> = (0..9)
        .map(|_| {
            let (client, to) = (lambda.client.clone(), to.clone());
            tokio::spawn(async move { fetch(&client, &to, "/slow").await })
        })
        .collect();
    let all_there = async {
        while server.journal.requests() < 11 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, all_there).await.unwrap();
    server.journal.release.notify_waiters();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().body(), "at last");
    }
}

#[tokio::test]
async fn each_http1_request_under_way_has_a_connection_of_its_own_and_some_are_kept() {
    let lambda = Lambda::with(|settings| settings.idle_connections = 2);
    let server = lambda.ledger(Alpn::Http1).await;
    let to = ledger(server.address);
    let herd = |count: usize| {
        let calls: Vec<_> = (0..count)
            .map(|_| {
                let (client, to) = (lambda.client.clone(), to.clone());
                tokio::spawn(async move { fetch(&client, &to, "/slow").await.unwrap() })
            })
            .collect();
        calls
    };
    for (count, connections) in [(5, 5), (5, 8)] {
        let before = server.journal.requests();
        let calls = herd(count);
        while server.journal.requests() < before + count {
            tokio::task::yield_now().await;
        }
        assert_eq!(server.journal.connections(), connections);
        server.journal.release.notify_waiters();
        for call in calls {
            call.await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_body_that_fails_on_the_callers_side_is_the_callers_fault() {
    for (alpn, _) in PROTOCOLS {
        let lambda = Lambda::new();
        let server = lambda.ledger(alpn).await;
        let (mut sender, body) = Channel::<Bytes, std::io::Error>::new(1);
        let request = Request::post("/hash").body(body).unwrap();
        sender.send(Frame::data(Bytes::from_static(b"half"))).await.unwrap();
        sender.abort(std::io::Error::other("the caller has gone"));
        let error = lambda.client.send(&ledger(server.address), request, Some(PATIENCE)).await.unwrap_err();
        assert_eq!(error.kind(), Reason::RequestInvalid, "{alpn:?} {error}");
        assert_eq!(StatusCode::from_u16(error.status()).unwrap(), StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn an_answer_that_comes_before_the_end_of_the_request_leaves_no_connection_that_hangs() {
    for (alpn, _) in PROTOCOLS {
        let lambda = Lambda::new();
        let server = lambda.ledger(alpn).await;
        let to = ledger(server.address);
        let (mut sender, body) = Channel::<Bytes>::new(1);
        sender.send_data(Bytes::from_static(b"the beginning")).await.unwrap();
        let request = Request::post("/early").body(body).unwrap();
        let response = lambda.client.send(&to, request, Some(PATIENCE)).await.unwrap();
        assert_eq!(whole(response.into_body()).await.unwrap(), "early", "{alpn:?}");
        let response = lambda.client.send(&to, get("/hello"), Some(PATIENCE)).await.unwrap();
        assert_eq!(whole(response.into_body()).await.unwrap(), "hello", "{alpn:?}");
        drop(sender);
    }
}
