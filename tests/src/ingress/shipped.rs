//! A file of `envoy-configs/`, adapted as its reader would: placeholders replaced, files mounted, ports free.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

/// A bootstrap configuration on its way from the shipped file to a running Envoy.
#[derive(Clone, Debug)]
pub struct Shipped {
    value: Value,
}

impl Shipped {
    /// Reads `envoy-configs/<name>` and replaces each text on the left by the one on the right; each must occur, and
    /// no placeholder may be left.
    pub fn text(name: &str, replacements: &[(&str, &str)]) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy-configs").join(name);
        let mut text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for (placeholder, value) in replacements {
            assert!(text.contains(placeholder), "{name} has no {placeholder}");
            text = text.replace(placeholder, value);
        }
        let left = text.lines().find(|line| line.contains("CHANGE-ME") && !line.trim_start().starts_with('#'));
        assert_eq!(left, None, "{name} has a placeholder that nobody replaced");
        text
    }

    /// From such a text, with a free port for each listener.
    pub fn parse(text: &str) -> Self {
        let value: Value = yaml_serde::from_str(text).unwrap_or_else(|e| panic!("{e}"));
        let mut shipped = Self { value };
        // The harness has an admin interface of its own.
        shipped.value.as_object_mut().unwrap().remove("admin");
        for listener in shipped.list("/static_resources/listeners") {
            if let Some(address) = listener.pointer_mut("/address/socket_address") {
                *address = json!({ "address": "127.0.0.1", "port_value": 0 });
            }
        }
        shipped
    }

    /// The whole of it.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// For what no method here does.
    pub fn value_mut(&mut self) -> &mut Value {
        &mut self.value
    }

    fn list(&mut self, pointer: &str) -> &mut Vec<Value> {
        self.value.pointer_mut(pointer).and_then(Value::as_array_mut).unwrap_or_else(|| panic!("no {pointer}"))
    }

    /// A cluster by name.
    pub fn cluster(&mut self, name: &str) -> &mut Value {
        named(self.list("/static_resources/clusters"), name)
    }

    /// A listener's HTTP connection manager.
    pub fn manager(&mut self, listener: &str) -> &mut Value {
        named(self.list("/static_resources/listeners"), listener)
            .pointer_mut("/filter_chains/0/filters/0/typed_config")
            .unwrap_or_else(|| panic!("{listener} has no connection manager"))
    }

    /// Sends a cluster to an address on loopback instead of AWS; its TLS stays as it is.
    pub fn redirect(&mut self, cluster: &str, to: SocketAddr) {
        let cluster = self.cluster(cluster);
        cluster["type"] = json!("STATIC");
        cluster.as_object_mut().unwrap().remove("dns_lookup_family");
        *cluster.pointer_mut("/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address").unwrap() =
            json!({ "socket_address": { "address": to.ip().to_string(), "port_value": to.port() } });
    }

    /// The signing filter, which the shipped files have in the backend's cluster.
    pub fn signer(&mut self) -> &mut Value {
        let in_cluster = self
            .cluster("backend")
            .pointer(UPSTREAM_FILTERS)
            .is_some_and(|filters| filters.as_array().unwrap().iter().any(|filter| filter["name"] == "irsa-signer"));
        let filters = if in_cluster {
            self.cluster("backend").pointer_mut(UPSTREAM_FILTERS).unwrap()
        } else {
            self.manager("ingress").pointer_mut("/http_filters").unwrap()
        };
        named(filters.as_array_mut().unwrap(), "irsa-signer")
    }

    /// Changes fields of the signing plugin's configuration; `null` takes a field out.
    pub fn configure(&mut self, changes: &Value) {
        let text = self.signer().pointer_mut("/typed_config/config/configuration/value").unwrap();
        let mut configuration: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                configuration.as_object_mut().unwrap().remove(name);
            } else {
                configuration[name] = value.clone();
            }
        }
        *text = json!(configuration.to_string());
    }

    /// Puts the signing filter into the listener, as an ordinary HTTP filter in front of the router: what Istio's
    /// WasmPlugin does.
    pub fn place_downstream(&mut self) {
        let filters = self.cluster("backend").pointer_mut(UPSTREAM_FILTERS).unwrap().as_array_mut().unwrap();
        let at = filters.iter().position(|filter| filter["name"] == "irsa-signer").unwrap();
        let signer = filters.remove(at);
        let filters = self.manager("ingress").pointer_mut("/http_filters").unwrap().as_array_mut().unwrap();
        filters.insert(filters.len() - 1, signer);
    }
}

const UPSTREAM_FILTERS: &str =
    "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions/http_filters";

fn named<'a>(list: &'a mut [Value], name: &str) -> &'a mut Value {
    list.iter_mut().find(|item| item["name"] == name).unwrap_or_else(|| panic!("nothing is named {name}"))
}
