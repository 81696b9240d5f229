//! The configuration as people write it: what is right, and every mistake with its text.
#![expect(clippy::panic, reason = "in tests a panic is the verdict")]

mod cases;
mod right;
mod wrong;

use mtls_proxy::config::{Config, Mistakes};

/// The fields that every configuration has, and one identity that needs no region.
const LEAST: [(&str, &str); 6] = [
    ("app", r#""reports""#),
    ("environment", r#""staging""#),
    ("trust_domain", r#""mesh.example.com""#),
    ("gateway", r#""gateway.mesh.example.com:443""#),
    ("upstreams", r#"["ledger"]"#),
    ("identity", r#"{"regions": ["us-west-2"]}"#),
];

/// The least configuration with these fields instead or in addition; `-` takes one away.
fn with(changes: &[(&str, &str)]) -> String {
    let kept = LEAST.iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    let fields = kept.chain(changes.iter().filter(|(_, value)| *value != "-"));
    let fields: Vec<String> = fields.map(|(name, value)| format!("\"{name}\": {value}")).collect();
    format!("{{{}}}", fields.join(", "))
}

fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Config, Mistakes> {
    let variables: Vec<(String, String)> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::parse(text.as_bytes(), &|name| {
        variables.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
    })
}

fn right(text: &str, variables: &[(&str, &str)]) -> Config {
    parse(text, variables).unwrap_or_else(|mistakes| panic!("{text}: {mistakes}"))
}
