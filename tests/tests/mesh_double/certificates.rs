//! SVIDs and their flaws, judged by rustls: what it notices, and what is left for a reader of SVIDs to notice.

use std::sync::Arc;

use e2e::mesh::{Flaw, Leaf, MESH, Svid, TrustDomain, document, write_directory};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;

fn accepted(mesh: &TrustDomain, svid: &Svid) -> Result<(), rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(mesh.bundle_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let full = svid.full_chain_pem();
    let chain: Vec<_> = CertificateDer::pem_slice_iter(full.as_bytes()).collect::<Result<_, _>>().unwrap();
    let (leaf, intermediates) = chain.split_first().unwrap();
    verifier.verify_client_cert(leaf, intermediates, UnixTime::now()).map(|_| ())
}

fn leaf(mesh: &TrustDomain) -> Leaf {
    Leaf::new(mesh.id("staging", "reports"))
}

#[test]
fn a_good_svid_chains_to_the_bundle() {
    let mesh = TrustDomain::new(MESH);
    accepted(&mesh, &mesh.svid("staging", "reports")).unwrap();
    assert_eq!(mesh.id("staging", "reports"), "spiffe://mesh.example.com/staging/reports");
}

#[test]
fn flaws_of_the_chain_and_of_the_times_are_real() {
    let mesh = TrustDomain::new(MESH);
    for flaw in
        [Flaw::Stranger, Flaw::NoIntermediate, Flaw::ExpiredIntermediate, Flaw::OnlyForServers, Flaw::IsAuthority]
    {
        let judged = accepted(&mesh, &mesh.issue(&leaf(&mesh).flawed(flaw)));
        assert!(judged.is_err(), "{flaw:?} is accepted");
    }
    let times = [
        (leaf(&mesh).expired(), rustls::CertificateError::Expired),
        (leaf(&mesh).not_yet_valid(), rustls::CertificateError::NotValidYet),
    ];
    for (leaf, expected) in times {
        let rustls::Error::InvalidCertificate(found) = accepted(&mesh, &mesh.issue(&leaf)).unwrap_err() else {
            panic!("another error than {expected:?}");
        };
        let name = |error: &rustls::CertificateError| {
            format!("{error:?}").split([' ', '{']).next().unwrap_or_default().trim_end_matches("Context").to_owned()
        };
        assert_eq!(name(&found), name(&expected));
    }
}

#[test]
fn flaws_that_only_spiffe_forbids_pass_rustls() {
    let mesh = TrustDomain::new(MESH);
    for flaw in [Flaw::SignsCertificates, Flaw::SignsNothing, Flaw::OnlyForClients] {
        accepted(&mesh, &mesh.issue(&leaf(&mesh).flawed(flaw))).unwrap_or_else(|error| panic!("{flaw:?}: {error}"));
    }
    let other = TrustDomain::new("other.example.com");
    for leaf in [
        leaf(&mesh).and_uri(&mesh.id("staging", "ledger")),
        Leaf { uris: Vec::new(), ..leaf(&mesh).and_dns("reports.example.com") },
        Leaf::new(other.id("staging", "reports")),
    ] {
        accepted(&mesh, &mesh.issue(&leaf)).unwrap_or_else(|error| panic!("{leaf:?}: {error}"));
    }
}

#[test]
fn another_trust_domain_of_the_same_name_is_another_authority() {
    let (mesh, namesake) = (TrustDomain::new(MESH), TrustDomain::new(MESH));
    assert!(accepted(&mesh, &namesake.svid("staging", "reports")).is_err());
}

#[test]
fn the_document_says_what_the_certificate_says() {
    let mesh = TrustDomain::new(MESH);
    let svid = mesh.svid("staging", "reports");
    let document = document(&svid, "version-1");
    assert_eq!(document["version"], 1);
    assert_eq!(document["key_version"], "version-1");
    assert_eq!(document["spiffe_id"], "spiffe://mesh.example.com/staging/reports");
    assert_eq!(document["key_sha256"].as_str().unwrap().len(), 64);
    let now = UnixTime::now().as_secs();
    let time = |name: &str| document[name].as_u64().unwrap();
    assert!(time("not_before") <= now && now < time("not_after"));
    assert_eq!(time("not_after") - time("not_before"), 24 * 3600 + 300);
    for (field, count) in [("certificate", 1), ("chain", 1), ("bundle", 1)] {
        assert_eq!(document[field].as_str().unwrap().matches("-----BEGIN CERTIFICATE-----").count(), count, "{field}");
    }
}

#[test]
fn a_directory_holds_the_document_and_the_key_that_it_names() {
    let mesh = TrustDomain::new(MESH);
    let dir = tempfile::tempdir().unwrap();
    let svid = mesh.svid("staging", "reports");
    write_directory(dir.path(), &svid, "v1").unwrap();
    let text = std::fs::read_to_string(dir.path().join("certificate.json")).unwrap();
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read["key_version"], "v1");
    let key = dir.path().join("keys/v1.pem");
    assert_eq!(std::fs::read_to_string(&key).unwrap(), svid.key_pem);
    let mode = std::os::unix::fs::PermissionsExt::mode(&key.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn keys_are_not_printed() {
    let mesh = TrustDomain::new(MESH);
    let svid = mesh.svid("staging", "reports");
    let key = svid.key_pem.lines().nth(1).unwrap();
    let printed = format!("{mesh:?} {svid:?} {:?}", svid.identity());
    assert!(!printed.contains(key) && !printed.contains("PRIVATE"), "{printed}");
}
