//! The wrapper script, as Lambda starts it: with the runtime and its arguments behind it.

use std::path::Path;
use std::process::{Command, Output};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Runs it in front of a program that says what it was given.
fn run(variables: &[(&str, &str)]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("mtls-proxy-wrapper");
    let mut command = Command::new(script);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).envs(variables.iter().copied());
    command.args(["sh", "-c", "env; echo \"arguments: $0 $1\"", "boot strap", "--flag"]).output().unwrap()
}

fn value(output: &Output, name: &str) -> Option<String> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().find_map(|line| line.strip_prefix(&format!("{name}="))).map(str::to_owned)
}

#[test]
fn the_runtime_is_started_with_the_proxy_and_the_token() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("token");
    std::fs::write(&file, TOKEN).unwrap();
    let ran = run(&[("MESHBRIDGE_TOKEN_FILE", file.to_str().unwrap())]);
    assert!(ran.status.success());
    assert!(String::from_utf8_lossy(&ran.stdout).contains("arguments: boot strap --flag\n"));
    for name in ["HTTP_PROXY", "http_proxy"] {
        assert_eq!(value(&ran, name).unwrap(), format!("http://meshbridge:{TOKEN}@127.0.0.1:8181"));
    }
    assert_eq!(value(&ran, "HTTPS_PROXY"), None);
}

#[test]
fn the_address_is_the_one_that_the_clients_use_too() {
    for address in ["http://127.0.0.1:9000", "http://127.0.0.1:9000/", "127.0.0.1:9000"] {
        let ran = run(&[("MESHBRIDGE_TOKEN", TOKEN), ("MESHBRIDGE_PROXY", address)]);
        assert_eq!(value(&ran, "HTTP_PROXY").unwrap(), format!("http://meshbridge:{TOKEN}@127.0.0.1:9000"));
    }
    let ran = run(&[("MESHBRIDGE_TOKEN", TOKEN), ("MESHBRIDGE_PROXY", "unix:/tmp/meshbridge/proxy.sock")]);
    assert_eq!(value(&ran, "HTTP_PROXY").unwrap(), format!("http://meshbridge:{TOKEN}@127.0.0.1:8181"));
}

#[test]
fn lambdas_own_addresses_are_called_without_the_proxy() {
    let ran = run(&[
        ("MESHBRIDGE_TOKEN", TOKEN),
        ("AWS_LAMBDA_RUNTIME_API", "169.254.100.1:9001"),
        ("no_proxy", "internal.example.com"),
    ]);
    let listed = value(&ran, "NO_PROXY").unwrap();
    assert_eq!(value(&ran, "no_proxy").unwrap(), listed);
    let listed: Vec<&str> = listed.split(',').collect();
    for host in ["127.0.0.1", "localhost", "169.254.169.254", "169.254.170.2", "169.254.100.1", "internal.example.com"]
    {
        assert!(listed.contains(&host), "{host}: {listed:?}");
    }
}

#[test]
fn without_a_token_the_runtime_is_started_all_the_same_and_it_is_said() {
    let ran = run(&[("MESHBRIDGE_TOKEN_FILE", "/nowhere/token")]);
    assert!(ran.status.success());
    assert_eq!(value(&ran, "HTTP_PROXY"), None);
    assert!(String::from_utf8_lossy(&ran.stderr).contains("is the extension in a layer"));
}

#[test]
fn under_snapstart_no_token_is_put_into_the_snapshot_but_one_that_is_given() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("token");
    std::fs::write(&file, "left over").unwrap();
    let snapshot =
        [("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start"), ("MESHBRIDGE_TOKEN_FILE", file.to_str().unwrap())];
    let ran = run(&snapshot);
    assert!(ran.status.success());
    assert_eq!(value(&ran, "HTTP_PROXY"), None);
    assert!(String::from_utf8_lossy(&ran.stderr).contains("MESHBRIDGE_TOKEN"));
    let ran = run(&[snapshot[0], snapshot[1], ("MESHBRIDGE_TOKEN", TOKEN)]);
    assert!(value(&ran, "HTTP_PROXY").unwrap().contains(TOKEN));
}
