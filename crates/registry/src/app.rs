//! What one file declares: an app, and what it has in each environment.

use std::sync::Arc;

use crate::names::{
    AccountId, AppName, ClusterName, EnvironmentName, HostName, IngressName, Owner, Region, RoleArn, ServiceName,
    SniName, SpiffeIdBuf,
};
use crate::place::{Located, Place};

/// An app, as its file declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// `name`, which is the file's name too.
    pub name: Located<AppName>,
    /// `owners`: who answers for it. At least one.
    pub owners: Box<[Owner]>,
    /// The file, from the registry's directory, with slashes.
    pub file: Arc<str>,
    /// One for each environment, in the order of their names. At least one.
    pub deployments: Box<[Deployment]>,
}

impl App {
    /// What the app has in an environment, if it is there at all.
    #[must_use]
    pub fn deployment(&self, environment: &str) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.environment.as_str() == environment)
    }
}

/// An app in one environment: the table of that name in its file.
///
/// The smallest is an empty table: an app of the mesh that has nothing in AWS, which others may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// The environment, by the table's name.
    pub environment: Located<EnvironmentName>,
    /// `account_id`: the app's account. There whenever one of `mesh_identity`, `lambda_roles` and `ingress` is.
    pub account: Option<Located<AccountId>>,
    /// `mesh_identity`.
    pub mesh_identity: MeshIdentity,
    /// `lambda_roles`: which roles, all of the app's account, may read its key. At least one with an identity.
    pub lambda_roles: Box<[Located<RoleArn>]>,
    /// `upstreams`: the apps of this environment that its Lambdas may call.
    pub upstreams: Box<[Located<AppName>]>,
    /// `ingress`: what the mesh may call in its account.
    pub ingress: Box<[Ingress]>,
    /// `spiffe_id`, `sni`, `cluster`: names that differ from those that [`crate::naming`] gives. `None` without any.
    pub overrides: Option<Box<Overrides>>,
}

/// Whether an app gets certificates for its Lambdas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MeshIdentity {
    /// None: the default. Opting in is a decision.
    #[default]
    Off,
    /// `mesh_identity = true`; the place is that of `true`.
    On(Place),
}

/// `[[<environment>.ingress]]`: one backend in the app's account, with one role that may call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingress {
    /// `name`, unique in the deployment.
    pub name: Located<IngressName>,
    /// `service_name`: the signing name of the backend's service.
    pub service: ServiceName,
    /// `region` of the backend.
    pub region: Region,
    /// `backend_hostname`, unique in the registry.
    pub backend_hostname: Located<HostName>,
    /// `role_arn`: of the app's account, used by nothing else.
    pub role: Located<RoleArn>,
    /// `callers`: the apps of this environment that may call. At least one.
    pub callers: Box<[Located<AppName>]>,
}

/// Names that an existing mesh has already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `spiffe_id`.
    pub spiffe_id: Option<Located<SpiffeIdBuf>>,
    /// `sni`.
    pub sni: Option<Located<SniName>>,
    /// `cluster`: of the mesh gateway's Envoy.
    pub cluster: Option<Located<ClusterName>>,
}

impl Deployment {
    pub(crate) fn override_of<T>(&self, pick: impl Fn(&Overrides) -> &Option<T>) -> Option<&T> {
        self.overrides.as_deref().and_then(|overrides| pick(overrides).as_ref())
    }
}
