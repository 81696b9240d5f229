//! No paths of somebody's machine and no hosts of package registries in the project's files.

use super::{File, Finding, Tree};

/// Directories of machines, written so that this file does not find itself.
const PLACES: &[&str] = &[concat!("/", "root/"), concat!("/", "work/"), concat!("/", "home/")];

const REGISTRIES: &[&str] = &[
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("files.python", "hosted.org"),
    concat!("registry.npm", "js.org"),
    concat!("proxy.go", "lang.org"),
    concat!("repo.maven", ".apache.org"),
    concat!("deb.deb", "ian.org"),
];

pub(super) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    // Cargo writes where each package came from into its lock file; nobody edits that.
    for file in tree.files.iter().filter(|file| file.path != "Cargo.lock") {
        check_file(file, findings);
    }
}

fn check_file(file: &File, findings: &mut Vec<Finding>) {
    for (line, text) in file.lines() {
        for place in PLACES.iter().filter(|place| begins_a_path(text, place)) {
            findings.push(
                file.finding(
                    line,
                    format!("a path of somebody's machine (`{place}`); find it from the workspace's root"),
                ),
            );
        }
        for host in REGISTRIES.iter().filter(|host| text.contains(**host)) {
            findings.push(
                file.finding(
                    line,
                    format!("the host of a package registry (`{host}`); name the package manager instead"),
                ),
            );
        }
    }
}

/// Whether an absolute path into `place` stands in the line: not the middle of another path, and followed by a name.
fn begins_a_path(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + place.len()..].chars().next();
        before.is_none_or(|c| !c.is_alphanumeric() && !"._-/}$*>".contains(c))
            && after.is_some_and(|c| c.is_alphanumeric() || c == '.' || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::assert_found;
    use super::*;

    #[test]
    fn finds_each_place_and_each_registry_in_any_text_file() {
        let mut text = String::new();
        let mut expected = Vec::new();
        for (line, what) in
            PLACES.iter().map(|p| format!("see {p}me")).chain(REGISTRIES.iter().map(|h| (*h).to_owned())).enumerate()
        {
            text += &format!("{what}\n");
            expected.push(format!("notes.md:{}: ", line + 1));
        }
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        assert_found(&[("notes.md", &text), ("Cargo.lock", &text)], &expected);
    }

    #[test]
    fn a_middle_of_another_path_is_no_machine_path() {
        let text = format!("src{}mod.rs crates/x{}y ${{HOME}}{}z\n", PLACES[0], PLACES[1], PLACES[2]);
        assert_found(&[("notes.md", &text)], &[]);
    }
}
