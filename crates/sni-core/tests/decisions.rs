//! Where a connection goes, for each kind of name; and how refusals are told.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, reason = "in tests a panic is the verdict")]

use sni_core::{LogBudget, Refusal, Router, Step};

fn router() -> Router {
    Router::parse(
        br#"{"routes": [{"sni": "staging.ledger.mesh.example.com", "cluster": "ledger-staging"},
                        {"sni": "x.example", "cluster": "staging.ledger.mesh.example.com"}]}"#,
    )
    .unwrap()
}

#[test]
fn each_kind_of_name_has_its_decision() {
    use Refusal::{InvalidName, IpLiteral, NoName, UnknownName};
    let router = router();
    let cases: &[(&[u8], Step<'_>)] = &[
        (b"staging.ledger.mesh.example.com", Step::Route("ledger-staging")),
        (b"staging.ledger.mesh.example.com.", Step::Route("ledger-staging")),
        (b"STAGING.Ledger.mesh.EXAMPLE.com", Step::Route("ledger-staging")),
        (b"x.example", Step::Route("staging.ledger.mesh.example.com")),
        (b"", Step::Close(NoName)),
        (b"ledger-staging", Step::Close(UnknownName)),
        (b"ledger.mesh.example.com", Step::Close(UnknownName)),
        (b"staging.ledger.mesh.example.co", Step::Close(UnknownName)),
        (b"staging.ledger.mesh.example.comm", Step::Close(UnknownName)),
        (b"a", Step::Close(UnknownName)),
        (b"10.0.0.1", Step::Close(IpLiteral)),
        (b"10.0.0.1.", Step::Close(IpLiteral)),
        (b"127.1", Step::Close(IpLiteral)),
        (b"0X7F.1", Step::Close(IpLiteral)),
        (b"app.0x", Step::Close(IpLiteral)),
        (b"::", Step::Close(IpLiteral)),
        (b"[::ffff:10.0.0.1]", Step::Close(IpLiteral)),
        (b".", Step::Close(InvalidName)),
        (b"..", Step::Close(InvalidName)),
        (b"staging.ledger.mesh.example.com..", Step::Close(InvalidName)),
        (b"*.mesh.example.com", Step::Close(InvalidName)),
        (b"staging.ledger.mesh.example.com\0", Step::Close(InvalidName)),
        (b"\0", Step::Close(InvalidName)),
        (b"staging.ledger.mesh.example.com:443", Step::Close(InvalidName)),
        (b"10.0.0.1:443", Step::Close(InvalidName)),
        (b"a.b:443", Step::Close(InvalidName)),
        (b" staging.ledger.mesh.example.com", Step::Close(InvalidName)),
        (b"staging.ledger.mesh.example.c\xc3\xb6m", Step::Close(InvalidName)),
        (b"\xff", Step::Close(InvalidName)),
        // Lower-casing is for ASCII alone: U+212A, the Kelvin sign, is no k.
        ("sta\u{212a}e.example".as_bytes(), Step::Close(InvalidName)),
        (&[b'a'; 64], Step::Close(InvalidName)),
        (&[b'a'; 100_000], Step::Close(InvalidName)),
    ];
    for (name, step) in cases {
        assert_eq!(router.route(name), *step, "{}", name.escape_ascii());
    }
}

#[test]
fn an_empty_table_closes_everything() {
    let router = Router::parse(br#"{"routes": []}"#).unwrap();
    assert_eq!(router.route(b"staging.ledger.mesh.example.com"), Step::Close(Refusal::UnknownName));
    assert_eq!(router.route(b""), Step::Close(Refusal::NoName));
}

#[test]
fn the_lines_of_refusals_are_one_line_each_and_show_the_name_escaped() {
    assert_eq!(Refusal::NoName.line(b"", 0), "closed a connection that names no server: no-name");
    assert_eq!(
        Refusal::UnknownName.line(b"a.example", 3),
        "closed a connection for \"a.example\": unknown-name (and 3 others since the last such line)"
    );
    let line = Refusal::InvalidName.line(b"\r\n\0\x1b\"\\\xff", 0);
    assert_eq!(line, r#"closed a connection for "\r\n\x00\x1b\"\\\xff": invalid-name"#);
    let host_error = Refusal::HostError.line(b"", 0);
    assert_eq!(host_error, "closed a connection for \"\": host-error");
}

#[test]
fn refusals_have_texts_of_their_own_that_fit_into_counters() {
    let mut texts = Refusal::ALL.map(Refusal::as_str);
    assert!(texts.iter().all(|text| text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
    texts.sort_unstable();
    assert!(texts.windows(2).all(|two| two[0] != two[1]));
}

#[test]
fn ten_lines_come_at_once_and_then_one_each_second() {
    let mut budget = LogBudget::new(5_000);
    let told = |budget: &mut LogBudget, at: u64, count: usize| (0..count).filter(|_| budget.take(at).is_some()).count();
    assert_eq!(told(&mut budget, 5_000, 1_000), 10);
    assert_eq!(told(&mut budget, 5_999, 10), 0);
    assert_eq!(budget.take(6_000), Some(1_000), "how many were left out");
    assert_eq!(told(&mut budget, 6_000, 10), 0);
    // What was not asked for is not saved up beyond ten.
    assert_eq!(budget.take(3_600_000), Some(10));
    assert_eq!(told(&mut budget, 3_600_000, 1_000), 9);
    // Half a second is not lost when the other half follows.
    let mut budget = LogBudget::new(0);
    assert_eq!(told(&mut budget, 0, 20), 10);
    assert_eq!(told(&mut budget, 1_500, 5), 1);
    assert_eq!(told(&mut budget, 2_000, 5), 1);
}

#[test]
fn a_clock_that_jumps_neither_floods_the_log_nor_silences_it() {
    let mut budget = LogBudget::new(1_000_000);
    let told = |budget: &mut LogBudget, at: u64| (0..100).filter(|_| budget.take(at).is_some()).count();
    assert_eq!(told(&mut budget, 1_000_000), 10);
    assert_eq!(told(&mut budget, 0), 0);
    assert_eq!(told(&mut budget, 2_000), 2);
    assert_eq!(told(&mut budget, u64::MAX), 10);
    assert_eq!(told(&mut budget, u64::MAX), 0);
}
