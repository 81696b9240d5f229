//! The identity of a Lambda function, and calls with it: sources, freshness, mutual TLS.
//!
//! A [`Client`] takes the identity of one workload from a [`Source`], keeps it fresh, and calls [`Upstream`]s with it:
//! mutual TLS, the server accepted by its SPIFFE ID alone, HTTP/2 or HTTP/1.1, bodies streamed both ways.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use bytes::Bytes;
//! use http_body_util::{BodyExt, Full};
//! use mtls_client::{AwsCredentials, Client, SecretReplica, SecretsManager, Settings, SpiffeIdBuf, Upstream};
//!
//! # async fn call() -> Result<(), Box<dyn std::error::Error>> {
//! let (certificate, key) = ("meshbridge/staging/reports/certificate", "meshbridge/staging/reports/key");
//! let source = SecretsManager::new(
//!     SecretReplica::new("us-west-2", certificate, key, None)?,
//!     vec![SecretReplica::new("us-east-1", certificate, key, None)?],
//!     AwsCredentials::from_environment(|name| std::env::var(name).ok()),
//! );
//! let own = SpiffeIdBuf::parse("spiffe://mesh.example.com/staging/reports")?;
//! let client = Client::new(source, Settings::new(own));
//! client.warm();
//!
//! let ledger = Upstream::new(
//!     "staging.ledger.mesh.example.com",
//!     "gateway.mesh.example.com:443",
//!     SpiffeIdBuf::parse("spiffe://mesh.example.com/staging/ledger")?,
//! )?;
//! let request = http::Request::post("/accounts?kind=open").body(Full::new(Bytes::from_static(b"{}")))?;
//! match client.send(&ledger, request, Some(Duration::from_secs(10))).await {
//!     Ok(response) => {
//!         let status = response.status();
//!         let body = response.into_body().collect().await?.to_bytes();
//!         # let _ = (status, body);
//!     }
//!     // Such as `identity-expired` or `upstream-identity`, and a sentence with the remedy.
//!     Err(error) => eprintln!("{}: {}", error.reason(), error.message()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! On a laptop the identity comes from files:
//!
//! ```no_run
//! use mtls_client::{Client, Directory, Settings, SpiffeIdBuf};
//!
//! # fn make() -> Result<(), mtls_client::Invalid> {
//! let own = SpiffeIdBuf::parse("spiffe://mesh.example.com/staging/reports")?;
//! let client = Client::new(Directory::new("/var/lib/meshbridge/staging/reports"), Settings::new(own));
//! # Ok(())
//! # }
//! ```
//!
//! # The identity
//!
//! The certificate document names the version of its key, so document and key are read in this order, and the pair is
//! used only when it is proven: it parses, both halves match, the chain leads to the document's roots, it is in its time,
//! and it names the expected workload. Until then the old pair stays. The nearest replica (region) is asked first, the
//! others when it has no proven pair or one that is older than it should be.
//!
//! Freshness is judged by wall-clock time at each request, since a frozen function runs no timers. Up to half of the
//! certificate's life it is used as it is; then one request a minute looks for a newer one, for 300 ms at most; close to
//! its end every request waits for a newer one; past it, requests fail with `identity-expired`. One fetch is under way at
//! a time, whoever waits for it, and after a failure nobody asks again for a moment. See [`Settings`] for all bounds.
//!
//! # Connections
//!
//! A connection belongs to one upstream and one pair, and is dropped when the wall clock shows that the process was
//! frozen since it was made, when it was idle for long, after [`Client::restored`], and when there is a newer pair: then
//! requests under way end on the old one. TLS is 1.3 only, and sessions are not resumed.
//!
//! # Secrets
//!
//! Keys and credentials cannot be printed. What this crate holds of a key is wiped when it has been handed to the TLS
//! provider; the provider's own copy, and the buffers of HTTP and JSON that it came through, are freed without that.
//!
//! # Size
//!
//! Secrets Manager is called with one request that `sigv4` signs. Measured against `aws-sdk-secretsmanager` 1.125 (with
//! rustls and ring as well, and no other client), each as a release binary that reads one secret from a server on
//! loopback, x86_64, optimised for size, stripped, medians of 41 runs taken in turns:
//!
//! | | binary | start to ready | start to secret | peak memory |
//! | --- | --- | --- | --- | --- |
//! | this | 1.7 MB | 0.04 ms | 0.7 ms | 2.6 MB |
//! | SDK | 3.7 MB | 4.0 ms | 5.0 ms | 5.4 MB |
//!
//! With the rest of this crate, HTTP/2 included, such a binary has 2.1 MB.

mod client;
mod clock;
mod error;
mod identity;
mod net;
mod settings;
mod source;
mod status;
mod transport;
mod upstream;

pub use client::Client;
pub use clock::{Clock, Now, SystemClock};
pub use error::{Error, Reason};
pub use settings::Settings;
pub use source::{
    AwsCredentials, Directory, PrivateKey, SecretReplica, SecretReplicaError, SecretsManager, Source, SourceError,
    SourceFault,
};
pub use spiffe_id::{Invalid, SpiffeId, SpiffeIdBuf, TrustDomain};
pub use status::{IdentityStatus, Status};
pub use svid::Document;
pub use transport::ResponseBody;
pub use upstream::{Upstream, UpstreamError};
