//! Sections 2, 3.1, 4.1, 4.3, 4.4 and 5.2: what a leaf must be.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType,
};
use svid::{Fault, Svid};

use crate::pki::{DAY, ID, NOW, START, extension, id, issue, key_usage, leaf_params, root, san, seconds, uri, verify};

/// A leaf with one change, under a valid root, half-way through its life.
fn with(change: impl FnOnce(&mut CertificateParams)) -> Result<Svid, Fault> {
    let root = root();
    let mut params = leaf_params();
    change(&mut params);
    verify(issue(&params, &root).der(), &[], &[root.der().clone()], NOW)
}

#[track_caller]
fn accepted(change: impl FnOnce(&mut CertificateParams)) {
    let svid = with(change).unwrap();
    assert_eq!(svid.spiffe_id, id(ID));
}

#[track_caller]
fn refused(fault: &Fault, change: impl FnOnce(&mut CertificateParams)) {
    assert_eq!(with(change).as_ref(), Err(fault));
}

#[test]
fn a_leaf_by_the_book_is_accepted_with_its_times_and_key() {
    let root = root();
    let key = crate::pki::key();
    let leaf = leaf_params().signed_by(&key, &root).unwrap();
    let svid = verify(leaf.der(), &[], &[root.der().clone()], NOW).unwrap();
    assert_eq!((svid.spiffe_id.as_str(), svid.not_before, svid.not_after), (ID, START, START + DAY));
    assert_eq!(svid.public_key, crate::pki::public_key(&key));
}

// 2: exactly one URI, and it is a SPIFFE ID.

#[test]
fn a_leaf_without_a_uri_is_refused_whatever_else_names_it() {
    refused(&Fault::NoUri, |leaf| leaf.subject_alt_names.clear());
    refused(&Fault::NoUri, |leaf| {
        leaf.subject_alt_names = vec![SanType::DnsName("reports.mesh.example.com".try_into().unwrap())]
    });
    refused(&Fault::NoUri, |leaf| leaf.subject_alt_names = vec![SanType::Rfc822Name(ID.try_into().unwrap())]);
}

#[test]
fn a_leaf_with_two_uris_is_refused_even_if_they_are_the_same() {
    refused(&Fault::ManyUris, |leaf| leaf.subject_alt_names.push(uri(ID)));
    refused(&Fault::ManyUris, |leaf| leaf.subject_alt_names.push(uri("spiffe://mesh.example.com/staging/other")));
    refused(&Fault::ManyUris, |leaf| leaf.subject_alt_names.insert(0, uri("https://example.com/")));
}

#[test]
fn other_kinds_of_names_may_stand_beside_the_uri() {
    accepted(|leaf| leaf.subject_alt_names.push(SanType::DnsName("reports.mesh.example.com".try_into().unwrap())));
    accepted(|leaf| leaf.subject_alt_names.insert(0, SanType::IpAddress("10.0.0.1".parse().unwrap())));
    accepted(|leaf| leaf.subject_alt_names.push(SanType::Rfc822Name("a@example.com".try_into().unwrap())));
}

#[test]
fn a_uri_that_is_not_the_spiffe_id_of_a_workload_is_refused() {
    for text in [
        "https://mesh.example.com/staging/reports",
        "SPIFFE://mesh.example.com/staging/reports",
        "spiffe://mesh.example.com",
        "spiffe://mesh.example.com/",
        "spiffe://mesh.example.com//reports",
        "spiffe://mesh.example.com/staging/../production/reports",
        "spiffe://Mesh.example.com/staging/reports",
        "spiffe://mesh.example.com:443/staging/reports",
        "spiffe://user@mesh.example.com/staging/reports",
        "spiffe://mesh.example.com/staging/reports?a=b",
        "spiffe://mesh.example.com/staging/reports#a",
        "spiffe://mesh.example.com/staging/report%73",
    ] {
        let outcome = with(|leaf| leaf.subject_alt_names = vec![uri(text)]);
        assert!(matches!(outcome, Err(Fault::NotSpiffeId(_))), "{text}: {outcome:?}");
    }
}

#[test]
fn a_uri_that_another_reader_could_cut_short_is_refused() {
    for bytes in [
        b"spiffe://mesh.example.com/a\0b".as_slice(),
        b"spiffe://mesh.example.com/caf\xc3\xa9",
        b"spiffe://mesh.example.com/\xff",
        b"",
    ] {
        let outcome = with(|leaf| {
            leaf.subject_alt_names.clear();
            leaf.custom_extensions.push(san(false, &[(0x86, bytes)]));
        });
        assert!(matches!(outcome, Err(Fault::NotSpiffeId(_) | Fault::Malformed)), "{bytes:?}: {outcome:?}");
    }
}

// 3.1: the trust domain, and the subject.

#[test]
fn a_leaf_of_another_trust_domain_is_refused_though_this_ones_root_signed_it() {
    let other = "spiffe://other.example.com/staging/reports";
    refused(&Fault::TrustDomain { found: id(other) }, |leaf| leaf.subject_alt_names = vec![uri(other)]);
    let longer = "spiffe://mesh.example.com.evil/staging/reports";
    refused(&Fault::TrustDomain { found: id(longer) }, |leaf| leaf.subject_alt_names = vec![uri(longer)]);
}

#[test]
fn a_leaf_without_a_subject_needs_critical_names() {
    accepted(|leaf| leaf.distinguished_name = DistinguishedName::new());
    refused(&Fault::SanNotCritical, |leaf| {
        leaf.distinguished_name = DistinguishedName::new();
        leaf.subject_alt_names.clear();
        leaf.custom_extensions.push(san(false, &[(0x86, ID.as_bytes())]));
    });
    accepted(|leaf| {
        leaf.subject_alt_names.clear();
        leaf.custom_extensions.push(san(true, &[(0x86, ID.as_bytes())]));
    });
}

// 4.1: basic constraints.

#[test]
fn a_ca_is_no_leaf() {
    refused(&Fault::IsCa, |leaf| leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    refused(&Fault::IsCa, |leaf| leaf.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
}

#[test]
fn a_leaf_may_leave_basic_constraints_out() {
    accepted(|leaf| leaf.is_ca = IsCa::NoCa);
}

// 4.3: key usage.

#[test]
fn a_leaf_without_key_usage_is_refused() {
    refused(&Fault::NoKeyUsage, |leaf| leaf.key_usages.clear());
}

#[test]
fn key_usage_that_is_not_critical_is_refused() {
    refused(&Fault::KeyUsageNotCritical, |leaf| {
        leaf.key_usages.clear();
        leaf.custom_extensions.push(key_usage(0x80, false));
    });
    accepted(|leaf| {
        leaf.key_usages.clear();
        leaf.custom_extensions.push(key_usage(0x80, true));
    });
}

#[test]
fn a_leaf_without_digital_signature_is_refused() {
    for usages in [
        vec![KeyUsagePurpose::KeyEncipherment],
        vec![KeyUsagePurpose::KeyAgreement, KeyUsagePurpose::ContentCommitment],
    ] {
        refused(&Fault::NoDigitalSignature, |leaf| leaf.key_usages = usages);
    }
}

#[test]
fn a_leaf_that_may_sign_certificates_or_crls_is_refused() {
    refused(&Fault::SignsCertificates, |leaf| leaf.key_usages.push(KeyUsagePurpose::KeyCertSign));
    refused(&Fault::SignsCrls, |leaf| leaf.key_usages.push(KeyUsagePurpose::CrlSign));
}

#[test]
fn key_encipherment_and_agreement_are_allowed() {
    accepted(|leaf| leaf.key_usages.extend([KeyUsagePurpose::KeyEncipherment, KeyUsagePurpose::KeyAgreement]));
}

// 4.4: extended key usage.

#[test]
fn extended_key_usage_has_both_roles_or_is_absent() {
    accepted(|leaf| leaf.extended_key_usages.clear());
    accepted(|leaf| leaf.extended_key_usages.push(ExtendedKeyUsagePurpose::EmailProtection));
    for usages in [
        vec![ExtendedKeyUsagePurpose::ServerAuth],
        vec![ExtendedKeyUsagePurpose::ClientAuth],
        vec![ExtendedKeyUsagePurpose::CodeSigning],
        vec![ExtendedKeyUsagePurpose::Any],
    ] {
        refused(&Fault::HalfExtendedKeyUsage, |leaf| leaf.extended_key_usages = usages);
    }
}

// RFC 5280, and so 5.1.

#[test]
fn an_extension_that_is_there_twice_is_refused() {
    refused(&Fault::Malformed, |leaf| leaf.custom_extensions.push(key_usage(0x80, true)));
    refused(&Fault::Malformed, |leaf| leaf.custom_extensions.push(san(false, &[(0x86, ID.as_bytes())])));
}

#[test]
fn an_unknown_extension_is_refused_when_it_is_critical() {
    let unknown = |critical| extension(&[1, 2, 3, 4], critical, vec![5, 0]);
    accepted(|leaf| leaf.custom_extensions.push(unknown(false)));
    let outcome = with(|leaf| leaf.custom_extensions.push(unknown(true)));
    assert!(matches!(outcome, Err(Fault::Malformed | Fault::Path(_))), "{outcome:?}");
}

#[test]
fn a_leaf_counts_from_its_first_second_to_its_last() {
    let root = root();
    let leaf = issue(&leaf_params(), &root);
    let at = |at| verify(leaf.der(), &[], &[root.der().clone()], at).map(|_| ());
    assert_eq!(at(START - 1), Err(Fault::NotYetValid { not_before: START }));
    assert_eq!(at(START), Ok(()));
    assert_eq!(at(START + DAY), Ok(()));
    assert_eq!(at(START + DAY + 1), Err(Fault::Expired { not_after: START + DAY }));
}

#[test]
fn a_leaf_that_ends_before_it_begins_is_never_valid() {
    let root = root();
    let mut params = leaf_params();
    params.not_after = seconds(START - 10);
    let leaf = issue(&params, &root);
    for at in [START - 20, START - 10, START - 5, START, START + 10] {
        assert!(verify(leaf.der(), &[], &[root.der().clone()], at).is_err(), "{at}");
    }
}
