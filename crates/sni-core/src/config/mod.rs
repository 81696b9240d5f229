//! The plugin's configuration: JSON in, a [`Config`] that cannot be wrong out, or every mistake at once.

mod json;
mod names;
mod report;
mod routes;

use alloc::borrow::Cow;
use alloc::vec::Vec;

pub use report::{Mistake, Mistakes};

use crate::table::{MOST_NAMES, Table};
use json::Json;
use names::read_scope;
use report::{Path, Report};
use routes::{read_app, read_route};

const FIELDS: &str = "routes, environment, suffix, apps";
const EXAMPLE: &str =
    "write { \"routes\": [ { \"sni\": \"staging.ledger.mesh.example.com\", \"cluster\": \"ledger\" } ] }";

/// A configuration that is right.
///
/// ```json
/// { "routes": [ { "sni": "staging.ledger.mesh.example.com", "cluster": "ledger-staging" } ],
///   "environment": "staging", "suffix": "mesh.example.com",
///   "apps": { "reports": "reports-staging" } }
/// ```
///
/// `routes` names each route in full. `environment`, `suffix` and `apps` belong together and are short for more of them:
/// `<environment>.<app>.<suffix>` goes to the app's cluster. With an environment, the table holds no name of another
/// environment under the same suffix.
#[derive(Clone, Debug)]
pub struct Config {
    /// Every name and its cluster.
    pub table: Table,
}

impl Config {
    /// Reads the plugin's `configuration`: JSON text. Envoy hands on what a `StringValue` holds; a `Struct` would arrive as
    /// protobuf, and is refused.
    ///
    /// # Errors
    /// Every mistake at once, each with its field and the remedy.
    pub fn parse(configuration: &[u8]) -> Result<Self, Mistakes> {
        let mut report = Report::default();
        let table = read_json(configuration, &mut report).and_then(|json| read_table(json, &mut report));
        report.finish(table.map(|table| Self { table }))
    }
}

fn read_json<'a>(configuration: &'a [u8], report: &mut Report) -> Option<Json<'a>> {
    let whole = Path::Field("configuration");
    if configuration.trim_ascii().is_empty() {
        report.add(&whole, format_args!("is empty"), &EXAMPLE);
        return None;
    }
    match serde_json::from_slice(configuration) {
        Ok(json) => Some(json),
        Err(error) => {
            report.add(&whole, format_args!("is not JSON: {error}"), &EXAMPLE);
            None
        }
    }
}

/// The fields of the configuration, each as it was given.
#[derive(Default)]
struct Fields<'a> {
    routes: Option<Json<'a>>,
    environment: Option<Json<'a>>,
    suffix: Option<Json<'a>>,
    apps: Option<Json<'a>>,
}

fn read_table(json: Json<'_>, report: &mut Report) -> Option<Table> {
    let Fields { routes, environment, suffix, apps } = read_fields(json, report)?;
    if routes.is_none() && environment.is_none() && suffix.is_none() && apps.is_none() {
        report.add(&Path::Field("configuration"), format_args!("has no routes"), &EXAMPLE);
        return None;
    }
    let scope = read_scope(environment, suffix, apps.is_some(), report);
    let routes = match routes {
        None => Vec::new(),
        Some(Json::List(routes)) => routes,
        Some(other) => {
            report.add(&Path::Field("routes"), format_args!("is {}, not a list", other.kind()), &EXAMPLE);
            Vec::new()
        }
    };
    let apps = match apps {
        None => Vec::new(),
        Some(Json::Object(apps)) => apps,
        Some(other) => {
            let remedy = "write { \"app\": \"cluster\" }";
            report.add(&Path::Field("apps"), format_args!("is {}, not an object", other.kind()), &remedy);
            Vec::new()
        }
    };
    let names = routes.len() + apps.len();
    if names > MOST_NAMES {
        let problem = format_args!("has {names} names, more than the {MOST_NAMES} that a table may have");
        report.add(&Path::Field("configuration"), problem, &"serve some of them from another listener");
        return None;
    }
    let mut table = Table::with_room_for(names);
    for (index, route) in routes.into_iter().enumerate() {
        read_route(index, route, scope.as_ref(), &mut table, report);
    }
    for (app, cluster) in apps {
        read_app(&app, cluster, scope.as_ref(), &mut table, report);
    }
    Some(table.shrunk())
}

fn read_fields<'a>(json: Json<'a>, report: &mut Report) -> Option<Fields<'a>> {
    let given = match json {
        Json::Object(given) => given,
        other => {
            let problem = format_args!("is {}, not an object", other.kind());
            report.add(&Path::Field("configuration"), problem, &EXAMPLE);
            return None;
        }
    };
    let mut fields = Fields::default();
    let mut seen: Vec<Cow<'a, str>> = Vec::new();
    for (name, value) in given {
        let field = match &*name {
            "routes" => &mut fields.routes,
            "environment" => &mut fields.environment,
            "suffix" => &mut fields.suffix,
            "apps" => &mut fields.apps,
            _ => {
                report.add_unknown(Path::Field(&name), FIELDS);
                continue;
            }
        };
        if seen.contains(&name) {
            report.add_twice(Path::Field(&name));
            continue;
        }
        *field = Some(value).filter(|value| *value != Json::Null);
        seen.push(name);
    }
    Some(fields)
}
