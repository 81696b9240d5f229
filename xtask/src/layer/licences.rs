//! The licences of everything that is linked into an executable, as they must go with it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cmd::{self, Output, cargo, minutes};

/// What a licence's file is called.
const NAMES: [&str; 4] = ["LICENSE", "LICENCE", "COPYING", "NOTICE"];

/// One text: each package with its version and licence, then each licence's text once, with the packages that it came with.
pub(super) fn of(root: &Path, package: &str, target: &str) -> Result<String, String> {
    let args = [
        "tree",
        "-p",
        package,
        "--target",
        target,
        "-e",
        "no-dev,no-build,no-proc-macro",
        "--prefix",
        "none",
        "--format",
        "{p}\t{l}",
    ];
    let mut tree = cargo(root, args);
    let ran = cmd::run(&mut tree, Output::Kept, minutes(2))?;
    if !ran.success {
        return Err(format!("`cargo tree` failed: {}", ran.stderr));
    }
    let registries = registries()?;
    let mut list = BTreeMap::new();
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, version, licence) in linked(&ran.stdout) {
        let shown = format!("{name} {version}");
        let sources = registries.iter().map(|dir| dir.join(format!("{name}-{version}"))).find(|dir| dir.is_dir());
        let sources = sources.ok_or_else(|| format!("the sources of {shown} are not in cargo's registry"))?;
        for text in texts_in(&sources)? {
            texts.entry(text).or_default().push(shown.clone());
        }
        list.insert(shown, licence);
    }
    Ok(write(&list, &texts))
}

/// Name, version and licence of each package from a registry. Those of the workspace have a path behind their version.
fn linked(tree: &str) -> Vec<(String, String, String)> {
    let mut linked: Vec<_> = tree
        .lines()
        .filter_map(|line| {
            let (package, licence) = line.split_once('\t')?;
            let mut words = package.split(' ');
            let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
            let local = words.any(|word| word.starts_with("(/"));
            let licence = licence.trim_end_matches(" (*)").trim();
            (!local).then(|| (name.to_owned(), version.to_owned(), licence.to_owned()))
        })
        .collect();
    linked.sort();
    linked.dedup();
    linked
}

fn registries() -> Result<Vec<PathBuf>, String> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let sources = home.ok_or("neither CARGO_HOME nor HOME is set; set one of them")?.join("registry/src");
    Ok(sources.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()).collect())
}

/// The texts of the files that are named like licences, in the order of their names.
fn texts_in(dir: &Path) -> Result<Vec<String>, String> {
    let entries = dir.read_dir().map_err(|e| format!("{} cannot be read: {e}", dir.display()))?;
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name().to_string_lossy().to_ascii_uppercase();
            NAMES.iter().any(|licence| name.starts_with(licence)) && entry.path().is_file()
        })
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let bytes = fs::read(path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
            Ok(String::from_utf8_lossy(&bytes).replace("\r\n", "\n").trim().to_owned())
        })
        .collect()
}

fn write(list: &BTreeMap<String, String>, texts: &BTreeMap<String, Vec<String>>) -> String {
    let mut out = String::from("mtls-proxy is linked with these packages, each under its own licence:\n\n");
    for (package, licence) in list {
        out += &format!("  {package}: {licence}\n");
    }
    // By their packages: the order of the texts themselves means nothing to a reader.
    let mut texts: Vec<_> = texts.iter().map(|(text, packages)| (packages, text)).collect();
    texts.sort();
    for (packages, text) in texts {
        out += &format!("\n{}\n{}\n\n{text}\n", "-".repeat(80), packages.join(", "));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_a_registry_are_listed_once_and_those_of_the_workspace_are_not() {
        let tree = "mtls-proxy v0.1.0 (/builds/lambda/mtls-proxy)\tApache-2.0\nring v0.17.14\tApache-2.0 AND ISC\n\
            cfg-if v1.0.4\tMIT OR Apache-2.0\nring v0.17.14\tApache-2.0 AND ISC (*)\n\
            slab v0.4.12\tMIT\n";
        let found = linked(tree);
        let names: Vec<&str> = found.iter().map(|(name, _, _)| name.as_str()).collect();
        assert_eq!(names, ["cfg-if", "ring", "slab"]);
        assert_eq!(found[1], ("ring".into(), "0.17.14".into(), "Apache-2.0 AND ISC".into()));
    }

    #[test]
    fn a_text_stands_there_once_with_all_who_came_with_it() {
        let list = [("a 1".to_owned(), "MIT".to_owned()), ("b 2".to_owned(), "MIT".to_owned())].into();
        let texts = [("Permission is granted".to_owned(), vec!["a 1".to_owned(), "b 2".to_owned()])].into();
        let out = write(&list, &texts);
        assert_eq!(out.matches("Permission is granted").count(), 1);
        assert!(out.contains("  a 1: MIT\n  b 2: MIT\n") && out.contains("\na 1, b 2\n\n"), "{out}");
    }

    #[test]
    fn files_are_found_by_their_names_whatever_their_endings() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [("LICENSE-MIT", "one"), ("COPYING.md", "two"), ("licence", "three"), ("README", "no")] {
            fs::write(dir.path().join(name), format!("{text}\r\n")).unwrap();
        }
        assert_eq!(texts_in(dir.path()).unwrap(), ["two", "one", "three"]);
    }
}
