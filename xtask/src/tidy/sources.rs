//! Rules for every Rust file: its first line, its length, what it may not hold, and who may name proxy-wasm.

use super::{File, Finding, Tree, is_comment, names};

const MAX_LINES: usize = 400;

/// Files that may be longer, each with the reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Written in two halves, so that this file does not find itself.
const UNFINISHED: &[(&str, &str)] = &[
    (concat!("#[", "ignore"), "an ignored test proves nothing; make it run or delete it"),
    (concat!("todo", "!("), "finish it, or leave it out"),
    (concat!("unimplemented", "!("), "finish it, or leave it out"),
    (concat!("FIX", "ME"), "fix it, or file an issue"),
    (concat!("X", "XX"), "say plainly what is wrong, or fix it"),
    (concat!("allow(dead", "_code)"), "delete the dead code"),
];

const SDK: &str = concat!("proxy", "_wasm");
const HOSTCALLS: &str = concat!("host", "calls");

pub(super) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in tree.rust() {
        first_line(file, findings);
        length(file, findings);
        unfinished(file, findings);
        sdk(file, findings);
    }
    for file in
        tree.files.iter().filter(|file| file.path.ends_with("/Cargo.toml") && !file.path.starts_with("filters/"))
    {
        for (line, text) in file.lines().filter(|(_, text)| text.starts_with("proxy-wasm")) {
            let remedy =
                "only packages under filters/ may depend on proxy-wasm; a native test that reaches it does not link";
            findings.push(file.finding(line, format!("`{}`; {remedy}", text.trim())));
        }
    }
}

fn first_line(file: &File, findings: &mut Vec<Finding>) {
    let first = file.text.lines().next().unwrap_or_default();
    if first.strip_prefix("//!").is_none_or(|said| said.trim().is_empty()) {
        findings.push(file.finding(1, "does not begin with `//! …`; say in one line what lives here"));
    }
}

fn length(file: &File, findings: &mut Vec<Finding>) {
    let lines = file.text.lines().count();
    if lines > MAX_LINES && !LONG_FILES.iter().any(|(path, _)| *path == file.path) {
        let remedy = "split it, or list it with its reason in xtask/src/tidy/sources.rs";
        findings.push(file.finding(MAX_LINES + 1, format!("{lines} lines, more than {MAX_LINES}; {remedy}")));
    }
}

fn unfinished(file: &File, findings: &mut Vec<Finding>) {
    for (line, text) in file.lines() {
        for (mark, remedy) in UNFINISHED {
            let found =
                if mark.contains(|c: char| !c.is_alphanumeric()) { text.contains(mark) } else { names(text, mark) };
            if found {
                findings.push(file.finding(line, format!("`{mark}`; {remedy}")));
            }
        }
    }
}

fn sdk(file: &File, findings: &mut Vec<Finding>) {
    let in_filters = file.path.starts_with("filters/");
    let speaks_to_the_host = in_filters && file.path.ends_with("/src/host.rs");
    for (line, text) in file.lines().filter(|(_, text)| !is_comment(text)) {
        if !in_filters && !file.path.starts_with("xtask/") && names(text, SDK) {
            findings
                .push(file.finding(line, format!("`{SDK}` outside filters/; let a core decide and return a value")));
        }
        if in_filters && !speaks_to_the_host && names(text, HOSTCALLS) {
            findings.push(
                file.finding(
                    line,
                    format!("`{HOSTCALLS}` outside host.rs; add a function there that returns a Result"),
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::assert_found;
    use super::*;

    #[test]
    fn a_file_says_first_what_lives_there() {
        assert_found(
            &[("a.rs", "//! Says.\n"), ("b.rs", "fn b() {}\n"), ("c.rs", "//!\n"), ("d.md", "hello\n")],
            &["b.rs:1: does not begin", "c.rs:1: does not begin"],
        );
    }

    #[test]
    fn a_file_of_400_lines_is_the_longest() {
        let text = |lines: usize| format!("//! Long.\n{}", "\n".repeat(lines - 1));
        assert_found(&[("a.rs", &text(400)), ("b.rs", &text(401))], &["b.rs:401: 401 lines"]);
    }

    #[test]
    fn nothing_unfinished_is_left() {
        let marks: String = UNFINISHED.iter().map(|(mark, _)| format!("{mark}\n")).collect();
        let expected: Vec<String> = (2..2 + UNFINISHED.len()).map(|line| format!("a.rs:{line}: ")).collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        assert_found(&[("a.rs", &format!("//! Marks.\n{marks}"))], &expected);
    }

    #[test]
    fn only_filters_name_the_sdk_and_only_their_host_file_calls_the_host() {
        let both = format!("//! Uses.\n// {SDK} in a comment\nuse {SDK}::{HOSTCALLS};\n");
        assert_found(
            &[
                ("filters/f/src/host.rs", &both),
                ("filters/f/src/root.rs", &both),
                ("crates/registry/src/lib.rs", &both),
                ("tests/Cargo.toml", "[dependencies]\nproxy-wasm = \"0.2\"\n"),
                ("filters/f/Cargo.toml", "[dependencies]\nproxy-wasm = \"0.2\"\n"),
            ],
            &["filters/f/src/root.rs:3: ", "crates/registry/src/lib.rs:3: ", "tests/Cargo.toml:2: "],
        );
    }
}
