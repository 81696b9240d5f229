//! The command line.

use super::*;

const RIGHT: &str = r#"{"app": "reports", "environment": "staging", "trust_domain": "mesh.example.com",
    "gateway": "gateway.mesh.example.com", "upstreams": ["ledger"],
    "identity": {"source": "directory", "path": "/etc/identity"}}"#;

fn parsed(args: &[&str]) -> Result<Command, String> {
    parse(args.iter().map(OsString::from))
}

#[test]
fn arguments_are_read_in_any_order() {
    let file = || Some(PathBuf::from("x.json"));
    for (args, command) in [
        (&[][..], Command::Serve(None)),
        (&["--config", "x.json"], Command::Serve(file())),
        (&["--config=x.json"], Command::Serve(file())),
        (&["--check"], Command::Check(None)),
        (&["--check", "--config", "x.json"], Command::Check(file())),
        (&["--config", "x.json", "--check"], Command::Check(file())),
        (&["--check", "--help"], Command::Help),
        (&["-h"], Command::Help),
        (&["--version"], Command::Version),
    ] {
        assert_eq!(parsed(args), Ok(command), "{args:?}");
    }
}

#[test]
fn what_is_no_argument_is_told_with_where_to_look() {
    assert!(parsed(&["--port", "1"]).unwrap_err().contains("\"--port\"; `mtls-proxy --help`"));
    assert!(parsed(&["x.json"]).unwrap_err().contains("\"x.json\""));
    assert!(parsed(&["--config"]).unwrap_err().contains("needs the path"));
}

#[test]
fn the_help_teaches_each_form_and_names_each_variable() {
    let help = help();
    for taught in ["/~ledger/", "Host: ledger", "http://ledger.mesh/", "x-meshbridge-token", "--check", "directory"] {
        assert!(help.contains(taught), "{taught}");
    }
    for (variable, _) in VARIABLES {
        assert!(help.contains(variable), "{variable}");
    }
    assert!(help.lines().all(|line| line.len() <= 120));
}

#[test]
fn the_least_configuration_of_the_help_is_right() {
    let (_, rest) = HELP.split_once("The least there is:").unwrap();
    let (least, _) = rest.split_once("}\n").unwrap();
    let region = |name: &str| (name == "AWS_REGION").then(|| "us-west-2".to_owned());
    Config::parse(format!("{least}}}").as_bytes(), &region).unwrap();
}

#[test]
fn the_name_is_that_of_the_file_that_was_started() {
    assert_eq!(own_name(Some("/opt/extensions/mtls-proxy".into())), "mtls-proxy");
    assert_eq!(own_name(Some("/opt/extensions/renamed".into())), "renamed");
    assert_eq!(own_name(None), "mtls-proxy");
}

#[test]
fn a_configuration_is_found_by_flag_then_by_variable() {
    let home = tempfile::tempdir().unwrap();
    let (one, other) = (home.path().join("one.json"), home.path().join("other.json"));
    std::fs::write(&one, RIGHT).unwrap();
    std::fs::write(&other, RIGHT.replace("reports", "billing")).unwrap();
    let variable = |name: &str| (name == "MESHBRIDGE_CONFIG").then(|| other.to_str().unwrap().to_owned());
    assert_eq!(load(Some(&one), &variable).unwrap().0.app.as_str(), "reports");
    assert_eq!(load(None, &variable).unwrap().0.app.as_str(), "billing");
    let wrong = load(Some(&home.path().join("none.json")), &variable).unwrap_err();
    assert!(wrong.contains("none.json cannot be read"), "{wrong}");
}

#[test]
fn without_a_file_the_environment_may_say_everything() {
    let variables = |name: &str| {
        let value = match name {
            "MESHBRIDGE_APP" => "reports",
            "MESHBRIDGE_ENVIRONMENT" => "staging",
            "MESHBRIDGE_TRUST_DOMAIN" => "mesh.example.com",
            "MESHBRIDGE_GATEWAY" => "gateway.mesh.example.com",
            "MESHBRIDGE_UPSTREAMS" => "ledger, users",
            "AWS_REGION" => "us-west-2",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let (config, place) = load(None, &variables).unwrap();
    assert_eq!((config.upstreams.len(), place.as_str()), (2, "the environment"));
    let nothing = load(None, &|_| None).unwrap_err();
    assert!(nothing.contains("/var/task/meshbridge.json") && nothing.contains("MESHBRIDGE_CONFIG"), "{nothing}");
}

#[test]
fn a_file_without_end_is_not_read_to_it() {
    let wrong = load(Some(Path::new("/dev/zero")), &|_| None).unwrap_err();
    assert!(wrong.contains("larger than 1 MiB"), "{wrong}");
}

#[test]
fn mistakes_are_told_with_the_file_they_are_in() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("meshbridge.json");
    std::fs::write(&file, RIGHT.replace("\"staging\"", "\"Staging\"")).unwrap();
    let wrong = load(Some(&file), &|_| None).unwrap_err();
    assert!(
        wrong.starts_with(&format!("{}: the configuration has 1 mistake:\n  - environment: ", file.display())),
        "{wrong}"
    );
}

#[test]
fn a_right_configuration_is_told_in_other_words() {
    let config = Config::parse(RIGHT.as_bytes(), &|_| None).unwrap();
    assert_eq!(
        meaning(&config, "meshbridge.json"),
        "meshbridge.json is right: spiffe://mesh.example.com/staging/reports may call\n  \
         ledger.staging through gateway.mesh.example.com:443 with the SNI staging.ledger.mesh.example.com, \
         if it is spiffe://mesh.example.com/staging/ledger\n"
    );
}
