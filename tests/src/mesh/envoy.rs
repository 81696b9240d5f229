//! An app's own Envoy, as it stands in the mesh: mutual TLS in front of a plain backend, authorisation by SPIFFE ID.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::app::{App, AppOptions};
use super::svid::Svid;
use super::visits::Hit;
use crate::envoy::{Envoy, EnvoyOptions};

/// A real Envoy with the plain app behind it.
#[derive(Debug)]
pub struct AppEnvoy {
    envoy: Envoy,
    address: SocketAddr,
    app: App,
}

impl AppEnvoy {
    /// Starts both. Callers need a certificate of a root in `roots_pem`, and one of the SPIFFE IDs in `allowed`.
    ///
    /// # Panics
    /// When Envoy cannot be started.
    #[must_use]
    pub fn start(name: &str, svid: &Svid, roots_pem: &str, allowed: &[&str], options: &EnvoyOptions) -> Self {
        let app = App::start(name, AppOptions::default());
        let config = config(svid, roots_pem, allowed, app.address());
        let envoy = Envoy::start(&config, options).unwrap_or_else(|error| panic!("{error}"));
        let address = envoy.listener("app").unwrap_or_else(|error| panic!("{error}"));
        Self { envoy, address, app }
    }

    /// Where its callers connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The Envoy.
    #[must_use]
    pub fn envoy(&self) -> &Envoy {
        &self.envoy
    }

    /// The plain app behind it.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The requests that were let through.
    #[must_use]
    pub fn hits(&self) -> Vec<Hit> {
        self.app.hits()
    }
}

fn config(svid: &Svid, roots_pem: &str, allowed: &[&str], backend: SocketAddr) -> Value {
    let inline = |text: &str| json!({ "inline_string": text });
    let principals: Vec<Value> =
        allowed.iter().map(|id| json!({ "authenticated": { "principal_name": { "exact": id } } })).collect();
    // A policy needs a principal; without callers, nobody is allowed.
    let policies = if principals.is_empty() {
        json!({})
    } else {
        json!({ "callers": { "permissions": [{ "any": true }], "principals": principals } })
    };
    let tls = json!({
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "require_client_certificate": true,
        "common_tls_context": {
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_certificates": [{
                "certificate_chain": inline(&svid.full_chain_pem()),
                "private_key": inline(&svid.key_pem),
            }],
            "validation_context": { "trusted_ca": inline(roots_pem) },
        },
    });
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "app",
        "forward_client_cert_details": "SANITIZE_SET",
        "set_current_client_cert_details": { "uri": true },
        "route_config": { "virtual_hosts": [{
            "name": "app",
            "domains": ["*"],
            "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": "backend", "timeout": "0s" } }],
        }] },
        "http_filters": [
            { "name": "rbac", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
                "rules": { "action": "ALLOW", "policies": policies },
            } },
            { "name": "router", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
            } },
        ],
    });
    json!({ "static_resources": {
        "listeners": [{
            "name": "app",
            "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } },
            "filter_chains": [{
                "transport_socket": { "name": "tls", "typed_config": tls },
                "filters": [{ "name": "http", "typed_config": manager }],
            }],
        }],
        "clusters": [{
            "name": "backend",
            "type": "STATIC",
            "connect_timeout": "5s",
            "load_assignment": { "cluster_name": "backend", "endpoints": [{ "lb_endpoints": [{ "endpoint": {
                "address": { "socket_address": {
                    "address": backend.ip().to_string(), "port_value": backend.port(),
                } },
            } }] }] },
        }],
    } })
}
