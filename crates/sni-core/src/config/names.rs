//! Texts and names of the configuration, and the one environment that a listener may serve.

use alloc::borrow::Cow;

use super::json::Json;
use super::report::{Path, Quoted, Report};
use crate::name::{NotAName, SniName};

/// A text that must be there.
pub(super) fn read_text<'a>(
    field: Path<'_>,
    example: &str,
    given: Option<Json<'a>>,
    report: &mut Report,
) -> Option<Cow<'a, str>> {
    match given {
        Some(Json::Text(text)) => return Some(text),
        None | Some(Json::Null) => {
            let remedy = format_args!("add \"{}\": \"{example}\"", field.last());
            report.add(&field, format_args!("is missing"), &remedy);
        }
        Some(other) => {
            let problem = format_args!("is {}, not a text", other.kind());
            report.add(&field, problem, &"write one text between double quotes");
        }
    }
    None
}

/// A name, or one label of one, that must be there.
pub(super) fn read_name(
    field: Path<'_>,
    example: &str,
    given: Option<Json<'_>>,
    parse: fn(&[u8]) -> Result<SniName, NotAName>,
    report: &mut Report,
) -> Option<SniName> {
    let text = read_text(field, example, given, report)?;
    parse(text.as_bytes()).map_err(|wrong| add_wrong_name(field, &text, wrong, report)).ok()
}

pub(super) fn add_wrong_name(field: Path<'_>, text: &str, wrong: NotAName, report: &mut Report) {
    report.add(&field, format_args!("{} {}", Quoted(text), wrong.problem()), &wrong.remedy());
}

/// The one environment that this listener serves.
pub(super) struct Scope {
    pub(super) environment: SniName,
    pub(super) suffix: SniName,
}

impl Scope {
    /// Whether the name is of another environment of this mesh.
    pub(super) fn excludes(&self, name: &SniName) -> bool {
        let inside = name.as_str().strip_suffix(self.suffix.as_str()).and_then(|rest| rest.strip_suffix('.'));
        inside.is_some_and(|inside| inside.split('.').next() != Some(self.environment.as_str()))
    }
}

/// `environment` and `suffix`, which `apps` needs, and which are of no use without it.
pub(super) fn read_scope(
    environment: Option<Json<'_>>,
    suffix: Option<Json<'_>>,
    has_apps: bool,
    report: &mut Report,
) -> Option<Scope> {
    if environment.is_none() && suffix.is_none() && !has_apps {
        return None;
    }
    let environment = read_name(Path::Field("environment"), "staging", environment, SniName::parse_label, report);
    let suffix = read_name(Path::Field("suffix"), "mesh.example.com", suffix, SniName::parse, report);
    if !has_apps {
        let remedy = "add \"apps\": { \"ledger\": \"ledger-staging\" }, or leave environment and suffix out";
        report.add(&Path::Field("apps"), format_args!("is missing"), &remedy);
    }
    Some(Scope { environment: environment?, suffix: suffix? })
}
