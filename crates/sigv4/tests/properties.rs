//! What holds for the canonical form of every target and every header value, on random bytes and random spellings.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, reason = "a target that should parse and does not is a failed test")]

mod random;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sigv4::{
    CanonicalTarget, Credentials, Encode, Header, Normalize, PathRules, PayloadHash, Request, Scope, Secret, Signer,
    Timestamp,
};

const ALL_RULES: [PathRules; 4] = [
    PathRules::S3,
    PathRules::STANDARD,
    PathRules { normalize: Normalize::No, encode: Encode::Twice },
    PathRules { normalize: Normalize::Yes, encode: Encode::Once },
];

proptest! {
    #![proptest_config(random::cases(3000))]

    #[test]
    fn exactly_what_is_ambiguous_is_refused_and_nothing_panics(raw in bytes()) {
        for rules in ALL_RULES {
            let parsed = CanonicalTarget::parse(&raw, rules);
            prop_assert_eq!(parsed.is_err(), is_ambiguous(&raw), "{:?}", parsed);
        }
    }
}

proptest! {
    #![proptest_config(random::cases(1000))]

    #[test]
    fn a_canonical_target_parses_to_itself(raw in any_target()) {
        for rules in ALL_RULES {
            let once = CanonicalTarget::parse(&raw, rules).unwrap();
            prop_assert_eq!(CanonicalTarget::parse(once.as_bytes(), rules), Ok(once));
        }
    }

    #[test]
    fn a_canonical_target_holds_unreserved_characters_separators_and_upper_case_escapes(raw in any_target()) {
        for rules in ALL_RULES {
            let target = CanonicalTarget::parse(&raw, rules).unwrap();
            prop_assert!(target.path().starts_with(b"/"));
            prop_assert!(is_canonical(target.path(), b"/"), "{:?}", target);
            prop_assert!(is_canonical(target.query(), b"&="), "{:?}", target);
            let separator = if target.query().is_empty() { &b""[..] } else { b"?" };
            prop_assert_eq!(target.as_bytes(), [target.path(), separator, target.query()].concat());
        }
    }

    #[test]
    fn the_query_is_sorted_and_keeps_its_parameters(raw in any_target()) {
        for rules in ALL_RULES {
            let target = CanonicalTarget::parse(&raw, rules).unwrap();
            let written: Vec<_> = target.query_pairs().collect();
            prop_assert!(written.is_sorted(), "{:?}", written);
            let mut written: Vec<_> = written.iter().map(|(name, value)| (decode(name), decode(value))).collect();
            written.sort();
            prop_assert_eq!(written, parameters(&raw));
        }
    }

    #[test]
    fn an_s3_key_keeps_its_bytes(raw in any_target()) {
        let target = CanonicalTarget::parse(&raw, PathRules::S3).unwrap();
        prop_assert_eq!(decode(target.path()), decode(path(&raw)));
    }

    #[test]
    fn a_resolved_path_has_no_empty_and_no_dot_segments(raw in any_target()) {
        for rules in ALL_RULES.into_iter().filter(|rules| rules.normalize == Normalize::Yes) {
            let target = CanonicalTarget::parse(&raw, rules).unwrap();
            let segments: Vec<_> = target.path().split(|&byte| byte == b'/').skip(1).collect();
            let (_, inner) = segments.split_last().unwrap();
            prop_assert!(inner.iter().all(|segment| !segment.is_empty()), "{:?}", target);
            prop_assert!(!segments.iter().any(|segment| [&b"."[..], b".."].contains(segment)), "{:?}", target);
        }
    }

    #[test]
    fn other_paths_are_resolved_segment_by_segment(raw in any_target()) {
        let target = CanonicalTarget::parse(&raw, PathRules::STANDARD).unwrap();
        let segments: Vec<_> = target.path().split(|&byte| byte == b'/').skip(1).map(decode).collect();
        prop_assert_eq!(segments, resolve(path(&raw)));
    }
}

proptest! {
    #![proptest_config(random::cases(4000))]

    #[test]
    fn two_s3_targets_share_a_wire_form_exactly_when_they_say_the_same(
        one in meaning(), other in meaning(), dice in dice(),
    ) {
        let wire = |raw: &[u8]| CanonicalTarget::parse(raw, PathRules::S3).unwrap().as_bytes().to_vec();
        let (plain, respelt) = (one.spell(&[0]), one.spell(&dice));
        prop_assert_eq!(wire(&plain), wire(&respelt), "{:?}", String::from_utf8_lossy(&respelt));
        let differs = one.sorted() != other.sorted();
        prop_assert_eq!(wire(&respelt) != wire(&other.spell(&dice)), differs);
    }
}

proptest! {
    #![proptest_config(random::cases(1000))]

    #[test]
    fn a_header_value_may_hold_any_byte_and_only_its_spaces_are_touched(
        value in vec(prop_oneof![1 => Just(b' '), 2 => any::<u8>()], 0..24),
    ) {
        let target = CanonicalTarget::parse(b"/", PathRules::S3).unwrap();
        let headers = [Header { name: "x-amz-meta-a", value: &value }];
        let request = Request { method: b"GET", target: &target, headers: &headers, payload: PayloadHash::Unsigned };
        let secret_access_key = Secret::new("secret".into());
        let credentials = Credentials { access_key_id: "AKID".into(), secret_access_key, session_token: None };
        let mut signer = Signer::new(Scope { region: "us-west-2".into(), service: "s3".into() });
        signer.sign(&request, &credentials, Timestamp::from_unix_seconds(0).unwrap());

        let words: Vec<_> = value.trim_ascii().split(|&byte| byte == b' ').filter(|word| !word.is_empty()).collect();
        let line = [b"\nx-amz-meta-a:", words.join(&b' ').as_slice(), b"\n"].concat();
        let canonical = signer.last_canonical_request();
        prop_assert!(canonical.windows(line.len()).any(|window| window == line), "{:?}", value);
    }
}

/// Any bytes at all, most of them those that parsing looks at.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let telling = select(b"//??%%%%&=+.#\x0020aAfFgG4".to_vec());
    (prop_oneof![9 => Just(&b"/"[..]), 1 => Just(&b""[..])], vec(prop_oneof![4 => telling, 1 => any::<u8>()], 0..24))
        .prop_map(|(start, rest)| [start, &rest].concat())
}

/// A target that parses; half of them have queries that are not text.
fn any_target() -> impl Strategy<Value = Vec<u8>> {
    let byte = (1_u8..=255, 0_u8..3).prop_map(|(byte, spelling)| match spelling {
        0 if !b"#%".contains(&byte) => vec![byte],
        spelling => random::escaped(&[byte], spelling == 1),
    });
    prop_oneof![
        random::target(),
        (random::target(), vec(byte, 0..12)).prop_map(|(target, more)| [target, vec![b'?'], more.concat()].concat()),
    ]
}

/// What a target says to S3: a key and parameters, decoded. Small, so that two of them are often the same.
#[derive(Clone, Debug)]
struct Meaning {
    key: Vec<u8>,
    parameters: Parameters,
}

type Parameters = Vec<(Vec<u8>, Vec<u8>)>;

fn meaning() -> impl Strategy<Value = Meaning> {
    let byte = || select(b"a/%+?=& \xff".to_vec());
    (vec(byte(), 0..3), vec((vec(byte(), 0..2), vec(byte(), 0..2)), 0..3))
        .prop_map(|(key, parameters)| Meaning { key, parameters })
}

fn dice() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 1..12)
}

impl Meaning {
    fn sorted(&self) -> (&[u8], Parameters) {
        let mut parameters = self.parameters.clone();
        parameters.sort();
        (&self.key, parameters)
    }

    /// A raw target that says this, in a spelling that the dice choose.
    fn spell(&self, dice: &[u8]) -> Vec<u8> {
        let mut dice = dice.iter().copied().cycle();
        let mut roll = || dice.next().unwrap();
        let mut raw = b"/".to_vec();
        for &byte in &self.key {
            match roll() % 3 {
                0 if !b"%?".contains(&byte) => raw.push(byte),
                spelling => raw.extend(random::escaped(&[byte], spelling == 1)),
            }
        }
        let mut parameters: Vec<_> = self.parameters.iter().collect();
        if roll() % 2 == 1 {
            parameters.reverse();
        }
        for (index, (name, value)) in parameters.into_iter().enumerate() {
            raw.extend_from_slice(if index == 0 { b"?" } else { b"&" });
            raw.extend_from_slice(if roll() % 4 == 3 { b"&" } else { b"" });
            spell_part(name, b"%&+=", &mut roll, &mut raw);
            raw.extend_from_slice(if name.is_empty() || !value.is_empty() { b"=" } else { b"" });
            spell_part(value, b"%&+", &mut roll, &mut raw);
        }
        raw
    }
}

/// A name or value of a query, in which `separators` have to be escaped.
fn spell_part(part: &[u8], separators: &[u8], roll: &mut impl FnMut() -> u8, raw: &mut Vec<u8>) {
    for &byte in part {
        match roll() % 4 {
            0 if !separators.contains(&byte) => raw.push(byte),
            1 if byte == b' ' => raw.push(b'+'),
            spelling => raw.extend(random::escaped(&[byte], spelling == 2)),
        }
    }
}

/// Not of origin form, with a malformed escape, with a NUL or with a fragment.
fn is_ambiguous(raw: &[u8]) -> bool {
    let malformed = |at: usize| !raw.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    raw.first() != Some(&b'/')
        || raw.contains(&b'#')
        || raw.contains(&0)
        || raw.windows(3).any(|escape| escape == b"%00")
        || raw.iter().enumerate().any(|(at, &byte)| byte == b'%' && malformed(at))
}

fn is_canonical(text: &[u8], separators: &[u8]) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let upper_case = |digit: &u8| digit.is_ascii_digit() || (b'A'..=b'F').contains(digit);
    let mut pieces = text.split(|&byte| byte == b'%');
    let plain = |piece: &[u8]| piece.iter().all(|&byte| unreserved(byte) || separators.contains(&byte));
    pieces.next().is_some_and(plain)
        && pieces.all(|piece| {
            piece.split_at_checked(2).is_some_and(|(hex, rest)| {
                let byte = u8::from_str_radix(&String::from_utf8_lossy(hex), 16);
                hex.iter().all(upper_case) && byte.is_ok_and(|byte| !unreserved(byte)) && plain(rest)
            })
        })
}

fn path(raw: &[u8]) -> &[u8] {
    raw.split(|&byte| byte == b'?').next().unwrap()
}

/// The decoded parameters of a raw query, sorted.
fn parameters(raw: &[u8]) -> Parameters {
    let query: Vec<u8> = raw.iter().copied().skip(path(raw).len() + 1).collect();
    let spaced: Vec<u8> = query.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    let parameters = spaced.split(|&byte| byte == b'&').filter(|parameter| !parameter.is_empty());
    let mut pairs: Vec<_> = parameters
        .map(|parameter| {
            let name = parameter.split(|&byte| byte == b'=').next().unwrap();
            let value: Vec<u8> = parameter.iter().copied().skip(name.len() + 1).collect();
            (decode(name), decode(&value))
        })
        .collect();
    pairs.sort();
    pairs
}

/// RFC 3986, section 5.2.4, for segments; empty ones go too. The last one is empty after a slash.
fn resolve(path: &[u8]) -> Vec<Vec<u8>> {
    let mut resolved = Vec::new();
    let mut ends_with_slash = true;
    for segment in path.split(|&byte| byte == b'/').skip(1).map(decode) {
        ends_with_slash = matches!(segment.as_slice(), b"" | b"." | b"..");
        match segment.as_slice() {
            b"" | b"." => {}
            b".." => drop(resolved.pop()),
            _ => resolved.push(segment),
        }
    }
    if ends_with_slash {
        resolved.push(Vec::new());
    }
    resolved
}

fn decode(text: &[u8]) -> Vec<u8> {
    let mut pieces = text.split(|&byte| byte == b'%');
    let mut decoded = pieces.next().unwrap().to_vec();
    for piece in pieces {
        let (hex, rest) = piece.split_at(2);
        decoded.push(u8::from_str_radix(core::str::from_utf8(hex).unwrap(), 16).unwrap());
        decoded.extend_from_slice(rest);
    }
    decoded
}
