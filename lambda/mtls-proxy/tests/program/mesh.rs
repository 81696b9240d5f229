//! Through the real client library to a real TLS server, in one process of each.

use std::path::Path;

use serde_json::{Value, json};

use super::app::{App, Authority};
use super::process::{Proxy, free_port};

const OWN: &str = "spiffe://mesh.example.com/staging/reports";
const LEDGER: &str = "spiffe://mesh.example.com/staging/ledger";

fn configuration(home: &Path, app: &App) -> Value {
    json!({
        "app": "reports", "environment": "staging", "trust_domain": "mesh.example.com",
        "gateway": app.address.to_string(), "upstreams": ["ledger"],
        "identity": {"source": "directory", "path": home.join("identity")},
        "listen": {"port": 0, "unix": home.join("sock")}, "token": {"file": home.join("token")},
    })
}

#[test]
fn each_form_of_a_call_reaches_the_app_by_mutual_tls() {
    let (home, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    authority.write_identity(&home.path().join("identity"), OWN);
    let app = App::start(&authority, LEDGER);
    let proxy = Proxy::start(home.path(), &configuration(home.path(), &app));
    for (line, host) in [
        ("GET /~ledger/accounts?n=7", "localhost"),
        ("GET /accounts?n=7", "ledger"),
        ("GET http://ledger.mesh/accounts?n=7", "ledger.mesh"),
    ] {
        let answer = proxy.call(line, &format!("Host: {host}\r\n"));
        assert_eq!((answer.status, answer.reason), (200, None), "{line}");
        let seen = answer.body.to_ascii_lowercase();
        assert!(seen.starts_with("get /accounts?n=7 http/1.1\r\n"), "{seen}");
        assert!(seen.contains("host: staging.ledger.mesh.example.com\r\n") && seen.contains("via: 1.1 meshbridge\r\n"));
        assert!(!seen.contains("x-meshbridge") && !seen.contains(&proxy.token()), "{seen}");
    }
    let status: Value = serde_json::from_str(&proxy.call("GET /status", "Host: localhost\r\n").body).unwrap();
    assert_eq!(status["identity"]["pair"]["spiffe_id"], OWN);
    assert_eq!(status["identity"]["failure"], Value::Null);
}

#[test]
fn no_byte_of_a_request_reaches_a_server_that_is_another_app() {
    let (home, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    authority.write_identity(&home.path().join("identity"), OWN);
    let app = App::start(&authority, "spiffe://mesh.example.com/staging/users");
    let proxy = Proxy::start(home.path(), &configuration(home.path(), &app));
    let answer = proxy.call("GET /~ledger/secret", "Host: localhost\r\n");
    assert_eq!((answer.status, answer.reason.as_deref()), (502, Some("upstream-identity")), "{}", answer.body);
    assert_eq!(app.requests().len(), 0);
}

#[test]
fn without_an_identity_each_call_says_where_it_was_looked_for() {
    let (home, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let app = App::start(&authority, LEDGER);
    let proxy = Proxy::start(home.path(), &configuration(home.path(), &app));
    let answer = proxy.call("GET /~ledger/", "Host: localhost\r\n");
    assert_eq!((answer.status, answer.reason.as_deref()), (503, Some("identity-missing")), "{}", answer.body);
    assert!(answer.body.contains("certificate.json"), "{}", answer.body);
    let status: Value = serde_json::from_str(&proxy.call("GET /status", "Host: localhost\r\n").body).unwrap();
    assert_eq!(status["identity"]["pair"], Value::Null);
    assert_eq!(status["identity"]["failure"]["error"], "identity-missing");
    // An identity that comes later is found without a restart.
    authority.write_identity(&home.path().join("identity"), OWN);
    let begun = std::time::Instant::now();
    while proxy.call("GET /~ledger/", "Host: localhost\r\n").status != 200 {
        assert!(begun.elapsed() < super::process::LIMIT);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn a_signal_ends_it_in_peace_and_it_leaves_nothing_behind() {
    let (home, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let app = App::start(&authority, LEDGER);
    for signal in ["TERM", "INT"] {
        let mut proxy = Proxy::start(home.path(), &configuration(home.path(), &app));
        assert!(home.path().join("token").exists() && home.path().join("sock").exists());
        proxy.signal(signal);
        assert_eq!(proxy.wait(), Some(0), "{signal}");
        assert!(!home.path().join("token").exists() && !home.path().join("sock").exists(), "{signal}");
    }
}

#[test]
fn one_that_was_killed_is_followed_by_another_in_the_same_place() {
    let (home, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    authority.write_identity(&home.path().join("identity"), OWN);
    let app = App::start(&authority, LEDGER);
    let mut configuration = configuration(home.path(), &app);
    configuration["listen"]["port"] = free_port().into();
    let mut killed = Proxy::start(home.path(), &configuration);
    let old = killed.token();
    assert_eq!(killed.call("GET /~ledger/", "Host: localhost\r\n").status, 200);
    killed.signal("KILL");
    assert_eq!(killed.wait(), None);
    let proxy = Proxy::start(home.path(), &configuration);
    let request =
        format!("GET /~ledger/ HTTP/1.1\r\nHost: localhost\r\nX-Meshbridge-Token: {old}\r\nConnection: close\r\n\r\n");
    assert_eq!(proxy.send(&request).reason.as_deref(), Some("token-wrong"));
    assert_eq!(proxy.call("GET /~ledger/", "Host: localhost\r\n").status, 200);
}
