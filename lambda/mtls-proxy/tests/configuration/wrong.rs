//! What is wrong, in every way that a person could think of, and all that is said about it.

use super::cases::{NAMES, SECTIONS};
use super::{parse, with};

const NO_LABEL: &str =
    "is not a name of lower-case letters, digits and hyphens; write it as it stands in the SNI, such as \"reports\"";
const TAKEN: &str =
    "would be taken for something else in http://localhost, http://app.mesh and http://127.0.0.1; use another name";
const NO_GATEWAY: &str = "is not the name or address of a gateway; write it as \"gateway.mesh.example.com:443\"";
const NO_SECRET: &str =
    "is not the name or ARN of a secret; write its name, such as \"meshbridge/staging/reports/key\", or its ARN";
const NO_ENDPOINT: &str = "is not the URL of an endpoint; write \"https://host\", with a port if it is not 443; http:// only to 127.0.0.1, localhost or [::1]";
const NO_PATH: &str = "is not an absolute path; begin with / and leave .. out, such as \"/tmp/meshbridge/token\"";

/// What is said often stands in the cases by its name here.
fn expected(text: &str) -> String {
    [("NO_LABEL", NO_LABEL), ("TAKEN", TAKEN), ("NO_GATEWAY", NO_GATEWAY), ("NO_SECRET", NO_SECRET)]
        .into_iter()
        .chain([("NO_ENDPOINT", NO_ENDPOINT), ("NO_PATH", NO_PATH)])
        .fold(text.to_owned(), |text, (name, sentence)| text.replace(name, sentence))
}

#[test]
fn each_mistake_is_named_with_its_remedy_and_nothing_else_is_said() {
    assert!(NAMES.len() + SECTIONS.len() >= 80);
    let mut wrong = Vec::new();
    for (changes, variables, said) in NAMES.iter().chain(SECTIONS) {
        let text = with(changes);
        let found: Vec<String> = match parse(&text, variables) {
            Ok(_) => Vec::new(),
            Err(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
        };
        let said: Vec<String> = said.iter().map(|text| expected(text)).collect();
        if found != said {
            wrong.push(format!("{text}\n  is said:    {found:#?}\n  should say: {said:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_no_json_is_told_as_such() {
    const REMEDY: &str = "write JSON with app, environment, trust_domain, gateway and upstreams";
    for (text, problem) in [
        ("", "configuration: is empty; "),
        (" \n", "configuration: is empty; "),
        ("{", "configuration: is not JSON: EOF while parsing an object at line 1 column 1; "),
        ("{\"app\": \"reports\",}", "configuration: is not JSON: trailing comma at line 1 column 19; "),
        ("app: reports", "configuration: is not JSON: expected value at line 1 column 1; "),
    ] {
        let found: Vec<String> = parse(text, &[]).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(found, [format!("{problem}{REMEDY}")], "{text}");
    }
    let found = parse("[]", &[]).unwrap_err().to_string();
    assert!(found.contains("configuration: is a list, not an object"), "{found}");
}

#[test]
fn a_field_that_stands_there_twice_is_told() {
    let text = with(&[]).replacen('{', "{\"app\": \"billing\", ", 1);
    let found: Vec<String> = parse(&text, &[]).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(found, ["app: stands there twice; keep one of them"]);
    let text = with(&[("listen", "{\"port\": 1, \"port\": 2}")]);
    let found: Vec<String> = parse(&text, &[]).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(found, ["listen.port: stands there twice; keep one of them"]);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = with(&[
        ("app", "\"Reports\""),
        ("environment", "-"),
        ("trust_domain", "1"),
        ("gateway", "\"https://x\""),
        ("upstreams", "[\"Ledger\", 5, \"users\"]"),
        ("identity", "{\"regions\": [\"nowhere\"], \"key\": \"a b\"}"),
        ("listen", "{\"port\": -1}"),
        ("max_connections", "0"),
        ("colour", "\"red\""),
    ]);
    let mistakes = parse(&text, &[("MESHBRIDGE_TOKEN", "short")]).unwrap_err();
    let fields: Vec<&str> = mistakes.iter().map(|mistake| mistake.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "app",
            "environment",
            "trust_domain",
            "gateway",
            "upstreams[0]",
            "upstreams[1]",
            "identity.key",
            "identity.regions[0]",
            "listen.port",
            "$MESHBRIDGE_TOKEN",
            "max_connections",
            "colour"
        ]
    );
    assert!(mistakes.to_string().starts_with("the configuration has 12 mistakes:\n  - app: \"Reports\" is not"));
}

#[test]
fn a_secret_that_is_wrong_is_not_quoted() {
    let found = parse(&with(&[]), &[("MESHBRIDGE_TOKEN", "hunter2")]).unwrap_err();
    assert!(!found.to_string().contains("hunter2") && !format!("{found:?}").contains("hunter2"));
}

#[test]
fn a_name_that_is_too_long_for_its_sni_is_told() {
    let suffix = format!("\"{}\"", vec!["a".repeat(60); 4].join("."));
    let found = parse(&with(&[("mesh_suffix", &suffix)]), &[]).unwrap_err().to_string();
    assert!(found.contains("is too long; give it an \"sni\" of its own"), "{found}");
}

#[test]
fn a_path_that_is_too_long_for_a_socket_is_told() {
    let listen = |length: usize| format!("{{\"unix\": \"/{}\"}}", "a".repeat(length - 1));
    assert!(parse(&with(&[("listen", &listen(90))]), &[]).is_ok());
    let found = parse(&with(&[("listen", &listen(91))]), &[]).unwrap_err().to_string();
    assert!(found.contains("listen.unix") && found.contains("use a shorter one"), "{found}");
}
