//! `meshbridge.toml`: what holds for the whole registry.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use toml::de::DeValue;

use super::reader::{Path, Report, Section, kind};
use super::syntax;
use crate::mistake::{Mistake, Quoted};
use crate::names::{
    AwsOrganisation, EnvironmentName, Organisation, Region, RelativePath, Shared, SniName, TrustDomain, sni,
};
use crate::naming::MOST_SUFFIX;
use crate::place::{Located, Place};
use crate::settings::{Environment, Roots, Settings, TrustImport};

pub(super) const SETTINGS_FIELDS: &[&str] =
    &["organisation", "aws_organisation", "regions", "mesh_suffix", "environments", "trust"];
pub(super) const ENVIRONMENT_FIELDS: &[&str] = &["trust_domain", "mesh_suffix"];
pub(super) const TRUST_FIELDS: &[&str] = &["import"];
pub(super) const IMPORT_FIELDS: &[&str] = &["trust_domain", "pem", "spiffe_bundle"];

const MOST_REGIONS: usize = 8;
const REGIONS: &str = "\"us-west-2\", \"us-east-1\"";

/// Settings as far as they could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DraftSettings {
    /// Without mistakes.
    pub(crate) settings: Option<Arc<Settings>>,
    /// The names of all environments, those with mistakes included; `None` when nobody knows them.
    pub(crate) environments: Option<Vec<EnvironmentName>>,
    pub(crate) mistakes: Vec<Mistake>,
}

pub(crate) fn read_settings(file: &Arc<str>, text: &str) -> DraftSettings {
    let mut names = Shared::default();
    let mut report = Report::new(file, text, &mut names);
    let Some(table) = syntax::table(text, &mut report) else {
        return DraftSettings { mistakes: report.mistakes, ..DraftSettings::default() };
    };
    let section = Section { table: table.get_ref(), path: Path::FILE, place: Place::START };
    section.only(SETTINGS_FIELDS, &mut report);
    let organisation = section.required("organisation", "Example", Organisation::parse, &mut report);
    let aws_organisation = section.name("aws_organisation", AwsOrganisation::parse, &mut report);
    let regions = read_regions(&section, &mut report);
    let suffix = section.name("mesh_suffix", suffix, &mut report).map(|suffix| suffix.value);
    let (names, environments) = read_environments(&section, suffix.as_ref(), &mut report);
    let imports = read_imports(&section, &mut report);

    let settings = organisation.filter(|_| report.mistakes.is_empty()).map(|organisation| {
        Arc::new(Settings {
            organisation: organisation.value,
            aws_organisation: aws_organisation.map(|located| located.value),
            regions: regions.into_iter().map(|located| located.value).collect(),
            environments,
            imports: imports.into_boxed_slice(),
        })
    });
    DraftSettings { settings, environments: names, mistakes: report.mistakes }
}

fn read_regions(section: &Section<'_, '_>, report: &mut Report<'_>) -> Vec<Located<Region>> {
    let path = section.path.field("regions");
    let regions = section.names("regions", REGIONS, Region::parse, report);
    match section.get("regions").map(|value| (value.span(), value.get_ref())) {
        None => section.missing("regions", &format!("[{REGIONS}]"), report),
        Some((span, DeValue::Array(items))) if !(1..=MOST_REGIONS).contains(&items.len()) => {
            let place = report.lines.place(span.start);
            let problem = format_args!("has {} regions", items.len());
            report.add(
                place,
                &path,
                problem,
                &format_args!("list 1 to {MOST_REGIONS}, the primary first: [{REGIONS}]"),
            );
        }
        Some(_) => {}
    }
    if let Some((first, rest)) = regions.split_first() {
        for region in rest.iter().filter(|region| region.partition() != first.partition()) {
            let (this, that) = (region.partition().as_str(), first.partition().as_str());
            let problem = format_args!("{} is of {this}, but {} of {that}", Quoted(region.as_str()), first.as_str());
            report.add(region.place, &path, problem, &"use regions of one partition");
        }
    }
    regions
}

fn suffix(text: &str) -> Result<SniName, spiffe_id::Invalid> {
    let name = sni(text)?;
    if text.len() > MOST_SUFFIX {
        return Err(spiffe_id::Invalid {
            problem: "leaves no room for the names of environment and app in front of it",
            remedy: "use a suffix of at most 188 characters",
        });
    }
    Ok(name)
}

type Environments = BTreeMap<EnvironmentName, Environment>;

/// The names of all, and those that are whole.
fn read_environments(
    section: &Section<'_, '_>,
    suffix: Option<&SniName>,
    report: &mut Report<'_>,
) -> (Option<Vec<EnvironmentName>>, Environments) {
    let mut whole = BTreeMap::new();
    let remedy = "add [environments.production] with trust_domain = \"mesh.example.com\"";
    let path = section.path.field("environments");
    let Some(value) = section.get("environments") else {
        report.add(section.place, &path, format_args!("is missing"), &remedy);
        return (None, whole);
    };
    let DeValue::Table(table) = value.get_ref() else {
        let place = report.lines.place(value.span().start);
        report.add(place, &path, format_args!("is {}, not a table", kind(value)), &remedy);
        return (None, whole);
    };
    if table.is_empty() {
        report.add(report.lines.place(value.span().start), &path, format_args!("is empty"), &remedy);
    }
    let mut names = Vec::new();
    for (key, value) in table.iter() {
        let place = report.lines.place(key.span().start);
        let path = path.field(key.get_ref());
        let name = match EnvironmentName::parse(key.get_ref()) {
            Ok(name) => name,
            Err(invalid) => {
                report.add_invalid(place, &path, key.get_ref(), invalid);
                continue;
            }
        };
        names.push(name.clone());
        let DeValue::Table(table) = value.get_ref() else {
            let remedy = format_args!("write [environments.{name}]");
            report.add(place, &path, format_args!("is {}, not a table", kind(value)), &remedy);
            continue;
        };
        let name = Located { value: name, place };
        if let Some(environment) = read_environment(&Section { table, path, place }, name, section, suffix, report) {
            whole.insert(environment.name.value.clone(), environment);
        }
    }
    (Some(names), whole)
}

fn read_environment(
    section: &Section<'_, '_>,
    name: Located<EnvironmentName>,
    top: &Section<'_, '_>,
    default_suffix: Option<&SniName>,
    report: &mut Report<'_>,
) -> Option<Environment> {
    section.only(ENVIRONMENT_FIELDS, report);
    let trust_domain = section.required("trust_domain", "mesh.example.com", TrustDomain::parse, report);
    let own = section.name("mesh_suffix", suffix, report).map(|suffix| suffix.value);
    if section.get("mesh_suffix").is_none() && top.get("mesh_suffix").is_none() {
        let remedy = "add mesh_suffix = \"mesh.example.com\", here or above all tables";
        report.add(section.place, &section.path.field("mesh_suffix"), format_args!("is missing"), &remedy);
    }
    let mesh_suffix = own.or_else(|| default_suffix.cloned())?;
    Some(Environment { name, trust_domain: trust_domain?.value, mesh_suffix })
}

fn read_imports(section: &Section<'_, '_>, report: &mut Report<'_>) -> Vec<TrustImport> {
    let path = section.path.field("trust");
    let Some(value) = section.get("trust") else { return Vec::new() };
    let DeValue::Table(table) = value.get_ref() else {
        let place = report.lines.place(value.span().start);
        report.add(
            place,
            &path,
            format_args!("is {}, not a table", kind(value)),
            &"begin each import with [[trust.import]]",
        );
        return Vec::new();
    };
    let place = report.lines.place(value.span().start);
    let trust = Section { table, path, place };
    trust.only(TRUST_FIELDS, report);
    let list = path.field("import");
    let mut imports: Vec<TrustImport> = Vec::new();
    let mut seen: HashMap<RelativePath, (TrustDomain, Place)> = HashMap::new();
    for (index, table, place) in trust.tables("import", &"trust.import", report) {
        let section = Section { table, path: list.index(index), place };
        let Some(import) = read_import(&section, report) else { continue };
        let TrustImport { trust_domain, roots } = &import;
        match seen.get(roots.path()) {
            Some((other, first)) if *other == trust_domain.value => {
                let problem = format_args!("{} is imported at {first} already", Quoted(roots.path().as_str()));
                report.add(section.place, &section.path, problem, &"keep one of them");
            }
            // A root of two trust domains could sign identities of either for the other. (SPIFFE-ID, section 2.1)
            Some((other, first)) => {
                let problem =
                    format_args!("{} holds the roots of {other} already ({first})", Quoted(roots.path().as_str()));
                report.add(section.place, &section.path, problem, &"give each trust domain roots of its own");
            }
            None => {
                seen.insert(roots.path().clone(), (trust_domain.value.clone(), section.place));
                imports.push(import);
            }
        }
    }
    imports
}

fn read_import(section: &Section<'_, '_>, report: &mut Report<'_>) -> Option<TrustImport> {
    section.only(IMPORT_FIELDS, report);
    let trust_domain = section.required("trust_domain", "mesh.example.com", TrustDomain::parse, report);
    let pem = section.name("pem", RelativePath::parse, report);
    let bundle = section.name("spiffe_bundle", RelativePath::parse, report);
    let roots = match (section.get("pem"), section.get("spiffe_bundle")) {
        (Some(_), Some(_)) => {
            let problem = format_args!("has both pem and spiffe_bundle");
            report.add(section.place, &section.path, problem, &"keep one, and import the other beside it");
            None
        }
        (None, None) => {
            let remedy = "add pem = \"roots/mesh.pem\", or spiffe_bundle = \"roots/mesh.json\"";
            report.add(section.place, &section.path, format_args!("names no file with roots"), &remedy);
            None
        }
        (Some(_), None) => pem.map(|path| Roots::Pem(path.value)),
        (None, Some(_)) => bundle.map(|path| Roots::SpiffeBundle(path.value)),
    };
    Some(TrustImport { trust_domain: trust_domain?, roots: roots? })
}
