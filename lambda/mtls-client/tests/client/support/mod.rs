//! What the tests share.

mod clock;
mod pki;
mod server;
mod source;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};
use mtls_client::{Client, Error, ResponseBody, Settings, SpiffeIdBuf, Upstream};

pub(crate) use clock::TestClock;
pub(crate) use pki::{Pki, Svid, system_seconds};
pub(crate) use server::{Alpn, ClientAuth, Server, ServerOptions, body_of, hash, tls};
pub(crate) use source::MemorySource;

/// The function's own identity.
pub(crate) const OWN: &str = "spiffe://mesh.example.com/staging/reports";
/// The identity of the app that is called.
pub(crate) const LEDGER: &str = "spiffe://mesh.example.com/staging/ledger";
pub(crate) const LEDGER_SNI: &str = "staging.ledger.mesh.example.com";

/// Nothing that is right takes so long, however busy the machine is.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn id(text: &str) -> SpiffeIdBuf {
    SpiffeIdBuf::parse(text).unwrap()
}

/// The ledger at this address.
pub(crate) fn ledger(address: SocketAddr) -> Upstream {
    Upstream::new(LEDGER_SNI, &address.to_string(), id(LEDGER)).unwrap()
}

/// Settings with an injected clock and bounds that suit a busy machine.
pub(crate) fn settings(clock: &Arc<TestClock>) -> Settings {
    let mut settings = Settings::new(id(OWN));
    settings.clock = Arc::clone(clock) as _;
    settings.connect_timeout = PATIENCE;
    settings.fetch_budget = PATIENCE;
    settings.refresh_budget = PATIENCE;
    settings.answer_timeout = Some(PATIENCE);
    settings
}

/// A PKI, a source with one good pair, and a client.
pub(crate) struct Lambda {
    pub(crate) pki: Pki,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) source: MemorySource,
    pub(crate) client: Client,
}

impl Lambda {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let (pki, clock) = (Pki::new(), TestClock::new());
        let source = MemorySource::new(1);
        source.publish(0, &pki.svid(OWN));
        let mut settings = settings(&clock);
        change(&mut settings);
        let client = Client::new(source.clone(), settings);
        Self { pki, clock, source, client }
    }

    /// A server that is the ledger.
    pub(crate) async fn ledger(&self, alpn: Alpn) -> Server {
        self.server(&self.pki.svid(LEDGER), alpn).await
    }

    pub(crate) async fn server(&self, identity: &Svid, alpn: Alpn) -> Server {
        Server::start(identity, &self.pki, ServerOptions { alpn, client_auth: ClientAuth::Required }).await
    }
}

pub(crate) fn get(path: &str) -> Request<Empty<Bytes>> {
    Request::get(path).body(Empty::new()).unwrap()
}

/// Sends and reads everything, within [`PATIENCE`].
pub(crate) async fn fetch(client: &Client, to: &Upstream, path: &str) -> Result<Response<Bytes>, Error> {
    let call = async {
        let (parts, body) = client.send(to, get(path), None).await?.into_parts();
        Ok(Response::from_parts(parts, whole(body).await?))
    };
    tokio::time::timeout(PATIENCE, call).await.unwrap()
}

pub(crate) async fn whole(body: ResponseBody) -> Result<Bytes, Error> {
    body.collect().await.map(http_body_util::Collected::to_bytes)
}

pub(crate) fn header<'a, B>(response: &'a Response<B>, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}
