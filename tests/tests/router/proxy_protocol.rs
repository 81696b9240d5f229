//! The load balancer's header, which says who the client is.

use e2e::router::{Outcome, Recorded, Visitor, World};

/// Version 2 (the PROXY protocol's specification, section 2.2), with an IPv4 client unless it is of the load balancer itself.
fn version_2(command: u8, tail: &[u8]) -> Vec<u8> {
    let addresses: &[u8] = &[198, 51, 100, 7, 192, 0, 2, 1, 0xc3, 0x50, 0x20, 0xfb];
    let (family, addresses) = if command == 0x21 { (0x11, addresses) } else { (0, &[][..]) };
    let length = u16::try_from(addresses.len() + tail.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &length, addresses, tail].concat()
}

fn v2() -> Vec<u8> {
    version_2(0x21, b"")
}

#[test]
fn both_versions_are_taken_and_the_client_stands_in_the_access_log() {
    let world = World::new();
    let gateway = world.gateway();
    // A load balancer of AWS adds the number of the VPC endpoint (type 0xea).
    let with_endpoint = version_2(0x21, b"\xea\x00\x06\x01vpce1");
    let hello = Recorded::Chrome.bytes();
    let mut clients = Vec::new();
    for header in [&b"PROXY TCP4 203.0.113.9 192.0.2.1 50000 8443\r\n"[..], &v2(), &with_endpoint] {
        for segment in [1, 7, 10_000] {
            let mut visitor = Visitor::bare(gateway.address());
            visitor.send_in(segment, [header, &hello[..]].concat());
            assert_eq!(visitor.outcome(), Outcome::reached("ledger"), "{}", header.escape_ascii());
            clients.push(if header[0] == b'P' { "203.0.113.9:50000" } else { "198.51.100.7:50000" });
        }
    }
    assert!(world.ledger.heard().iter().all(|heard| *heard == hello), "the header is taken off");
    gateway.wait_until("the access log", || gateway.access_log().len() == clients.len());
    let mut logged: Vec<_> =
        gateway.access_log().iter().map(|entry| entry["client"].as_str().unwrap().to_owned()).collect();
    logged.sort_unstable();
    clients.sort_unstable();
    assert_eq!(logged, clients);
}

#[test]
fn the_load_balancer_may_speak_for_itself() {
    let world = World::new();
    let gateway = world.gateway();
    let mut visitor = Visitor::bare(gateway.address());
    visitor.send([version_2(0x20, b""), Recorded::Go.bytes()].concat());
    assert_eq!(visitor.outcome(), Outcome::reached("ledger"));
}

#[test]
fn without_a_header_or_with_a_wrong_one_a_connection_is_closed() {
    let world = World::new();
    let gateway = world.gateway();
    let hello = Recorded::Go.bytes();
    for header in [
        &b""[..],
        b"PROXY TCP4 203.0.113.9\r\n",
        b"PROXY TCP4 not.an.address 192.0.2.1 1 2\r\n",
        b"PROXY TCP9 203.0.113.9 192.0.2.1 50000 8443\r\n",
        b"proxy TCP4 203.0.113.9 192.0.2.1 50000 8443\r\n",
        &[b"PROXY TCP4 203.0.113.9 192.0.2.1 50000 8443", &[b' '; 200][..]].concat(),
        &version_2(0x31, b"")[..],
        &v2()[..12],
    ] {
        let mut visitor = Visitor::bare(gateway.address());
        visitor.send([header, &hello[..]].concat());
        assert_eq!(visitor.outcome(), Outcome::Closed, "{}", header.escape_ascii());
    }
    assert_eq!((gateway.metric("routed"), gateway.refused()), (0, 0));
    world.assert_secret_kept(&gateway);
}

#[test]
fn behind_a_load_balancer_that_adds_none_the_header_is_left_out() {
    let world = World::new();
    let mut plan = world.plan();
    let filters = plan.listener()["listener_filters"].as_array_mut().unwrap();
    filters.retain(|filter| filter["name"] != "envoy.filters.listener.proxy_protocol");
    let gateway = world.start(plan);
    let mut visitor = Visitor::bare(gateway.address());
    assert_eq!(visitor.send(Recorded::Go.bytes()).outcome(), Outcome::reached("ledger"));
    // And then nobody can claim to be another client.
    assert_eq!(gateway.outcome(Recorded::Go.bytes()), Outcome::Closed);
    gateway.wait_until("the access log", || gateway.access_log().len() == 1);
    drop(visitor);
    gateway.wait_until("the access log", || gateway.access_log().len() == 2);
    let clients = gateway.access_log();
    assert!(clients.iter().all(|entry| entry["client"].as_str().unwrap().starts_with("127.0.0.1:")), "{clients:?}");
}
