//! Every form of a request's target, and where it leads.

use super::*;
use crate::config::Config;

const OWN_PORT: Option<u16> = Some(8181);

fn routes() -> Routes {
    let text = br#"{"app": "reports", "environment": "staging", "trust_domain": "mesh.example.com",
        "gateway": "gateway.mesh.example.com", "identity": {"regions": ["us-west-2"]},
        "upstreams": ["ledger", {"app": "users", "environment": "production"}, "users"]}"#;
    let config = Config::parse(text, &|_| None).unwrap();
    Routes::new(&config.upstreams, "staging")
}

fn find(target: &str, host: &str) -> Result<Route, Astray> {
    routes().find(&target.parse().unwrap(), host, OWN_PORT)
}

#[test]
fn each_form_leads_to_the_app_that_it_names() {
    for (target, host, app, path) in [
        ("/a/b?c=d", "ledger", 0, "/a/b?c=d"),
        ("/", "ledger.staging", 0, "/"),
        ("/", "LEDGER", 0, "/"),
        ("/", "ledger:8181", 0, "/"),
        ("/", "ledger:80", 0, "/"),
        ("/", "ledger.mesh", 0, "/"),
        ("/", "users", 2, "/"),
        ("/", "users.staging", 2, "/"),
        ("/", "users.production", 1, "/"),
        ("/", "users.production.mesh", 1, "/"),
        // Another app's path is its own affair.
        ("/~users/x", "ledger", 0, "/~users/x"),
        ("/status", "ledger", 0, "/status"),
        ("//x//y", "ledger", 0, "//x//y"),
        ("/~ledger/a?b", "localhost:8181", 0, "/a?b"),
        ("/~ledger/a", "127.0.0.1:8181", 0, "/a"),
        ("/~ledger/a", "[::1]:8181", 0, "/a"),
        ("/~ledger/a", "localhost", 0, "/a"),
        ("/~ledger", "localhost", 0, "/"),
        ("/~ledger?x=/y", "localhost", 0, "/?x=/y"),
        ("/~Ledger/", "localhost", 0, "/"),
        ("/~users.production/a", "localhost", 1, "/a"),
        ("/~ledger//x", "localhost", 0, "//x"),
        ("/~ledger/../~users/x", "localhost", 0, "/../~users/x"),
        ("/~ledger/%2e%2e/x", "localhost", 0, "/%2e%2e/x"),
        ("http://ledger.mesh/a?b", "ledger.mesh", 0, "/a?b"),
        ("http://ledger.mesh:80/", "ledger.mesh", 0, "/"),
        ("http://ledger.mesh/", "ledger.mesh:80", 0, "/"),
        ("http://ledger.mesh", "ledger.mesh", 0, "/"),
        ("http://ledger.mesh?x", "ledger.mesh", 0, "/?x"),
        ("http://LEDGER.Mesh/", "ledger.mesh", 0, "/"),
        ("HTTP://ledger.mesh/", "ledger.mesh", 0, "/"),
        ("http://users.production.mesh/", "users.production.mesh", 1, "/"),
    ] {
        assert_eq!(find(target, host), Ok(Route::App(app, path.parse().unwrap())), "{target} {host}");
    }
}

#[test]
fn what_is_not_on_the_list_is_not_allowed() {
    for (target, host, name) in [
        ("/", "secrets", "secrets"),
        ("/", "ledger.production", "ledger.production"),
        ("/", "ledger.staging.mesh.example.com", "ledger.staging.mesh.example.com"),
        ("/", "staging.ledger", "staging.ledger"),
        ("/", "169.254.169.254", "169.254.169.254"),
        ("/", "ledger.", "ledger."),
        ("/", "example.com", "example.com"),
        ("/", "127.0.0.2", "127.0.0.2"),
        ("/~secrets/x", "localhost", "secrets"),
        ("/~ledger.mesh.example.com/", "localhost", "ledger.mesh.example.com"),
        ("http://secrets.mesh/", "secrets.mesh", "secrets.mesh"),
        ("http://mesh.mesh/", "mesh.mesh", "mesh.mesh"),
        ("http://.mesh/", ".mesh", ".mesh"),
    ] {
        assert_eq!(find(target, host), Err(Astray::NotAllowed(name.into())), "{target} {host}");
    }
}

#[test]
fn what_has_no_one_meaning_is_malformed() {
    for (target, host, why) in [
        ("*", "ledger", malformed::ASTERISK),
        ("ledger:443", "ledger", malformed::TARGET),
        ("ledger", "ledger", malformed::TARGET),
        ("/", "localhost", malformed::NO_APP),
        ("/path", "127.0.0.1:8181", malformed::NO_APP),
        ("/status/", "localhost", malformed::NO_APP),
        ("/~", "localhost", malformed::NO_APP),
        ("/~/x", "localhost", malformed::NO_APP),
        ("/%7eledger/x", "localhost", malformed::NO_APP),
        ("/~led%67er/x", "localhost", malformed::NO_APP),
        ("/~ledger@users/x", "localhost", malformed::NO_APP),
        ("/", "", malformed::HOST),
        ("/", "ledger:", malformed::HOST),
        ("/", "ledger:443", malformed::HOST),
        ("/", "localhost:9001", malformed::HOST),
        ("/", "ledger:+80", malformed::HOST),
        ("/", "ledger:080", malformed::HOST),
        ("/", "ledger:80:80", malformed::HOST),
        ("/", "ledger,users", malformed::HOST),
        ("/", "ledger users", malformed::HOST),
        ("/", "user@ledger", malformed::HOST),
        ("/", "ledger/x", malformed::HOST),
        ("/", "[::2]", malformed::HOST),
        ("/", "[ledger]", malformed::HOST),
        ("/", "::1", malformed::HOST),
        ("/", "led\u{e9}ger", malformed::HOST),
        ("http://ledger/", "ledger", malformed::ABSOLUTE),
        ("http://ledger.mesh:8080/", "ledger.mesh:8080", malformed::ABSOLUTE),
        ("http://ledger.mesh:443/", "ledger.mesh", malformed::ABSOLUTE),
        ("https://ledger.mesh/", "ledger.mesh", malformed::ABSOLUTE),
        ("ftp://ledger.mesh/", "ledger.mesh", malformed::ABSOLUTE),
        ("http://example.com/", "example.com", malformed::ABSOLUTE),
        ("http://169.254.169.254/latest/", "169.254.169.254", malformed::ABSOLUTE),
        ("http://localhost:8181/~ledger/", "localhost:8181", malformed::ABSOLUTE),
        ("http://user@ledger.mesh/", "ledger.mesh", malformed::ABSOLUTE),
        ("http://user:word@ledger.mesh/", "ledger.mesh", malformed::ABSOLUTE),
        ("http://ledger.mesh.example.com/", "ledger.mesh.example.com", malformed::ABSOLUTE),
        ("http://ledger.mesh/", "users.mesh", malformed::HOST_OTHER),
        ("http://ledger.mesh/", "ledger", malformed::HOST_OTHER),
        ("http://ledger.mesh/", "ledger.mesh:8181", malformed::HOST_OTHER),
        ("http://ledger.mesh/", "localhost", malformed::HOST_OTHER),
    ] {
        assert_eq!(find(target, host), Err(Astray::Malformed(why)), "{target} {host}");
    }
}

#[test]
fn the_status_is_told_on_loopback_alone() {
    assert_eq!(find("/status", "localhost:8181"), Ok(Route::Status));
    assert_eq!(find("/status", "127.0.0.1"), Ok(Route::Status));
    assert_ne!(find("/status?x", "localhost"), Ok(Route::Status));
}

#[test]
fn over_the_unix_socket_a_host_has_no_port_but_that_of_http() {
    let target: Uri = "/".parse().unwrap();
    assert!(matches!(routes().find(&target, "ledger", None), Ok(Route::App(0, _))));
    assert!(matches!(routes().find(&target, "ledger:80", None), Ok(Route::App(0, _))));
    assert_eq!(routes().find(&target, "ledger:8181", None), Err(Astray::Malformed(malformed::HOST)));
}
