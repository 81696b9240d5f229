//! Rules for the cores: no standard library, no clock, no runtime, so that they can be driven by any host and any test.

use super::{File, Finding, Tree, is_comment, names};

/// Crates under crates/ that are no cores.
const NOT_CORES: &[&str] = &["registry"];

/// What a core may not name, and what it does instead.
const FORBIDDEN: &[(&str, &str)] = &[
    ("std::", "use core:: or alloc::"),
    ("SystemTime", "take the time as an argument"),
    ("Instant", "take the time as an argument"),
];

pub(super) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in &tree.files {
        let Some((core, rest)) = file.path.strip_prefix("crates/").and_then(|path| path.split_once('/')) else {
            continue;
        };
        if NOT_CORES.contains(&core) {
            continue;
        }
        match rest {
            "Cargo.toml" => no_runtime(file, findings),
            "src/lib.rs" => {
                declares_no_std(file, findings);
                names_nothing_forbidden(file, findings);
            }
            _ if rest.starts_with("src/") && rest.ends_with(".rs") && !is_test_module(rest) => {
                names_nothing_forbidden(file, findings);
            }
            _ => {}
        }
    }
}

/// `src/tests.rs`, `src/x/tests.rs`, `src/tests/…`: modules that `#[cfg(test)]` lets in.
fn is_test_module(path: &str) -> bool {
    path.split('/').any(|part| part == "tests" || part == "tests.rs")
}

fn declares_no_std(file: &File, findings: &mut Vec<Finding>) {
    if !file.text.lines().any(|line| line == "#![no_std]" || line == "#![cfg_attr(not(test), no_std)]") {
        findings.push(file.finding(1, "a core without `#![no_std]`; declare it, and use core and alloc"));
    }
}

/// Everything up to the first `#[cfg(test)]`, which by custom is the last item of a file, unless it lets in a module or an import
/// that stands elsewhere.
fn names_nothing_forbidden(file: &File, findings: &mut Vec<Finding>) {
    let mut lines = file.lines();
    while let Some((line, text)) = lines.next() {
        if text.trim() == "#[cfg(test)]" {
            match lines.next() {
                Some((_, item)) if item.trim_end().ends_with(';') => continue,
                _ => return,
            }
        }
        for (word, remedy) in FORBIDDEN.iter().filter(|(word, _)| !is_comment(text) && names(text, word)) {
            findings.push(file.finding(line, format!("`{word}` in a core; {remedy}")));
        }
    }
}

fn no_runtime(file: &File, findings: &mut Vec<Finding>) {
    for (line, text) in file.lines() {
        if text.trim_start().starts_with("tokio") {
            findings.push(file.finding(line, "a core that depends on tokio; return a step and let the host act"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::assert_found;

    const GOOD: &str = "//! Pure.\n#![no_std]\nextern crate alloc;\n// std:: in a comment\n\
                        #[cfg(test)]\nextern crate std;\nfn f() {}\n#[cfg(test)]\nmod tests {\n    use std::fmt;\n}\n";

    #[test]
    fn a_pure_core_passes_and_its_tests_may_use_everything() {
        assert_found(
            &[
                ("crates/a/src/lib.rs", GOOD),
                ("crates/a/src/tests.rs", "//! Tests.\nuse std::time::SystemTime;\n"),
                ("crates/a/tests/all.rs", "//! Tests.\nuse std::time::SystemTime;\n"),
                ("crates/registry/src/lib.rs", "//! Not a core.\nuse std::fmt;\n"),
            ],
            &[],
        );
    }

    #[test]
    fn std_clocks_and_runtimes_are_found() {
        assert_found(
            &[
                ("crates/a/src/lib.rs", "//! Impure.\nuse std::fmt;\n"),
                ("crates/a/src/clock.rs", "//! Clock.\nfn f(now: SystemTime) {}\n"),
                ("crates/a/Cargo.toml", "[dependencies]\ntokio = \"1\"\n"),
            ],
            &[
                "crates/a/src/lib.rs:1: a core without",
                "crates/a/src/lib.rs:2: `std::` in a core; use core:: or alloc::",
                "crates/a/src/clock.rs:2: `SystemTime`",
                "crates/a/Cargo.toml:2: a core that depends on tokio",
            ],
        );
    }
}
