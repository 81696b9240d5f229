//! Whatever one byte of a certificate is changed to, it no longer identifies anyone, and nothing panics.

use pki_types::CertificateDer;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::pki::{NOW, below, ca_params, issue, leaf_params, root, verify};

/// The same cases on every machine.
fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

#[test]
fn a_certificate_with_one_changed_byte_is_refused() {
    let root = root();
    let intermediate = below(ca_params("intermediate"), &root);
    let leaf = issue(&leaf_params(), &intermediate);
    let (leaf, intermediate, roots) = (leaf.der(), intermediate.der(), [root.der().clone()]);
    verify(leaf, std::slice::from_ref(intermediate), &roots, NOW).unwrap();
    let changes = (any::<bool>(), any::<prop::sample::Index>(), 1..=255_u8);
    runner(2_000)
        .run(&changes, |(in_leaf, at, change)| {
            let mut bytes = if in_leaf { leaf.to_vec() } else { intermediate.to_vec() };
            let at = at.index(bytes.len());
            bytes[at] ^= change;
            let changed = CertificateDer::from(bytes);
            let outcome = if in_leaf {
                verify(&changed, std::slice::from_ref(intermediate), &roots, NOW)
            } else {
                verify(leaf, &[changed], &roots, NOW)
            };
            prop_assert!(outcome.is_err(), "byte {at} ^ {change}: {outcome:?}");
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_certificate_that_was_cut_off_or_extended_is_refused() {
    let root = root();
    let leaf = issue(&leaf_params(), &root);
    for len in 0..leaf.der().len() {
        let cut = CertificateDer::from(leaf.der()[..len].to_vec());
        assert!(verify(&cut, &[], &[root.der().clone()], NOW).is_err(), "{len}");
    }
    let longer = CertificateDer::from([leaf.der().as_ref(), &[0]].concat());
    assert!(verify(&longer, &[], &[root.der().clone()], NOW).is_err());
}

#[test]
fn nothing_panics_on_random_bytes_as_a_document() {
    runner(2_000)
        .run(&prop::collection::vec(any::<u8>(), 0..200), |bytes| {
            prop_assert!(svid::Document::parse(&bytes).is_err());
            Ok(())
        })
        .unwrap();
}
