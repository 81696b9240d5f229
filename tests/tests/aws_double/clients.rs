//! What surrounds the double: its certificates, its TLS, its ports, and the client that the tests use.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use e2e::client::{Client, Error, Request};
use e2e::pki::Pki;

use crate::support::{Form, PATIENCE, aws};

#[test]
fn a_client_that_trusts_another_root_or_asks_for_another_name_gets_nothing() {
    let aws = aws();
    let request = Form::good(&aws).request(&aws);
    let stranger = Client::tls(aws.sts(), aws.sts_hostname(), &aws.pki().stranger_ca_pem());
    assert!(matches!(stranger.send(&request), Err(Error::Io(_))));
    let global = Client::tls(aws.sts(), "sts.amazonaws.com", &aws.pki().aws_ca_pem());
    assert!(global.send(&request).is_err());
    // An IP address instead of a name means no SNI.
    let address = Client::tls(aws.sts(), "127.0.0.1", &aws.pki().aws_ca_pem());
    assert!(address.send(&request).is_err());
    assert!(Client::plain(aws.sts()).send(&request).is_err());
    assert_eq!(aws.sts_control().calls(), 0);
}

#[test]
fn a_connection_serves_many_requests() {
    let aws = aws();
    let mut connection = aws.sts_client().connect().unwrap();
    for _ in 0..3 {
        assert_eq!(connection.send(&Form::good(&aws).request(&aws)).unwrap().status, 200);
    }
}

#[test]
fn dropping_the_double_ends_live_connections_soon() {
    let aws = aws();
    let request = Form::good(&aws).request(&aws);
    let (address, client) = (aws.sts(), aws.sts_client());
    let mut connection = client.connect().unwrap();
    assert_eq!(connection.send(&request).unwrap().status, 200);
    let start = Instant::now();
    drop(aws);
    assert!(start.elapsed() < Duration::from_secs(3));
    assert!(connection.send(&request).is_err());
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn malformed_requests_are_answered_and_do_no_harm() {
    let aws = aws();
    let client = aws.sts_client();
    for bytes in [
        &b"NONSENSE\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\n\r\n",
        b"GET * HTTP/1.1\r\nhost: a\r\n\r\n",
    ] {
        let response = client.send_raw(bytes).unwrap();
        assert_eq!(response.status / 100, 4, "{bytes:?}");
    }
    assert_eq!(Form::good(&aws).send(&aws).status, 200);
}

#[test]
fn keys_are_written_for_their_owner_only() {
    let directory = tempfile::tempdir().unwrap();
    let identity = Pki::new().unwrap().mesh_client(&["spiffe://mesh/app-b"]).unwrap();
    let files = identity.write_to(directory.path(), "app-b").unwrap();
    assert_eq!(std::fs::metadata(&files.key).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(&files.certificate).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
}

#[test]
fn certificates_can_have_no_uri_or_two_and_can_be_expired_or_foreign() {
    let pki = Pki::new().unwrap();
    for uris in [&[][..], &["spiffe://mesh/a"], &["spiffe://mesh/a", "spiffe://mesh/b"]] {
        assert!(pki.mesh_client(uris).is_ok());
    }
    assert!(pki.mesh_client_expired(&["spiffe://mesh/a"]).is_ok());
    assert!(pki.untrusted_client(&["spiffe://mesh/a"]).is_ok());
    assert!(pki.mesh_server(&["app.mesh"], "spiffe://mesh/app").is_ok());
    assert!(pki.untrusted_server(&["s3.us-west-2.amazonaws.com"]).is_ok());
}

/// Answers one connection with fixed bytes, and tells what it received.
fn canned(answer: &'static [u8]) -> (std::net::SocketAddr, std::thread::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut received = Vec::new();
        let mut buffer = [0; 4096];
        while !received.ends_with(b"!") && !received.ends_with(b"0\r\n\r\n") {
            let count = stream.read(&mut buffer).unwrap();
            received.extend(&buffer[..count]);
        }
        stream.write_all(answer).unwrap();
        received
    });
    (address, thread)
}

#[test]
fn the_client_sends_exactly_the_bytes_that_it_is_given() {
    let (address, server) = canned(b"HTTP/1.1 204 No Content\r\n\r\n");
    let request = Request::new("G\x01T", b"/%zz\xff?").header("x-Odd", b"\xfe\t").header("x-odd", "").body("!");
    assert_eq!(Client::plain(address).send(&request).unwrap().status, 204);
    let expected = b"G\x01T /%zz\xff? HTTP/1.1\r\nx-Odd: \xfe\t\r\nx-odd: \r\ncontent-length: 1\r\n\r\n!";
    assert_eq!(server.join().unwrap(), expected);
}

#[test]
fn the_client_speaks_chunks_both_ways() {
    let (address, server) =
        canned(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nt: 1\r\n\r\n");
    let response = Client::plain(address).send(&Request::new("PUT", "/").chunked(["ab", "", "cde"])).unwrap();
    assert_eq!((response.status, response.body.as_slice()), (200, &b"abcde"[..]));
    assert!(server.join().unwrap().ends_with(b"\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"));
}

#[test]
fn the_client_tells_closed_truncated_and_late_apart() {
    let (address, server) = canned(b"");
    assert!(matches!(Client::plain(address).send(&Request::new("GET", "/").body("!")), Err(Error::Closed)));
    server.join().unwrap();
    let (address, server) = canned(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc");
    let result = Client::plain(address).send(&Request::new("GET", "/").body("!"));
    assert!(matches!(result, Err(Error::Truncated { received: 3 })), "{result:?}");
    server.join().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Client::plain(listener.local_addr().unwrap()).with_timeout(Duration::from_millis(100));
    assert!(matches!(client.send(&Request::new("GET", "/")), Err(Error::Timeout)));
}
