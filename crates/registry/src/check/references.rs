//! Environments, upstreams and callers: whoever is named must be there.

use super::Index;
use crate::app::Deployment;
use crate::mistake::Quoted;
use crate::names::{AppName, EnvironmentName};
use crate::nearest::nearest;
use crate::parse::{Parsed, Path};
use crate::place::Located;

/// Looking for the nearest of all names takes a look at each of them.
const MOST_SUGGESTIONS: usize = 20;

pub(super) fn check(index: &mut Index<'_>) {
    let mut suggestions = MOST_SUGGESTIONS;
    for app in index.apps {
        for (at, deployment) in app.deployments().iter().enumerate() {
            let environment = &deployment.environment;
            let path = Path::FILE.field(environment.as_str());
            if !index.knows(environment) {
                unknown_environment(index, app, environment, &path);
            }
            partition(index, app, deployment, &path.field("lambda_roles"));
            let list = path.field("upstreams");
            for upstream in &deployment.upstreams {
                named(index, app, environment, upstream, &list, &mut suggestions);
            }
            let list = path.field("ingress");
            for ingress in app.ingresses(at) {
                let entry = list.index(ingress.index);
                let callers = entry.field("callers");
                for caller in ingress.callers {
                    named(index, app, environment, caller, &callers, &mut suggestions);
                }
            }
        }
    }
}

/// The Lambdas of a role read their identity in the regions of the settings, and no partition reads from another.
fn partition(index: &mut Index<'_>, app: &Parsed, deployment: &Deployment, path: &Path<'_>) {
    let Some(region) = index.settings.settings.as_deref().and_then(|settings| settings.regions.first()) else { return };
    let kept = region.partition();
    for role in deployment.lambda_roles.iter().filter(|role| role.partition() != kept) {
        let (of_role, kept) = (role.partition().as_str(), kept.as_str());
        let problem = format!("{} is a role of {of_role}, but identities are kept in {kept}", Quoted(role.as_str()));
        index.add(app, role.place, path, problem, "use a role of that partition, or a registry for each partition");
    }
}

fn unknown_environment(index: &mut Index<'_>, app: &Parsed, environment: &Located<EnvironmentName>, path: &Path<'_>) {
    let all = index.settings.environments.as_deref().unwrap_or_default();
    let remedy = match nearest(environment.as_str(), all.iter().map(EnvironmentName::as_str)) {
        Some(near) => format!("did you mean [{near}]?"),
        None => {
            let names: Vec<&str> = all.iter().map(EnvironmentName::as_str).collect();
            format!("use one of {}, or add [environments.{environment}] there", names.join(", "))
        }
    };
    let problem = format!("{} is not an environment of meshbridge.toml", Quoted(environment.as_str()));
    index.add(app, environment.place, path, problem, &remedy);
}

fn named(
    index: &mut Index<'_>,
    app: &Parsed,
    environment: &EnvironmentName,
    name: &Located<AppName>,
    path: &Path<'_>,
    suggestions: &mut usize,
) {
    let Some(target) = index.by_name.get(name.as_str()).copied() else {
        let near = if *suggestions > 0 {
            *suggestions -= 1;
            nearest(name.as_str(), index.by_name.keys().copied())
        } else {
            None
        };
        let remedy = match near {
            Some(near) => format!("did you mean {near}?"),
            None => format!("declare it in {name}.toml, or take it out"),
        };
        index.add(app, name.place, path, format!("{} is not an app of this registry", Quoted(name.as_str())), &remedy);
        return;
    };
    let is_there = target.deployments().iter().any(|deployment| deployment.environment.value == *environment);
    if is_there || !target.is_read() || !index.knows(environment) {
        return;
    }
    let problem = format!("{} is not in {environment}", Quoted(name.as_str()));
    let remedy = format!("add [{environment}] to {}, or take it out", target.file());
    index.add(app, name.place, path, problem, &remedy);
}
