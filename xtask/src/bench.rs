//! `cargo xtask bench signer`: builds the filter, finds an Envoy, and hands over to `e2e`'s benchmark.

use std::path::Path;

use crate::demo::{prepare, verdict};

/// `cargo xtask bench signer`; all further flags are the benchmark's own.
pub fn command(root: &Path, args: &[String]) -> Result<(), String> {
    let Some((what, rest)) = args.split_first() else {
        return Err("`cargo xtask bench` needs to know which: `cargo xtask bench signer`".into());
    };
    if what != "signer" {
        return Err(format!("there is no benchmark `{what}`; there is `cargo xtask bench signer`"));
    }
    let cargo_args = ["run", "--quiet", "--release", "-p", "e2e", "--bin", "bench-signer", "--"];
    let mut run = prepare(root, &cargo_args, "building and starting the benchmark")?;
    verdict("the benchmark", run.args(rest).status())
}
