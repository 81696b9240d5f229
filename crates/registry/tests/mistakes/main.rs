//! Wrong declarations, each with the text that its author reads: file, line, column, field, problem, remedy.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "in tests a panic is the verdict"
)]

mod across;
mod fields;
mod generated;
mod ingress;
mod roles;
mod schema;
mod settings;
mod syntax;
mod together;

use registry::{Document, Snapshot};

/// What stands in `meshbridge.toml` unless a case is about it.
const SETTINGS: &str = r#"organisation = "Example"
regions = ["us-west-2", "us-east-1"]
mesh_suffix = "mesh.example.com"

[environments.production]
trust_domain = "mesh.example.com"

[environments.staging]
trust_domain = "staging.example.com"
mesh_suffix = "staging.example.com"

[[trust.import]]
trust_domain = "legacy.example.com"
pem = "roots/legacy.pem"
"#;

/// One wrong registry.
struct Case {
    /// What is wrong, as a sentence.
    what: &'static str,
    /// Each with its file's name. `meshbridge.toml` may be among them.
    files: &'static [(&'static str, &'static str)],
    /// Every mistake, in order.
    says: &'static [&'static str],
    /// Whether an editor with the published schema shows it too.
    schema: Schema,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Schema {
    /// At least one of the files is refused by its schema.
    Refuses,
    /// It takes more than one value, or more than a schema, to see it.
    CannotTell,
    /// It is not TOML, so that there is nothing to hold against a schema.
    NotToml,
}

fn document(file: &str, text: &str) -> Document {
    Document { file: file.into(), text: text.to_owned() }
}

/// Every mistake, a line each; none when the registry is sound.
fn mistakes(files: &[(&str, &str)]) -> Vec<String> {
    let settings = files.iter().find(|(file, _)| *file == "meshbridge.toml").map_or(SETTINGS, |(_, text)| text);
    let apps: Vec<Document> =
        files.iter().filter(|(file, _)| *file != "meshbridge.toml").map(|(file, text)| document(file, text)).collect();
    match Snapshot::of_documents(&document("meshbridge.toml", settings), &apps) {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
    }
}

fn all_cases() -> Vec<&'static Case> {
    [fields::CASES, roles::CASES, ingress::CASES, settings::CASES, across::CASES, syntax::CASES]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn every_wrong_declaration_says_where_what_and_the_remedy() {
    let mut wrong = Vec::new();
    for case in all_cases() {
        let said = mistakes(case.files);
        if said != case.says {
            wrong.push(format!("{}:\n  expected {:#?}\n  but got  {said:#?}", case.what, case.says));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_is_long_and_no_case_stands_there_twice() {
    let cases = all_cases();
    assert!(cases.len() >= 40, "{}", cases.len());
    let mut names: Vec<&str> = cases.iter().map(|case| case.what).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases.len());
    assert!(cases.iter().all(|case| !case.says.is_empty()));
}

#[test]
fn every_mistake_has_a_place_and_a_remedy() {
    for case in all_cases() {
        for said in case.says {
            let (place, rest) = said.split_once(": ").unwrap();
            assert_eq!(place.split(':').count(), 3, "{said}");
            assert!(rest.contains("; "), "{said}");
        }
    }
}
