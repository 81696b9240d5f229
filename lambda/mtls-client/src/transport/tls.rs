//! The TLS configuration of one upstream and one identity.

use std::fmt;
use std::sync::Arc;

use pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::sign::SingleCertAndKey;
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};
use spiffe_id::SpiffeIdBuf;
use svid::{Bundle, Fault, Role};

use crate::clock::Clock;
use crate::identity::Pair;
use crate::upstream::Upstream;

/// HTTP/2, or HTTP/1.1 where the server has no other (RFC 7301).
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// TLS 1.3 with this pair as client certificate, for this upstream alone.
///
/// Sessions are not resumed: a ticket would outlive the identity that it was given to, and a restored snapshot would share
/// it with its siblings. A whole handshake costs less than a millisecond of each side.
pub(super) fn client_config(
    pair: &Pair,
    upstream: &Upstream,
    provider: &Arc<CryptoProvider>,
    clock: &Arc<dyn Clock>,
) -> Result<ClientConfig, rustls::Error> {
    let verifier = SpiffeVerifier {
        expected: upstream.spiffe_id().clone(),
        bundle: Arc::clone(&pair.bundle),
        provider: Arc::clone(provider),
    };
    let mut config = ClientConfig::builder_with_details(Arc::clone(provider), Arc::new(WallClock(Arc::clone(clock))))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&pair.certified_key))));
    config.alpn_protocols = ALPN.iter().map(|protocol| protocol.to_vec()).collect();
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// Accepts exactly one workload, whatever names its certificate has besides.
struct SpiffeVerifier {
    expected: SpiffeIdBuf,
    bundle: Arc<Bundle>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for SpiffeVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let algorithms = self.provider.signature_verification_algorithms.all;
        let svid = svid::verify(end_entity, intermediates, &self.bundle, Role::Server, now.as_secs(), algorithms)
            .map_err(refused)?;
        if svid.spiffe_id != self.expected {
            return Err(refused(Fault::OtherId { found: svid.spiffe_id }));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        // TLS 1.2 is neither offered nor compiled in.
        Err(rustls::PeerIncompatible::Tls12NotOffered.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for SpiffeVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpiffeVerifier").field("expected", &self.expected).finish_non_exhaustive()
    }
}

fn refused(fault: Fault) -> rustls::Error {
    rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(fault))))
}

#[derive(Debug)]
struct WallClock(Arc<dyn Clock>);

impl TimeProvider for WallClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(self.0.now().wall))
    }
}
