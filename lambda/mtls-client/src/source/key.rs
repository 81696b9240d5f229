//! A private key on its way from the source into the TLS provider.

use std::fmt;
use std::sync::Arc;

use pki_types::pem::PemObject as _;
use pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::SigningKey;
use zeroize::Zeroize as _;

use super::{SourceError, SourceFault};

/// A private key in PKCS #8. Cannot be printed or copied; its bytes are wiped when it is dropped.
pub struct PrivateKey(PrivatePkcs8KeyDer<'static>);

impl PrivateKey {
    /// Reads PEM, `BEGIN PRIVATE KEY`. The caller wipes its own copy.
    ///
    /// # Errors
    /// [`SourceFault::Invalid`], which repeats nothing of the text.
    pub fn from_pem(pem: &[u8]) -> Result<Self, SourceError> {
        let invalid = |_| {
            SourceError::new(
                SourceFault::Invalid,
                "the private key is not PKCS #8 in PEM (BEGIN PRIVATE KEY); write it in that form",
            )
        };
        PrivatePkcs8KeyDer::from_pem_slice(pem).map(Self).map_err(invalid)
    }

    /// Hands the key to the TLS provider.
    pub(crate) fn load(&self) -> Result<Arc<dyn SigningKey>, SourceError> {
        let invalid =
            |_| SourceError::new(SourceFault::Invalid, "the private key cannot be used; make a P-256 key in PKCS #8");
        let mut der = PrivateKeyDer::Pkcs8(self.0.clone_key());
        let key = rustls::crypto::ring::sign::any_supported_type(&der).map_err(invalid);
        der.zeroize();
        key
    }
}

impl Drop for PrivateKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey([secret])")
    }
}
