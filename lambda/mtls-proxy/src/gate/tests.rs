//! The gate as a pure machine: what passes, what does not, and that it does not matter in which pieces bytes come.

use super::*;

/// What came of some input.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    /// Heads and bodies that passed.
    passed: Vec<u8>,
    heads: usize,
    refused: Option<Malformed>,
    broken: Option<Malformed>,
}

/// Feeds the input in pieces of this size.
fn feed(input: &[u8], size: usize) -> Seen {
    let mut gate = Gate::new();
    let mut seen = Seen::default();
    for piece in input.chunks(size) {
        let mut rest = piece;
        while !rest.is_empty() {
            match gate.step(rest) {
                Step::Need => break,
                Step::Head(taken, head) => {
                    seen.heads += 1;
                    seen.passed.extend(head);
                    rest = &rest[taken..];
                }
                Step::Pass(taken) => {
                    assert!(taken > 0);
                    seen.passed.extend(&rest[..taken]);
                    rest = &rest[taken..];
                }
                Step::Refused(refused) => {
                    seen.refused = Some(refused.why);
                    return seen;
                }
                Step::Broken(why) => {
                    seen.broken = Some(why);
                    return seen;
                }
            }
        }
    }
    seen
}

/// The same in every size of pieces.
fn see(input: &str) -> Seen {
    let whole = feed(input.as_bytes(), usize::MAX);
    for size in [1, 2, 3, 7, 64] {
        assert_eq!(feed(input.as_bytes(), size), whole, "in pieces of {size}: {input:?}");
    }
    whole
}

#[test]
fn sound_requests_pass_as_they_are_one_after_the_other() {
    let requests = [
        "GET /a HTTP/1.1\r\nHost: ledger\r\n\r\n",
        "POST /b HTTP/1.1\r\nHost: ledger\r\nContent-Length: 5\r\n\r\nhello",
        "POST /c HTTP/1.1\r\nHost:ledger\r\ntransfer-encoding: Chunked\r\n\r\n5\r\nhello\r\nA;x=\"y\"\r\n0123456789\r\n0\r\n\r\n",
        "PUT /d HTTP/1.0\r\nHost: ledger\r\nContent-Length: 0\r\n\r\n",
        "PUT /e HTTP/1.1\r\nHost: ledger\r\nTransfer-Encoding: chunked\r\n\r\n000\r\nX-Sum: 1\r\nY:\r\n\r\n",
        "M-SEARCH * HTTP/1.1\r\nHost: ledger\r\nEmpty:\r\nTabs:\ta\tb\t\r\nHigh: \u{e9}\r\n\r\n",
    ];
    let all = requests.concat();
    let seen = see(&all);
    assert_eq!((seen.heads, seen.refused, seen.broken), (requests.len(), None, None));
    assert_eq!(String::from_utf8(seen.passed).unwrap(), all);
}

#[test]
fn one_empty_line_before_a_request_is_passed_over_and_no_more() {
    let request = "GET / HTTP/1.1\r\nHost: ledger\r\n\r\n";
    assert_eq!(see(&format!("\r\n{request}")).passed, request.as_bytes());
    assert_eq!(see(&format!("{request}\r\n{request}")).heads, 2);
    assert_eq!(see(&format!("\r\n\r\n{request}")).refused, Some(malformed::REQUEST_LINE));
}

/// Heads that are refused, each with what they are refused for.
pub(crate) const REFUSED: &[(&str, Malformed)] = &[
    // How lines end.
    ("GET / HTTP/1.1\nHost: ledger\n\n", malformed::BARE_LF),
    ("GET / HTTP/1.1\r\nHost: ledger\n\r\n", malformed::BARE_LF),
    ("\nGET / HTTP/1.1\r\nHost: ledger\r\n\r\n", malformed::BARE_LF),
    ("GET / HTTP/1.1\r\nHost: ledger\r\nX: a\nTransfer-Encoding: chunked\r\n\r\n", malformed::BARE_LF),
    ("GET / HTTP/1.1\rHost: ledger\r\r", malformed::BARE_CR),
    ("GET / HTTP/1.1\r\nHost: ledger\r\nX: a\rb\r\n\r\n", malformed::BARE_CR),
    ("GET / HTTP/1.1\r\r\nHost: ledger\r\n\r\n", malformed::BARE_CR),
    // The request line.
    ("GET /\r\nHost: ledger\r\n\r\n", malformed::REQUEST_LINE),
    ("GET  / HTTP/1.1\r\nHost: ledger\r\n\r\n", malformed::REQUEST_LINE),
    ("GET /  HTTP/1.1\r\nHost: ledger\r\n\r\n", malformed::REQUEST_LINE),
    ("GET / HTTP/1.1 \r\nHost: ledger\r\n\r\n", malformed::REQUEST_LINE),
    ("GET /a b HTTP/1.1\r\nHost: ledger\r\n\r\n", malformed::REQUEST_LINE),
    ("GET / ICY/1.1\r\nHost: ledger\r\n\r\n", malformed::REQUEST_LINE),
    (" GET / HTTP/1.1\r\nHost: ledger\r\n\r\n", malformed::REQUEST_LINE),
    ("GET\t/ HTTP/1.1\r\nHost: ledger\r\n\r\n", malformed::REQUEST_LINE),
    ("G(T / HTTP/1.1\r\nHost: ledger\r\n\r\n", malformed::METHOD),
    ("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\nHost: ledger\r\n\r\n", malformed::METHOD),
    ("GET /a#b HTTP/1.1\r\nHost: ledger\r\n\r\n", malformed::TARGET),
    ("GET /a\tb HTTP/1.1\r\nHost: ledger\r\n\r\n", malformed::TARGET),
    ("GET /a\u{0}b HTTP/1.1\r\nHost: ledger\r\n\r\n", malformed::TARGET),
    ("GET /caf\u{e9} HTTP/1.1\r\nHost: ledger\r\n\r\n", malformed::TARGET),
    ("GET http:// HTTP/1.1\r\nHost: ledger\r\n\r\n", malformed::TARGET),
    ("GET / HTTP/2.0\r\nHost: ledger\r\n\r\n", malformed::VERSION),
    ("GET / HTTP/1.2\r\nHost: ledger\r\n\r\n", malformed::VERSION),
    ("GET / HTTP/0.9\r\nHost: ledger\r\n\r\n", malformed::VERSION),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", malformed::VERSION),
    ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n\r\n", malformed::REQUEST_LINE),
    // Headers.
    ("GET / HTTP/1.1\r\nHost: ledger\r\nX: a\r\n b\r\n\r\n", malformed::FOLDED),
    ("GET / HTTP/1.1\r\n Host: ledger\r\n\r\n", malformed::FOLDED),
    ("GET / HTTP/1.1\r\nHost: ledger\r\nTransfer-Encoding:\r\n\tchunked\r\n\r\n", malformed::CODING),
    ("GET / HTTP/1.1\r\nHost: ledger\r\nX\r\n\r\n", malformed::HEADER_COLON),
    ("GET / HTTP/1.1\r\nHost: ledger\r\nX : a\r\n\r\n", malformed::HEADER_NAME),
    ("GET / HTTP/1.1\r\nHost: ledger\r\nContent-Length : 5\r\n\r\n", malformed::HEADER_NAME),
    ("GET / HTTP/1.1\r\nHost: ledger\r\n: a\r\n\r\n", malformed::HEADER_NAME),
    ("GET / HTTP/1.1\r\nHost: ledger\r\nX\u{b}Y: a\r\n\r\n", malformed::HEADER_NAME),
    ("GET / HTTP/1.1\r\nHost: ledger\r\nX(Y): a\r\n\r\n", malformed::HEADER_NAME),
    ("GET / HTTP/1.1\r\nHost: ledger\r\nX: a\u{0}b\r\n\r\n", malformed::HEADER_VALUE),
    ("GET / HTTP/1.1\r\nHost: ledger\r\nX: a\u{7f}\r\n\r\n", malformed::HEADER_VALUE),
    ("GET / HTTP/1.1\r\nHost: ledger\r\nX: \u{b}a\r\n\r\n", malformed::HEADER_VALUE),
    // Host.
    ("GET / HTTP/1.1\r\n\r\n", malformed::HOST_MISSING),
    ("GET / HTTP/1.0\r\n\r\n", malformed::HOST_MISSING),
    ("GET / HTTP/1.1\r\nHost: ledger\r\nHost: users\r\n\r\n", malformed::HOST_TWICE),
    ("GET / HTTP/1.1\r\nHost: ledger\r\nhOST: ledger\r\n\r\n", malformed::HOST_TWICE),
    // Where the message ends.
    ("POST / HTTP/1.1\r\nHost: ledger\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", malformed::LENGTH_TWICE),
    ("POST / HTTP/1.1\r\nHost: ledger\r\nContent-Length: 5\r\ncontent-length: 6\r\n\r\n", malformed::LENGTH_TWICE),
    ("POST / HTTP/1.1\r\nHost: ledger\r\nContent-Length: 5, 5\r\n\r\n", malformed::LENGTH),
    ("POST / HTTP/1.1\r\nHost: ledger\r\nContent-Length: +5\r\n\r\n", malformed::LENGTH),
    ("POST / HTTP/1.1\r\nHost: ledger\r\nContent-Length: -1\r\n\r\n", malformed::LENGTH),
    ("POST / HTTP/1.1\r\nHost: ledger\r\nContent-Length: 0x5\r\n\r\n", malformed::LENGTH),
    ("POST / HTTP/1.1\r\nHost: ledger\r\nContent-Length: 5 6\r\n\r\n", malformed::LENGTH),
    ("POST / HTTP/1.1\r\nHost: ledger\r\nContent-Length:\r\n\r\n", malformed::LENGTH),
    ("POST / HTTP/1.1\r\nHost: ledger\r\nContent-Length: 99999999999999999999\r\n\r\n", malformed::LENGTH),
    (
        "POST / HTTP/1.1\r\nHost: ledger\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        malformed::LENGTH_AND_CHUNKED,
    ),
    (
        "POST / HTTP/1.1\r\nHost: ledger\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        malformed::LENGTH_AND_CHUNKED,
    ),
    (
        "POST / HTTP/1.1\r\nHost: ledger\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
        malformed::LENGTH_AND_CHUNKED,
    ),
    (
        "POST / HTTP/1.1\r\nHost: ledger\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        malformed::CODING_TWICE,
    ),
    (
        "POST / HTTP/1.1\r\nHost: ledger\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
        malformed::CODING_TWICE,
    ),
    ("POST / HTTP/1.1\r\nHost: ledger\r\nTransfer-Encoding: identity\r\n\r\n", malformed::CODING),
    ("POST / HTTP/1.1\r\nHost: ledger\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", malformed::CODING),
    ("POST / HTTP/1.1\r\nHost: ledger\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", malformed::CODING),
    ("POST / HTTP/1.1\r\nHost: ledger\r\nTransfer-Encoding: chunked;x\r\n\r\n", malformed::CODING),
    ("POST / HTTP/1.1\r\nHost: ledger\r\nTransfer-Encoding: xchunked\r\n\r\n", malformed::CODING),
    ("POST / HTTP/1.1\r\nHost: ledger\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", malformed::CODING),
    ("POST / HTTP/1.1\r\nHost: ledger\r\nTransfer-Encoding:\r\n\r\n", malformed::CODING),
    ("POST / HTTP/1.0\r\nHost: ledger\r\nTransfer-Encoding: chunked\r\n\r\n", malformed::CODING_IN_1_0),
];

#[test]
fn a_head_of_more_than_one_meaning_is_refused() {
    for (head, why) in REFUSED {
        let seen = see(head);
        assert_eq!((seen.refused, seen.heads), (Some(*why), 0), "{head:?}");
    }
}

#[test]
fn after_a_refusal_nothing_passes() {
    let seen = see("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n");
    assert_eq!((seen.heads, seen.refused), (1, Some(malformed::REQUEST_LINE)));
    let mut gate = Gate::new();
    assert!(matches!(gate.step(b"\n"), Step::Refused(_)));
    assert_eq!(gate.step(b"GET / HTTP/1.1\r\nHost: b\r\n\r\n"), Step::Broken(malformed::SHUT));
}

#[test]
fn chunks_that_are_not_well_formed_break_the_body_where_it_goes_wrong() {
    let head = "POST / HTTP/1.1\r\nHost: ledger\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (body, sound, why) in [
        ("\r\n", "", malformed::CHUNK),
        ("g\r\n", "", malformed::CHUNK),
        ("5\nhello\r\n", "5", malformed::CHUNK),
        ("5 \r\nhello\r\n", "5", malformed::CHUNK),
        ("+5\r\nhello\r\n", "", malformed::CHUNK),
        ("0x5\r\nhello\r\n", "0", malformed::CHUNK),
        ("5\r\nhello0\r\n", "5\r\nhello", malformed::CHUNK),
        ("5\r\nhello\n0\r\n", "5\r\nhello", malformed::CHUNK),
        ("5\r\nhello\r0\r\n", "5\r\nhello\r", malformed::CHUNK),
        ("5\r\rhello\r\n", "5\r", malformed::CHUNK),
        ("5;a\nb\r\nhello", "5;a", malformed::CHUNK),
        ("5;a\rb\r\nhello", "5;a\r", malformed::CHUNK),
        ("5;\u{0}\r\nhello", "5;", malformed::CHUNK),
        ("1000000000000000\r\n", "100000000000000", malformed::CHUNK),
        ("-1\r\n", "", malformed::CHUNK),
        ("0\r\nX: a\nY: b\r\n\r\n", "0\r\nX: a", malformed::TRAILER),
        ("0\r\n X: a\r\n\r\n", "0\r\n X: a", malformed::TRAILER),
        ("0\r\nX\r\n\r\n", "0\r\nX", malformed::TRAILER),
        ("0\r\nX: \u{0}\r\n\r\n", "0\r\nX: \u{0}", malformed::TRAILER),
        ("0\r\n\r0\r\n", "0\r\n\r", malformed::TRAILER),
    ] {
        let seen = see(&format!("{head}{body}"));
        assert_eq!(seen.broken, Some(why), "{body:?}");
        assert_eq!(String::from_utf8(seen.passed).unwrap(), format!("{head}{sound}"), "{body:?}");
    }
}

#[test]
fn sizes_are_bounded() {
    let head = |filler: usize| {
        let bare = "GET / HTTP/1.1\r\nHost: ledger\r\nX: \r\n\r\n".len();
        format!("GET / HTTP/1.1\r\nHost: ledger\r\nX: {}\r\n\r\n", "a".repeat(filler - bare))
    };
    assert_eq!(feed(head(MAX_HEAD).as_bytes(), 4096).heads, 1);
    assert_eq!(feed(head(MAX_HEAD + 1).as_bytes(), 4096).refused, Some(malformed::HEAD_TOO_LARGE));
    let headers = |count: usize| format!("GET / HTTP/1.1\r\nHost: ledger\r\n{}\r\n", "X: a\r\n".repeat(count - 1));
    assert_eq!(see(&headers(100)).heads, 1);
    assert_eq!(see(&headers(101)).refused, Some(malformed::TOO_MANY_HEADERS));
    let chunked = "POST / HTTP/1.1\r\nHost: ledger\r\nTransfer-Encoding: chunked\r\n\r\n";
    let extension = |bytes: usize| format!("{chunked}1;{}\r\na\r\n0\r\n\r\n", "x".repeat(bytes));
    assert_eq!(see(&extension(256)).broken, None);
    assert_eq!(see(&extension(257)).broken, Some(malformed::CHUNK));
    let trailer = |bytes: usize| format!("{chunked}0\r\nX: {}\r\n\r\n", "x".repeat(bytes - 3));
    assert_eq!(see(&trailer(8 * 1024)).broken, None);
    assert_eq!(see(&trailer(8 * 1024 + 1)).broken, Some(malformed::TRAILER));
}

#[test]
fn a_refused_head_request_is_known_as_one() {
    let mut gate = Gate::new();
    let step = gate.step(b"HEAD / HTTP/1.1\r\nX: y\r\n\r\n");
    assert_eq!(step, Step::Refused(Refused { why: malformed::HOST_MISSING, to_head: true }));
}

#[test]
fn the_gate_knows_whether_a_head_is_under_way() {
    let mut gate = Gate::new();
    assert!(gate.between_messages() && !gate.in_head());
    gate.step(b"G");
    assert!(!gate.between_messages() && gate.in_head());
    gate.step(b"ET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
    assert!(!gate.between_messages() && !gate.in_head());
    gate.step(b"x");
    assert!(gate.between_messages());
}
