//! The directory source: read whole, changed atomically.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use mtls_client::{Client, Directory, Reason};
use tempfile::TempDir;

use crate::support::{
    Alpn, ClientAuth, LEDGER, OWN, Pki, Server, ServerOptions, Svid, TestClock, fetch, header, ledger, settings,
};

/// As the issuer writes: the key, then the document, each renamed into its place.
fn publish(path: &Path, svid: &Svid) {
    put(&path.join("keys"), &format!("{}.pem", svid.document.key_version), &svid.key.serialize_pem());
    put(path, "certificate.json", &svid.document.to_json());
}

fn put(folder: &Path, name: &str, text: &str) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("new"), text).unwrap();
    fs::rename(folder.join("new"), folder.join(name)).unwrap();
}

struct Laptop {
    pki: Pki,
    folder: TempDir,
    client: Client,
    server: Server,
}

impl Laptop {
    async fn new() -> Self {
        let (pki, clock, folder) = (Pki::new(), TestClock::new(), tempfile::tempdir().unwrap());
        let mut settings = settings(&clock);
        settings.refresh_every = Duration::ZERO;
        settings.first_pause = Duration::ZERO;
        let client = Client::new(Directory::new(folder.path()), settings);
        let options = ServerOptions { alpn: Alpn::Http2, client_auth: ClientAuth::Required };
        let server = Server::start(&pki.svid(LEDGER), &pki, options).await;
        Self { pki, folder, client, server }
    }

    fn aged(&self, number: u64) -> Svid {
        let now = crate::support::system_seconds();
        self.pki.svid_with(OWN, now - 100_000, now + 50_000 + number, |_| ())
    }

    async fn client_seen(&self) -> Result<String, Reason> {
        let answer = fetch(&self.client, &ledger(self.server.address), "/hello").await;
        answer.map(|answer| header(&answer, "x-client").to_owned()).map_err(|error| error.kind())
    }
}

#[tokio::test]
async fn each_new_pair_is_taken_and_a_reader_never_sees_half_of_one() {
    let laptop = Laptop::new().await;
    for number in 0..10 {
        let svid = laptop.aged(number);
        publish(laptop.folder.path(), &svid);
        assert_eq!(laptop.client_seen().await, Ok(svid.fingerprint()));
    }
}

#[tokio::test]
async fn while_a_writer_is_busy_every_request_has_a_pair() {
    let laptop = Laptop::new().await;
    let svids: Vec<_> = (0..30).map(|number| laptop.aged(number)).collect();
    publish(laptop.folder.path(), &svids[0]);
    let path = laptop.folder.path().to_owned();
    let writer = std::thread::spawn(move || svids.iter().for_each(|svid| publish(&path, svid)));
    while !writer.is_finished() {
        laptop.client_seen().await.unwrap();
        assert!(laptop.client.status().failure.is_none());
    }
    writer.join().unwrap();
    laptop.client_seen().await.unwrap();
}

#[tokio::test]
async fn files_that_are_missing_forbidden_or_garbled_are_told_apart() {
    let laptop = Laptop::new().await;
    assert_eq!(laptop.client_seen().await, Err(Reason::IdentityMissing));
    put(laptop.folder.path(), "certificate.json", "{}");
    assert_eq!(laptop.client_seen().await, Err(Reason::IdentityInvalid));
    let svid = laptop.pki.svid(OWN);
    put(laptop.folder.path(), "certificate.json", &svid.document.to_json());
    assert_eq!(laptop.client_seen().await, Err(Reason::IdentityMissing));
    let key = format!("{}.pem", svid.document.key_version);
    put(&laptop.folder.path().join("keys"), &key, "geheim");
    assert_eq!(laptop.client_seen().await, Err(Reason::IdentityInvalid));
    let error = fetch(&laptop.client, &ledger(laptop.server.address), "/hello").await.unwrap_err();
    assert!(!error.to_string().contains("geheim"), "{error}");
    publish(laptop.folder.path(), &svid);
    assert_eq!(laptop.client_seen().await, Ok(svid.fingerprint()));
    // A directory where a file should be can be read by nobody, whoever runs this.
    laptop.client.restored();
    fs::remove_file(laptop.folder.path().join("certificate.json")).unwrap();
    fs::create_dir(laptop.folder.path().join("certificate.json")).unwrap();
    fs::set_permissions(laptop.folder.path().join("certificate.json"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(laptop.client_seen().await, Err(Reason::IdentityUnavailable));
}
