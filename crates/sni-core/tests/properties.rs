//! What holds for every name and every configuration.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use sni_core::{Refusal, Router, SniName, Step};

/// The same cases on every machine.
fn same_everywhere() -> ProptestConfig {
    let rng_seed = RngSeed::Fixed(0x541);
    ProptestConfig { cases: 512, failure_persistence: None, rng_seed, ..ProptestConfig::default() }
}

/// Names that are right, and not addresses.
const NAME: &str =
    "([a-zA-Z0-9_]([a-zA-Z0-9_-]{0,20}[a-zA-Z0-9_])?\\.){0,4}[a-zA-Z_]([a-zA-Z0-9_-]{0,5}[a-zA-Z_])?\\.?";
/// Names of few letters, so that many are alike.
const NEAR: &str = "[aAbB.]{0,4}";

fn json(routes: &BTreeMap<String, String>) -> Option<Router> {
    let routes: Vec<serde_json::Value> =
        routes.iter().map(|(sni, cluster)| serde_json::json!({ "sni": sni, "cluster": cluster })).collect();
    Router::parse(serde_json::json!({ "routes": routes }).to_string().as_bytes()).ok()
}

/// What a client may make of a name without making another of it.
fn variant(name: &str, upper: &[bool], dot: bool) -> Vec<u8> {
    let mut name: Vec<u8> = name.trim_end_matches('.').bytes().collect();
    for (byte, _) in name.iter_mut().zip(upper.iter().chain(std::iter::repeat(&false))).filter(|(_, upper)| **upper) {
        byte.make_ascii_uppercase();
    }
    if dot {
        name.push(b'.');
    }
    name
}

proptest! {
    #![proptest_config(same_everywhere())]

    #[test]
    fn a_normal_name_is_its_own_normal_form(name in NAME) {
        let once = SniName::parse(name.as_bytes()).unwrap();
        let twice = SniName::parse(once.as_str().as_bytes()).unwrap();
        prop_assert_eq!(&once, &twice);
        prop_assert!(!once.as_str().ends_with('.') && !once.as_str().bytes().any(|b| b.is_ascii_uppercase()));
    }

    #[test]
    fn any_bytes_are_judged_without_a_panic_and_alike_when_normalised(bytes in vec(any::<u8>(), 0..300)) {
        if let Ok(name) = SniName::parse(&bytes) {
            prop_assert!(name.as_str().as_bytes().eq_ignore_ascii_case(bytes.strip_suffix(b".").unwrap_or(&bytes)));
            prop_assert_eq!(SniName::parse(name.as_str().as_bytes()), Ok(name));
        }
        let _ = SniName::parse_label(&bytes);
    }

    #[test]
    fn a_name_of_the_table_is_found_in_every_form(
        routes in btree_map(NAME, "[a-z-]{1,8}", 1..20),
        upper in vec(any::<bool>(), 0..40),
        dot in any::<bool>(),
    ) {
        // Names that differ in form alone are refused together.
        let Some(router) = json(&routes) else { return Ok(()) };
        for (name, cluster) in &routes {
            prop_assert_eq!(router.route(&variant(name, &upper, dot)), Step::Route(cluster));
        }
    }

    /// The oracle is as simple as can be: normalise, and look for the same text.
    #[test]
    fn a_route_is_found_exactly_where_the_normalised_names_are_the_same(
        routes in btree_map(NEAR, "[a-z]{1,3}", 0..6),
        name in prop_oneof![NEAR.prop_map(String::into_bytes), vec(any::<u8>(), 0..6)],
    ) {
        let routes: BTreeMap<String, String> =
            routes.into_iter().filter(|(name, _)| SniName::parse(name.as_bytes()).is_ok()).collect();
        let Some(router) = json(&routes) else { return Ok(()) };
        let asked = SniName::parse(&name);
        let expected = routes.iter().find(|(known, _)| asked == SniName::parse(known.as_bytes()));
        match (router.route(&name), expected) {
            (Step::Route(cluster), Some((_, known))) => prop_assert_eq!(cluster, known),
            (Step::Close(refusal), None) => {
                prop_assert_eq!(refusal == Refusal::UnknownName, asked.is_ok());
                prop_assert_eq!(refusal == Refusal::NoName, name.is_empty());
                prop_assert_ne!(refusal, Refusal::HostError);
            }
            (step, expected) => prop_assert!(false, "{step:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn a_cluster_is_always_a_text_of_the_table(bytes in vec(any::<u8>(), 0..64)) {
        let router = Router::parse(br#"{"routes": [{"sni": "a", "cluster": "one"}, {"sni": "b.a", "cluster": "two"}]}"#);
        if let Step::Route(cluster) = router.unwrap().route(&bytes) {
            prop_assert!(["one", "two"].contains(&cluster));
        }
    }

    #[test]
    fn no_configuration_panics(bytes in vec(any::<u8>(), 0..200)) {
        let _ = Router::parse(&bytes);
    }

    #[test]
    fn no_damage_to_a_configuration_panics(at in 0..400usize, with in any::<u8>(), cut in 0..400usize) {
        let text = r#"{"routes": [{"sni": "a.example", "cluster": "one"}, {"sni": "b.example", "cluster": "two"}],
            "environment": "staging", "suffix": "mesh.example.com", "apps": {"ledger": "l", "reports": "r"}}"#;
        let mut bytes = text.as_bytes().to_vec();
        let length = bytes.len();
        bytes[at % length] = with;
        let _ = Router::parse(&bytes);
        bytes.truncate(cut % length);
        let _ = Router::parse(&bytes);
    }

    #[test]
    fn no_log_line_breaks_or_has_bytes_that_are_no_print(bytes in vec(any::<u8>(), 0..300), left_out in any::<u64>()) {
        for refusal in Refusal::ALL {
            let line = refusal.line(&bytes, left_out);
            prop_assert!(line.bytes().all(|b| b == b' ' || b.is_ascii_graphic()), "{}", line);
            prop_assert!(line.len() < 130 + 4 * bytes.len());
        }
    }
}
