//! Memory of a process, as the kernel counts it.

use std::fs;

/// In bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Memory {
    /// Pages that are resident, those too that other processes share.
    pub(super) rss: u64,
    /// The same, with a share of those that are shared.
    pub(super) pss: u64,
}

impl Memory {
    /// Of this process, now.
    pub(super) fn of(pid: u32) -> Result<Self, String> {
        let path = format!("/proc/{pid}/smaps_rollup");
        let text = fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
        let field = |name| kilobytes(&text, name).ok_or_else(|| format!("{path} has no {name}"));
        Ok(Self { rss: field("Rss:")?, pss: field("Pss:")? })
    }
}

/// The most that was ever resident of this process.
pub(super) fn peak_rss(pid: u32) -> Result<u64, String> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
    kilobytes(&text, "VmHWM:").ok_or_else(|| format!("{path} has no VmHWM"))
}

/// `Rss:      1234 kB`, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok().map(|kilobytes: u64| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory() {
        let memory = Memory::of(std::process::id()).unwrap();
        assert!(memory.pss > 0 && memory.rss >= memory.pss);
        assert!(peak_rss(std::process::id()).unwrap() > 0);
        assert!(Memory::of(u32::MAX).is_err());
        assert_eq!(kilobytes("Pss_Dirty:  8 kB\nPss:   12 kB\n", "Pss:"), Some(12 * 1024));
    }
}
