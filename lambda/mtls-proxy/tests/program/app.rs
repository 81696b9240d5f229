//! An app of the mesh: a TLS server with a SPIFFE ID that asks for the caller's, and the identity of a caller in files.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData as _, SanType,
};
use ring::digest::{SHA256, digest};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use time::{Duration, OffsetDateTime};

/// A trust domain that issues.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    bundle: String,
}

struct Svid {
    certificate: String,
    key: KeyPair,
}

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

fn window(params: &mut CertificateParams) -> (OffsetDateTime, OffsetDateTime) {
    let now = OffsetDateTime::now_utc();
    (params.not_before, params.not_after) = (now - Duration::minutes(5), now + Duration::hours(24));
    (params.not_before, params.not_after)
}

impl Authority {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.subject_alt_names = vec![uri("spiffe://mesh.example.com")];
        window(&mut params);
        let bundle = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), bundle }
    }

    fn issue(&self, id: &str) -> (Svid, i64, i64) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.is_ca = IsCa::ExplicitNoCa;
        params.subject_alt_names = vec![uri(id)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let (not_before, not_after) = window(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        (Svid { certificate, key }, not_before.unix_timestamp(), not_after.unix_timestamp())
    }

    /// Writes an identity as the directory source reads it.
    pub(super) fn write_identity(&self, directory: &Path, id: &str) {
        let (svid, not_before, not_after) = self.issue(id);
        let key_hash = digest(&SHA256, &svid.key.subject_public_key_info());
        let key_sha256: String = key_hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        std::fs::create_dir_all(directory.join("keys")).unwrap();
        std::fs::write(directory.join("keys/v1.pem"), svid.key.serialize_pem()).unwrap();
        let document = serde_json::json!({
            "version": 1, "spiffe_id": id, "key_version": "v1", "key_sha256": key_sha256,
            "certificate": svid.certificate, "chain": "", "bundle": self.bundle,
            "not_before": not_before, "not_after": not_after,
        });
        std::fs::write(directory.join("certificate.json"), document.to_string()).unwrap();
    }
}

/// A running app. It answers each request with its head.
pub(super) struct App {
    pub(super) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl App {
    /// Which shows this SPIFFE ID.
    pub(super) fn start(authority: &Authority, id: &str) -> Self {
        let (svid, _, _) = authority.issue(id);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.bundle.as_bytes()).unwrap()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
        let certificate = CertificateDer::from_pem_slice(svid.certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(svid.key.serialize_pem().as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let (listener, config) = (TcpListener::bind("127.0.0.1:0").unwrap(), Arc::new(config));
        let (address, requests) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
        let notes = Arc::clone(&requests);
        // It ends with the test's process.
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (config, notes) = (Arc::clone(&config), Arc::clone(&notes));
                thread::spawn(move || serve(socket, config, &notes));
            }
        });
        Self { address, requests }
    }

    /// The heads of all requests so far.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(socket: TcpStream, config: Arc<ServerConfig>, notes: &Mutex<Vec<String>>) -> Option<()> {
    let mut stream = StreamOwned::new(ServerConnection::new(config).ok()?, socket);
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&piece[..count]);
        while let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head: Vec<u8> = bytes.drain(..end + 4).collect();
            let head = String::from_utf8_lossy(&head).into_owned();
            notes.lock().unwrap().push(head.clone());
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{head}", head.len()).ok()?;
        }
    }
}
