//! How a hello may come: in pieces, large, greased, damaged, or not at all.

use e2e::router::hello::ENCRYPTED_CLIENT_HELLO;
use e2e::router::{Gateway, LEDGER, Outcome, REPORTS, Recorded, World};
use serde_json::json;

use crate::support::{Numbers, rustls_client, rustls_hello};

fn assert_reaches_ledger(gateway: &Gateway, what: &str, bytes: impl AsRef<[u8]>) {
    assert_eq!(gateway.outcome(bytes), Outcome::reached("ledger"), "{what}: {}", gateway.log_tail());
}

#[test]
fn every_recorded_hello_reaches_its_app_with_every_byte_as_it_was() {
    let world = World::new();
    let gateway = world.gateway();
    for recorded in Recorded::ALL {
        assert_reaches_ledger(&gateway, &format!("{recorded:?}"), recorded.bytes());
        assert_eq!(world.ledger.heard().last(), Some(&recorded.bytes()), "{recorded:?}");
    }
}

#[test]
fn what_comes_right_behind_the_hello_arrives_too() {
    let world = World::new();
    let gateway = world.gateway();
    let mut visitor = gateway.visitor();
    visitor.send([&Recorded::Chrome.bytes()[..], b"early data\n"].concat());
    assert_eq!((visitor.outcome(), visitor.line()), (Outcome::reached("ledger"), Some("early data".into())));
    assert!(visitor.echoes("and more"));
}

#[test]
fn what_is_not_tls_is_closed() {
    let world = World::new();
    let gateway = world.gateway();
    let hello = Recorded::Go.bytes();
    let record = |kind: u8| [&[kind], &hello[1..]].concat();
    let texts: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\nhost: staging.ledger.mesh.example.com\r\n\r\n",
        b"CONNECT staging.ledger.mesh.example.com:443 HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"EHLO staging.ledger.mesh.example.com\r\n",
    ];
    let mut cases: Vec<Vec<u8>> = texts.iter().map(|text| text.to_vec()).collect();
    cases.extend([20, 21, 23, 24, 0, 255].map(record));
    cases.push(vec![0; 1000]);
    // A server's hello, and an alert in a record that is one.
    cases.push([&hello[..5], &[2], &hello[6..]].concat());
    cases.push(b"\x15\x03\x01\x00\x02\x02\x28".to_vec());
    for case in &cases {
        assert_eq!(gateway.outcome(case), Outcome::Closed, "{}", case.escape_ascii());
    }
    assert_eq!(gateway.listener_stat("no_filter_chain_match"), cases.len() as u64);
    assert_eq!((gateway.metric("routed"), gateway.refused()), (0, 0));
    assert_eq!(gateway.listener_stat("downstream_cx_total"), 0, "none of them got to the filters");
    world.assert_secret_kept(&gateway);
}

#[test]
fn a_hello_that_comes_byte_by_byte_is_waited_for() {
    let world = World::new();
    let gateway = world.gateway();
    let bytes = Recorded::Chrome.bytes();
    let (first, rest) = bytes.split_at(bytes.len() / 2);
    let mut visitor = gateway.visitor();
    visitor.send_in(1, first);
    gateway.wait_until("a hello that is waited for", || gateway.listener_stat("downstream_pre_cx_active") == 1);
    assert_eq!((gateway.metric("routed"), gateway.refused()), (0, 0));
    assert!(visitor.is_open());
    visitor.send_in(1, rest);
    assert_eq!(visitor.outcome(), Outcome::reached("ledger"));
    assert_eq!(world.ledger.heard(), [bytes]);
}

#[test]
fn a_hello_may_be_split_over_tcp_segments_anywhere() {
    let world = World::new();
    let gateway = world.gateway();
    for recorded in Recorded::ALL {
        for segment in [1, 2, 5, 6, 100, 536, 1_448] {
            let mut visitor = gateway.visitor();
            visitor.send_in(segment, recorded.bytes());
            assert_eq!(visitor.outcome(), Outcome::reached("ledger"), "{recorded:?} by {segment}");
        }
    }
    // In front of and behind each byte of the name.
    let bytes = Recorded::Go.bytes();
    let at = bytes.windows(LEDGER.len()).position(|part| part == LEDGER.as_bytes()).unwrap();
    for cut in at - 2..=at + LEDGER.len() + 1 {
        let mut visitor = gateway.visitor();
        visitor.send(&bytes[..cut]).send(&bytes[cut..]);
        assert_eq!(visitor.outcome(), Outcome::reached("ledger"), "cut at {cut}");
    }
}

#[test]
fn a_hello_may_be_split_over_tls_records_anywhere() {
    let world = World::new();
    let gateway = world.gateway();
    for recorded in Recorded::ALL {
        for most in [1, 2, 3, 4, 5, 50, 1_000] {
            let bytes = recorded.hello().in_records_of(most);
            assert_reaches_ledger(&gateway, &format!("{recorded:?} by {most}"), &bytes);
            assert_eq!(world.ledger.heard().last(), Some(&bytes));
        }
    }
    // Over records and segments at once, and of another name than the first record alone would show.
    let bytes = Recorded::Firefox.hello().named(REPORTS).in_records_of(40);
    let mut visitor = gateway.visitor();
    visitor.send_in(33, &bytes);
    assert_eq!(visitor.outcome(), Outcome::reached("reports"));
}

#[test]
fn a_post_quantum_hello_of_more_than_a_packet_is_read_whole() {
    let world = World::new();
    let gateway = world.gateway();
    for recorded in [Recorded::Chrome, Recorded::Firefox, Recorded::Go] {
        // The name behind the key share, so that the first packet does not hold it.
        let hello = recorded.hello();
        let name = hello.extension(0).unwrap().to_vec();
        let bytes = hello.nameless().with_last(0, name).to_bytes();
        assert!(bytes.len() > 1_500 && !bytes[..1_448].windows(6).any(|part| part == b"ledger"), "{recorded:?}");
        let mut visitor = gateway.visitor();
        visitor.send_in(1_448, &bytes);
        assert_eq!(visitor.outcome(), Outcome::reached("ledger"), "{recorded:?}");
    }
}

#[test]
fn grease_of_every_kind_is_passed_over() {
    let world = World::new();
    let gateway = world.gateway();
    assert!(Recorded::Chrome.hello().is_greased());
    for value in (0..16u16).map(|n| 0x0a0a + n * 0x1010) {
        let hello = Recorded::Go.hello().with(value, vec![]).with_last(value ^ 0x1010, vec![0]);
        assert_reaches_ledger(&gateway, &format!("GREASE {value:#x}"), hello.to_bytes());
    }
}

/// With ECH the name that counts is the outer one: nobody but the app could read the inner one.
#[test]
fn ech_grease_is_passed_over_and_the_outer_name_counts() {
    let world = World::new();
    let gateway = world.gateway();
    for recorded in [Recorded::Chrome, Recorded::Firefox] {
        let hello = recorded.hello();
        let ech = hello.extension(ENCRYPTED_CLIENT_HELLO).unwrap().to_vec();
        assert_reaches_ledger(&gateway, &format!("{recorded:?}"), recorded.bytes());
        for (name, app) in [(LEDGER, "ledger"), (REPORTS, "reports")] {
            let other = Recorded::Node.hello().named(name).with(ENCRYPTED_CLIENT_HELLO, ech.clone());
            assert_eq!(gateway.outcome(other.to_bytes()), Outcome::reached(app));
        }
        assert_eq!(gateway.outcome(hello.named("secret").to_bytes()), Outcome::Closed);
    }
    world.assert_secret_kept(&gateway);
}

#[test]
fn tls_1_2_alone_is_enough() {
    let world = World::new();
    let gateway = world.gateway();
    assert_reaches_ledger(&gateway, "OpenSSL", Recorded::OpensslTls12.bytes());
    let provider = rustls::crypto::ring::default_provider();
    let config = rustls_client(provider, &[&rustls::version::TLS12], &e2e::pki::Pki::new().unwrap().mesh_ca_pem());
    assert_reaches_ledger(&gateway, "rustls", rustls_hello(&config, LEDGER));
}

#[test]
fn a_hello_that_is_too_large_is_closed_though_its_name_is_known() {
    let world = World::new();
    let gateway = world.gateway();
    let hello = Recorded::Go.hello();
    for bytes in [2_000, 9_000, 16_000] {
        assert_reaches_ledger(&gateway, &format!("{bytes} bytes"), hello.clone().padded_to(bytes).to_bytes());
    }
    for bytes in [16_385, 17_000, 40_000] {
        let outcome = gateway.outcome(hello.clone().padded_to(bytes).to_bytes());
        assert_eq!(outcome, Outcome::Closed, "{bytes} bytes");
    }
    // Not too large in itself, but in its many records.
    let many = hello.clone().padded_to(4_000).in_records_of(1);
    assert_eq!(gateway.outcome(many), Outcome::Closed);
    // And one that claims to be, and stops there.
    let claims = [&hello.to_bytes()[..6], &[0xff; 3]].concat();
    assert_eq!(gateway.outcome(claims), Outcome::Closed);
    assert_eq!((gateway.metric("routed"), gateway.refused()), (3, 0));
    world.assert_secret_kept(&gateway);
}

#[test]
fn a_hello_that_ends_too_soon_is_closed() {
    let world = World::new();
    let gateway = world.gateway();
    let bytes = Recorded::Firefox.bytes();
    for length in [0, 1, 4, 5, 6, 100, 1_000, bytes.len() - 1] {
        let mut visitor = gateway.visitor();
        visitor.send(&bytes[..length]).finish();
        assert_eq!(visitor.outcome(), Outcome::Closed, "after {length} bytes");
    }
    assert_eq!((gateway.metric("routed"), gateway.refused()), (0, 0));
    world.assert_secret_kept(&gateway);
}

/// Whatever happens to a hello: it reaches the app whose name is in it, or none; and the filter stands.
#[test]
fn damaged_hellos_reach_the_named_app_or_none() {
    const THREADS: usize = 8;
    let world = World::new();
    let mut plan = world.plan();
    // A damaged length may promise more than comes.
    plan.listener()["listener_filters_timeout"] = json!("1s");
    let gateway = world.start(plan);
    let gateway = &gateway;
    let reached: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|seed| scope.spawn(move || damage(gateway, seed, 100))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert!((50..=THREADS * 100 - 50).contains(&reached), "{reached} reached the app");
    assert_eq!((gateway.traps(), world.reports.visits()), (0, 0));
    world.assert_secret_kept(gateway);
    assert_reaches_ledger(gateway, "afterwards", Recorded::Go.bytes());
}

/// How many of so many damaged hellos reach the app.
fn damage(gateway: &Gateway, seed: usize, rounds: usize) -> usize {
    let mut numbers = Numbers::new(seed as u64);
    let mut reached = 0;
    for round in 0..rounds {
        let mut bytes = Recorded::ALL[round % Recorded::ALL.len()].bytes();
        for _ in 0..=numbers.below(4) {
            let (at, byte) = (numbers.below(bytes.len()), u8::try_from(numbers.below(256)).unwrap());
            match numbers.below(4) {
                0 => bytes[at] = byte,
                1 => bytes[at] ^= 1 << (byte % 8),
                2 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        // In the place of what was taken out, lest all of those be waited for.
        bytes.extend([0; 8]);
        if let Outcome::Reached(app) = gateway.outcome(&bytes) {
            let lower = bytes.to_ascii_lowercase();
            let is_named = lower.windows(LEDGER.len()).any(|part| part == LEDGER.as_bytes());
            assert!(app == "ledger" && is_named, "seed {seed}, round {round}: {}", bytes.escape_ascii());
            reached += 1;
        }
    }
    reached
}
