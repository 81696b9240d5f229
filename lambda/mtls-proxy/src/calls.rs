//! The seam to the mesh: what carries a request to an app. [`mtls_client`] in life, anything in tests.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;

use mtls_client::{AwsCredentials, Client, Directory, SecretReplica, SecretsManager, Settings};

use crate::answer::{Failure, push_json};
use crate::config::{Config, Identity, Replica, Upstream};
use crate::proxy::RequestBody;

/// Carries requests to apps.
pub trait Calls: Send + Sync + 'static {
    /// The body of an answer. Its error is the reason and the words of a [`Failure`].
    type Body: Body<Data = Bytes, Error: Into<Failure>> + Send + Unpin + 'static;

    /// Sends one request to one upstream (its place in the configuration's list); `deadline` is for everything, both bodies
    /// too.
    fn send(
        &self,
        upstream: usize,
        request: Request<RequestBody>,
        deadline: Option<Duration>,
    ) -> impl Future<Output = Result<Response<Self::Body>, Failure>> + Send;

    /// Starts to fetch the identity.
    fn warm(&self);

    /// This environment was restored from a snapshot: nothing from before holds.
    fn restored(&self);

    /// How the identity is doing, as a JSON object.
    fn status(&self) -> String;
}

/// [`mtls_client`], with the configuration's identity and upstreams.
#[derive(Debug)]
pub struct Mesh {
    client: Client,
    upstreams: Vec<mtls_client::Upstream>,
}

impl Mesh {
    /// Nothing is fetched or connected yet. `variable` reads the environment, for the function's credentials.
    ///
    /// # Errors
    /// In words, when a name is right for this configuration and wrong for the client.
    pub fn new(config: &Config, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut settings = Settings::new(config.spiffe_id.clone());
        // The deadline of each request is the proxy's to watch.
        settings.answer_timeout = None;
        // A function that calls 64 times at once does so again; each connection that is not kept is a handshake.
        settings.idle_connections = 64;
        let client = match &config.identity {
            Identity::Directory { path } => Client::new(Directory::new(path), settings),
            Identity::SecretsManager { replicas } => {
                let mut replicas = replicas.iter().map(replica).collect::<Result<Vec<_>, _>>()?.into_iter();
                let nearest = replicas.next().ok_or("identity.regions is empty")?;
                let credentials = AwsCredentials::from_environment(variable);
                Client::new(SecretsManager::new(nearest, replicas.collect(), credentials), settings)
            }
        };
        let upstreams = config.upstreams.iter().map(upstream).collect::<Result<_, _>>()?;
        Ok(Self { client, upstreams })
    }
}

fn replica(replica: &Replica) -> Result<SecretReplica, String> {
    SecretReplica::new(&replica.region, &replica.certificate, &replica.key, replica.endpoint.as_deref())
        .map_err(|e| format!("identity: {e}"))
}

fn upstream(upstream: &Upstream) -> Result<mtls_client::Upstream, String> {
    let (host, port) = (upstream.gateway.host(), upstream.gateway.port());
    let address = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    mtls_client::Upstream::new(upstream.sni.as_str(), &address, upstream.spiffe_id.clone())
        .map_err(|e| format!("upstreams: {e}"))
}

impl Calls for Mesh {
    type Body = mtls_client::ResponseBody;

    async fn send(
        &self,
        upstream: usize,
        request: Request<RequestBody>,
        deadline: Option<Duration>,
    ) -> Result<Response<Self::Body>, Failure> {
        let to = self.upstreams.get(upstream).ok_or_else(|| Failure::not_allowed("an app without a place"))?;
        Ok(self.client.send(to, request, deadline).await?)
    }

    fn warm(&self) {
        self.client.warm();
    }

    fn restored(&self) {
        self.client.restored();
    }

    fn status(&self) -> String {
        let status = self.client.status();
        let mut out = String::from("{\"pair\":");
        match &status.identity {
            None => out.push_str("null"),
            Some(pair) => {
                out.push_str("{\"spiffe_id\":");
                push_json(&mut out, pair.spiffe_id.as_str());
                out.push_str(&format!(",\"not_before\":{},\"not_after\":{}}}", pair.not_before, pair.not_after));
            }
        }
        out.push_str(",\"failure\":");
        match &status.failure {
            None => out.push_str("null"),
            Some(failure) => {
                out.push_str("{\"error\":");
                push_json(&mut out, failure.reason());
                out.push_str(",\"message\":");
                push_json(&mut out, failure.message());
                out.push('}');
            }
        }
        out.push_str(if status.fetching { ",\"fetching\":true}" } else { ",\"fetching\":false}" });
        out
    }
}

impl From<mtls_client::Error> for Failure {
    fn from(error: mtls_client::Error) -> Self {
        Self::of_call(error.reason(), error.status(), error.message().to_owned())
    }
}
