//! What belongs to one app only: accounts, backends, and the names that the mesh knows it by.

use std::collections::HashMap;
use std::hash::Hash;

use super::{Index, at};
use crate::app::{Deployment, MeshIdentity};
use crate::mistake::Quoted;
use crate::names::{AppName, EnvironmentName};
use crate::naming;
use crate::parse::{Parsed, Path};
use crate::place::{Located, Place};
use crate::settings::Settings;

/// Where something was claimed first.
type Claims<'a, K> = HashMap<K, (&'a Parsed, Place)>;

pub(super) fn check(index: &mut Index<'_>) {
    let apps = index.apps;
    let mut accounts = Claims::new();
    let mut backends = Claims::new();
    let mut names = MeshNames::default();
    for app in apps {
        for (number, deployment) in app.deployments().iter().enumerate() {
            let path = Path::FILE.field(deployment.environment.as_str());
            if let Some(account) = &deployment.account {
                claim_account(index, app, account, &path, &mut accounts);
            }
            for ingress in app.ingresses(number) {
                let Some(host) = ingress.backend_hostname else { continue };
                let Some((other, place)) = claim(&mut backends, host.as_str(), app, host.place) else { continue };
                let first = at(other.file(), place);
                let problem = format!("{} is the backend of another ingress already ({first})", Quoted(host.as_str()));
                let (list, remedy) = (path.field("ingress"), "declare each backend once, in the app that owns it");
                index.add(app, host.place, &list.index(ingress.index).field("backend_hostname"), problem, remedy);
            }
            if let Some(name) = app.name() {
                names.claim(index, app, name, deployment, &path);
            }
        }
    }
}

/// Claims something; whoever has it already comes back.
fn claim<'a, K: Hash + Eq>(
    claims: &mut Claims<'a, K>,
    key: K,
    app: &'a Parsed,
    place: Place,
) -> Option<(&'a Parsed, Place)> {
    match claims.get(&key) {
        Some(first) => Some(*first),
        None => {
            claims.insert(key, (app, place));
            None
        }
    }
}

/// An account is an app: whoever runs code there has the app's identity. One app may use an account in several
/// environments.
fn claim_account<'a>(
    index: &mut Index<'a>,
    app: &'a Parsed,
    account: &Located<crate::names::AccountId>,
    path: &Path<'_>,
    accounts: &mut Claims<'a, crate::names::AccountId>,
) {
    let Some((other, place)) = claim(accounts, account.value, app, account.place) else { return };
    if std::ptr::eq(other, app) {
        return;
    }
    let owner = owner(other);
    let problem = format!("{account} is the account of {owner} already ({})", at(other.file(), place));
    index.add(app, account.place, &path.field("account_id"), problem, "give each app an account of its own");
}

/// Names by which the mesh knows an app.
///
/// SPIFFE IDs and SNI made by rule differ from each other by construction, so that only overridden ones are kept. Clusters
/// made by rule may collide (`a-b` in `c`, `a` in `b-c`), so that all of them are.
#[derive(Default)]
struct MeshNames<'a> {
    spiffe_ids: Claims<'a, &'a str>,
    snis: Claims<'a, &'a str>,
    clusters: Claims<'a, String>,
}

impl<'a> MeshNames<'a> {
    fn claim(
        &mut self,
        index: &mut Index<'a>,
        app: &'a Parsed,
        name: &AppName,
        deployment: &'a Deployment,
        path: &Path<'_>,
    ) {
        let environment = &deployment.environment;
        let settings = index.settings.settings.clone();
        let own = (&environment.value, name);
        if let Some(id) = deployment.override_of(|names| &names.spiffe_id) {
            let path = path.field("spiffe_id");
            if let Some(settings) = settings.as_deref() {
                check_trust_domain(index, app, settings, deployment, id, &path);
                let parts = naming::parts_of_spiffe_id(id).filter(|(environment, _)| {
                    let environment = settings.environments.get(environment);
                    environment.is_some_and(|environment| environment.trust_domain.as_str() == id.trust_domain())
                });
                reserved(index, app, own, parts, id.place, &path, id.as_str());
            }
            if let Some(first) = claim(&mut self.spiffe_ids, id.value.as_str(), app, id.place) {
                taken(index, app, id.place, &path, id.as_str(), first);
            }
        }
        if let Some(sni) = deployment.override_of(|names| &names.sni) {
            let path = path.field("sni");
            if let Some(settings) = settings.as_deref() {
                // The first label tells the environment, and so the suffix.
                let parts = settings.environments.values().find_map(|environment| {
                    naming::parts_of_sni(sni, &environment.mesh_suffix).filter(|(of, _)| *of == environment.name.value)
                });
                reserved(index, app, own, parts, sni.place, &path, sni.as_str());
            }
            if let Some(first) = claim(&mut self.snis, sni.value.as_str(), app, sni.place) {
                taken(index, app, sni.place, &path, sni.as_str(), first);
            }
        }
        let (cluster, place) = match deployment.override_of(|names| &names.cluster) {
            Some(cluster) => (cluster.as_str().to_owned(), cluster.place),
            None => (naming::cluster(environment, name), environment.place),
        };
        if let Some(first) = claim(&mut self.clusters, cluster.clone(), app, place)
            // A second file of the same app is told so already.
            && first.0.name().is_none_or(|other| other.value != *name || std::ptr::eq(first.0, app))
        {
            taken(index, app, place, &path.field("cluster"), &cluster, first);
        }
    }
}

fn owner(app: &Parsed) -> String {
    app.name().map_or("another app".to_owned(), |name| format!("app {name}"))
}

#[cold]
fn taken(index: &mut Index<'_>, app: &Parsed, place: Place, path: &Path<'_>, name: &str, first: (&Parsed, Place)) {
    let (other, first) = first;
    let owner = owner(other);
    let problem = format!("{} is the name of {owner} already ({})", Quoted(name), at(other.file(), first));
    let field = path.to_string();
    let field = field.rsplit('.').next().unwrap_or_default();
    index.add(app, place, path, problem, &format!("give one of them another {field}"));
}

/// A name that the rules give, or would give, to another app must not be taken: that app's callers would reach this one,
/// or take it for that one.
fn reserved(
    index: &mut Index<'_>,
    app: &Parsed,
    own: (&EnvironmentName, &AppName),
    parts: Option<(EnvironmentName, AppName)>,
    place: Place,
    path: &Path<'_>,
    text: &str,
) {
    let Some((environment, name)) = parts else { return };
    if own == (&environment, &name) {
        return;
    }
    let problem = format!("{} is by rule the name of app {name} in {environment}", Quoted(text));
    index.add(app, place, path, problem, "use a name of another form, or take the override out");
}

/// Our CA signs for the environment's trust domain only; an app that it does not sign for may be of an imported one.
fn check_trust_domain(
    index: &mut Index<'_>,
    app: &Parsed,
    settings: &Settings,
    deployment: &Deployment,
    id: &Located<crate::names::SpiffeIdBuf>,
    path: &Path<'_>,
) {
    let Some(environment) = settings.environments.get(&deployment.environment.value) else { return };
    let own = environment.trust_domain.as_str();
    let domain = id.trust_domain();
    if domain == own {
        return;
    }
    let imported = settings.imports.iter().any(|import| import.trust_domain.as_str() == domain);
    let (problem, remedy) = match deployment.mesh_identity {
        MeshIdentity::On(_) => (
            format!("{} is not of {own}, whose certificates the app gets", Quoted(id.as_str())),
            format!("use an ID of {own}, or take mesh_identity out"),
        ),
        MeshIdentity::Off if !imported => (
            format!("{} is of {domain}, whose roots nobody has", Quoted(id.as_str())),
            format!("import them with [[trust.import]] in meshbridge.toml, or use an ID of {own}"),
        ),
        MeshIdentity::Off => return,
    };
    index.add(app, id.place, path, problem, &remedy);
}
