//! Where registries come from: a directory, and memory.
#![expect(clippy::unwrap_used, reason = "in tests a panic is the verdict")]

mod directory;
mod files;
mod memory;
mod readme;
mod scale;

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use registry::{Directory, Registry};

const SETTINGS: &str = "organisation = \"Example\"\nregions = [\"us-west-2\"]\nmesh_suffix = \"mesh.example.com\"\n\
    [environments.production]\ntrust_domain = \"mesh.example.com\"\n";

/// A small app, with something that can be told apart.
fn app(name: &str, owner: &str) -> String {
    format!("name = \"{name}\"\nowners = [\"{owner}@example.com\"]\n[production]\n")
}

/// A directory with settings and the apps `ledger` and `web`.
fn small() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "meshbridge.toml", SETTINGS);
    write(directory.path(), "ledger.toml", app("ledger", "l"));
    write(directory.path(), "web.toml", app("web", "w"));
    directory
}

fn write(directory: &Path, file: &str, text: impl AsRef<[u8]>) {
    let path = directory.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A clock by which every file has been as it is for long.
fn an_hour_later() -> SystemTime {
    #[expect(clippy::disallowed_methods, reason = "the files of these tests live in real time")]
    let now = SystemTime::now();
    now + Duration::from_secs(3600)
}

/// The names of all apps, or every mistake.
fn read(registry: &mut impl Registry) -> Result<Vec<String>, Vec<String>> {
    match registry.snapshot() {
        Ok(snapshot) => Ok(snapshot.apps().map(|app| app.name.as_str().to_owned()).collect()),
        Err(mistakes) => Err(mistakes.iter().map(ToString::to_string).collect()),
    }
}

fn read_new(directory: &Path) -> Result<Vec<String>, Vec<String>> {
    read(&mut Directory::new(directory))
}
