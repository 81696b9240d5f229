//! The steps of this act in their order. Each does something, says what it saw, and what must be so.

mod cold;
mod end;
mod frozen;
mod refusals;
mod rotation;
mod serves;
mod summary;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;

use super::stage::Stage;
use crate::aws::random::sha256_hex;
use crate::demo::Stop;
use crate::demo::screen::Screen;
use crate::mesh::{Hit, Svid};

pub(super) use cold::start as cold_start;
pub(super) use end::shut_down;

type Step = fn(&mut Stage, &mut Screen) -> Result<(), Stop>;

/// Everything between the cold start and the end, with the titles that stand on the screen.
pub(super) const ALL: &[(&str, Step)] = &[
    ("It calls http://localhost, and ledger knows who calls", serves::through_all),
    ("Whoever is not allowed gets nothing", refusals::all_kinds),
    ("Frozen for hours, its connections dead: nothing is lost", frozen::and_thawed),
    ("Its identity is rotated while requests run: nothing is lost", rotation::under_load),
    ("What it came to", summary::totals),
];

/// SHA-256 of the certificate, as Envoy writes it into `x-forwarded-client-cert`.
fn fingerprint(svid: &Svid) -> String {
    CertificateDer::from_pem_slice(svid.certificate_pem.as_bytes())
        .map_or_else(|e| e.to_string(), |der| sha256_hex(&der))
}

/// `Hash=` of what ledger's Envoy says about the caller's certificate.
fn hash_of(hit: &Hit) -> &str {
    let said = hit.header("x-forwarded-client-cert").unwrap_or_default();
    said.split(';').find_map(|part| part.strip_prefix("Hash=")).unwrap_or("none")
}

/// For the screen; the whole is compared.
fn short(hash: &str) -> String {
    format!("{}…", hash.get(..12).unwrap_or(hash))
}

/// A text in what was read as JSON.
fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("nothing")
}
