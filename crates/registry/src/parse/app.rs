//! An app's file: its name, its owners, and a table for each environment.

use std::sync::Arc;

use toml::de::DeValue;

use super::deployment::read_deployment;
use super::reader::{Path, Report, Section, kind};
use super::{Draft, DraftIngress, Parsed, syntax};
use crate::app::{App, Deployment};
use crate::mistake::Quoted;
use crate::names::{AppName, EnvironmentName, MOST_COMMON_NAME, Owner, Shared};
use crate::nearest::nearest;
use crate::place::{Located, Place};

/// What stands beside the environments.
pub(crate) const APP_FIELDS: &[&str] = &["name", "owners"];

/// The app's name as the file's name has it.
fn stem(file: &str) -> Option<&str> {
    file.rsplit('/').next().and_then(|name| name.strip_suffix(".toml"))
}

/// Reads one file. `file` is its path from the registry's directory.
pub(crate) fn read_app(file: &Arc<str>, text: &str, names: &mut Shared) -> Parsed {
    let mut report = Report::new(file, text, names);
    let Some(table) = syntax::table(text, &mut report) else {
        return Parsed::unread(file, report.mistakes);
    };
    let section = Section { table: table.get_ref(), path: Path::FILE, place: Place::START };

    let name = read_app_name(&section, file, &mut report);
    let owners = read_owners(&section, &mut report);
    let mut deployments: Vec<Deployment> = Vec::new();
    let mut drafts: Vec<(usize, DraftIngress)> = Vec::new();
    for (key, value) in section.table.iter().filter(|(key, _)| !APP_FIELDS.contains(&key.get_ref().as_ref())) {
        let place = report.lines.place(key.span().start);
        let path = section.path.field(key.get_ref());
        let DeValue::Table(table) = value.get_ref() else {
            let remedy = match nearest(key.get_ref(), APP_FIELDS.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None => "a file has name, owners and a table for each environment; move it into one of them".to_owned(),
            };
            report.add(place, &path, format_args!("is {}, and not a field that a file has", kind(value)), &remedy);
            continue;
        };
        let environment = match EnvironmentName::parse(key.get_ref()) {
            Ok(value) => Located { value: value.shared(report.names), place },
            Err(invalid) => {
                report.add_invalid(place, &path, key.get_ref(), invalid);
                continue;
            }
        };
        if let Some(name) = &name {
            check_common_name(name, &environment, &path, &mut report);
        }
        let (deployment, incomplete) =
            read_deployment(&Section { table, path, place }, environment, name.as_deref(), &mut report);
        drafts.extend(incomplete.into_iter().map(|draft| (deployments.len(), draft)));
        deployments.push(deployment);
    }
    let has_tables = section.table.iter().any(|(_, value)| matches!(value.get_ref(), DeValue::Table(_)));
    if !has_tables {
        let remedy = "add a table for each environment that it is in, such as [production]";
        report.add(Place::START, &Path::FILE, format_args!("has no environment"), &remedy);
    }
    super::deployment::check_roles(&deployments, &drafts, &mut report);

    match (name, report.mistakes) {
        (Some(name), mistakes) if mistakes.is_empty() => Parsed::Sound(Arc::new(App {
            name,
            owners: owners.into_iter().map(|owner| owner.value).collect(),
            file: Arc::clone(file),
            deployments: deployments.into_boxed_slice(),
        })),
        (name, mistakes) => Parsed::Broken(Box::new(Draft {
            file: Arc::clone(file),
            name: name.or_else(|| named_by_file(file)),
            deployments,
            ingresses: drafts,
            read: true,
            mistakes,
        })),
    }
}

pub(super) fn named_by_file(file: &str) -> Option<Located<AppName>> {
    let name = stem(file).and_then(|stem| AppName::parse(stem).ok());
    name.map(|value| Located { value, place: Place::START })
}

/// `name`. It is the file's name too, so that people find the file and nobody takes a copy for the original.
fn read_app_name(section: &Section<'_, '_>, file: &str, report: &mut Report<'_>) -> Option<Located<AppName>> {
    let stem = stem(file).unwrap_or_default();
    if section.get("name").is_none() {
        let example = if AppName::parse(stem).is_ok() { stem } else { "reports" };
        section.missing("name", &format!("\"{example}\""), report);
    }
    let name = section.name("name", AppName::parse, report)?;
    if name.as_str() != stem {
        let problem = format_args!("{} is not what the file is called", Quoted(name.as_str()));
        report.add(
            name.place,
            &section.path.field("name"),
            problem,
            &format_args!("rename the file to {name}.toml, or the app after the file"),
        );
    }
    Some(Located { value: name.value.shared(report.names), place: name.place })
}

fn read_owners(section: &Section<'_, '_>, report: &mut Report<'_>) -> Vec<Located<Owner>> {
    const EXAMPLE: &str = "\"team-reports@example.com\"";
    let owners = section.names("owners", EXAMPLE, Owner::parse, report);
    match section.get("owners").map(|value| (value.span(), value.get_ref())) {
        None => section.missing("owners", &format!("[{EXAMPLE}]"), report),
        Some((span, DeValue::Array(items))) if items.is_empty() => {
            let place = report.lines.place(span.start);
            let path = section.path.field("owners");
            report.add(place, &path, format_args!("is empty"), &format_args!("name who answers for it: [{EXAMPLE}]"));
        }
        Some(_) => {}
    }
    owners
}

/// The audit report of the CA shows certificates by their subject alone, so that it must not be cut.
fn check_common_name(name: &AppName, environment: &Located<EnvironmentName>, path: &Path<'_>, report: &mut Report<'_>) {
    let common_name = crate::naming::common_name(environment, name);
    if common_name.len() > MOST_COMMON_NAME {
        report.add(
            environment.place,
            path,
            format_args!(
                "{} has more than the {MOST_COMMON_NAME} characters of a certificate's name",
                Quoted(&common_name)
            ),
            &"shorten the name of the app or of the environment",
        );
    }
}
