//! Which names lead where: those of the table to their clusters, and every other nowhere.

use e2e::router::hello::SERVER_NAME;
use e2e::router::{Gateway, LEDGER, Outcome, REPORTS, Recorded, World};
use serde_json::json;

/// The names are sent one after another, and each must be closed and counted as this.
fn assert_refused(gateway: &Gateway, reason: &str, names: &[&[u8]]) {
    for name in names {
        let before = gateway.metric(&format!("refused.{reason}"));
        let shown = name.escape_ascii();
        assert_eq!(gateway.outcome_of(name), Outcome::Closed, "{shown}");
        assert_eq!(gateway.metric(&format!("refused.{reason}")), before + 1, "{shown}: {}", gateway.log_tail());
    }
}

#[test]
fn each_name_of_the_table_leads_to_its_cluster_and_to_no_other() {
    let world = World::new();
    let gateway = world.gateway_with_routes(&json!({
        "environment": "staging",
        "suffix": "mesh.example.com",
        "apps": { "ledger": "ledger-staging" },
        "routes": [
            { "sni": REPORTS, "cluster": "reports-staging" },
            { "sni": "another.name.of.reports", "cluster": "reports-staging" },
        ],
    }));
    for (name, app) in [(LEDGER, "ledger"), (REPORTS, "reports"), ("another.name.of.reports", "reports")] {
        assert_eq!(gateway.outcome_of(name), Outcome::reached(app), "{name}");
    }
    assert_eq!((gateway.metric("names"), gateway.metric("routed"), gateway.refused()), (3, 3, 0));
    assert_eq!((gateway.connections_to("ledger-staging"), gateway.connections_to("reports-staging")), (1, 2));
    world.assert_secret_kept(&gateway);
}

#[test]
fn case_and_one_trailing_dot_make_no_difference() {
    let world = World::new();
    let gateway = world.gateway();
    for name in [
        "STAGING.LEDGER.MESH.EXAMPLE.COM",
        "Staging.Ledger.Mesh.Example.Com",
        "staging.ledger.mesh.example.com.",
        "STAGING.ledger.mesh.example.COM.",
    ] {
        assert_eq!(gateway.outcome_of(name), Outcome::reached("ledger"), "{name}");
    }
    // In the table neither.
    let world = World::new();
    let gateway = world.gateway_with_routes(&json!({
        "routes": [{ "sni": "Staging.LEDGER.mesh.example.com.", "cluster": "ledger-staging" }]
    }));
    assert_eq!(gateway.outcome_of(LEDGER), Outcome::reached("ledger"));
}

#[test]
fn a_name_that_the_table_does_not_have_is_closed() {
    let world = World::new();
    let gateway = world.gateway();
    assert_refused(
        &gateway,
        "unknown-name",
        &[
            b"staging.payroll.mesh.example.com",
            b"production.ledger.mesh.example.com",
            b"ledger.mesh.example.com",
            b"ledger",
            b"x.staging.ledger.mesh.example.com",
            b"staging.ledger.mesh.example.com.evil.example",
            b"staging.ledger.mesh.example.co",
            b"taging.ledger.mesh.example.com",
            // The longest label and the longest name that there can be.
            "l".repeat(63).as_bytes(),
            format!("{}a.example", "a.".repeat(122)).as_bytes(),
        ],
    );
    world.assert_secret_kept(&gateway);
}

/// Istio's AUTO_PASSTHROUGH, CVE-2021-31921, and what Envoy's own sni_cluster does.
#[test]
fn the_name_of_a_cluster_is_a_name_like_any_other() {
    let world = World::new();
    let gateway = world.gateway();
    assert_refused(&gateway, "unknown-name", &[b"secret", b"SECRET", b"secret.", b"ledger-staging", b"nowhere"]);
    assert_refused(
        &gateway,
        "invalid-name",
        &[
            b"outbound|8443||secret.default.svc.cluster.local",
            b"envoy.tcp_proxy.cluster\x12\x06secret",
            b"\x12\x06secret",
        ],
    );
    world.assert_secret_kept(&gateway);
}

#[test]
fn no_name_is_closed() {
    let world = World::new();
    let gateway = world.gateway();
    for recorded in Recorded::ALL {
        assert_eq!(gateway.outcome(recorded.hello().nameless().to_bytes()), Outcome::Closed, "{recorded:?}");
    }
    // In the old form of SSL 2, which BoringSSL still reads, there is no room for a name.
    let old = b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10\x01\x00\x80\x03\x00\x80\x07\x00\xc0\x06\x00\x40";
    assert_eq!(gateway.outcome([&old[..], &[0; 30]].concat()), Outcome::Closed);
    assert_eq!(gateway.metric("refused.no-name"), Recorded::ALL.len() as u64 + 1);
    world.assert_secret_kept(&gateway);
}

#[test]
fn an_address_is_closed() {
    let world = World::new();
    let gateway = world.gateway();
    let ledger = world.ledger.address().ip().to_string();
    assert_refused(
        &gateway,
        "ip-literal",
        &[ledger.as_bytes(), b"10.0.0.1.", b"127.1", b"2130706433", b"0x7f.0.0.1", b"::1", b"[::1]", b"fe80::1%25"],
    );
    world.assert_secret_kept(&gateway);
}

#[test]
fn bytes_that_are_no_name_are_closed() {
    let world = World::new();
    let gateway = world.gateway();
    assert_refused(
        &gateway,
        "invalid-name",
        &[
            "staging.ledger.mesh.example.cöm".as_bytes(),
            "staging.ledger.mesh.example.com\u{2024}".as_bytes(),
            b"staging.ledger.mesh.example.com\xff",
            b"\xff\xfe",
            b"*",
            b"*.ledger.mesh.example.com",
            b"staging.ledger.mesh.example.com..",
            b".staging.ledger.mesh.example.com",
            b".",
            b"staging..mesh.example.com",
            b" staging.ledger.mesh.example.com",
            b"staging.ledger.mesh.example.com ",
            b"staging.ledger.mesh.example.com\r\nx",
            b"staging.ledger.mesh.example.com:443",
            b"https://staging.ledger.mesh.example.com/",
            b"-staging.ledger.mesh.example.com",
            b"\"},{\"sni\":\"x\"",
            b"%SNI%",
            "l".repeat(64).as_bytes(),
            "l".repeat(255).as_bytes(),
        ],
    );
    world.assert_secret_kept(&gateway);
}

/// BoringSSL takes neither a NUL nor more than 255 bytes nor two names: such hellos are no TLS to the listener.
#[test]
fn names_that_tls_itself_does_not_allow_never_get_to_the_filter() {
    let world = World::new();
    let gateway = world.gateway();
    let hello = Recorded::Go.hello();
    let entry = |name: &[u8]| [&[0, 0, u8::try_from(name.len()).unwrap()], name].concat();
    let list = |entries: &[u8]| [&u16::try_from(entries.len()).unwrap().to_be_bytes(), entries].concat();
    let ledger = entry(LEDGER.as_bytes());
    let hellos = [
        ("a NUL at the end", hello.clone().named(format!("{LEDGER}\0"))),
        ("a NUL at the beginning", hello.clone().named(format!("\0{LEDGER}"))),
        ("a NUL and another name", hello.clone().named(format!("{LEDGER}\0.evil.example"))),
        ("a NUL", hello.clone().named("\0")),
        ("an empty name", hello.clone().named("")),
        ("256 bytes", hello.clone().named("l".repeat(256))),
        ("two names", hello.clone().with(SERVER_NAME, list(&[&ledger[..], &entry(b"secret")].concat()))),
        ("a name of another type", hello.clone().with(SERVER_NAME, list(&[&[1], &ledger[1..]].concat()))),
        ("an empty list", hello.clone().with(SERVER_NAME, list(b""))),
        ("no list", hello.clone().with(SERVER_NAME, Vec::new())),
        ("a list that is cut short", hello.clone().with(SERVER_NAME, list(&ledger)[..20].to_vec())),
        ("bytes behind the list", hello.clone().with(SERVER_NAME, [list(&ledger), vec![0]].concat())),
        ("the extension twice", hello.clone().with_another(SERVER_NAME, list(&entry(b"secret")))),
    ];
    for (what, hello) in &hellos {
        assert_eq!(gateway.outcome(hello.to_bytes()), Outcome::Closed, "{what}: {}", gateway.log_tail());
    }
    assert_eq!((gateway.metric("routed"), gateway.refused()), (0, 0));
    assert_eq!(gateway.listener_stat("downstream_cx_total"), 0, "none of them got to the filters");
    world.assert_secret_kept(&gateway);
}
