//! A blocking HTTP/1.1 client that sends exactly the bytes it is told to, over TCP or TLS, with or without a certificate.

mod request;
mod response;
mod stream;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

pub use self::request::Request;
pub use self::response::Response;
use self::stream::Stream;
use crate::pki::Identity;

/// Why there is no answer.
#[derive(Debug)]
pub enum Error {
    /// No TCP connection.
    Connect(io::Error),
    /// The settings for TLS make no sense.
    Setup(String),
    /// The connection broke, or TLS failed (then the text has rustls's or the peer's reason).
    Io(io::Error),
    /// The time was up.
    Timeout,
    /// The peer closed the connection before the first byte of an answer.
    Closed,
    /// The peer closed the connection in the middle of an answer.
    Truncated {
        /// What had come of the body.
        received: usize,
    },
    /// The answer is not HTTP.
    Malformed(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "cannot connect: {error}"),
            Self::Setup(why) => write!(f, "cannot set up TLS: {why}"),
            Self::Io(error) => write!(f, "the connection broke: {error}"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Closed => f.write_str("closed without an answer"),
            Self::Truncated { received } => {
                write!(f, "closed in the middle of the answer, after {received} bytes of body")
            }
            Self::Malformed(why) => write!(f, "the answer is not HTTP: {why}"),
        }
    }
}

impl std::error::Error for Error {}

/// Where and how to connect; each [`Client::send`] uses a connection of its own.
#[derive(Clone, Debug)]
pub struct Client {
    address: SocketAddr,
    tls: Option<Tls>,
    timeout: Duration,
}

#[derive(Clone, Debug)]
struct Tls {
    server_name: String,
    roots_pem: String,
    identity: Option<Identity>,
}

impl Client {
    /// Over plain TCP.
    #[must_use]
    pub fn plain(address: SocketAddr) -> Self {
        Self { address, tls: None, timeout: Duration::from_secs(10) }
    }

    /// Over TLS, asking for `server_name` by SNI and trusting these roots only.
    #[must_use]
    pub fn tls(address: SocketAddr, server_name: &str, roots_pem: &str) -> Self {
        let tls = Tls { server_name: server_name.to_owned(), roots_pem: roots_pem.to_owned(), identity: None };
        Self { tls: Some(tls), ..Self::plain(address) }
    }

    /// With a client certificate.
    #[must_use]
    pub fn with_identity(mut self, identity: &Identity) -> Self {
        if let Some(tls) = &mut self.tls {
            tls.identity = Some(identity.clone());
        }
        self
    }

    /// The limit for one request and its whole answer (10 seconds unless told).
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends one request on a new connection and reads its answer.
    pub fn send(&self, request: &Request) -> Result<Response, Error> {
        self.connect()?.send(request)
    }

    /// Sends these bytes, whatever they are, and reads one answer.
    pub fn send_raw(&self, bytes: &[u8]) -> Result<Response, Error> {
        self.connect()?.send_raw(bytes)
    }

    /// A connection for several requests, or for half of one.
    pub fn connect(&self) -> Result<Connection, Error> {
        let tls = self.tls.as_ref().map(Tls::build).transpose()?;
        let stream = Stream::open(self.address, tls, self.timeout)?;
        Ok(Connection { stream, timeout: self.timeout })
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    timeout: Duration,
}

impl Connection {
    /// Sends a request and reads its answer; the connection can be used again unless the answer says otherwise.
    pub fn send(&mut self, request: &Request) -> Result<Response, Error> {
        self.exchange(&request.to_bytes(), !request.is_head())
    }

    /// Sends these bytes and reads one answer (with a body, if its headers speak of one).
    pub fn send_raw(&mut self, bytes: &[u8]) -> Result<Response, Error> {
        self.exchange(bytes, true)
    }

    /// Sends bytes without waiting for anything.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.stream.restart(self.timeout);
        self.stream.write(bytes)
    }

    /// Reads one answer.
    pub fn read(&mut self) -> Result<Response, Error> {
        self.stream.restart(self.timeout);
        response::read(&mut self.stream, true)
    }

    /// Reads what stands on the wire up to these bytes, with them; what comes after is left for the next reader.
    pub fn read_until(&mut self, marker: &[u8]) -> Result<Vec<u8>, Error> {
        self.stream.restart(self.timeout);
        self.stream.until(marker)
    }

    fn exchange(&mut self, bytes: &[u8], with_body: bool) -> Result<Response, Error> {
        self.stream.restart(self.timeout);
        // A server may answer and close before it has read everything: its answer matters more than our broken pipe.
        let sent = self.stream.write(bytes);
        match (response::read(&mut self.stream, with_body), sent) {
            (Ok(response), _) => Ok(response),
            (Err(_), Err(error)) | (Err(error), Ok(())) => Err(error),
        }
    }
}

impl Tls {
    fn build(&self) -> Result<(Arc<ClientConfig>, ServerName<'static>), Error> {
        let setup = |error: &dyn fmt::Display| Error::Setup(error.to_string());
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(self.roots_pem.as_bytes()) {
            roots.add(certificate.map_err(|error| setup(&error))?).map_err(|error| setup(&error))?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| setup(&error))?
            .with_root_certificates(roots);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let chain = CertificateDer::pem_slice_iter(identity.certificate_pem.as_bytes())
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|error| setup(&error))?;
                let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).map_err(|error| setup(&error))?;
                builder.with_client_auth_cert(chain, key).map_err(|error| setup(&error))?
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = ServerName::try_from(self.server_name.clone()).map_err(|error| setup(&error))?;
        Ok((Arc::new(config), name))
    }
}
