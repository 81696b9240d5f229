//! What the program says to people.

use super::process::program;

fn said(args: &[&str]) -> (Option<i32>, String, String) {
    let output = program().args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn help_and_version_go_to_standard_output() {
    let (code, out, err) = said(&["--help"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.starts_with("mtls-proxy: ") && out.contains("MESHBRIDGE_TOKEN_FILE"), "{out}");
    assert_eq!(said(&["--version"]), (Some(0), format!("mtls-proxy {}\n", env!("CARGO_PKG_VERSION")), String::new()));
}

#[test]
fn what_cannot_be_used_goes_to_standard_error_with_a_code_of_its_own() {
    for (args, told) in [
        (&["--fast"][..], "there is no argument \"--fast\""),
        (&["--check"], "there is no configuration"),
        (&["--config", "/nowhere/x.json"], "/nowhere/x.json cannot be read"),
    ] {
        let (code, out, err) = said(args);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}");
        assert!(err.starts_with("mtls-proxy: ") && err.contains(told), "{err}");
    }
}

#[test]
fn a_check_says_what_is_wrong_or_what_is_meant() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("meshbridge.json");
    let right = r#"{"app": "reports", "environment": "staging", "trust_domain": "mesh.example.com",
        "gateway": "gateway.mesh.example.com", "upstreams": ["ledger"], "identity": {"regions": ["us-west-2"]}}"#;
    std::fs::write(&file, right).unwrap();
    let args = ["--check", "--config", file.to_str().unwrap()];
    let (code, out, err) = said(&args);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.contains("spiffe://mesh.example.com/staging/reports may call"), "{out}");
    std::fs::write(&file, right.replace("\"app\"", "\"apps\"")).unwrap();
    let (code, out, err) = said(&args);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("has 2 mistakes") && err.contains("did you mean \"app\"?"), "{err}");
}
