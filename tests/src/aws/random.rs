//! Unpredictable identifiers and secrets, in the shapes that AWS gives them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// An access key ID of a session: `ASIA` and sixteen characters.
pub(crate) fn access_key_id() -> String {
    format!("ASIA{}", base32(16))
}

/// The unique ID of a role: `AROA` and seventeen characters.
pub(crate) fn role_id() -> String {
    format!("AROA{}", base32(17))
}

/// A secret access key: forty characters of base64, `/` and `+` included.
pub(crate) fn secret_access_key() -> String {
    STANDARD.encode(bytes::<30>())
}

/// A session token: base64 of about 950 characters with the prefix of real ones, padding included.
pub(crate) fn session_token() -> String {
    format!("IQoJb3JpZ2luX2Vj{}", STANDARD.encode(bytes::<700>()))
}

/// A request ID as STS and API Gateway give it.
pub(crate) fn request_id() -> String {
    let h = hex(&bytes::<16>());
    format!("{}-{}-{}-{}-{}", &h[..8], &h[8..12], &h[12..16], &h[16..20], &h[20..])
}

/// The number of an account: twelve digits.
pub(crate) fn account() -> String {
    bytes::<12>().iter().map(|byte| char::from(b'0' + byte % 10)).collect()
}

/// A request ID as S3 gives it.
pub(crate) fn s3_request_id() -> String {
    base32(16)
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}

fn base32(length: usize) -> String {
    let random = bytes::<32>();
    random.iter().take(length).map(|byte| char::from(BASE32[usize::from(byte % 32)])).collect()
}

fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the system has randomness");
    bytes
}
