//! An app with TLS of its own.

use std::time::Duration;

use e2e::client::{Client, Error, Request};
use e2e::mesh::{App, AppOptions, Leaf, MESH, TrustDomain, pattern};

const PATIENCE: Duration = Duration::from_secs(60);

fn app(mesh: &TrustDomain) -> App {
    App::start("ledger", AppOptions { tls: Some((server(mesh), mesh.bundle_pem())), protocols: Vec::new() })
}

/// With a DNS name, because the client of these tests goes by DNS names.
fn server(mesh: &TrustDomain) -> e2e::mesh::Svid {
    mesh.issue(&Leaf::new(mesh.id("staging", "ledger")).and_dns("ledger.test"))
}

fn stranger(app: &App, mesh: &TrustDomain) -> Client {
    Client::tls(app.address(), "ledger.test", &mesh.bundle_pem()).with_timeout(PATIENCE)
}

fn caller(app: &App, mesh: &TrustDomain) -> Client {
    stranger(app, mesh).with_identity(&mesh.svid("staging", "reports").identity())
}

fn get(path: &str) -> Request {
    Request::new("GET", path).host("ledger.test")
}

#[test]
fn a_caller_is_known_by_its_certificate() {
    let mesh = TrustDomain::new(MESH);
    let app = app(&mesh);
    let answer = caller(&app, &mesh).send(&get("/who?am=i").header("x-one", "1")).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let said = answer.json().unwrap();
    assert_eq!(said["caller"], "spiffe://mesh.example.com/staging/reports");
    assert_eq!((&said["app"], &said["target"]), (&"ledger".into(), &"/who?am=i".into()));
    let hits = app.hits();
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].caller.as_deref(), Some("spiffe://mesh.example.com/staging/reports"));
    assert_eq!((hits[0].version.as_str(), hits[0].header("x-one")), ("HTTP/1.1", Some("1")));
    assert_eq!((app.connections(), app.handshakes()), (1, 1));
}

#[test]
fn a_caller_without_a_certificate_or_with_a_strangers_gets_no_answer() {
    let mesh = TrustDomain::new(MESH);
    let app = app(&mesh);
    stranger(&app, &mesh).send(&get("/")).unwrap_err();
    let foreign = TrustDomain::new(MESH).svid("staging", "reports");
    stranger(&app, &mesh).with_identity(&foreign.identity()).send(&get("/")).unwrap_err();
    let expired = mesh.issue(&Leaf::new(mesh.id("staging", "reports")).expired());
    stranger(&app, &mesh).with_identity(&expired.identity()).send(&get("/")).unwrap_err();
    assert_eq!((app.hits().len(), app.handshakes()), (0, 0));
}

#[test]
fn bodies_have_their_hash_and_echoes_come_back() {
    let mesh = TrustDomain::new(MESH);
    let app = app(&mesh);
    let client = caller(&app, &mesh);
    let bytes = client.send(&get("/bytes/100000")).unwrap();
    assert_eq!(bytes.body, pattern(100_000));
    assert_ne!(pattern(100_000)[..1000], pattern(99_999)[..1000], "bodies of different lengths differ early");
    let sent = pattern(50_000);
    let echo = client.send(&Request::new("POST", "/echo").host("ledger.test").body(&sent)).unwrap();
    assert_eq!(echo.body, sent);
    let posted = client.send(&Request::new("POST", "/").host("ledger.test").body(b"abc")).unwrap();
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(posted.json().unwrap()["body_sha256"], sha256);
    assert_eq!(app.hits().last().unwrap().body_length, 3);
}

#[test]
fn connections_can_be_cut_and_refused() {
    let mesh = TrustDomain::new(MESH);
    let app = app(&mesh);
    let client = caller(&app, &mesh);
    let mut open = client.connect().unwrap();
    assert_eq!(open.send(&get("/")).unwrap().status, 200);
    app.cut_connections();
    assert!(open.send(&get("/")).is_err());
    assert_eq!(client.send(&get("/")).unwrap().status, 200, "new ones are taken");
    app.set_open(false);
    assert!(client.send(&get("/")).is_err());
    app.set_open(true);
    assert_eq!(client.send(&get("/")).unwrap().status, 200);
}

#[test]
fn answers_can_be_held_cut_short_or_never_come() {
    let mesh = TrustDomain::new(MESH);
    let app = app(&mesh);
    let client = caller(&app, &mesh);
    let held = std::thread::spawn({
        let client = client.clone();
        move || client.send(&get("/held")).unwrap()
    });
    let brief = client.clone().with_timeout(Duration::from_millis(300));
    assert!(matches!(brief.send(&get("/hang")), Err(Error::Timeout)));
    assert!(matches!(client.send(&get("/short")), Err(Error::Truncated { received: 5 })));
    assert!(client.send(&get("/close")).is_err());
    assert_eq!(client.send(&get("/status/418")).unwrap().status, 418);
    assert_eq!(client.send(&get("/pretend")).unwrap().header("x-meshbridge-error"), Some("identity-expired"));
    assert!(!held.is_finished());
    app.release();
    assert_eq!(held.join().unwrap().status, 200);
    assert_eq!(client.send(&get("/drip")).unwrap().body, b"firstlast");
}
