//! `cargo xtask tidy`: the rules that a machine can check, every finding at once as `file:line: what; remedy`.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::cmd::{self, Output, cargo, minutes};

mod cores;
mod privacy;
mod project;
mod sources;

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    file: String,
    line: usize,
    what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// `cargo xtask tidy`.
pub fn command(root: &Path) -> Result<(), String> {
    let findings = findings(root)?;
    if print(&findings) { Ok(()) } else { Err(format!("{} findings", findings.len())) }
}

/// Prints what was found; true when that is nothing.
pub fn print(findings: &[Finding]) -> bool {
    for finding in findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: nothing to remark");
    }
    findings.is_empty()
}

/// Every finding in the workspace.
pub fn findings(root: &Path) -> Result<Vec<Finding>, String> {
    let mut findings = in_tree(&Tree::of_git(root)?);
    findings.extend(formatting(root)?);
    findings.extend(lock_file(root)?);
    findings.sort();
    findings.dedup();
    Ok(findings)
}

/// The rules that need nothing but the files.
fn in_tree(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in [sources::check, cores::check, privacy::check, project::check] {
        rule(tree, &mut findings);
    }
    findings
}

/// The text files that belong to the project.
struct Tree {
    files: Vec<File>,
}

/// A text file: its path from the root, with slashes, and what it holds.
struct File {
    path: String,
    text: String,
}

impl Tree {
    /// What git tracks, and what it would track: a file that is about to be added has to be right too.
    fn of_git(root: &Path) -> Result<Self, String> {
        let mut git = Command::new("git");
        git.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let ran = cmd::run(&mut git, Output::Kept, minutes(1))?;
        if !ran.success {
            return Err(format!("git cannot list the files: {}", ran.stderr.trim()));
        }
        let mut paths: Vec<&str> = ran.stdout.split('\0').filter(|path| !path.is_empty()).collect();
        paths.sort_unstable();
        Ok(Tree::read(root, paths))
    }

    fn read<'a>(root: &Path, paths: impl IntoIterator<Item = &'a str>) -> Self {
        // Deleted but not yet committed, or not text: nothing to check.
        let read = |path: &str| Some(File { path: path.to_owned(), text: fs::read_to_string(root.join(path)).ok()? });
        Tree { files: paths.into_iter().filter_map(read).collect() }
    }

    fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }
}

impl File {
    /// Lines with their numbers, from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    fn finding(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding { file: self.path.clone(), line, what: what.into() }
    }
}

/// Whether `word` stands in `line` with no letter, digit or underscore next to it.
fn names(line: &str, word: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (line[..at].chars().next_back(), line[at + word.len()..].chars().next());
        let open_end = word.ends_with(|c: char| !c.is_alphanumeric());
        edge(before) && (open_end || edge(after))
    })
}

/// Whether the line is nothing but a comment.
fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

fn formatting(root: &Path) -> Result<Vec<Finding>, String> {
    let ran = cmd::run(&mut cargo(root, ["fmt", "--all", "--", "--check", "-l"]), Output::Kept, minutes(2))?;
    if !ran.success && ran.stdout.trim().is_empty() {
        let what = format!("`cargo fmt` cannot check: {}", ran.stderr.lines().last().unwrap_or_default());
        return Ok(vec![Finding { file: "Cargo.toml".into(), line: 1, what }]);
    }
    let file = |path: &str| Path::new(path).strip_prefix(root).unwrap_or(Path::new(path)).display().to_string();
    let lines = ran.stdout.lines().filter(|line| line.ends_with(".rs"));
    Ok(lines.map(|path| Finding { file: file(path), line: 1, what: "not formatted; run `cargo fmt`".into() }).collect())
}

fn lock_file(root: &Path) -> Result<Option<Finding>, String> {
    let ran = cmd::run(&mut cargo(root, ["metadata", "--locked", "--format-version", "1"]), Output::Kept, minutes(5))?;
    let reason = ran.stderr.lines().rev().find(|line| line.starts_with("error")).unwrap_or("error").to_owned();
    let what = format!("not up to date ({reason}); run `cargo metadata` and commit what changed");
    Ok((!ran.success).then_some(Finding { file: "Cargo.lock".into(), line: 1, what }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The findings in a tree of these files, as printed.
    pub(super) fn findings_in(files: &[(&str, &str)]) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let tree = Tree::read(dir.path(), files.iter().map(|(path, _)| *path));
        in_tree(&tree).iter().map(Finding::to_string).collect()
    }

    /// Asserts that exactly the findings that begin like this are made.
    pub(super) fn assert_found(files: &[(&str, &str)], expected: &[&str]) {
        let found = findings_in(files);
        let matches = found.len() == expected.len() && expected.iter().all(|e| found.iter().any(|f| f.starts_with(e)));
        assert!(matches, "expected {expected:#?}\nfound {found:#?}");
    }

    #[test]
    fn a_word_is_found_only_whole() {
        assert!(names("use std::fmt;", "std::"));
        assert!(!names("use no_std::fmt;", "std::"));
        assert!(names("x: SystemTime,", "SystemTime"));
        assert!(!names("MySystemTimes", "SystemTime"));
    }

    #[test]
    fn an_empty_tree_has_no_findings() {
        assert_found(&[], &[]);
    }
}
