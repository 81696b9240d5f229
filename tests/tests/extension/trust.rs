//! Who answers, who may ask, and what never leaves the function.

use e2e::client::Request;
use e2e::egress::World;
use e2e::mesh::{Flaw, Leaf, TrustDomain};
use serde_json::json;

use crate::support::{assert_answered, assert_failure, wait_until};

#[test]
fn no_request_goes_to_a_server_that_is_not_the_expected_app() {
    let world = World::new();
    let id = |app: &str| world.mesh.id("staging", app);
    let foreign = TrustDomain::new("mesh.example.com");
    let servers = [
        ("other-app", world.mesh.issue(&Leaf::new(id("users")))),
        ("other-environment", world.mesh.svid("production", "other-environment")),
        ("stranger", world.mesh.issue(&Leaf::new(id("stranger")).flawed(Flaw::Stranger))),
        ("namesake", foreign.svid("staging", "namesake")),
        ("two-names", world.mesh.issue(&Leaf::new(id("two-names")).and_uri(&id("users")))),
        (
            "no-name",
            world.mesh.issue(&Leaf { uris: Vec::new(), ..Leaf::new("").and_dns("staging.no-name.mesh.example.com") }),
        ),
        ("authority", world.mesh.issue(&Leaf::new(id("authority")).flawed(Flaw::IsAuthority))),
        ("signer", world.mesh.issue(&Leaf::new(id("signer")).flawed(Flaw::SignsCertificates))),
        ("expired", world.mesh.issue(&Leaf::new(id("expired")).expired())),
        ("early", world.mesh.issue(&Leaf::new(id("early")).not_yet_valid())),
        ("no-chain", world.mesh.issue(&Leaf::new(id("no-chain")).flawed(Flaw::NoIntermediate))),
    ];
    let apps: Vec<_> = servers.iter().map(|(name, svid)| world.app_as(name, svid)).collect();
    let extension = apps.iter().fold(world.plan(), |plan, app| plan.upstream(app)).start();
    for app in &apps {
        let answer =
            extension.send(&extension.request("POST", app.name(), "/").body("for the right one only")).unwrap();
        assert_failure(&answer, 502, "upstream-identity");
        assert_eq!((app.hits().len(), app.handshakes()), (0, 0), "{} was sent something", app.name());
        assert!(app.connections() > 0, "{} was not even tried", app.name());
    }
}

#[test]
fn the_expected_identity_can_be_another_than_the_usual_one() {
    let world = World::new();
    let svid = world.mesh.issue(&Leaf::new("spiffe://mesh.example.com/ns/books/sa/ledger").hours(1, 24));
    let ledger = world.app_as("ledger", &svid);
    let upstream = json!({
        "app": "ledger", "gateway": ledger.address().to_string(),
        "spiffe_id": "spiffe://mesh.example.com/ns/books/sa/ledger",
    });
    let extension = world.plan().upstream_as(&upstream).start();
    assert_answered(&extension.get("ledger", "/"));
}

#[test]
fn an_app_that_refuses_the_functions_certificate_is_told_apart() {
    let world = World::new();
    let elsewhere = TrustDomain::new("mesh.example.com");
    // It trusts other roots than the function's.
    let options = e2e::mesh::AppOptions {
        tls: Some((world.mesh.svid("staging", "ledger"), elsewhere.bundle_pem())),
        protocols: Vec::new(),
    };
    let ledger = e2e::mesh::App::start("ledger", options);
    let extension = world.plan().upstream(&ledger).start();
    assert_failure(&extension.get("ledger", "/"), 502, "upstream-tls");
    assert_eq!(ledger.hits().len(), 0);
}

#[test]
fn without_the_token_nothing_is_called() {
    let world = World::new();
    let ledger = world.app("ledger");
    let extension = world.plan().upstream(&ledger).start();
    let bare = Request::new("GET", "/").host("ledger");
    assert_failure(&extension.send(&bare).unwrap(), 401, "token-missing");
    let wrong = Request::new("GET", "/").host("ledger").header("x-meshbridge-token", "0".repeat(64));
    assert_failure(&extension.send(&wrong).unwrap(), 401, "token-wrong");
    let proxied = Request::new("GET", "http://ledger.mesh/").host("ledger.mesh");
    assert_failure(&extension.send(&proxied).unwrap(), 407, "token-missing");
    assert_eq!(ledger.connections(), 0);
}

#[test]
fn the_token_stays_here_and_an_answer_cannot_pretend_to_be_the_proxys() {
    let world = World::new();
    let ledger = world.app("ledger");
    let extension = world.plan().upstream(&ledger).start();
    let token = extension.token();
    assert_answered(&extension.get("ledger", "/"));
    assert_answered(&extension.get("ledger", "/pretend"));
    for hit in ledger.hits() {
        assert!(hit.headers.iter().all(|(_, value)| !value.contains(&token)), "{hit:?}");
        assert!(hit.header("x-meshbridge-token").is_none(), "{hit:?}");
    }
}

#[test]
fn failures_of_the_app_are_told_apart() {
    let world = World::new();
    let (ledger, streams) = (world.app_speaking("ledger", "http/1.1"), world.app_speaking("streams", "h2"));
    let closed = world.app("closed");
    closed.set_open(false);
    // Bound and not listening: it refuses, and nobody else can take its port.
    let nobody = tokio::net::TcpSocket::new_v4().unwrap();
    nobody.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let refusing = nobody.local_addr().unwrap();
    let plan = || world.plan().upstream(&ledger).upstream(&streams).upstream(&closed).upstream_at("nobody", refusing);
    let extension = plan().start();
    assert_failure(&extension.get("nobody", "/"), 503, "upstream-unreachable");
    assert_failure(&extension.get("closed", "/"), 502, "upstream-tls");
    assert_failure(&extension.get("ledger", "/close"), 503, "upstream-unreachable");
    // Of many streams on a connection one was ended: that is an answer, of a kind.
    assert_failure(&extension.get("streams", "/close"), 502, "upstream-protocol");
    assert_eq!(extension.get("ledger", "/status/500").header("x-meshbridge-error"), None, "its own answer");
    // Half an answer must not look like a whole one.
    for app in ["ledger", "streams"] {
        assert!(extension.send(&extension.request("GET", app, "/short")).is_err());
    }
    closed.set_open(true);
    for app in ["ledger", "streams", "closed"] {
        extension.wait_for_recovery(app);
    }

    let impatient = plan().with("timeouts", json!({ "response_ms": 1500 })).start();
    for app in ["ledger", "streams"] {
        assert_failure(&impatient.get(app, "/hang"), 504, "deadline-exceeded");
    }
}

#[test]
fn bodies_stream_both_ways() {
    let world = World::new();
    let apps = [world.app_speaking("old", "http/1.1"), world.app_speaking("new", "h2")];
    let extension = world.plan().upstream(&apps[0]).upstream(&apps[1]).start();
    for (app, version) in apps.iter().zip(["HTTP/1.1", "HTTP/2.0"]) {
        let mut connection = extension.client().connect().unwrap();
        let request = extension.request("POST", app.name(), "/echo").header("transfer-encoding", "chunked");
        connection.write(&request.to_bytes()).unwrap();
        connection.write(b"5\r\nfirst\r\n").unwrap();
        // The app has it while the request is still under way.
        wait_until("the request's head", || app.count() == 1);
        connection.write(b"6\r\nsecond\r\n0\r\n\r\n").unwrap();
        let answer = connection.read().unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"firstsecond"[..]));
        assert_eq!(app.hits()[0].version, version);

        // And the other way: the first piece of an answer comes before its last one is there.
        let mut connection = extension.client().connect().unwrap();
        connection.write(&extension.request("GET", app.name(), "/drip").to_bytes()).unwrap();
        let head = connection.read_until(b"first").unwrap();
        assert!(head.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&head));
        app.release();
        connection.read_until(b"last").unwrap();
    }
}
