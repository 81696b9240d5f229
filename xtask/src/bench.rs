//! `cargo xtask bench`: builds what is measured, finds an Envoy, and hands over to `e2e`'s benchmarks.

use std::path::Path;

use crate::demo::{prepare, verdict};
use crate::extension::MESHBRIDGE_MTLS_PROXY;
use crate::layer;

/// `cargo xtask bench signer|egress`; all further flags are the benchmark's own.
pub fn command(root: &Path, args: &[String]) -> Result<(), String> {
    let Some((what, rest)) = args.split_first() else {
        return Err(
            "`cargo xtask bench` needs to know which: `cargo xtask bench signer` or `cargo xtask bench egress`".into(),
        );
    };
    let program = match what.as_str() {
        "signer" => "bench-signer",
        "egress" => "bench-egress",
        _ => {
            return Err(format!("there is no benchmark `{what}`; there are `cargo xtask bench signer` and `… egress`"));
        }
    };
    // What is measured is what is shipped: the extension as it is in the layer.
    let measures_the_extension = program == "bench-egress" && !rest.iter().any(|arg| arg == "router");
    let extension = measures_the_extension.then(|| layer::executable_for_x86_64(root)).transpose()?;
    let cargo_args = ["run", "--quiet", "--release", "-p", "e2e", "--bin", program, "--"];
    let mut run = prepare(root, &cargo_args, "building and starting the benchmark")?;
    run.envs(extension.map(|path| (MESHBRIDGE_MTLS_PROXY, path)));
    verdict("the benchmark", run.args(rest).status())
}
