//! The routes, in full and in short, on their way into the table.

use alloc::borrow::Cow;
use alloc::format;

use super::json::Json;
use super::names::{Scope, add_wrong_name, read_name, read_text};
use super::report::{Path, Quoted, Report};
use crate::name::SniName;
use crate::table::{NotTaken, Table};

/// Of a cluster's name. Envoy has no bound; a longer one is a mistake of whoever generated it.
const MOST_CLUSTER_BYTES: usize = 256;

/// One item of `routes`.
pub(super) fn read_route(index: usize, route: Json<'_>, scope: Option<&Scope>, table: &mut Table, report: &mut Report) {
    let Some((sni, cluster)) = read_fields(index, route, report) else { return };
    let field = Path::RouteField(index, "sni");
    let name = read_name(field, "staging.ledger.mesh.example.com", sni, SniName::parse, report);
    let cluster = read_cluster(Path::RouteField(index, "cluster"), cluster, report);
    if let (Some(scope), Some(name)) = (scope, &name)
        && scope.excludes(name)
    {
        let environment = scope.environment.as_str();
        let problem = format_args!("{} is not of environment \"{environment}\"", Quoted(name.as_str()));
        report.add(&field, problem, &"serve each environment from a listener of its own");
    }
    add(field, name, cluster, table, report);
}

/// One entry of `apps`.
pub(super) fn read_app(app: &str, cluster: Json<'_>, scope: Option<&Scope>, table: &mut Table, report: &mut Report) {
    let field = Path::App(app);
    let label = SniName::parse_label(app.as_bytes());
    let label = label.map_err(|wrong| add_wrong_name(field, app, wrong, report)).ok();
    let cluster = read_cluster(field, Some(cluster), report);
    // Without a scope its own mistake was reported, and the app's name cannot be made.
    let (Some(label), Some(scope)) = (label, scope) else { return };
    let name = format!("{}.{}.{}", scope.environment.as_str(), label.as_str(), scope.suffix.as_str());
    let name = SniName::parse(name.as_bytes()).map_err(|wrong| add_wrong_name(field, &name, wrong, report)).ok();
    add(field, name, cluster, table, report);
}

type Given<'a> = Option<Json<'a>>;

/// `sni` and `cluster`, each as it was given.
fn read_fields<'a>(index: usize, route: Json<'a>, report: &mut Report) -> Option<(Given<'a>, Given<'a>)> {
    let fields = match route {
        Json::Object(fields) => fields,
        other => {
            let problem = format_args!("is {}, not an object", other.kind());
            report.add(&Path::Route(index), problem, &"write { \"sni\": \"…\", \"cluster\": \"…\" }");
            return None;
        }
    };
    let (mut sni, mut cluster) = (None, None);
    for (name, value) in fields {
        let field = match &*name {
            "sni" => &mut sni,
            "cluster" => &mut cluster,
            _ => {
                report.add_unknown(Path::RouteField(index, &name), "sni, cluster");
                continue;
            }
        };
        match field {
            None => *field = Some(value),
            Some(_) => report.add_twice(Path::RouteField(index, &name)),
        }
    }
    Some((sni, cluster))
}

fn read_cluster<'a>(field: Path<'_>, given: Given<'a>, report: &mut Report) -> Option<Cow<'a, str>> {
    let cluster = read_text(field, "ledger-staging", given, report)?;
    let problem = if cluster.is_empty() {
        "is empty"
    } else if cluster.len() > MOST_CLUSTER_BYTES {
        "is longer than the 256 bytes that a cluster's name may have"
    } else if cluster.contains(|c: char| c.is_whitespace() || c.is_control()) {
        "holds a blank or a control character"
    } else {
        return Some(cluster);
    };
    report.add(&field, format_args!("{} {problem}", Quoted(&cluster)), &"give the name of a cluster of this Envoy");
    None
}

/// Also without a cluster, so that a second route of this name is found to be one: a table with a mistake is not used.
fn add(field: Path<'_>, name: Option<SniName>, cluster: Option<Cow<'_, str>>, table: &mut Table, report: &mut Report) {
    let Some(name) = name else { return };
    match table.insert(&name, cluster.as_deref().unwrap_or_default()) {
        Ok(()) => {}
        Err(NotTaken::Twice) => {
            let problem = format_args!("{} stands in the table already", Quoted(name.as_str()));
            report.add(&field, problem, &"keep one route for each name");
        }
        Err(NotTaken::Full) => report.add(&field, format_args!("does not fit into the table"), &"remove some routes"),
    }
}
