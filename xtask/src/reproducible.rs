//! What makes an artefact the same on every machine: no path of this one gets into it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cmd::{self, Output, minutes};

/// What this machine adds to the paths of sources.
#[derive(Debug)]
pub struct Machine {
    workspace: PathBuf,
    cargo_home: PathBuf,
    sysroot: PathBuf,
    compiler: String,
}

impl Machine {
    /// Looks at this one.
    pub fn of(root: &Path) -> Result<Self, String> {
        let rustc = |args: &[&str]| {
            let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
            let ran = cmd::run(rustc.current_dir(root).args(args), Output::Kept, minutes(1))?;
            if ran.success { Ok(ran.stdout) } else { Err(format!("`rustc {}` failed: {}", args.join(" "), ran.stderr)) }
        };
        let version = rustc(&["-vV"])?;
        let compiler = version.lines().find_map(|line| line.strip_prefix("commit-hash: ")).unwrap_or("unknown");
        let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = || std::env::home_dir().map(|home| home.join(".cargo"));
        Ok(Self {
            workspace: root.to_path_buf(),
            cargo_home: cargo_home.or_else(home).ok_or("neither CARGO_HOME nor HOME is set; set one of them")?,
            sysroot: rustc(&["--print", "sysroot"])?.trim().into(),
            compiler: compiler.to_owned(),
        })
    }

    /// Flags for the compiler that leave nothing of the sources' paths but what is the same everywhere.
    pub fn flags(&self) -> Vec<String> {
        let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
        // One directory for each registry; its name has a hash of the address, which differs with mirrors.
        let registries = self.cargo_home.join("registry/src").read_dir().into_iter().flatten().flatten();
        let mut flags: Vec<String> = registries.map(|dir| remap(&dir.path().join(""), "")).collect();
        flags.sort();
        flags.push(remap(&self.workspace.join(""), ""));
        // Where the component rust-src is installed the compiler names its files there, elsewhere it names these.
        flags.push(remap(&self.sysroot.join("lib/rustlib/src/rust"), &format!("/rustc/{}", self.compiler)));
        flags
    }

    /// Paths of this machine that are in `bytes`.
    pub fn found_in(&self, bytes: &[u8]) -> Vec<String> {
        let own = [&self.workspace, &self.cargo_home, &self.sysroot].map(|path| path.display().to_string());
        let homes = ["/root/", "/home/", "/Users/"].map(str::to_owned);
        let is_in = |path: &String| path.len() > 1 && bytes.windows(path.len()).any(|part| part == path.as_bytes());
        own.into_iter().chain(homes).filter(is_in).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(cargo_home: &Path) -> Machine {
        Machine {
            workspace: "/builds/mesh".into(),
            cargo_home: cargo_home.into(),
            sysroot: "/opt/rust".into(),
            compiler: "abc".into(),
        }
    }

    #[test]
    fn every_registry_the_workspace_and_the_library_are_mapped() {
        let home = tempfile::tempdir().unwrap();
        for registry in ["mirror-2", "index-1"] {
            std::fs::create_dir_all(home.path().join("registry/src").join(registry)).unwrap();
        }
        let registries = home.path().join("registry/src");
        assert_eq!(
            machine(home.path()).flags(),
            [
                format!("--remap-path-prefix={}/index-1/=", registries.display()),
                format!("--remap-path-prefix={}/mirror-2/=", registries.display()),
                "--remap-path-prefix=/builds/mesh/=".to_owned(),
                "--remap-path-prefix=/opt/rust/lib/rustlib/src/rust=/rustc/abc".to_owned(),
            ]
        );
    }

    #[test]
    fn paths_of_the_machine_are_found() {
        let machine = machine(Path::new("/srv/cargo"));
        assert_eq!(machine.found_in(b"..src/lib.rs\0/rustc/abc/library/alloc/src/vec.rs"), Vec::<String>::new());
        assert_eq!(
            machine.found_in(b"/srv/cargo/registry/src/a/lib.rs\0/home/me/b.rs\0/opt/rust/c.rs"),
            ["/srv/cargo", "/opt/rust", "/home/"]
        );
    }
}
