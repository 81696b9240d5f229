//! Sections 3.2, 4.1, 4.2, 4.3 and 5.1: what may sign, and which paths count.

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyUsagePurpose,
    NameConstraints, SanType,
};
use svid::{Fault, SigningFault, Svid};

use crate::pki::{
    NOW, Root, below, bundle, ca_params, der, extension, issue, key, key_usage, leaf_params, root, seconds, uri, verify,
};

type Change<'a> = &'a dyn Fn(&mut CertificateParams);
/// Either way to put a change into a signing certificate.
const BOTH: [fn(Change<'_>) -> Result<Svid, Fault>; 2] = [under, under_root];

/// A valid leaf under an intermediate with one change, under a valid root.
fn under(change: Change<'_>) -> Result<Svid, Fault> {
    let root = root();
    let mut params = ca_params("intermediate");
    change(&mut params);
    let intermediate = below(params, &root);
    let leaf = issue(&leaf_params(), &intermediate);
    verify(leaf.der(), &[intermediate.der().clone()], &[root.der().clone()], NOW)
}

/// A valid leaf directly under a root with one change.
fn under_root(change: Change<'_>) -> Result<Svid, Fault> {
    let mut params = ca_params("mesh root");
    change(&mut params);
    let root = Root::self_signed(params, key()).unwrap();
    verify(issue(&leaf_params(), &root).der(), &[], &[root.der().clone()], NOW)
}

#[track_caller]
fn signing(outcome: &Result<Svid, Fault>, fault: SigningFault) {
    assert_eq!(outcome.as_ref(), Err(&Fault::Signing(fault)));
}

#[test]
fn a_chain_of_signing_certificates_leads_to_the_root_in_any_order() {
    let root = root();
    let outer = below(ca_params("outer"), &root);
    let inner = below(ca_params("inner"), &outer);
    let stranger = crate::pki::root();
    let leaf = issue(&leaf_params(), &inner);
    let (outer, inner) = (outer.der().clone(), inner.der().clone());
    for chain in [
        vec![inner.clone(), outer.clone()],
        vec![outer.clone(), inner.clone()],
        vec![stranger.der().clone(), outer.clone(), inner.clone(), root.der().clone()],
    ] {
        verify(leaf.der(), &chain, &[root.der().clone()], NOW).unwrap();
    }
    assert_eq!(verify(leaf.der(), &[inner], &[root.der().clone()], NOW), Err(Fault::NoPath));
}

#[test]
fn the_root_of_another_does_not_count() {
    let (root, other) = (root(), root());
    let leaf = issue(&leaf_params(), &root);
    // Both roots have the same name, so the path is tried, and its signature is wrong.
    assert_eq!(verify(leaf.der(), &[], &[other.der().clone()], NOW), Err(Fault::NoPath));
    // Sending the root along does not make it one.
    assert_eq!(verify(leaf.der(), &[root.der().clone()], &[other.der().clone()], NOW), Err(Fault::NoPath));
    // Any root of the bundle will do, as while roots are changed.
    verify(leaf.der(), &[], &[other.der().clone(), root.der().clone()], NOW).unwrap();
}

#[test]
fn a_leaf_cannot_vouch_for_itself_or_for_others() {
    let root = root();
    let own = leaf_params().self_signed(&key()).unwrap();
    assert_eq!(verify(own.der(), &[], &[root.der().clone()], NOW), Err(Fault::NoPath));
    // The leaf as a root of the bundle, which a careless writer of bundles could put there.
    signing(&verify(own.der(), &[], &[own.der().clone()], NOW), SigningFault::NotCa);
    // A leaf that signs another leaf.
    let signer = below(leaf_params(), &root);
    let leaf = issue(&leaf_params(), &signer);
    signing(&verify(leaf.der(), &[signer.der().clone()], &[root.der().clone()], NOW), SigningFault::NotCa);
}

// 3.2 and 4.3.

#[test]
fn a_signing_certificate_must_be_a_ca_with_key_cert_sign() {
    for chain in BOTH {
        signing(&chain(&|ca| ca.is_ca = IsCa::ExplicitNoCa), SigningFault::NotCa);
        signing(&chain(&|ca| ca.is_ca = IsCa::NoCa), SigningFault::NotCa);
        signing(&chain(&|ca| ca.key_usages = vec![KeyUsagePurpose::CrlSign]), SigningFault::NoKeyCertSign);
        signing(&chain(&|ca| ca.key_usages.clear()), SigningFault::NoKeyCertSign);
        chain(&|ca| ca.key_usages = vec![KeyUsagePurpose::KeyCertSign]).unwrap();
        chain(&|ca| ca.key_usages.push(KeyUsagePurpose::DigitalSignature)).unwrap();
    }
}

#[test]
fn a_signing_certificate_may_be_an_svid_of_its_trust_domain_alone() {
    for chain in BOTH {
        chain(&|ca| ca.subject_alt_names = vec![uri("spiffe://mesh.example.com")]).unwrap();
        chain(&|ca| ca.subject_alt_names = vec![SanType::DnsName("ca.example.com".try_into().unwrap())]).unwrap();
        chain(&|ca| ca.subject_alt_names = vec![uri("https://ca.example.com/"), uri("https://b.example.com/")])
            .unwrap();
        signing(&chain(&|ca| ca.subject_alt_names = vec![uri("spiffe://mesh.example.com/ca")]), SigningFault::HasPath);
        signing(&chain(&|ca| ca.subject_alt_names = vec![uri("spiffe://mesh.example.com/")]), SigningFault::HasPath);
        signing(&chain(&|ca| ca.subject_alt_names = vec![uri("SPIFFE://mesh.example.com")]), SigningFault::HasPath);
        let two = |ca: &mut CertificateParams| {
            ca.subject_alt_names = vec![uri("https://ca.example.com/"), uri("spiffe://mesh.example.com")];
        };
        signing(&chain(&two), SigningFault::ManyUris);
    }
}

#[test]
fn key_usage_of_a_signing_svid_is_critical() {
    let uncritical = |ca: &mut CertificateParams| {
        ca.key_usages.clear();
        ca.custom_extensions.push(key_usage(0x04, false));
    };
    let svid = |ca: &mut CertificateParams| ca.subject_alt_names = vec![uri("spiffe://mesh.example.com")];
    for chain in BOTH {
        // Without a SPIFFE ID it is no SVID, and the rule is not for it.
        chain(&uncritical).unwrap();
        let both = |ca: &mut CertificateParams| {
            uncritical(ca);
            svid(ca);
        };
        signing(&chain(&both), SigningFault::KeyUsageNotCritical);
    }
}

// 4.1.

#[test]
fn the_length_of_a_path_is_limited_by_its_signing_certificates() {
    let root = root();
    for (limit, valid) in [(0, false), (1, true)] {
        let mut params = ca_params("outer");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(limit));
        let outer = below(params, &root);
        let inner = below(ca_params("inner"), &outer);
        let leaf = issue(&leaf_params(), &inner);
        let chain = [inner.der().clone(), outer.der().clone()];
        let outcome = verify(leaf.der(), &chain, &[root.der().clone()], NOW);
        assert_eq!(outcome.is_ok(), valid, "{limit}: {outcome:?}");
    }
}

// 4.2.

/// Name constraints on URIs, which rcgen does not write: permitted (0) or excluded (1) subtrees of one base.
fn constrain_uris(ca: &mut CertificateParams, which: u8, base: &str) {
    let subtree = der(0x30, &[&der(0x86, &[base.as_bytes()])]);
    let constraints = der(0x30, &[&der(0xa0 + which, &[&subtree])]);
    ca.custom_extensions.push(extension(&[2, 5, 29, 30], true, constraints));
}

#[test]
fn name_constraints_on_uris_are_refused_since_nobody_has_defined_them() {
    for chain in BOTH {
        for which in [0, 1] {
            for base in ["mesh.example.com", "other.example.com"] {
                let outcome = chain(&|ca| constrain_uris(ca, which, base));
                assert!(matches!(outcome, Err(Fault::Path(_))), "{which} {base}: {outcome:?}");
            }
        }
    }
}

#[test]
fn name_constraints_on_other_names_are_enforced() {
    let constrain = |permitted: &str| {
        let permitted_subtrees = vec![GeneralSubtree::DnsName(permitted.into())];
        Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() })
    };
    let root = root();
    for (permitted, valid) in [("mesh.example.com", true), ("other.example.com", false)] {
        let mut params = ca_params("intermediate");
        params.name_constraints = constrain(permitted);
        let intermediate = below(params, &root);
        let mut leaf = leaf_params();
        leaf.subject_alt_names.push(SanType::DnsName("reports.mesh.example.com".try_into().unwrap()));
        let leaf = issue(&leaf, &intermediate);
        let outcome = verify(leaf.der(), &[intermediate.der().clone()], &[root.der().clone()], NOW);
        assert_eq!(outcome.is_ok(), valid, "{permitted}: {outcome:?}");
    }
    // They say nothing about names that the leaf does not have.
    under(&|ca| ca.name_constraints = constrain("other.example.com")).unwrap();
}

// 4.4.

#[test]
fn extended_key_usage_of_an_intermediate_limits_what_is_below_it() {
    under(&|ca| {
        ca.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth]
    })
    .unwrap();
    let outcome = under(&|ca| ca.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning]);
    assert!(matches!(outcome, Err(Fault::Path(_))), "{outcome:?}");
}

// 5.1.

#[test]
fn signing_certificates_count_in_their_time_only() {
    let late = |ca: &mut CertificateParams| ca.not_before = seconds(NOW + 1);
    let over = |ca: &mut CertificateParams| ca.not_after = seconds(NOW - 1);
    for change in [late as fn(&mut CertificateParams), over] {
        let outcome = under(&change);
        assert!(matches!(outcome, Err(Fault::Path(_))), "{outcome:?}");
        // A root that is retired by letting it expire must not count on.
        assert_eq!(under_root(&change), Err(Fault::NoPath));
    }
}

#[test]
fn one_bad_root_does_not_spoil_the_others() {
    let (root, other) = (root(), root());
    let bad = leaf_params().self_signed(&key()).unwrap();
    let leaf = issue(&leaf_params(), &root);
    let garbage = pki_types::CertificateDer::from(vec![0x30, 0]);
    let roots = [garbage, bad.der().clone(), other.der().clone(), root.der().clone()];
    verify(leaf.der(), &[], &roots, NOW).unwrap();
    assert_eq!(bundle(&roots).unwrap().refused(), [SigningFault::Malformed, SigningFault::NotCa]);
}

#[test]
fn a_bundle_without_a_usable_root_is_refused() {
    let bad = leaf_params().self_signed(&key()).unwrap();
    assert!(matches!(bundle(&[]), Err(Fault::EmptyBundle)));
    assert!(matches!(bundle(&[bad.der().clone()]), Err(Fault::Signing(SigningFault::NotCa))));
}

#[test]
fn what_is_no_certificate_is_refused() {
    let root = root();
    for bytes in [&[][..], &[0], &[0x30, 0], &[0x30, 0x82, 0xff, 0xff], b"-----BEGIN CERTIFICATE-----"] {
        let outcome = verify(&bytes.into(), &[], &[root.der().clone()], NOW);
        assert_eq!(outcome, Err(Fault::Malformed), "{bytes:?}");
    }
    // A broken intermediate is no path; it is not needed for one either.
    let leaf = issue(&leaf_params(), &root);
    verify(leaf.der(), &[vec![0x30, 0].into()], &[root.der().clone()], NOW).unwrap();
}
