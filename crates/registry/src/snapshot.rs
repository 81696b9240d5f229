//! The registry at one moment: everything checked, nothing half read.

use std::sync::Arc;

use crate::app::{App, Deployment, Ingress, MeshIdentity};
use crate::check;
use crate::mistake::{Mistake, Mistakes};
use crate::names::{AccountId, ClusterName, Shared, SniName, SpiffeIdBuf};
use crate::naming::{self, Subject};
use crate::parse::{self, DraftSettings, Parsed};
use crate::settings::{Environment, Settings};

/// All apps and settings as they were at one moment. Whatever it names is there; no two apps share what belongs to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    settings: Arc<Settings>,
    /// By name.
    apps: Box<[Arc<App>]>,
}

/// A file of the registry, wherever it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its path from the registry's directory, with slashes: `reports.toml`. It stands in messages, and tells an app's name.
    pub file: Arc<str>,
    /// TOML.
    pub text: String,
}

impl Snapshot {
    /// Reads and checks files that are in memory already.
    ///
    /// # Errors
    /// Every mistake of every file and across them.
    pub fn of_documents<'d>(
        settings: &Document,
        apps: impl IntoIterator<Item = &'d Document>,
    ) -> Result<Self, Mistakes> {
        let settings = parse::read_settings(&settings.file, &settings.text);
        let mut names = Shared::default();
        let apps: Vec<Parsed> = apps.into_iter().map(|app| parse::read_app(&app.file, &app.text, &mut names)).collect();
        Self::build(&settings, apps.iter().collect(), Vec::new())
    }

    /// Checks across files. `other`: mistakes that were found before.
    pub(crate) fn build(
        settings: &DraftSettings,
        mut apps: Vec<&Parsed>,
        other: Vec<Mistake>,
    ) -> Result<Self, Mistakes> {
        apps.sort_unstable_by_key(|app| app.file());
        let mut mistakes = other;
        mistakes.extend(settings.mistakes.iter().cloned());
        mistakes.extend(apps.iter().flat_map(|app| app.mistakes()).cloned());
        mistakes.extend(check::across_files(settings, &apps));
        let settings = match (Mistakes::new(mistakes), &settings.settings) {
            (Some(mistakes), _) => return Err(mistakes),
            (None, Some(settings)) => Arc::clone(settings),
            // Settings are there or have mistakes; this says so without a panic.
            (None, None) => return Err(crate::source::no_settings().into()),
        };
        let sound = apps.into_iter().filter_map(|app| match app {
            Parsed::Sound(app) => Some(Arc::clone(app)),
            Parsed::Broken(_) => None,
        });
        let mut apps: Box<[Arc<App>]> = sound.collect();
        apps.sort_unstable_by(|a, b| a.name.value.cmp(&b.name.value));
        Ok(Self { settings, apps })
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// All apps, in the order of their names.
    pub fn apps(&self) -> impl ExactSizeIterator<Item = &Arc<App>> {
        self.apps.iter()
    }

    /// The app of this name.
    #[must_use]
    pub fn app(&self, name: &str) -> Option<&Arc<App>> {
        let at = self.apps.binary_search_by(|app| app.name.as_str().cmp(name)).ok()?;
        self.apps.get(at)
    }

    /// Every app in every environment, in the order of apps, then environments.
    pub fn workloads(&self) -> impl Iterator<Item = Workload<'_>> {
        self.apps.iter().flat_map(|app| app.deployments.iter().filter_map(|deployment| self.join(app, deployment)))
    }

    /// Those that get certificates: `mesh_identity = true`.
    pub fn identities(&self) -> impl Iterator<Item = Workload<'_>> {
        self.workloads().filter(|workload| workload.deployment.mesh_identity != MeshIdentity::Off)
    }

    /// One app in one environment.
    #[must_use]
    pub fn workload(&self, environment: &str, app: &str) -> Option<Workload<'_>> {
        let app = self.app(app)?;
        self.join(app, app.deployment(environment)?)
    }

    fn join<'s>(&'s self, app: &'s App, deployment: &'s Deployment) -> Option<Workload<'s>> {
        let environment = self.settings.environments.get(&deployment.environment.value)?;
        Some(Workload { snapshot: self, environment, app, deployment })
    }
}

/// An app in one environment, with the names that follow from both.
#[derive(Clone, Copy, Debug)]
pub struct Workload<'s> {
    snapshot: &'s Snapshot,
    /// The environment.
    pub environment: &'s Environment,
    /// The app.
    pub app: &'s App,
    /// What it has there.
    pub deployment: &'s Deployment,
}

impl<'s> Workload<'s> {
    /// Its SPIFFE ID: the overridden one, or [`naming::spiffe_id`].
    #[must_use]
    pub fn spiffe_id(&self) -> SpiffeIdBuf {
        match self.deployment.override_of(|names| &names.spiffe_id) {
            Some(id) => id.value.clone(),
            None => naming::spiffe_id(&self.environment.trust_domain, &self.environment.name, &self.app.name),
        }
    }

    /// The name that callers ask the mesh gateway for: the overridden one, or [`naming::sni_of`].
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the settings' suffix leaves room for every common name (naming::MOST_SUFFIX)"
    )]
    pub fn sni(&self) -> SniName {
        match self.deployment.override_of(|names| &names.sni) {
            Some(sni) => sni.value.clone(),
            None => naming::sni_of(&self.environment.mesh_suffix, &self.environment.name, &self.app.name)
                .expect("a suffix with room"),
        }
    }

    /// The mesh gateway's cluster of its mesh part: the overridden one, or [`naming::cluster`].
    #[must_use]
    pub fn cluster(&self) -> String {
        match self.deployment.override_of(|names| &names.cluster) {
            Some(cluster) => ClusterName::as_str(cluster).to_owned(),
            None => naming::cluster(&self.environment.name, &self.app.name),
        }
    }

    /// The subject of its certificates; `None` without an account.
    #[must_use]
    pub fn subject(&self) -> Option<Subject> {
        let account: AccountId = self.deployment.account?.value;
        Some(Subject {
            common_name: naming::common_name(&self.environment.name, &self.app.name),
            organisation: self.snapshot.settings.organisation.clone(),
            account,
        })
    }

    /// The secret of its key.
    #[must_use]
    pub fn key_secret(&self) -> String {
        naming::key_secret(&self.environment.name, &self.app.name)
    }

    /// The secret of its certificate document.
    #[must_use]
    pub fn certificate_secret(&self) -> String {
        naming::certificate_secret(&self.environment.name, &self.app.name)
    }

    /// The apps that its Lambdas may call.
    pub fn upstreams(&self) -> impl Iterator<Item = Workload<'s>> {
        self.named(&self.deployment.upstreams)
    }

    /// The apps that may call one of its ingresses.
    pub fn callers(&self, ingress: &'s Ingress) -> impl Iterator<Item = Workload<'s>> {
        self.named(&ingress.callers)
    }

    fn named(
        &self,
        names: &'s [crate::place::Located<crate::names::AppName>],
    ) -> impl Iterator<Item = Workload<'s>> + use<'s> {
        let (snapshot, environment) = (self.snapshot, self.environment.name.as_str());
        names.iter().filter_map(move |name| snapshot.workload(environment, name.as_str()))
    }
}
