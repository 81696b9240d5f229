//! The plugin's configuration as operators write it: what is right, and every mistake with its text.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "in tests a panic is the verdict")]

mod optional;
mod required;
mod right;
mod unbounded;
mod unknown;

use irsa_core::config::{Config, Host, Mistakes, Plugin};

/// The four fields of the source documents.
const FOUR: [(&str, &str); 4] = [
    ("service_name", r#""s3""#),
    ("region", r#""us-west-2""#),
    ("backend_hostname", r#""my-bucket.s3.us-west-2.amazonaws.com""#),
    ("role_arn", r#""arn:aws:iam::123456789012:role/mybucket-proxy""#),
];

/// What `{fields}` stands for in the texts of the cases.
const FIELDS: &str = "health_of, service_name, region, backend_hostname, role_arn, sts, token, session, callers, \
    trust_domain, unauthenticated_callers, caller_header, payload, max_body_bytes, max_waiting";

/// A wrong configuration, and all that is said about it.
struct Case {
    name: &'static str,
    given: Given,
    mistakes: &'static [&'static str],
}

/// The text that the plugin is configured with.
enum Given {
    /// This and nothing else.
    Whole(&'static str),
    /// The four fields, one of them with another value.
    Field(&'static str, &'static str),
    /// The four fields and these.
    And(&'static str),
}

impl Given {
    fn text(&self) -> String {
        match *self {
            Self::Whole(text) => text.into(),
            Self::Field(field, value) => {
                let fields =
                    FOUR.map(|(name, right)| format!("\"{name}\": {}", if name == field { value } else { right }));
                format!("{{{}}}", fields.join(", "))
            }
            Self::And(more) => four_and(more),
        }
    }
}

fn four_and(more: &str) -> String {
    let fields = FOUR.map(|(name, value)| format!("\"{name}\": {value}"));
    format!("{{{}, {more}}}", fields.join(", "))
}

fn parse(text: &str) -> Result<Plugin, Mistakes> {
    Plugin::parse(text.as_bytes(), Host { vm_id: "irsa-signer" })
}

fn signer(text: &str) -> Config {
    match parse(text) {
        Ok(Plugin::Signer(config)) => *config,
        other => panic!("{text}: {other:?}"),
    }
}

fn mistakes(text: &str) -> Vec<String> {
    parse(text).unwrap_err().iter().map(ToString::to_string).collect()
}

fn check(cases: &[Case]) {
    let mut wrong = Vec::new();
    for case in cases {
        let text = case.given.text();
        let found = parse(&text).map_or_else(|found| found.iter().map(ToString::to_string).collect(), |_| Vec::new());
        let expected: Vec<String> = case.mistakes.iter().map(|text| text.replace("{fields}", FIELDS)).collect();
        if found != expected {
            wrong.push(format!("{}: {text}\n  expected {expected:#?}\n  found {found:#?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn each_mistake_in_what_must_be_there_is_named_with_its_remedy() {
    check(required::CASES);
}

#[test]
fn each_mistake_in_what_may_be_there_is_named_with_its_remedy() {
    check(optional::CASES);
}

#[test]
fn each_unknown_misspelt_or_repeated_name_is_named_with_its_remedy() {
    check(unknown::CASES);
}

#[test]
fn every_case_has_a_name_of_its_own_and_finds_something() {
    let cases: Vec<&Case> = required::CASES.iter().chain(optional::CASES).chain(unknown::CASES).collect();
    let mut names: Vec<_> = cases.iter().map(|case| case.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases.len());
    assert!(cases.len() > 110 && cases.iter().all(|case| !case.mistakes.is_empty()));
}

#[test]
fn an_empty_vm_id_is_a_mistake_whatever_the_plugin_is() {
    let expected = "vm_config.vm_id: is empty, so that any other module of this Envoy with an empty vm_id could read \
        the credentials; set it to a name of this ingress' own, such as \"irsa-signer\"";
    for text in [four_and("\"payload\": \"unsigned\""), "{\"health_of\": \"signer\"}".into()] {
        let found = Plugin::parse(text.as_bytes(), Host { vm_id: "" }).unwrap_err();
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
    }
    let found = Plugin::parse(b"", Host { vm_id: "" }).unwrap_err();
    assert_eq!(found.iter().count(), 2);
}

#[test]
fn all_mistakes_are_printed_as_a_list() {
    assert_eq!(
        parse("{\"health_of\": \"\"}").unwrap_err().to_string(),
        "the configuration has 1 mistake:\n  - health_of: is empty; give the name of the signing plugin"
    );
    assert_eq!(
        parse(&four_and("\"payload\": 1, \"callers\": []")).unwrap_err().to_string(),
        "the configuration has 2 mistakes:\n  \
         - callers: is empty, so that nobody could call; list SPIFFE IDs, such as [\"spiffe://example.org/web\"]\n  \
         - payload: is a number, not a text; write one text between double quotes"
    );
}
