//! How long a registry takes to load, and what it holds in memory: `cargo run --release -p registry --example load [APPS]`.
#![allow(clippy::print_stdout, reason = "a program whose output is its purpose")]

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Instant;

use registry::{Directory, Registry};

const SETTINGS: &str = "organisation = \"Example\"\nregions = [\"us-west-2\", \"us-east-1\"]\n\
    mesh_suffix = \"mesh.example.com\"\n[environments.production]\ntrust_domain = \"mesh.example.com\"\n";

fn main() -> Result<(), Box<dyn Error>> {
    let apps = std::env::args().nth(1).map_or(Ok(100_000), |apps| apps.parse::<usize>())?;
    let directory = tempfile::tempdir()?;
    write_all(directory.path(), apps)?;
    let mut registry = Directory::new(directory.path());

    for what in ["everything", "again, at once", "again"] {
        let (began, cpu) = (Instant::now(), cpu_milliseconds());
        let snapshot = registry.snapshot()?;
        let (took, cpu) = (began.elapsed().as_millis(), cpu_milliseconds() - cpu);
        let (files, read) = (registry.reading().files, registry.reading().read);
        print_memory();
        println!("{what}: {} apps, {read} of {files} files read, {took} ms, {cpu} ms of CPU", snapshot.apps().len());
        if what == "again, at once" {
            // Until file times tell whether a file has changed.
            std::thread::sleep(std::time::Duration::from_secs(3));
            registry.snapshot()?;
        }
    }
    write_app(directory.path(), 7, apps, "changed")?;
    let (began, cpu) = (Instant::now(), cpu_milliseconds());
    registry.snapshot()?;
    let (took, cpu) = (began.elapsed().as_millis(), cpu_milliseconds() - cpu);
    println!("one file changed: {} files read, {took} ms, {cpu} ms of CPU", registry.reading().read);

    let snapshot = registry.snapshot()?;
    let began = Instant::now();
    let names: usize = snapshot.identities().map(|identity| identity.spiffe_id().as_str().len()).sum();
    println!("names of all identities ({names} bytes): {} ms", began.elapsed().as_millis());
    print_memory();
    Ok(())
}

/// Of this process, in the steps of proc(5), a hundredth of a second each; 0 where there is none.
fn cpu_milliseconds() -> u64 {
    let status = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let times = status.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    times.filter_map(|time| time.parse::<u64>().ok()).sum::<u64>() * 10
}

fn print_memory() {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    for line in status.lines().filter(|line| line.starts_with("VmHWM") || line.starts_with("VmRSS")) {
        println!("{line}");
    }
}

fn write_all(directory: &Path, apps: usize) -> Result<(), Box<dyn Error>> {
    fs::write(directory.join("meshbridge.toml"), SETTINGS)?;
    for app in 0..apps {
        write_app(directory, app, apps, "team")?;
    }
    Ok(())
}

/// An app as they are: an identity, two upstreams, one ingress with two callers.
fn write_app(directory: &Path, app: usize, apps: usize, owner: &str) -> Result<(), Box<dyn Error>> {
    let mut text = String::new();
    let (one, other) = ((app + 1) % apps, (app + 17) % apps);
    write!(
        text,
        "name = \"app-{app}\"\nowners = [\"{owner}@example.com\"]\n\n[production]\naccount_id = \"{account:012}\"\n\
         mesh_identity = true\nlambda_roles = [\"arn:aws:iam::{account:012}:role/app-{app}-lambda\"]\n\
         upstreams = [\"app-{one}\", \"app-{other}\"]\n\n[[production.ingress]]\nname = \"files\"\nservice_name = \"s3\"\n\
         region = \"us-west-2\"\nbackend_hostname = \"app-{app}-files.s3.us-west-2.amazonaws.com\"\n\
         role_arn = \"arn:aws:iam::{account:012}:role/app-{app}-files-proxy\"\ncallers = [\"app-{one}\", \"app-{other}\"]\n",
        account = 100_000_000_000 + app,
    )?;
    fs::write(directory.join(format!("app-{app}.toml")), text)?;
    Ok(())
}
