//! A directory of files, for a laptop: `certificate.json` and `keys/<key version>.pem`.

use std::io;
use std::path::{Path, PathBuf};

use svid::Document;
use zeroize::Zeroizing;

use super::{PrivateKey, Source, SourceError, SourceFault};

/// Reads the identity from a directory, which `issuer run --store` writes. A writer puts the key first, then the document,
/// each under another name and renamed: then a reader never sees half of a file, nor a document without its key.
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
}

impl Directory {
    /// Nothing is read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl Source for Directory {
    async fn document(&self, _replica: usize) -> Result<Document, SourceError> {
        let path = self.path.join("certificate.json");
        let json = read(&path).await?;
        Document::parse(&json)
            .map_err(|error| SourceError::new(SourceFault::Invalid, format!("{error} ({})", path.display())))
    }

    async fn key(&self, _replica: usize, version: &str) -> Result<PrivateKey, SourceError> {
        // A document has no other versions than file names; this is for callers that have theirs from elsewhere.
        if version.starts_with('.') || version.contains(['/', '\0']) {
            return Err(SourceError::new(SourceFault::Invalid, "the key's version is not the name of a file"));
        }
        let path = self.path.join("keys").join(format!("{version}.pem"));
        PrivateKey::from_pem(&read(&path).await?)
    }
}

async fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, SourceError> {
    tokio::fs::read(path).await.map(Zeroizing::new).map_err(|error| {
        let (fault, remedy) = match error.kind() {
            io::ErrorKind::NotFound => (SourceFault::Missing, "let the issuer write it, or correct the directory"),
            io::ErrorKind::PermissionDenied => (SourceFault::AccessDenied, "let this user read it"),
            _ => (SourceFault::Unavailable, "look at the file system"),
        };
        SourceError::new(fault, format!("{} cannot be read ({error}); {remedy}", path.display()))
    })
}
