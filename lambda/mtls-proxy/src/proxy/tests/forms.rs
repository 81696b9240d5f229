//! The forms of a request, and what of it the app sees.

use http::header::HOST;
use http::{HeaderValue, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::world::{TOKEN, World, app, echo, whole};

#[tokio::test]
async fn each_form_reaches_the_app_under_its_own_name() {
    let world = World::echo().await;
    for (line, host, upstream, expected) in [
        ("GET /a?b=c HTTP/1.1", "ledger", 0, "GET https://staging.ledger.mesh.example.com/a?b=c"),
        ("GET /a HTTP/1.0", "users.staging", 1, "GET https://staging.users.mesh.example.com/a"),
        (
            "DELETE /~users/a/../b?%20 HTTP/1.1",
            "localhost",
            1,
            "DELETE https://staging.users.mesh.example.com/a/../b?%20",
        ),
        ("GET http://ledger.mesh//x HTTP/1.1", "ledger.mesh", 0, "GET https://staging.ledger.mesh.example.com//x"),
        ("OPTIONS /x HTTP/1.1", "ledger", 0, "OPTIONS https://staging.ledger.mesh.example.com/x"),
        ("PURGE /x HTTP/1.1", "ledger", 0, "PURGE https://staging.ledger.mesh.example.com/x"),
    ] {
        let answer = world.call(&format!("{line}\r\nHost: {host}\r\n\r\n")).await;
        assert_eq!((answer.status, answer.reason()), (200, "none"), "{line}");
        let arrived = world.arrived().pop().unwrap();
        assert_eq!((arrived.upstream, arrived.line.as_str()), (upstream, expected), "{line}");
        let name = if upstream == 0 { "staging.ledger.mesh.example.com" } else { "staging.users.mesh.example.com" };
        assert_eq!(arrived.headers[HOST], name, "{line}");
    }
}

#[tokio::test]
async fn what_is_the_proxys_alone_never_reaches_the_app() {
    let world = World::echo().await;
    let request = "GET / HTTP/1.1\r\nHost: ledger\r\nX-Forwarded-Client-Cert: URI=spiffe://x/admin\r\nForwarded: for=1\r\n\
        Connection: X-Mine\r\nX-Mine: 1\r\nX-Meshbridge-Timeout-Ms: 5000\r\nProxy-Authorization: Basic x\r\n\
        X-Envoy-Internal: true\r\nAuthorization: Bearer mine\r\n\r\n";
    assert_eq!(world.call(request).await.status, 200);
    let headers = world.arrived().pop().unwrap().headers;
    let mut names: Vec<&str> = headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["authorization", "host", "via"]);
    assert!(headers.values().all(|value| !value.to_str().unwrap().contains(TOKEN)));
}

#[tokio::test]
async fn an_upstream_that_is_not_listed_is_forbidden_before_any_connection() {
    let world = World::echo().await;
    for (line, host, name) in [
        ("GET / HTTP/1.1", "secrets", "secrets"),
        ("GET / HTTP/1.1", "ledger.production", "ledger.production"),
        ("GET / HTTP/1.1", "169.254.169.254", "169.254.169.254"),
        ("GET /~secrets/ HTTP/1.1", "localhost", "secrets"),
        ("GET http://secrets.mesh/ HTTP/1.1", "secrets.mesh", "secrets.mesh"),
    ] {
        let answer = world.call(&format!("{line}\r\nHost: {host}\r\n\r\n")).await;
        assert_eq!((answer.status, answer.reason()), (403, "upstream-not-allowed"), "{line}");
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(&format!("{name} is not an app")) && message.contains("upstreams"), "{message}");
    }
    assert_eq!(world.arrived().len(), 0);
}

#[tokio::test]
async fn without_the_token_nobody_learns_which_apps_there_are() {
    let world = World::echo().await;
    for (request, status, reason, challenge) in [
        ("GET /~ledger/ HTTP/1.1\r\nHost: localhost\r\n", 401, "token-missing", "www-authenticate"),
        ("GET /~secrets/ HTTP/1.1\r\nHost: localhost\r\n", 401, "token-missing", "www-authenticate"),
        ("GET /status HTTP/1.1\r\nHost: localhost\r\n", 401, "token-missing", "www-authenticate"),
        ("GET / HTTP/1.1\r\nHost: ledger\r\nX-Meshbridge-Token: wrong\r\n", 401, "token-wrong", "www-authenticate"),
        ("GET / HTTP/1.1\r\nHost: ledger\r\nX-Meshbridge-Token:\r\n", 401, "token-wrong", "www-authenticate"),
        ("GET http://ledger.mesh/ HTTP/1.1\r\nHost: ledger.mesh\r\n", 407, "token-missing", "proxy-authenticate"),
        (
            "GET http://ledger.mesh/ HTTP/1.1\r\nHost: ledger.mesh\r\nProxy-Authorization: Basic bWVzaGJyaWRnZTp3cm9uZw==\r\n",
            407,
            "token-wrong",
            "proxy-authenticate",
        ),
        (
            "GET / HTTP/1.1\r\nHost: ledger\r\nProxy-Authorization: Basic bWVzaGJyaWRnZTp3cm9uZw==\r\n",
            401,
            "token-missing",
            "www-authenticate",
        ),
    ] {
        let answers = world.exchange(&format!("{request}Connection: close\r\n\r\n")).await;
        assert_eq!((answers[0].status, answers[0].reason()), (status, reason), "{request}");
        assert!(answers[0].header(challenge).is_some(), "{request}");
        assert!(answers[0].text().contains("MESHBRIDGE_TOKEN_FILE"), "{request}");
    }
    assert_eq!(world.arrived().len(), 0);
}

#[tokio::test]
async fn the_forward_form_takes_the_token_as_proxy_credentials() {
    use base64::Engine as _;
    let world = World::echo().await;
    let credentials = base64::engine::general_purpose::STANDARD.encode(format!("meshbridge:{TOKEN}"));
    let request = format!(
        "POST http://ledger.mesh/x HTTP/1.1\r\nHost: ledger.mesh\r\nProxy-Authorization: Basic {credentials}\r\n\
         Proxy-Connection: keep-alive\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"
    );
    let answers = world.exchange(&request).await;
    assert_eq!((answers[0].status, answers[0].text()), (200, "hi"));
    let headers = world.arrived().pop().unwrap().headers;
    assert!(!headers.contains_key("proxy-authorization") && !headers.contains_key("proxy-connection"));
}

#[tokio::test]
async fn an_answer_of_an_app_says_nothing_in_the_proxys_name() {
    let liar = app(|_| async {
        let mut response = Response::new(whole("told"));
        for (name, value) in [
            ("x-meshbridge-error", "identity-expired"),
            ("connection", "x-mine, close"),
            ("x-mine", "1"),
            ("keep-alive", "timeout=1"),
            ("proxy-authenticate", "Basic"),
            ("x-kept", "1"),
        ] {
            response.headers_mut().append(name, HeaderValue::from_static(value));
        }
        Ok(response)
    });
    let world = World::new(liar, "").await;
    let mut wire = world.connect().await;
    for _ in 0..2 {
        // `Connection: close` of the app is between it and the proxy: this connection stays.
        let request = format!("GET / HTTP/1.1\r\nHost: ledger\r\nX-Meshbridge-Token: {TOKEN}\r\n\r\n");
        wire.send(request.as_bytes()).await;
        let answer = wire.answer().await.unwrap();
        assert_eq!((answer.status, answer.reason(), answer.text()), (200, "none", "told"));
        let names: Vec<&str> = answer.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["x-kept", "content-length", "date"]);
    }
}

#[tokio::test]
async fn the_status_tells_of_the_identity_and_the_apps() {
    let world = World::echo().await;
    let answer = world.call("GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!((answer.status, answer.reason()), (200, "none"));
    assert_eq!(answer.json()["identity"]["pair"], serde_json::Value::Null);
    assert_eq!(answer.json()["upstreams"], serde_json::json!(["ledger.staging", "users.staging"]));
}

#[tokio::test]
async fn localhost_is_found_by_each_of_its_addresses() {
    let world = World::echo().await;
    let port = world.address.port();
    let has_ipv6 = std::net::TcpListener::bind("[::1]:0").is_ok();
    for address in ["127.0.0.1", "::1"].into_iter().filter(|address| has_ipv6 || *address != "::1") {
        let mut socket = tokio::net::TcpStream::connect((address, port)).await.unwrap();
        let request = format!("GET /~ledger/ HTTP/1.1\r\nHost: localhost:{port}\r\nX-Meshbridge-Token: {TOKEN}\r\n");
        socket.write_all(format!("{request}Connection: close\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{address}: {answer}");
    }
}

#[tokio::test]
async fn the_unix_socket_is_for_this_user_alone_and_serves_as_the_port_does() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::echo().await;
    assert_eq!(std::fs::metadata(&world.unix).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(over_unix(&world, "GET / HTTP/1.1\r\nHost: ledger\r\n").await.starts_with("HTTP/1.1 401 "));
    let token = format!("GET / HTTP/1.1\r\nHost: ledger\r\nX-Meshbridge-Token: {TOKEN}\r\n");
    assert!(over_unix(&world, &token).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn the_unix_socket_may_do_without_the_token() {
    let world = World::new(echo(), r#", "listen": {{listen}, "unix_token": "none"}"#).await;
    assert!(over_unix(&world, "GET /~ledger/x HTTP/1.1\r\nHost: localhost\r\n").await.starts_with("HTTP/1.1 200 "));
    let over_tcp = world.exchange("GET /~ledger/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert_eq!(over_tcp[0].status, 401);
}

async fn over_unix(world: &World, head: &str) -> String {
    let mut socket = UnixStream::connect(&world.unix).await.unwrap();
    socket.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}
