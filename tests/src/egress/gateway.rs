//! The shipped gateway, without the load balancer's header: the function connects to it directly.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::mesh::sni;
use crate::router::{Gateway, World};

/// A real Envoy with sni-router.
#[derive(Debug)]
pub struct MeshGateway {
    gateway: Gateway,
    // The gateway's files are in its directory.
    _world: World,
}

impl MeshGateway {
    /// Routes the name of each app (of an environment) to its address.
    ///
    /// # Panics
    /// When Envoy cannot be started, or the shipped file is not as expected.
    #[must_use]
    pub fn start(apps: &[(&str, &str, SocketAddr)]) -> Self {
        let world = World::new();
        let mut plan = world.plan();
        let routes: Vec<Value> = apps
            .iter()
            .map(|(environment, app, _)| json!({ "sni": sni(environment, app), "cluster": format!("{app}-{environment}") }))
            .collect();
        plan.routes = json!({ "routes": routes }).to_string();
        plan.clusters =
            apps.iter().map(|(environment, app, address)| (format!("{app}-{environment}"), *address)).collect();
        let filters = plan.listener()["listener_filters"].as_array_mut().expect("listener filters");
        assert_eq!(filters[0]["name"], "envoy.filters.listener.proxy_protocol");
        filters.remove(0);
        let gateway = world.start(plan);
        Self { gateway, _world: world }
    }

    /// Where the function connects.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.gateway.address()
    }

    /// The gateway, for its counters.
    #[must_use]
    pub fn inner(&self) -> &Gateway {
        &self.gateway
    }
}
