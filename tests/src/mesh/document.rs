//! The certificate document, as the issuer writes it, and a directory that stands for the secrets.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use super::svid::Svid;

/// The document of this SVID, whose key is that version of the key secret's value.
#[must_use]
pub fn document(svid: &Svid, key_version: &str) -> Value {
    json!({
        "version": 1,
        "spiffe_id": svid.spiffe_id,
        "key_version": key_version,
        "key_sha256": svid.key_sha256,
        "certificate": svid.certificate_pem,
        "chain": svid.chain_pem,
        "bundle": svid.bundle_pem,
        "not_before": svid.not_before,
        "not_after": svid.not_after,
    })
}

/// Writes `keys/<key version>.pem`, then `certificate.json`, each moved into place as a whole.
pub fn write_directory(directory: &Path, svid: &Svid, key_version: &str) -> io::Result<()> {
    let keys = directory.join("keys");
    fs::create_dir_all(&keys)?;
    write_whole(&keys.join(format!("{key_version}.pem")), svid.key_pem.as_bytes(), 0o600)?;
    write_whole(&directory.join("certificate.json"), document(svid, key_version).to_string().as_bytes(), 0o644)
}

fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside)?;
    file.write_all(bytes)?;
    fs::rename(beside, path)
}
