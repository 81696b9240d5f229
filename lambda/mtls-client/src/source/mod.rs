//! Where identities come from.

mod directory;
mod key;
mod secrets;

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use svid::Document;

use crate::error::{Error, Reason};

pub use directory::Directory;
pub use key::PrivateKey;
pub use secrets::{AwsCredentials, SecretReplica, SecretReplicaError, SecretsManager};

/// A store that holds the certificate document of one workload, and its keys by version, in one or more replicas (regions)
/// that are written independently.
pub trait Source: Send + Sync + 'static {
    /// How many replicas there are, at least 1. Number 0 is the nearest, and is asked first.
    fn replicas(&self) -> usize {
        1
    }

    /// The certificate document as this replica has it.
    fn document(&self, replica: usize) -> impl Future<Output = Result<Document, SourceError>> + Send;

    /// The private key of this version, from the same replica as the document that names it.
    fn key(&self, replica: usize, version: &str) -> impl Future<Output = Result<PrivateKey, SourceError>> + Send;

    /// A fetch has ended: what was kept for its next call may go.
    fn finished(&self) {}

    /// The process was cloned or restored: connections and credentials from before are of no use.
    fn restored(&self) {}
}

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceFault {
    /// There is no such secret, version or file.
    Missing,
    /// The caller may not read it, or has no credentials.
    AccessDenied,
    /// Too many calls.
    Throttled,
    /// No answer, or an answer that blames the service.
    Unavailable,
    /// What is there is not a document or a key.
    Invalid,
}

/// Why a source has no document or key: the kind, and a sentence that ends with the remedy. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceError {
    /// The kind.
    pub fault: SourceFault,
    /// In lower case, without a full stop.
    pub message: Cow<'static, str>,
}

impl SourceError {
    /// An error of this kind.
    pub fn new(fault: SourceFault, message: impl Into<Cow<'static, str>>) -> Self {
        Self { fault, message: message.into() }
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SourceError {}

impl From<SourceError> for Error {
    fn from(error: SourceError) -> Self {
        let reason = match error.fault {
            SourceFault::Missing => Reason::IdentityMissing,
            SourceFault::AccessDenied => Reason::AccessDenied,
            SourceFault::Throttled => Reason::Throttled,
            SourceFault::Unavailable => Reason::IdentityUnavailable,
            SourceFault::Invalid => Reason::IdentityInvalid,
        };
        Self::new(reason, error.message)
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, SourceError>> + Send + 'a>>;

/// [`Source`] behind a pointer, so that clients of different sources are one type.
pub(crate) trait AnySource: Send + Sync {
    fn replicas(&self) -> usize;
    fn document(&self, replica: usize) -> Answer<'_, Document>;
    fn key<'a>(&'a self, replica: usize, version: &'a str) -> Answer<'a, PrivateKey>;
    fn finished(&self);
    fn restored(&self);
}

impl<S: Source> AnySource for S {
    fn replicas(&self) -> usize {
        Source::replicas(self).max(1)
    }

    fn document(&self, replica: usize) -> Answer<'_, Document> {
        Box::pin(Source::document(self, replica))
    }

    fn key<'a>(&'a self, replica: usize, version: &'a str) -> Answer<'a, PrivateKey> {
        Box::pin(Source::key(self, replica, version))
    }

    fn finished(&self) {
        Source::finished(self);
    }

    fn restored(&self) {
        Source::restored(self);
    }
}
