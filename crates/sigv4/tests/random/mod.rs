//! Random request targets and the fixed seed under which all property tests run.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

/// The same cases in every run: a failure on another machine is a failure here.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(0x5164), ..ProptestConfig::default() }
}

/// A target that can be read in one way only, in any spelling. Its path may be of any bytes; its query is text in
/// UTF-8 once decoded, which is all that the oracle can read.
pub(crate) fn target() -> impl Strategy<Value = Vec<u8>> {
    (vec(path_piece(), 0..12), option::of(vec(query_piece(), 0..16))).prop_map(|(path, query)| {
        let query = query.map(|query| [b"?".to_vec(), query.concat()].concat());
        [b"/".to_vec(), path.concat(), query.unwrap_or_default()].concat()
    })
}

fn path_piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => Just(b"/".to_vec()),
        3 => "[A-Za-z0-9._~-]{1,6}".prop_map(String::into_bytes),
        2 => select(vec!["/.", "/..", "//", "%2f", "%2F", "%2e", "%2E%2e", "/.%2E", "+", "%2B", "%25", "%2541", "="])
            .prop_map(|text| text.as_bytes().to_vec()),
        2 => "[ \"!$&'()*+,:;<=>@\\[\\\\\\]^`{|}]{1,3}".prop_map(String::into_bytes),
        2 => (1_u8..=255, any::<bool>()).prop_map(|(byte, upper)| escaped(&[byte], upper)),
        1 => any::<char>().prop_filter("separates or ends a path", |c| !"\0#?%".contains(*c))
            .prop_map(|c| c.to_string().into_bytes()),
        1 => select((0x80..=0xff_u8).chain(1..0x20).chain([0x7f]).collect::<Vec<_>>()).prop_map(|byte| vec![byte]),
    ]
}

fn query_piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => select(vec!["&", "=", "&&", "=="]).prop_map(|text| text.as_bytes().to_vec()),
        3 => "[A-Za-z0-9._~-]{1,6}".prop_map(String::into_bytes),
        2 => select(vec!["+", "%2B", "%2b", "%20", "%26", "%3D", "%3d", "%25", "%2541", "?", "/", "%2F", "acl", "a"])
            .prop_map(|text| text.as_bytes().to_vec()),
        2 => "[ \"!$'()*,:;<>@\\[\\\\\\]^`{|}]{1,3}".prop_map(String::into_bytes),
        2 => (any::<char>(), any::<bool>()).prop_filter("NUL", |(c, _)| *c != '\0')
            .prop_map(|(c, upper)| escaped(c.to_string().as_bytes(), upper)),
        1 => any::<char>().prop_filter("no text", |c| !"\0#%".contains(*c)).prop_map(|c| c.to_string().into_bytes()),
    ]
}

/// Each byte as `%XX`.
pub(crate) fn escaped(bytes: &[u8], upper: bool) -> Vec<u8> {
    let escape = |byte: &u8| if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") };
    bytes.iter().map(escape).collect::<String>().into_bytes()
}
