//! Whole handshakes of real TLS stacks through the gateway: with the app's own certificate, which the gateway never sees.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use e2e::pki::Pki;
use e2e::router::{App, Gateway, LEDGER, PROXY_HEADER, Plan, PostQuantumSized, REPORTS, World};
use rustls::pki_types::ServerName;
use rustls::{ProtocolVersion, StreamOwned};

use crate::support::rustls_client;

/// A gateway before two apps that speak TLS, each with a certificate of its own name.
struct Mesh {
    pki: Pki,
    gateway: Gateway,
    ledger: App,
    reports: App,
    world: World,
}

impl Mesh {
    fn new() -> Self {
        let world = World::new();
        let pki = Pki::new().unwrap();
        let app =
            |name: &str, dns: &str, spiffe_id: &str| world.apps.tls(name, &pki.mesh_server(&[dns], spiffe_id).unwrap());
        let ledger = app("ledger over TLS", LEDGER, "spiffe://mesh.example.com/staging/ledger");
        let reports = app("reports over TLS", REPORTS, "spiffe://mesh.example.com/staging/reports");
        let clusters = [("ledger-staging", ledger.address()), ("reports-staging", reports.address())];
        let mut plan =
            Plan { clusters: clusters.map(|(name, address)| (name.to_owned(), address)).into(), ..world.plan() };
        plan.clusters.push(("secret".into(), world.secret.address()));
        let gateway = world.start(plan);
        Self { pki, gateway, ledger, reports, world }
    }

    /// What an app says to a client of rustls, and how they spoke.
    fn rustls(&self, config: &Arc<rustls::ClientConfig>, name: &str) -> (Option<String>, Option<ProtocolVersion>) {
        let mut socket = std::net::TcpStream::connect(self.gateway.address()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        socket.write_all(PROXY_HEADER).unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let connection = rustls::ClientConnection::new(Arc::clone(config), name).unwrap();
        let mut stream = BufReader::new(StreamOwned::new(connection, socket));
        let mut lines = [String::new(), String::new()];
        if stream.read_line(&mut lines[0]).is_err() {
            return (None, None);
        }
        stream.get_mut().write_all(b"and back\n").unwrap();
        stream.read_line(&mut lines[1]).unwrap();
        assert_eq!(lines[1], "and back\n");
        (Some(lines[0].trim_end().to_owned()), stream.get_ref().conn.protocol_version())
    }

    /// What a program says that connects to the gateway: it gets port, name and the file with the roots.
    fn program(&self, program: &str, flag: &str, script: &str, name: &str) -> String {
        let roots = self.world.mount().join("roots.pem");
        std::fs::write(&roots, self.pki.mesh_ca_pem()).unwrap();
        let mut command = Command::new(program);
        command.args([flag, script, &self.gateway.address().port().to_string(), name]).arg(&roots);
        let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{program}: {e}"));
        let said = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program}: {said} {complaint}\n{}", self.gateway.log_tail());
        said.trim_end().to_owned()
    }
}

/// OpenSSL by way of Python, which everybody who runs these tests has.
const PYTHON: &str = r#"
import socket, ssl, sys
port, name, roots = sys.argv[1:4]
context = ssl.create_default_context(cafile=roots)
if len(name.split("@")) == 2:
    name, version = name.split("@")
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
with socket.create_connection(("127.0.0.1", int(port)), timeout=60) as plain:
    plain.sendall(b"PROXY TCP4 203.0.113.9 192.0.2.1 50000 8443\r\n")
    try:
        tls = context.wrap_socket(plain, server_hostname=name)
    except OSError as e:
        print("closed")
        sys.exit(0)
    lines = tls.makefile("rwb")
    app = lines.readline()
    lines.write(b"and back\n")
    lines.flush()
    assert lines.readline() == b"and back\n"
    print(app.decode().strip(), tls.version())
"#;

const NODE: &str = r#"
const [port, name, roots] = process.argv.slice(1);
const plain = require("net").connect(Number(port), "127.0.0.1", () => {
  plain.write("PROXY TCP4 203.0.113.9 192.0.2.1 50000 8443\r\n");
  const ca = require("fs").readFileSync(roots);
  const tls = require("tls").connect({ socket: plain, servername: name, ca }, () => tls.write("and back\n"));
  let said = "";
  tls.on("data", (data) => {
    said += data;
    const lines = said.split("\n");
    if (lines.length < 3) return;
    if (lines[1] !== "and back") throw new Error(said);
    console.log(lines[0], tls.getProtocol());
    tls.removeAllListeners("data");
    tls.end();
  });
  tls.on("error", () => console.log("closed"));
  tls.setTimeout(60000, () => { throw new Error("nothing came"); });
});
"#;

#[test]
fn rustls_reaches_each_app_with_tls_1_3_and_with_tls_1_2_alone() {
    let mesh = Mesh::new();
    let provider = rustls::crypto::ring::default_provider;
    for (versions, spoken) in
        [(&[&rustls::version::TLS13], ProtocolVersion::TLSv1_3), (&[&rustls::version::TLS12], ProtocolVersion::TLSv1_2)]
    {
        let config = rustls_client(provider(), versions, &mesh.pki.mesh_ca_pem());
        for (name, app) in [(LEDGER, "ledger over TLS"), (REPORTS, "reports over TLS")] {
            assert_eq!(mesh.rustls(&config, name), (Some(app.into()), Some(spoken)));
        }
        for name in ["secret", "staging.payroll.mesh.example.com"] {
            assert_eq!(mesh.rustls(&config, name), (None, None), "{name}");
        }
        // By its address, rustls names no server.
        assert_eq!(mesh.rustls(&config, "127.0.0.1"), (None, None));
    }
    assert_eq!((mesh.ledger.visits(), mesh.reports.visits(), mesh.gateway.metric("refused.no-name")), (2, 2, 2));
    mesh.world.assert_secret_kept(&mesh.gateway);
}

/// The app does not know the group, asks for another one, and so the client says hello twice on one connection.
#[test]
fn a_hello_with_a_post_quantum_share_and_the_second_one_after_it_pass() {
    let mesh = Mesh::new();
    let mut provider = rustls::crypto::ring::default_provider();
    provider.kx_groups.insert(0, &PostQuantumSized);
    let config = rustls_client(provider, &[&rustls::version::TLS13], &mesh.pki.mesh_ca_pem());
    assert!(crate::support::rustls_hello(&config, LEDGER).len() > 1_400);
    let reached = mesh.rustls(&config, LEDGER);
    assert_eq!(reached, (Some("ledger over TLS".into()), Some(ProtocolVersion::TLSv1_3)));
}

#[test]
fn openssl_reaches_each_app_with_tls_1_3_and_with_tls_1_2_alone() {
    let mesh = Mesh::new();
    for (version, spoken) in [("TLSv1_3", "TLSv1.3"), ("TLSv1_2", "TLSv1.2")] {
        for (name, app) in [(LEDGER, "ledger over TLS"), (REPORTS, "reports over TLS")] {
            let said = mesh.program("python3", "-c", PYTHON, &format!("{name}@{version}"));
            assert_eq!(said, format!("{app} {spoken}"));
        }
    }
    for name in ["secret", "staging.payroll.mesh.example.com", "127.0.0.1"] {
        assert_eq!(mesh.program("python3", "-c", PYTHON, name), "closed", "{name}");
    }
    mesh.world.assert_secret_kept(&mesh.gateway);
}

#[test]
fn node_reaches_each_app() {
    let mesh = Mesh::new();
    for (name, app) in [(LEDGER, "ledger over TLS"), (REPORTS, "reports over TLS")] {
        assert_eq!(mesh.program("node", "-e", NODE, name), format!("{app} TLSv1.3"));
    }
    assert_eq!(mesh.program("node", "-e", NODE, "secret"), "closed");
    mesh.world.assert_secret_kept(&mesh.gateway);
}

/// The gateway routes, it does not vouch: who is at the other end shows in the app's certificate.
#[test]
fn a_wrong_cluster_in_the_table_is_found_out_by_the_client() {
    let mesh = Mesh::new();
    let config =
        rustls_client(rustls::crypto::ring::default_provider(), &[&rustls::version::TLS13], &mesh.pki.mesh_ca_pem());
    assert!(mesh.rustls(&config, LEDGER).0.is_some());
    mesh.gateway.put_routes(&serde_json::json!({ "routes": [{ "sni": LEDGER, "cluster": "reports-staging" }] }));
    // Its certificate is of another name.
    mesh.gateway.wait_until("nobody to believe that reports is ledger", || {
        (0..24).all(|_| mesh.rustls(&config, LEDGER) == (None, None))
    });
    assert!(mesh.reports.visits() >= 24 && mesh.gateway.refused() == 0);
}
