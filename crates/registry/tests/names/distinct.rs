//! Injective names: made of labels by rule, and in whole registries with overridden ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngSeed, TestRunner};
use registry::Snapshot;
use registry::names::{AppName, EnvironmentName, TrustDomain, sni};
use registry::naming;

/// Labels of few letters and many hyphens, so that careless joints would show.
fn label() -> impl Strategy<Value = String> {
    "[ab](-{0,2}[ab]){0,3}|production|staging|eu-staging|key|certificate"
}

fn pair() -> impl Strategy<Value = (EnvironmentName, AppName)> {
    (label(), label())
        .prop_map(|(environment, app)| (EnvironmentName::parse(&environment).unwrap(), AppName::parse(&app).unwrap()))
}

/// The suffix of an environment depends on the environment alone.
fn suffix_of(environment: &EnvironmentName) -> registry::names::SniName {
    let suffixes = ["mesh.example.com", "a.mesh.example.com", "b.a.mesh.example.com", "example.com"];
    sni(suffixes[environment.as_str().len() % suffixes.len()]).unwrap()
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 2000, rng_seed: RngSeed::Fixed(5), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn two_apps_never_share_a_name_made_by_rule(one in pair(), other in pair()) {
        let domain = TrustDomain::parse("mesh.example.com").unwrap();
        let names = |(environment, app): &(EnvironmentName, AppName)| {
            [
                naming::spiffe_id(&domain, environment, app).as_str().to_owned(),
                naming::sni_of(&suffix_of(environment), environment, app).unwrap().as_str().to_owned(),
                naming::common_name(environment, app),
                naming::key_secret(environment, app),
                naming::certificate_secret(environment, app),
            ]
        };
        for (a, b) in names(&one).iter().zip(&names(&other)) {
            prop_assert_eq!(a == b, one == other);
        }
        // Nor a key's secret with a certificate's.
        prop_assert_ne!(naming::key_secret(&one.0, &one.1), naming::certificate_secret(&other.0, &other.1));
    }

    #[test]
    fn a_name_tells_whose_it_is(pair in pair()) {
        let domain = TrustDomain::parse("mesh.example.com").unwrap();
        let id = naming::spiffe_id(&domain, &pair.0, &pair.1);
        prop_assert_eq!(naming::parts_of_spiffe_id(&id), Some(pair.clone()));
        let suffix = suffix_of(&pair.0);
        let name = naming::sni_of(&suffix, &pair.0, &pair.1).unwrap();
        prop_assert_eq!(naming::parts_of_sni(&name, &suffix), Some(pair));
    }
}

const ENVIRONMENTS: [&str; 3] = ["production", "staging", "eu-staging"];
const APPS: [&str; 7] = ["a", "b", "a-b", "a-eu", "a-b-eu", "x", "production"];

/// What an app may override, from a pool small enough to collide: names of others by rule, of others by choice, own ones.
fn overrides() -> impl Strategy<Value = String> {
    let of = |parts: [&'static [&'static str]; 3], write: fn(&str, &str, &str) -> String| {
        let chosen = parts.map(prop::sample::select);
        prop_oneof![3 => Just(String::new()), 1 => chosen.prop_map(move |[a, b, c]| write(a, b, c))]
    };
    let spiffe_ids =
        of([&["mesh", "legacy"], &["production", "staging", "ns/x"], &["a", "b", "a-b"]], |domain, above, app| {
            format!("spiffe_id = \"spiffe://{domain}.example.com/{above}/{app}\"\n")
        });
    let snis = of([&["production", "staging", "x"], &["a", "b", "x"], &["", "x."]], |environment, app, above| {
        format!("sni = \"{environment}.{app}.{above}mesh.example.com\"\n")
    });
    let clusters = of([&["a", "b", "a-eu"], &["-"], &["production", "staging"]], |app, joint, environment| {
        format!("cluster = \"{app}{joint}{environment}\"\n")
    });
    (spiffe_ids, snis, clusters).prop_map(|(a, b, c)| a + &b + &c)
}

fn registries() -> impl Strategy<Value = BTreeMap<&'static str, String>> {
    let tables =
        prop::collection::btree_map(prop::sample::select(&ENVIRONMENTS), overrides(), 1..=2).prop_map(|tables| {
            tables.iter().fold(String::new(), |mut text, (environment, fields)| {
                write!(text, "[{environment}]\n{fields}").unwrap();
                text
            })
        });
    prop::collection::btree_map(prop::sample::select(&APPS), tables, 1..=4)
}

fn names_of(snapshot: &Snapshot) -> Vec<[String; 6]> {
    let workload = |workload: registry::Workload<'_>| {
        [
            workload.spiffe_id().as_str().to_owned(),
            workload.sni().as_str().to_owned(),
            workload.cluster(),
            workload.key_secret(),
            workload.certificate_secret(),
            naming::common_name(&workload.environment.name, &workload.app.name),
        ]
    };
    snapshot.workloads().map(workload).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_accepted_registry_has_no_two_apps_with_one_name(apps in registries()) {
        let apps: Vec<(&str, &str)> = apps.iter().map(|(name, rest)| (*name, rest.as_str())).collect();
        let distinct = |names: &[[String; 6]]| {
            (0..6).all(|kind| names.iter().map(|names| &names[kind]).collect::<BTreeSet<_>>().len() == names.len())
        };
        if let Ok(snapshot) = super::registry(&apps) {
            prop_assert!(distinct(&names_of(&snapshot)), "{:?}", names_of(&snapshot));
        }
    }
}

#[test]
fn random_registries_are_accepted_and_refused_often_enough_to_mean_something() {
    let mut runner = TestRunner::deterministic();
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..500 {
        let apps = registries().new_tree(&mut runner).unwrap().current();
        let apps: Vec<(&str, &str)> = apps.iter().map(|(name, rest)| (*name, rest.as_str())).collect();
        match super::registry(&apps) {
            Ok(_) => accepted += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(accepted > 50 && refused > 50, "{accepted} accepted, {refused} refused");
}
