//! What went wrong on the way to an upstream, as a reason and a sentence.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use rustls::CertificateError;
use svid::Fault;

use crate::error::{Error, Reason};
use crate::upstream::Upstream;

/// The name could not be resolved, or no address of it could be connected to.
pub(super) fn unreachable(upstream: &Upstream, error: &io::Error) -> Error {
    let (host, port) = (upstream.host(), upstream.port());
    let message = format!("no connection to {host}:{port} ({error}); check the address, DNS and the security groups");
    let silent = error.kind() == io::ErrorKind::TimedOut;
    Error::new(if silent { Reason::UpstreamTimeout } else { Reason::UpstreamUnreachable }, message)
}

/// DNS, TCP and TLS together took too long.
pub(super) fn connect_timeout(upstream: &Upstream, limit: Duration) -> Error {
    let (host, port) = (upstream.host(), upstream.port());
    let message = format!("no connection to {host}:{port} within {limit:?}; check the network and the gateway's load");
    Error::new(Reason::UpstreamTimeout, message)
}

/// The request was sent and nothing came back.
pub(super) fn answer_timeout(upstream: &Upstream, limit: Duration) -> Error {
    let message = format!("{} did not answer within {limit:?} after the request; see what it does", upstream.sni());
    Error::new(Reason::UpstreamTimeout, message)
}

/// The handshake failed.
pub(super) fn handshake(upstream: &Upstream, error: &io::Error) -> Error {
    match inner_tls(error) {
        Some(fault) => tls(upstream, fault),
        None => {
            let message = format!(
                "the connection was closed during the TLS handshake ({error}); see whether the gateway's table has {}",
                upstream.sni()
            );
            Error::new(Reason::UpstreamTls, message)
        }
    }
}

/// A fault of TLS, in the handshake or, with TLS 1.3, in the first bytes after it: there a server says that it does not
/// accept the client's certificate.
pub(super) fn tls(upstream: &Upstream, fault: &rustls::Error) -> Error {
    let (sni, expected) = (upstream.sni(), upstream.spiffe_id());
    match fault {
        rustls::Error::InvalidCertificate(error) => {
            let problem = match error {
                CertificateError::Other(other) => match other.0.downcast_ref::<Fault>() {
                    Some(fault) => fault.to_string(),
                    None => error.to_string(),
                },
                _ => error.to_string(),
            };
            let message = format!("the server at {sni} is not {expected}: {problem}; nothing was sent to it");
            Error::new(Reason::UpstreamIdentity, message)
        }
        rustls::Error::NoCertificatesPresented => {
            let message = format!("the server at {sni} showed no certificate; let it show that of {expected}");
            Error::new(Reason::UpstreamIdentity, message)
        }
        rustls::Error::AlertReceived(alert) => {
            let message = format!(
                "{sni} refused the TLS connection ({alert:?}); see whether it accepts this function's certificate and its clock is right"
            );
            Error::new(Reason::UpstreamTls, message)
        }
        _ => Error::new(Reason::UpstreamTls, format!("TLS with {sni} failed ({fault}); see what listens there")),
    }
}

/// What is known of a broken exchange besides hyper's error.
#[derive(Default)]
pub(super) struct Broken {
    /// What TLS said.
    pub(super) tls: Option<rustls::Error>,
    /// The caller's body broke off.
    pub(super) request_failed: bool,
}

/// The exchange failed after the handshake.
pub(super) fn exchange(upstream: &Upstream, error: &hyper::Error, broken: &Broken) -> Error {
    let sni = upstream.sni();
    if let Some(fault) = &broken.tls {
        return tls(upstream, fault);
    }
    if broken.request_failed || error.is_user() {
        let message = format!("the request's own body failed or contradicts its length ({})", words(error));
        return Error::new(Reason::RequestInvalid, message);
    }
    let stream_reset = find::<h2::Error>(error).is_some_and(|error| error.is_reset() || error.is_go_away());
    if error.is_parse() || stream_reset || protocol_violation(error) {
        let message = format!("the answer of {sni} is not valid HTTP ({}); see what listens there", words(error));
        return Error::new(Reason::UpstreamProtocol, message);
    }
    let message =
        format!("the connection to {sni} broke before the answer was whole ({}); repeat the call", words(error));
    Error::new(Reason::UpstreamUnreachable, message)
}

/// RFC 9113, section 8.7: a server that refuses a stream, or goes away without having taken it up, has done nothing.
pub(super) fn is_unprocessed(error: &hyper::Error) -> bool {
    find::<h2::Error>(error).is_some_and(|error| {
        error.is_remote()
            && (error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM)
                || error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR))
    })
}

/// The first fault of TLS in an error of I/O.
pub(super) fn inner_tls(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

/// HTTP/2 faults that this side found.
fn protocol_violation(error: &hyper::Error) -> bool {
    find::<h2::Error>(error).is_some_and(|error| error.reason().is_some() && !error.is_io())
}

fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    causes(error).find_map(|error| error.downcast_ref())
}

/// The whole chain of causes: hyper's own text names the kind only.
fn words(error: &hyper::Error) -> String {
    let texts: Vec<_> = causes(error).map(ToString::to_string).collect();
    texts.join(": ")
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let current = next?;
        next = current.source();
        Some(current)
    })
}
