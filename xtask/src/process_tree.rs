//! Who descends from whom among the running processes, read from /proc.

use std::fs;

/// The direct children of a process that have not been reaped.
pub fn children(parent: u32) -> Vec<u32> {
    table().into_iter().filter(|(_, its_parent)| *its_parent == parent).map(|(pid, _)| pid).collect()
}

/// Everything that descends from a process, itself not included.
pub fn descendants(ancestor: u32) -> Vec<u32> {
    let table = table();
    let mut found = vec![ancestor];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(
            table.iter().filter(|(pid, its_parent)| *its_parent == parent && *pid != parent).map(|(pid, _)| pid),
        );
        next += 1;
    }
    found.remove(0);
    found
}

/// (process, parent) of all processes.
fn table() -> Vec<(u32, u32)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| {
            let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            Some((pid, parent_of(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?))
        })
        .collect()
}

/// Field 4 of `/proc/<pid>/stat`. Field 2 is the name in brackets and may hold anything, brackets and blanks included.
fn parent_of(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_parent_behind_a_hostile_name() {
        assert_eq!(parent_of("17 (a) R 1 b) S 42 17 17 0"), Some(42));
        assert_eq!(parent_of("garbage"), None);
    }

    #[test]
    fn finds_a_grandchild() {
        let mut child = std::process::Command::new("sh").args(["-c", "sleep 20 & wait"]).spawn().unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while descendants(child.id()).is_empty() && std::time::Instant::now() < deadline {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let grandchildren = descendants(child.id());
        assert_eq!(children(child.id()), grandchildren);
        assert!(descendants(std::process::id()).contains(&grandchildren[0]));
        crate::cmd::kill_tree(&mut child);
    }
}
