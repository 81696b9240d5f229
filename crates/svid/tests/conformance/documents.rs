//! The certificate document, and the proof that it and a private key are one pair.

use pki_types::CertificateDer;
use rcgen::KeyPair;
use spiffe_id::SpiffeIdBuf;
use svid::{Document, DocumentError, Fault, public_key_hash};

use crate::pki::{
    DAY, ID, NOW, Root, START, algorithms, below, ca_params, id, issue, key, leaf_params, public_key, root, uri,
};

struct Published {
    document: Document,
    key: KeyPair,
    root: Root,
}

/// What an issuer publishes, with an intermediate.
fn published() -> Published {
    let (root, key) = (root(), key());
    let intermediate = below(ca_params("intermediate"), &root);
    let leaf = leaf_params().signed_by(&key, &intermediate).unwrap();
    let document = Document {
        spiffe_id: id(ID),
        key_version: "0d1a9e9f-5a61-4c5c-9d0c-5a5f0d4b2f10".into(),
        key_sha256: public_key_hash(&public_key(&key)),
        certificate: leaf.der().clone(),
        chain: vec![intermediate.der().clone()],
        bundle: vec![root.der().clone()],
        not_before: START,
        not_after: START + DAY,
    };
    Published { document, key, root }
}

fn prove(document: &Document, key: &KeyPair, expected: &SpiffeIdBuf, at: u64) -> Result<(), Fault> {
    document.prove(expected, &public_key(key), at, algorithms()).map(|_| ())
}

#[test]
fn what_was_written_is_read_and_proven() {
    let Published { document, key, .. } = published();
    let read = Document::parse(document.to_json().as_bytes()).unwrap();
    assert_eq!(read.to_json(), document.to_json());
    assert_eq!(
        (&read.certificate, &read.chain, &read.bundle),
        (&document.certificate, &document.chain, &document.bundle)
    );
    let (svid, bundle) = read.prove(&id(ID), &public_key(&key), NOW, algorithms()).unwrap();
    assert_eq!((svid.spiffe_id, svid.not_after), (id(ID), START + DAY));
    assert_eq!(bundle.trust_domain().as_str(), "mesh.example.com");
}

#[test]
fn an_expired_or_early_pair_is_refused() {
    let Published { document, key, .. } = published();
    assert_eq!(prove(&document, &key, &id(ID), START - 1), Err(Fault::NotYetValid { not_before: START }));
    assert_eq!(prove(&document, &key, &id(ID), START + DAY + 1), Err(Fault::Expired { not_after: START + DAY }));
}

#[test]
fn a_torn_pair_is_refused_whichever_half_is_newer() {
    let (old, new) = (published(), published());
    assert_eq!(prove(&new.document, &old.key, &id(ID), NOW), Err(Fault::OtherKey));
    assert_eq!(prove(&old.document, &new.key, &id(ID), NOW), Err(Fault::OtherKey));
    // A document that was put together of two.
    let Published { document, key, .. } = old;
    let torn = Document {
        certificate: new.document.certificate,
        chain: new.document.chain,
        bundle: vec![new.root.der().clone()],
        ..document
    };
    assert_eq!(prove(&torn, &key, &id(ID), NOW), Err(Fault::DocumentContradicts("key_sha256")));
    assert_eq!(prove(&torn, &new.key, &id(ID), NOW), Err(Fault::DocumentContradicts("key_sha256")));
}

#[test]
fn the_pair_of_another_workload_is_refused() {
    let Published { document, key, root } = published();
    let other = id("spiffe://mesh.example.com/production/reports");
    assert_eq!(prove(&document, &key, &other, NOW), Err(Fault::OtherId { found: id(ID) }));
    let foreign = id("spiffe://other.example.com/staging/reports");
    assert_eq!(prove(&document, &key, &foreign, NOW), Err(Fault::TrustDomain { found: id(ID) }));
    // The document lies about whom its certificate is for.
    let lying = Document { spiffe_id: other, ..document.clone() };
    assert_eq!(prove(&lying, &key, &id(ID), NOW), Err(Fault::DocumentContradicts("spiffe_id")));
    let mut params = leaf_params();
    params.subject_alt_names = vec![uri("spiffe://mesh.example.com/staging/ledger")];
    let swapped = Document { certificate: issue(&params, &root).der().clone(), ..document };
    let found = id("spiffe://mesh.example.com/staging/ledger");
    assert_eq!(prove(&swapped, &key, &id(ID), NOW), Err(Fault::OtherId { found }));
}

#[test]
fn a_pair_of_another_chain_is_refused() {
    let Published { document, key, .. } = published();
    let stranger = root().der().clone();
    let wrong = Document { bundle: vec![stranger], ..document.clone() };
    assert_eq!(prove(&wrong, &key, &id(ID), NOW), Err(Fault::NoPath));
    let short = Document { chain: Vec::new(), ..document };
    assert_eq!(prove(&short, &key, &id(ID), NOW), Err(Fault::NoPath));
}

#[test]
fn a_document_tells_the_times_of_its_certificate() {
    let Published { document, key, .. } = published();
    let fault = Err(Fault::DocumentContradicts("not_before or not_after"));
    for (not_before, not_after) in [(START, START + 2 * DAY), (START - 1, START + DAY)] {
        let lying = Document { not_before, not_after, ..document.clone() };
        assert_eq!(prove(&lying, &key, &id(ID), NOW), fault);
    }
}

/// The JSON of a valid document with one member replaced.
fn with(member: &str, value: serde_json::Value) -> Vec<u8> {
    let mut json: serde_json::Value = serde_json::from_str(&published().document.to_json()).unwrap();
    json[member] = value;
    json.to_string().into_bytes()
}

#[test]
fn members_that_a_reader_does_not_know_are_left_alone() {
    assert!(Document::parse(&with("serial", "01".into())).is_ok());
}

#[test]
fn a_document_without_a_member_or_with_another_type_is_refused() {
    let json: serde_json::Value = serde_json::from_str(&published().document.to_json()).unwrap();
    for member in json.as_object().unwrap().keys() {
        let mut json = json.clone();
        json.as_object_mut().unwrap().remove(member);
        let outcome = Document::parse(json.to_string().as_bytes());
        assert!(matches!(outcome, Err(DocumentError::Json(_))), "{member}: {outcome:?}");
        for value in [serde_json::Value::Null, serde_json::json!({}), serde_json::json!(true), serde_json::json!(-1)] {
            let outcome = Document::parse(&with(member, value));
            assert!(matches!(outcome, Err(DocumentError::Json(_))), "{member}: {outcome:?}");
        }
    }
    for text in ["", "{}", "[]", "null", "{\"version\":1", "-----BEGIN CERTIFICATE-----"] {
        let outcome = Document::parse(text.as_bytes());
        assert!(matches!(outcome, Err(DocumentError::Json(_))), "{text}: {outcome:?}");
    }
}

#[test]
fn a_document_of_another_layout_is_called_by_its_version() {
    assert_eq!(Document::parse(br#"{"version":2}"#).unwrap_err(), DocumentError::Version(2));
    assert_eq!(Document::parse(br#"{"version":0}"#).unwrap_err(), DocumentError::Version(0));
}

#[test]
fn each_member_is_checked_for_its_form() {
    let refused = |member: &str, value: &str| Document::parse(&with(member, value.into())).unwrap_err();
    for text in ["", "spiffe://mesh.example.com", "https://mesh.example.com/a"] {
        assert!(matches!(refused("spiffe_id", text), DocumentError::SpiffeId(_)), "{text}");
    }
    for text in ["", ".", "../../etc/passwd", "a/b", "a\\b", "a b", "caf\u{e9}", &"a".repeat(65)] {
        assert_eq!(refused("key_version", text), DocumentError::KeyVersion, "{text}");
    }
    for text in ["", "00", &"g".repeat(64), &"0".repeat(66), &"+0".repeat(32)] {
        assert_eq!(refused("key_sha256", text), DocumentError::KeyHash, "{text}");
    }
    let Published { document, .. } = published();
    let json: serde_json::Value = serde_json::from_str(&document.to_json()).unwrap();
    let pem = json["certificate"].as_str().unwrap();
    let key = key().serialize_pem();
    for text in
        ["", "no PEM", &pem.repeat(2), &key, &format!("{pem}{key}"), &pem.replace("-----END CERTIFICATE-----", "")]
    {
        assert_eq!(refused("certificate", text), DocumentError::Certificate, "{text}");
    }
    for text in ["no PEM", &key, &format!("{pem}{key}")] {
        assert_eq!(refused("chain", text), DocumentError::Chain, "{text}");
        assert_eq!(refused("bundle", text), DocumentError::Bundle, "{text}");
    }
    assert_eq!(refused("bundle", ""), DocumentError::Bundle);
    assert!(Document::parse(&with("chain", "".into())).is_ok());
    assert_eq!(Document::parse(&with("not_after", 1.into())).unwrap_err(), DocumentError::Times);
}

#[test]
fn a_document_that_no_secret_could_hold_is_refused() {
    assert_eq!(Document::parse(&vec![b' '; 65_537]).unwrap_err(), DocumentError::TooLong);
}

#[test]
fn upper_case_hashes_and_crlf_are_read() {
    let Published { document, key, .. } = published();
    let mut json: serde_json::Value = serde_json::from_str(&document.to_json()).unwrap();
    for member in ["certificate", "chain", "bundle"] {
        json[member] = json[member].as_str().unwrap().replace('\n', "\r\n").into();
    }
    json["key_sha256"] = json["key_sha256"].as_str().unwrap().to_uppercase().into();
    let read = Document::parse(json.to_string().as_bytes()).unwrap();
    prove(&read, &key, &id(ID), NOW).unwrap();
}

#[test]
fn pem_is_written_as_others_write_it() {
    let Published { document, root, .. } = published();
    let json: serde_json::Value = serde_json::from_str(&document.to_json()).unwrap();
    assert_eq!(json["bundle"].as_str().unwrap(), root.pem().replace("\r\n", "\n"));
    // All three lengths of the last group.
    for len in 30..33_u8 {
        let bytes: Vec<u8> = (0..len).collect();
        let odd = Document { chain: vec![CertificateDer::from(bytes.clone())], ..document.clone() };
        assert_eq!(Document::parse(odd.to_json().as_bytes()).unwrap().chain, [CertificateDer::from(bytes)]);
    }
}
