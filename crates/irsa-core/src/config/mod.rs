//! The plugin's configuration: JSON in, a [`Config`] that cannot be wrong out, or every mistake at once.

mod json;
mod policy;
mod reader;
mod sections;

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub use reader::{Mistake, Mistakes};

use crate::names::{CallerPattern, HeaderName, HostName, Region, RoleArn, ServiceName, SessionName, TrustDomain};
use json::Json;
use reader::{Object, Report};

/// What a plugin was configured to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plugin {
    /// Signs requests.
    Signer(Box<Config>),
    /// Answers whether the plugin of this name has credentials (`health_of`).
    Health {
        /// The name of the signing plugin, as Envoy's configuration has it.
        of: String,
    },
}

/// The configuration of a signing plugin. `README.md` has the reference; the defaults stand beside each field here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `service_name`: the signing name of the backend's service.
    pub service: ServiceName,
    /// `region` of the backend.
    pub region: Region,
    /// `backend_hostname`: what is signed as `host`, and set as `:authority`.
    pub backend_hostname: HostName,
    /// `role_arn`: the one role that this ingress may assume.
    pub role_arn: RoleArn,
    /// `sts`: where the exchange takes place.
    pub sts: Sts,
    /// `token`: where the pod's OIDC token is served inside Envoy.
    pub token: Token,
    /// `session`: what is asked of STS.
    pub session: Session,
    /// `callers`: who may call. `None`: whoever presents a SPIFFE client certificate; verifying it is the listener's part.
    pub callers: Option<Vec<CallerPattern>>,
    /// `trust_domain`: the only one that callers may be of. `None`: any.
    pub trust_domain: Option<TrustDomain>,
    /// `unauthenticated_callers`.
    pub unauthenticated: Unauthenticated,
    /// `caller_header`: tells the backend who the verified caller is. `None`: nothing does.
    pub caller_header: Option<HeaderName>,
    /// `payload`: how the body is covered by the signature.
    pub payload: Payload,
    /// `max_body_bytes`: of a body that is hashed. At most 64 MiB.
    pub max_body_bytes: u64,
    /// `max_waiting`: requests of one worker that may wait for the first credentials.
    pub max_waiting: usize,
}

/// `sts`: where tokens are exchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sts {
    /// Envoy's cluster; by default `sts`.
    pub cluster: String,
    /// By default the regional endpoint of the role's partition. Never the global one.
    pub hostname: HostName,
    /// Of one exchange; by default 5.
    pub timeout_seconds: u64,
}

/// `token`: where the pod's OIDC token can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Envoy's cluster; by default `irsa-token`.
    pub cluster: String,
    /// By default `/token`.
    pub path: String,
}

/// `session`: what is asked of STS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// 900 to 43,200; by default 3,600.
    pub duration_seconds: u32,
    /// By default made of the backend's host name.
    pub name: SessionName,
    /// An inline session policy as compact JSON, of at most 2,048 characters.
    pub policy: Option<String>,
}

/// Whether a caller without a certificate may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unauthenticated {
    /// `refuse`, the default.
    Refuse,
    /// `allow`: something else protects the port.
    Allow,
}

/// How the body is covered by the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// `UNSIGNED-PAYLOAD`, and the body streams: the S3 family only, and its default.
    Unsigned,
    /// The body is held up to `max_body_bytes` and hashed as it arrives: the default of every other service.
    Signed,
}

/// Where the plugin runs, as far as the configuration depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    /// `vm_config.vm_id`. Shared data is per `vm_id`, so an empty one is a mistake.
    pub vm_id: &'a str,
}

impl Plugin {
    /// Reads the plugin's `configuration`: JSON text. Envoy hands on what a `StringValue` holds; a `Struct` arrives
    /// as protobuf.
    ///
    /// # Errors
    /// Every mistake at once, each with its field and the remedy.
    pub fn parse(configuration: &[u8], host: Host<'_>) -> Result<Self, Mistakes> {
        let mut report = Report::default();
        if host.vm_id.is_empty() {
            report.add(
                &"vm_config.vm_id",
                format_args!(
                    "is empty, so that any other module of this Envoy with an empty vm_id could read the credentials"
                ),
                &"set it to a name of this ingress' own, such as \"irsa-signer\"",
            );
        }
        let plugin = parse_json(configuration, &mut report)
            .and_then(|json| Object::new("", json, &mut report))
            .and_then(|object| read_plugin(object, &mut report));
        match plugin {
            Some(plugin) if report.0.is_empty() => Ok(plugin),
            _ => Err(Mistakes(report.0)),
        }
    }
}

impl Config {
    /// What an operator should know although it is allowed.
    #[must_use]
    pub fn warnings(&self) -> Vec<&'static str> {
        let mut warnings = Vec::new();
        if self.unauthenticated == Unauthenticated::Allow {
            warnings.push(
                "unauthenticated_callers is \"allow\": whoever reaches this listener gets requests signed; \
                 make sure that something else protects it",
            );
        }
        if self.callers.is_none() {
            warnings.push(match self.trust_domain {
                Some(_) => "callers is not set: every workload of the trust domain gets requests signed; list them",
                None => {
                    "callers is not set: every holder of a verified SPIFFE certificate gets requests signed; list them"
                }
            });
        }
        warnings
    }
}

fn parse_json(configuration: &[u8], report: &mut Report) -> Option<Json> {
    const REMEDY: &str = "give the plugin JSON with service_name, region, backend_hostname and role_arn";
    if configuration.trim_ascii().is_empty() {
        report.add(&"configuration", format_args!("is empty"), &REMEDY);
        return None;
    }
    match serde_json::from_slice(configuration) {
        Ok(json) => Some(json),
        Err(error) => {
            report.add(&"configuration", format_args!("is not JSON: {error}"), &REMEDY);
            None
        }
    }
}

fn read_plugin(mut object: Object, report: &mut Report) -> Option<Plugin> {
    if object.has("health_of") {
        let of = object.take_text("health_of", report);
        if of.as_deref() == Some("") {
            object.report("health_of", format_args!("is empty"), "give the name of the signing plugin", report);
        }
        object.finish_alone("health_of", report);
        return of.map(|of| Plugin::Health { of });
    }
    // Known from here on, and null is the same as absent.
    object.take("health_of");
    sections::read_config(object, report).map(|config| Plugin::Signer(Box::new(config)))
}

/// A cluster's name: any text that is not empty.
fn cluster_name(text: &str) -> Result<String, crate::names::Invalid> {
    if text.is_empty() || text.len() > 256 {
        return Err(crate::names::Invalid {
            problem: "is not the name of a cluster",
            remedy: "give the name of a cluster of this Envoy",
        });
    }
    Ok(text.to_string())
}
