//! Other ways in, and other places for the identity.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use e2e::egress::World;
use e2e::mesh::write_directory;
use serde_json::json;

use crate::support::{HOUR, PATIENCE, assert_answered, assert_failure, wait_until};

#[test]
fn the_unix_socket_serves_as_the_port_does() {
    let world = World::new();
    let ledger = world.app("ledger");
    let extension = world.plan().upstream(&ledger).start();
    let ask = |token: &str| {
        let path = extension.environment.site().temporary().join("meshbridge/proxy.sock");
        let mut socket = UnixStream::connect(path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!("GET /by-socket HTTP/1.1\r\nhost: ledger\r\n{token}connection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    };
    let answer = ask(&format!("x-meshbridge-token: {}\r\n", extension.token()));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("\"target\":\"/by-socket\""), "{answer}");
    assert!(ask("").starts_with("HTTP/1.1 401 "));
    assert_eq!(ledger.count(), 1);
}

#[test]
fn an_app_is_named_by_host_by_path_or_by_absolute_form() {
    let world = World::new();
    let ledger = world.app("ledger");
    let extension = world.plan().upstream(&ledger).start();
    assert_answered(&extension.get("ledger", "/a?b=c"));
    assert_answered(&extension.get("ledger.staging", "/a?b=c"));
    assert_answered(&extension.get("localhost", "/~ledger/a?b=c"));
    assert_answered(&extension.get("ledger.mesh", "http://ledger.mesh/a?b=c"));
    for hit in ledger.hits() {
        assert_eq!((hit.target.as_str(), hit.authority.as_str()), ("/a?b=c", "staging.ledger.mesh.example.com"));
    }
    assert_eq!(ledger.count(), 4);
    assert_failure(&extension.get("ledger.production", "/"), 403, "upstream-not-allowed");
}

#[test]
fn an_identity_in_a_directory_serves_and_is_replaced() {
    let world = World::without_identity();
    let ledger = world.app("ledger");
    let directory = tempfile::tempdir().unwrap();
    let (first, next) = (world.identity(13, 11), world.identity(0, 24));
    let source = json!({ "source": "directory", "path": directory.path() });
    let extension = world.plan().with("identity", source).upstream(&ledger).start();
    assert_failure(&extension.get("ledger", "/"), 503, "identity-missing");
    write_directory(directory.path(), &first, "v1").unwrap();
    extension.wait_for_recovery("ledger");
    assert!(ledger.was_called_with(&first.certificate_sha256()));
    write_directory(directory.path(), &next, "v2").unwrap();
    extension.environment.skip(HOUR / 30);
    wait_until("the next certificate", || {
        assert_answered(&extension.get("ledger", "/"));
        ledger.was_called_with(&next.certificate_sha256())
    });
    assert_eq!(world.secrets.calls().all().len(), 0);
}
