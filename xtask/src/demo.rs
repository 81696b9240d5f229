//! `cargo xtask demo`: builds filters and extension, finds an Envoy and moto, and hands over to `e2e`'s demo.

use std::path::Path;
use std::process::{Command, ExitStatus};

use crate::cmd::{Progress, cargo};
use crate::envoy::{self, Which};
use crate::extension::{self, MESHBRIDGE_MTLS_PROXY};
use crate::{build, moto};

/// `cargo xtask demo`; all flags are the demo's own.
pub fn command(root: &Path, args: &[String]) -> Result<(), String> {
    let mut found = Vec::new();
    if needs_extension(args) {
        let mut progress = Progress::new(2);
        let built = progress.quiet("building mtls-proxy for this machine", || extension::build(root))?;
        progress.quiet("finding moto, which stands for Secrets Manager", || moto::find(root))?;
        found.push((MESHBRIDGE_MTLS_PROXY, built));
    }
    let mut run =
        prepare(root, &["run", "--quiet", "-p", "e2e", "--bin", "demo", "--"], "building and starting the demo")?;
    verdict("the demo", run.envs(found).args(args).status())
}

/// Not for the first act alone, nor for those who only want to read.
fn needs_extension(args: &[String]) -> bool {
    !args.iter().any(|arg| ["ingress", "--act=ingress", "--help", "-h"].contains(&arg.as_str()))
}

/// Everything up to the start of one of `e2e`'s programs, which gets the terminal and has no time limit.
pub fn prepare(root: &Path, cargo_args: &[&str], last: &str) -> Result<Command, String> {
    let total = build::STEPS + 2;
    let mut progress = Progress::new(total);
    build::all(root, &mut progress)?;
    let envoy = progress.quiet("finding Envoy", || envoy::find(root, Which::Newest))?;
    let func_e = envoy::func_e_or_install(root);
    let launcher = match &func_e {
        Ok(path) => format!("launched by {}", path.display()),
        Err(reason) => format!("started directly: {reason}"),
    };
    println!("  Envoy        {} ({}), {launcher}", envoy.display(), envoy::version_of(&envoy)?);
    println!("[{total}/{total}] {last} …");
    let mut command = cargo(root, cargo_args);
    command.envs(envoy::environment(root, &envoy, func_e.ok().as_deref()));
    Ok(command)
}

/// A program's end as this command's.
pub fn verdict(what: &str, status: std::io::Result<ExitStatus>) -> Result<(), String> {
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what} failed ({status})")),
        Err(e) => Err(format!("{what} cannot be started: {e}")),
    }
}
