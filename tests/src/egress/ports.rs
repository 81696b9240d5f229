//! Ports: which one a process listens on, and one that nobody else takes.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// The TCP port that a process listens on, from the kernel's own tables (proc(5), `/proc/<pid>/net/tcp`).
#[must_use]
pub fn listening_port(pid: u32) -> Option<u16> {
    let sockets: Vec<String> = fs::read_dir(format!("/proc/{pid}/fd"))
        .ok()?
        .filter_map(|entry| {
            let target = fs::read_link(entry.ok()?.path()).ok()?;
            Some(target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect();
    let table = fs::read_to_string(format!("/proc/{pid}/net/tcp")).ok()?;
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        const LISTEN: &str = "0A";
        let (address, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
        let ours = *state == LISTEN && sockets.iter().any(|socket| socket == inode);
        ours.then(|| u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok())?
    })
}

/// A free port below those that the kernel hands out by itself, for what must know its port before it starts.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn quiet_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test processes that run at the same time begin at different places.
    let begin = u16::try_from(std::process::id() % 10_000).unwrap_or_default();
    for _ in 0..1000 {
        let port = 12_000 + (begin + NEXT.fetch_add(7, Ordering::SeqCst)) % 18_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free between 12000 and 30000");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_this_process_is_found() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        // Other tests of this process listen too: one of theirs is found as well.
        assert!(listening_port(std::process::id()).is_some());
        drop(listener);
        assert!(quiet_port() >= 12_000);
    }
}
