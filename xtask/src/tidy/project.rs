//! Rules for the project as a whole: its members, its one clippy.toml, its invariants and its example configurations.

use super::{File, Finding, Tree};

pub(super) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    if let Some(manifest) = tree.file("Cargo.toml") {
        members_have_a_comment(manifest, findings);
    }
    one_clippy_toml(tree, findings);
    if let Some(page) = tree.file("ARCHITECTURE.md") {
        invariants_name_their_test(tree, page, findings);
    }
    configurations_are_started(tree, findings);
}

fn members_have_a_comment(manifest: &File, findings: &mut Vec<Finding>) {
    let after = manifest.lines().skip_while(|(_, line)| !line.starts_with("members = ["));
    for (line, text) in after.skip(1).take_while(|(_, line)| !line.starts_with(']')) {
        if text.trim_start().starts_with('"') && !text.contains('#') {
            findings.push(manifest.finding(line, "a member without a comment; say in one line what it is"));
        }
    }
}

fn one_clippy_toml(tree: &Tree, findings: &mut Vec<Finding>) {
    let is_one = |path: &str| matches!(path.rsplit('/').next(), Some("clippy.toml" | ".clippy.toml"));
    for file in tree.files.iter().filter(|file| is_one(&file.path) && file.path != "clippy.toml") {
        findings.push(
            file.finding(1, "a second clippy.toml, which silently replaces the first for what is below; merge them"),
        );
    }
    if tree.file("Cargo.toml").is_some() && tree.file("clippy.toml").is_none() {
        findings.push(Finding {
            file: "clippy.toml".into(),
            line: 1,
            what: "is missing; the cores' bans stand in it".into(),
        });
    }
}

/// Each item under `## Invariants` names at least one test, as `` `path/to/file.rs::name_of_test` ``, and all that it names exist.
fn invariants_name_their_test(tree: &Tree, page: &File, findings: &mut Vec<Finding>) {
    let mut items: Vec<(usize, String)> = Vec::new();
    let section = page.lines().skip_while(|(_, line)| line.trim() != "## Invariants").skip(1);
    for (line, text) in section.take_while(|(_, line)| !line.starts_with("## ") && !line.starts_with("# ")) {
        if text.starts_with("- ") || text.starts_with("* ") || is_numbered(text) {
            items.push((line, text.to_owned()));
        } else if let Some((_, item)) = items.last_mut().filter(|_| text.starts_with(' ')) {
            item.push_str(text);
        }
    }
    for (line, item) in items {
        let tests: Vec<(&str, &str)> = item.split('`').skip(1).step_by(2).filter_map(test_reference).collect();
        if tests.is_empty() {
            let remedy = "name the test that holds it, as `path/to/file.rs::name_of_test`";
            findings.push(page.finding(line, format!("an invariant without a test; {remedy}")));
        }
        for (path, test) in tests {
            match tree.file(path) {
                None => findings.push(page.finding(line, format!("there is no {path}; correct the invariant's test"))),
                Some(file) if !file.text.contains(&format!("fn {test}")) => {
                    findings
                        .push(page.finding(line, format!("{path} has no test {test}; correct the invariant's test")));
                }
                Some(_) => {}
            }
        }
    }
}

fn is_numbered(text: &str) -> bool {
    text.split_once(". ").is_some_and(|(number, _)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

fn test_reference(code: &str) -> Option<(&str, &str)> {
    let (path, test) = code.split_once(".rs::")?;
    let path = code.get(..path.len() + ".rs".len())?;
    Some((path, test.rsplit("::").next()?))
}

/// Each file in envoy-configs/ is named by a source of `e2e`, where a real Envoy starts it.
fn configurations_are_started(tree: &Tree, findings: &mut Vec<Finding>) {
    let is_configuration = |file: &&File| file.path.starts_with("envoy-configs/") && file.path.ends_with(".yaml");
    for file in tree.files.iter().filter(is_configuration) {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        if !tree.rust().any(|source| source.path.starts_with("tests/") && source.text.contains(name)) {
            findings.push(file.finding(1, "no test names it; start it with a real Envoy in a test under tests/"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::assert_found;

    #[test]
    fn members_are_explained() {
        let manifest = "[workspace]\nmembers = [\n  \"crates/a\", # the a\n  \"crates/b\",\n]\n";
        assert_found(&[("Cargo.toml", manifest), ("clippy.toml", "")], &["Cargo.toml:4: a member without a comment"]);
    }

    #[test]
    fn there_is_exactly_one_clippy_toml() {
        assert_found(&[("Cargo.toml", ""), ("clippy.toml", "")], &[]);
        assert_found(
            &[("Cargo.toml", ""), ("tests/clippy.toml", "")],
            &["clippy.toml:1: is missing", "tests/clippy.toml:1: a second"],
        );
    }

    #[test]
    fn invariants_name_tests_that_exist() {
        let page = "# Architecture\n- not an invariant\n## Invariants\n\n\
                    - Never unsigned (test:\n  `crates/a/tests/sim.rs::never_unsigned`).\n\
                    - Never late.\n\
                    1. Moved: `crates/a/tests/gone.rs::x` and `crates/a/tests/sim.rs::renamed`.\n\
                    ## Next\n- not an invariant either\n";
        assert_found(
            &[("ARCHITECTURE.md", page), ("crates/a/tests/sim.rs", "//! S.\nfn never_unsigned() {}\n")],
            &[
                "ARCHITECTURE.md:7: an invariant without a test",
                "ARCHITECTURE.md:8: there is no crates/a/tests/gone.rs",
                "ARCHITECTURE.md:8: crates/a/tests/sim.rs has no test renamed",
            ],
        );
    }

    #[test]
    fn every_configuration_is_started_somewhere() {
        assert_found(
            &[
                ("envoy-configs/a.yaml", "x: 1\n"),
                ("envoy-configs/b.yaml", "x: 1\n"),
                ("tests/tests/configs.rs", "//! Starts.\nconst A: &str = \"a.yaml\";\n"),
            ],
            &["envoy-configs/b.yaml:1: no test names it"],
        );
    }
}
