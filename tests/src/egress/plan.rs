//! What a function is configured to be, before it starts.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{APP, ENVIRONMENT, Extension, World};
use crate::lambda::{Environment, InitFailure, Options, RoleCredentials, Site};
use crate::mesh::{App, MESH};
use crate::secrets::HOME;

/// The configuration of the extension, and the environment that it runs in.
#[derive(Debug)]
pub struct Plan {
    /// `meshbridge.json`.
    pub config: Value,
    /// The function and its environment.
    pub options: Options,
    /// Its directories.
    pub site: Site,
}

impl Plan {
    pub(super) fn new(world: &World) -> Self {
        let site = Site::new().expect("directories");
        let file =
            |name: &str| site.temporary().join("meshbridge").join(name).to_str().expect("a path in UTF-8").to_owned();
        let config = json!({
            "app": APP,
            "environment": ENVIRONMENT,
            "trust_domain": MESH,
            "upstreams": [],
            "identity": { "source": "secrets-manager", "regions": [HOME], "endpoint": world.secrets.endpoint() },
            "listen": { "port": 0, "unix": file("proxy.sock") },
            "token": { "file": file("token") },
        });
        let options = Options {
            credentials: Some(RoleCredentials::from(&*world.session)),
            clock: std::sync::Arc::clone(&world.clock),
            // A machine under load takes its time.
            init_limit: std::time::Duration::from_secs(60),
            ..Options::default()
        };
        Self { config, options, site }
    }

    /// May call this app, which stands where the gateway would.
    #[must_use]
    pub fn upstream(self, app: &App) -> Self {
        self.upstream_at(app.name(), app.address())
    }

    /// May call an app of this name through a gateway at this address.
    #[must_use]
    pub fn upstream_at(self, name: &str, gateway: SocketAddr) -> Self {
        self.upstream_as(&json!({ "app": name, "gateway": gateway.to_string() }))
    }

    /// May call an app described so.
    #[must_use]
    pub fn upstream_as(mut self, upstream: &Value) -> Self {
        self.config["upstreams"].as_array_mut().expect("a list").push(upstream.clone());
        self
    }

    /// With this in the configuration, in place of what is there.
    #[must_use]
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.config[field] = value;
        self
    }

    /// With this in the section about the identity.
    #[must_use]
    pub fn with_identity(mut self, field: &str, value: Value) -> Self {
        self.config["identity"][field] = value;
        self
    }

    /// With this variable for function and extension.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.options.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the environment with the extension in it.
    ///
    /// # Panics
    /// When it cannot be initialised.
    #[must_use]
    pub fn start(self) -> Extension {
        self.try_start().unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// The same, for those that must fail.
    pub fn try_start(self) -> Result<Extension, InitFailure> {
        let Self { config, mut options, site } = self;
        let file = site.task().join("meshbridge.json");
        std::fs::write(&file, config.to_string()).expect("a file");
        let file = file.to_str().expect("a path in UTF-8").to_owned();
        options.variables.push(("MESHBRIDGE_CONFIG".to_owned(), file));
        site.install(super::EXTENSION, super::program()).expect("a link");
        Ok(Extension::new(Environment::start(site, options)?))
    }
}
