//! What operators see: a line and a counter for each refusal, and no client that can write into the log or flood it.

use std::time::Instant;

use e2e::router::{Gateway, LEDGER, Outcome, Recorded, World};

fn lines(gateway: &Gateway) -> Vec<String> {
    gateway.envoy.logs().lines().filter(|line| line.contains("closed a connection")).map(str::to_owned).collect()
}

#[test]
fn each_refusal_is_told_once_with_its_reason() {
    let world = World::new();
    let gateway = world.gateway();
    let hello = Recorded::Go.hello();
    gateway.outcome_of("staging.payroll.mesh.example.com");
    gateway.outcome_of("10.0.0.1");
    gateway.outcome_of("*.mesh.example.com");
    gateway.outcome(hello.nameless().to_bytes());
    let told = [
        "closed a connection for \"staging.payroll.mesh.example.com\": unknown-name",
        "closed a connection for \"10.0.0.1\": ip-literal",
        "closed a connection for \"*.mesh.example.com\": invalid-name",
        "closed a connection that names no server: no-name",
    ];
    gateway.wait_until("four lines", || lines(&gateway).len() == told.len());
    for text in told {
        let found: Vec<_> = lines(&gateway).into_iter().filter(|line| line.ends_with(text)).collect();
        assert!(found.len() == 1 && found[0].contains("[warning][wasm]"), "{text}: {found:?}");
    }
}

#[test]
fn the_access_log_tells_name_outcome_bytes_and_duration_of_every_connection() {
    let world = World::new();
    let gateway = world.gateway();
    let hello = Recorded::Go.bytes();
    let mut guest = gateway.visitor();
    guest.send(&hello);
    assert_eq!(guest.outcome(), Outcome::reached("ledger"));
    guest.finish();
    while guest.line().is_some() {}
    drop(guest);
    gateway.wait_until("its line", || gateway.access_log().len() == 1);
    gateway.outcome_of("secret");
    gateway.wait_until("its line", || gateway.access_log().len() == 2);
    gateway.outcome("SSH-2.0-OpenSSH_9.9\r\n");
    gateway.wait_until("its line", || gateway.access_log().len() == 3);
    let [routed, refused, not_tls] = &gateway.access_log()[..] else { panic!("three lines") };
    assert_eq!(routed["sni"], LEDGER);
    assert_eq!(routed["client"], "203.0.113.9:50000");
    assert_eq!(routed["cluster"], "ledger-staging");
    assert_eq!(routed["upstream"], world.ledger.address().to_string());
    assert_eq!(routed["bytes_in"], hello.len());
    assert_eq!(routed["bytes_out"], "ledger\n".len() + format!("{} bytes\n", hello.len()).len());
    assert!(routed["milliseconds"].is_u64() && routed["refused"].is_null(), "{routed}");
    assert_eq!((&refused["sni"], &refused["refused"]), (&"secret".into(), &"unknown-name".into()));
    assert!(refused["cluster"].is_null() && refused["upstream"].is_null(), "{refused}");
    assert_eq!(not_tls["flags"], "NR");
    assert!(not_tls["sni"].is_null() && not_tls["cluster"].is_null(), "{not_tls}");
}

#[test]
fn nobody_writes_lines_of_their_own_into_the_log() {
    let world = World::new();
    let gateway = world.gateway();
    let names: [&[u8]; 6] = [
        b"a\r\n[critical] all is lost",
        b"\x1b[31mred\x1b[0m",
        b"\"quoted\" \\ and {\"json\": true}",
        "b\u{f6}se \u{202e}txet".as_bytes(),
        b"\xff\xfe\x80",
        &[b'%'; 255],
    ];
    for name in names {
        assert_eq!(gateway.outcome_of(name), Outcome::Closed);
    }
    gateway.wait_until("the lines", || lines(&gateway).len() == names.len());
    for (line, name) in lines(&gateway).iter().zip(names) {
        // Workers may be overtaken by one another, but each name is there.
        assert!(line.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{line:?}");
        let shown = format!("for \"{}\": invalid-name", name.escape_ascii());
        gateway.wait_until(&shown, || lines(&gateway).iter().any(|line| line.ends_with(&shown)));
    }
    gateway.wait_until("the access log", || {
        let log = gateway.envoy.logs();
        log.lines().filter(|line| line.contains("\"refused\":\"invalid-name\"")).count() == names.len()
    });
    let log = gateway.envoy.logs();
    assert!(!log.contains('\x1b') && !log.lines().any(|line| line.starts_with("[critical]")), "{}", gateway.log_tail());
    assert_eq!(gateway.access_log().len(), names.len(), "each line of the access log is JSON");
}

#[test]
fn a_flood_of_refusals_is_counted_in_full_and_logged_in_part() {
    let world = World::new();
    let gateway = world.gateway();
    let begun = Instant::now();
    let refusals = 600;
    for number in 0..refusals {
        assert_eq!(gateway.outcome_of(format!("flood-{number}.example")), Outcome::Closed);
    }
    assert_eq!(gateway.metric("refused.unknown-name"), refusals);
    // Two workers, each with ten lines at once and one for each second.
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap() + 1;
    let count = lines(&gateway).len();
    assert!((10..=2 * (10 + seconds)).contains(&count), "{count} lines in {seconds} s");
    // The next one that is told says how many were not, once there may be one again.
    gateway.wait_until("a line with a number", || {
        gateway.outcome_of("after-the-flood.example");
        lines(&gateway).iter().any(|line| line.contains("others since the last such line"))
    });
    assert_eq!(gateway.outcome_of(LEDGER), Outcome::reached("ledger"));
}
