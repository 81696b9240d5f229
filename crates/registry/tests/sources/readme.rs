//! The examples of README.md are a registry.

use registry::{Memory, Registry};

const README: &str = include_str!("../../README.md");

#[test]
fn the_examples_of_the_readme_are_a_registry() {
    let mut registry = Memory::new();
    let mut files = 0;
    for block in README.split("```toml\n").skip(1) {
        let text = block.split("```").next().unwrap();
        let file = text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or_else(|| panic!("{text}"));
        registry.set(file, text);
        files += 1;
    }
    let snapshot = registry.snapshot().unwrap();
    assert_eq!(files, snapshot.apps().len() + 1);
    let reports = snapshot.workload("production", "reports").unwrap();
    for said in [
        reports.spiffe_id().as_str(),
        reports.sni().as_str(),
        &reports.subject().unwrap().to_string(),
        &reports.key_secret(),
        &reports.certificate_secret(),
        &reports.cluster(),
    ] {
        assert!(README.contains(said), "{said}");
    }
}

#[test]
fn the_mistakes_of_the_readme_are_those_that_people_get() {
    let mut registry = Memory::new();
    let blocks: Vec<&str> = README.split("```toml\n").skip(1).filter_map(|block| block.split("```").next()).collect();
    for text in &blocks {
        let file = text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap();
        let wrong = text
            .replace("upstreams = [\"ledger\"", "upstreams = [\"legder\"")
            .replace("account_id = \"123456789012\"", "acount_id = \"123456789012\"");
        registry.set(file, &wrong);
    }
    let said = registry.snapshot().unwrap_err().to_string();
    let shown = README.split("```text\n").nth(1).and_then(|block| block.split("```").next()).unwrap();
    assert_eq!(said.trim(), shown.trim());
}
