//! Files that a machine made up: nothing panics, every place is in its file, and the schema is never stricter than the
//! parser.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use registry::{Document, Snapshot};

use super::schema::Schemas;
use super::{SETTINGS, all_cases, document};

const APP: &str = r#"name = "reports"
owners = ["team-reports@example.com", "x@y.z"]

[production]
account_id = "123456789012"
mesh_identity = true
lambda_roles = ["arn:aws:iam::123456789012:role/reports-lambda"]
upstreams = ["ledger"]

[[production.ingress]]
name = "files"
service_name = "s3"
region = "us-west-2"
backend_hostname = "reports-files.s3.us-west-2.amazonaws.com"
role_arn = "arn:aws:iam::123456789012:role/reports-files-proxy"
callers = ["web", "ledger"]

[staging]
spiffe_id = "spiffe://staging.example.com/ns/reports"
sni = "reports.staging.example.com"
cluster = "reports"
"#;

/// Whether the file alone is right; with others, its references would be too.
fn alone(file: &str, text: &str) -> bool {
    let (settings, app) = if file == "meshbridge.toml" { (text, None) } else { (SETTINGS, Some(document(file, text))) };
    let others = ["ledger", "web"].map(|name| {
        let text = format!("name = \"{name}\"\nowners = [\"a@b.example\"]\n[production]\n[staging]\n");
        document(&format!("{name}.toml"), &text)
    });
    let others = others.into_iter().filter(|other| &*other.file != file);
    let apps: Vec<Document> = if app.is_some() { app.into_iter().chain(others).collect() } else { Vec::new() };
    match Snapshot::of_documents(&document("meshbridge.toml", settings), &apps) {
        Ok(_) => true,
        Err(mistakes) => {
            for mistake in mistakes.iter() {
                let text = if &*mistake.file == file { text } else { SETTINGS };
                let place = mistake.place.unwrap();
                let line = text.split('\n').nth(place.line as usize - 1).unwrap_or_else(|| panic!("{mistake}\n{text}"));
                assert!(place.column as usize <= line.chars().count() + 1, "{mistake}\n{text}");
                assert!(!mistake.problem.is_empty() && !mistake.remedy.is_empty());
                assert!(!mistake.to_string().contains(char::is_control), "{mistake:?}");
            }
            false
        }
    }
}

/// Values of every type, among them those of other fields.
const VALUES: &[&str] = &[
    "true",
    "1",
    "1.5",
    "[]",
    "{}",
    "[[]]",
    "\"\"",
    "\"a\"",
    "[\"a\"]",
    "[\"ledger\", \"ledger\"]",
    "1979-05-27",
    "\"us-east-1\"",
    "\"arn:aws:iam::123456789012:role/x\"",
    "[\"arn:aws:iam::123456789012:role/a/b\"]",
    "\"ledger.example.com\"",
    "\"123456789012\"",
    "\"execute-api\"",
    "[\"web\"]",
    "{ a = 1 }",
    "\"xn--caf-dma.example.com\"",
    "\"1.2.3.4\"",
    "\"a\\u0000b\"",
    "\"ÄÖ\"",
    "[\"ÄÖ@b.c\"]",
];

/// The text with one line changed: left out, doubled, moved, with another value, or with a letter changed.
fn changed(text: &'static str) -> impl Strategy<Value = String> {
    let lines: Vec<&str> = text.lines().collect();
    let count = lines.len();
    (0..count, 0..count, 0..5u8, prop::sample::select(VALUES), any::<prop::sample::Index>(), any::<char>()).prop_map(
        move |(line, other, how, value, at, letter)| {
            let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            match how {
                0 => drop(lines.remove(line)),
                1 => lines.insert(other, lines[line].clone()),
                2 => lines.swap(line, other),
                3 => {
                    let key = lines[line].split(" = ").next().unwrap_or_default().to_owned();
                    lines[line] = format!("{key} = {value}");
                }
                _ => {
                    let mut letters: Vec<char> = lines[line].chars().collect();
                    if !letters.is_empty() {
                        let at = at.index(letters.len());
                        letters[at] = letter;
                    }
                    lines[line] = letters.into_iter().collect();
                }
            }
            lines.join("\n")
        },
    )
}

fn config(cases: u32) -> ProptestConfig {
    let rng_seed = proptest::test_runner::RngSeed::Fixed(5);
    ProptestConfig { cases, rng_seed, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn any_text_is_a_registry_or_has_mistakes_with_places(text in "(\\PC|\n|\t|\r\n|\\[|\\]|=|\"){0,200}") {
        alone("reports.toml", &text);
        alone("meshbridge.toml", &text);
    }

}

#[test]
fn what_the_parser_takes_the_schema_takes() {
    let (schemas, mut runner) = (Schemas::get(), TestRunner::deterministic());
    for (file, strategy) in [("reports.toml", changed(APP).boxed()), ("meshbridge.toml", changed(SETTINGS).boxed())] {
        let (mut taken, mut refused) = (0, 0);
        for _ in 0..1000 {
            let text = strategy.new_tree(&mut runner).unwrap().current();
            if alone(file, &text) {
                assert_eq!(schemas.take(file, &text), Some(true), "{text}");
                taken += 1;
            } else {
                refused += 1;
            }
        }
        assert!(taken > 50 && refused > 50, "{file}: {taken} taken, {refused} refused");
    }
}

#[test]
fn the_texts_that_are_changed_are_right() {
    assert!(alone("reports.toml", APP) && alone("meshbridge.toml", SETTINGS));
}

#[test]
fn a_file_cut_anywhere_has_places_too() {
    for (end, _) in APP.char_indices() {
        alone("reports.toml", &APP[..end]);
    }
    // Of the wrong ones a seventh of all cuts, each file's elsewhere.
    for (number, (file, text)) in all_cases().iter().flat_map(|case| case.files).enumerate() {
        for (end, _) in text.char_indices().skip(number % 7).step_by(7) {
            alone(file, &text[..end]);
        }
    }
}

#[test]
fn deep_nesting_is_refused_without_a_stack_overflow() {
    for text in [
        "a = ".to_owned() + &"[".repeat(20_000),
        "[".to_owned() + &"a.".repeat(20_000) + "a]",
        "a = ".to_owned() + &"{a=".repeat(10_000),
    ] {
        assert!(!alone("reports.toml", &text));
    }
}
