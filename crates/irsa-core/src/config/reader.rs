//! Reads an object field by field and collects every mistake instead of stopping at the first.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Display};

use super::json::Json;
use crate::names::Invalid;

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where: `session.duration_seconds`, `callers[2]`, or `configuration` for the whole.
    pub field: String,
    /// What is wrong there.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

impl Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.field, self.problem, self.remedy)
    }
}

/// Everything that is wrong with a configuration. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub(super) Vec<Mistake>);

impl Mistakes {
    /// In the order of the configuration reference.
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.0.iter()
    }
}

impl Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} mistake{}:", self.0.len(), if self.0.len() == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|mistake| write!(f, "\n  - {mistake}"))
    }
}

impl core::error::Error for Mistakes {}

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(crate) struct Report(pub(super) Vec<Mistake>);

impl Report {
    pub(crate) fn add(&mut self, field: impl Display, problem: impl Display, remedy: impl Display) {
        self.push(&field, &problem, &remedy);
    }

    /// Once for all types: mistakes are rare, and every worker compiles the filter when it starts.
    #[cold]
    #[inline(never)]
    fn push(&mut self, field: &dyn Display, problem: &dyn Display, remedy: &dyn Display) {
        self.0.push(Mistake { field: field.to_string(), problem: problem.to_string(), remedy: remedy.to_string() });
    }

    /// Adds what a name's parser said, quoting the text.
    pub(crate) fn add_invalid(&mut self, field: impl Display, text: &str, invalid: Invalid) {
        self.add(field, format!("{} {}", quoted(text), invalid.problem), invalid.remedy);
    }
}

/// An object of which each field is taken at most once; what is left at the end is unknown.
pub(crate) struct Object {
    /// Empty for the configuration itself, else the path with a final dot: `session.`.
    prefix: String,
    fields: Vec<(String, Json)>,
    known: Vec<&'static str>,
}

impl Object {
    /// Reads `json` as the object that stands at `path` (empty for the configuration itself).
    pub(crate) fn new(path: &str, json: Json, report: &mut Report) -> Option<Self> {
        let Json::Object(mut fields) = json else {
            let field = if path.is_empty() { "configuration" } else { path };
            report.add(field, format!("is {}, not an object", json.kind()), "write { \"name\": value, … }");
            return None;
        };
        let prefix = if path.is_empty() { String::new() } else { format!("{path}.") };
        let mut seen: Vec<String> = Vec::with_capacity(fields.len());
        fields.retain(|(name, _)| {
            let first = !seen.contains(name);
            if first {
                seen.push(name.clone());
            } else {
                report.add(format!("{prefix}{}", printable(name)), "stands there twice", "keep one of them");
            }
            first
        });
        Some(Self { prefix, fields, known: Vec::new() })
    }

    /// The field's path, for messages.
    pub(crate) fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Takes a field. `null` is the same as absent, except through [`Object::take_nullable`].
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Json> {
        self.take_nullable(name).filter(|json| *json != Json::Null)
    }

    /// Takes a field for which `null` has a meaning of its own.
    pub(crate) fn take_nullable(&mut self, name: &'static str) -> Option<Json> {
        self.known.push(name);
        let at = self.fields.iter().position(|(field, _)| field == name)?;
        Some(self.fields.remove(at).1)
    }

    /// Whether a field of that name was given, other than as `null`, and is not taken yet.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, json)| field == name && *json != Json::Null)
    }

    /// Takes a field that must be an object, and reads it.
    pub(crate) fn take_object(&mut self, name: &'static str, report: &mut Report) -> Option<Self> {
        let json = self.take(name)?;
        Self::new(&self.path(name), json, report)
    }

    /// Takes a text.
    pub(crate) fn take_text(&mut self, name: &'static str, report: &mut Report) -> Option<String> {
        match self.take(name)? {
            Json::Text(text) => Some(text),
            other => {
                let problem = format!("is {}, not a text", other.kind());
                report.add(self.path(name), problem, "write one text between double quotes");
                None
            }
        }
    }

    /// Takes a text and parses it.
    pub(crate) fn take_name<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Invalid>,
        report: &mut Report,
    ) -> Option<T> {
        let text = self.take_text(name, report)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(invalid) => {
                report.add_invalid(self.path(name), &text, invalid);
                None
            }
        }
    }

    /// The same for a field that must be there.
    pub(crate) fn require_name<T>(
        &mut self,
        name: &'static str,
        example: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Invalid>,
        report: &mut Report,
    ) -> Option<T> {
        if !self.has(name) {
            self.take(name);
            report.add(self.path(name), "is missing", format!("add \"{name}\": \"{example}\""));
            return None;
        }
        self.take_name(name, parse, report)
    }

    /// Takes a whole number between two bounds, both allowed.
    pub(crate) fn take_whole(
        &mut self,
        name: &'static str,
        bounds: core::ops::RangeInclusive<u64>,
        unit: &str,
        report: &mut Report,
    ) -> Option<u64> {
        let remedy = format!("use a whole number of {unit} from {} to {}", bounds.start(), bounds.end());
        match self.take(name)? {
            Json::Whole(value) if bounds.contains(&value) => return Some(value),
            Json::Whole(value) => report.add(self.path(name), format!("{value} is out of bounds"), remedy),
            Json::OtherNumber => report.add(self.path(name), "is not a whole number", remedy),
            other => report.add(self.path(name), format!("is {}, not a number", other.kind()), remedy),
        }
        None
    }

    /// Reports every field that stands beside one that must be the only one.
    pub(crate) fn finish_alone(self, only: &'static str, report: &mut Report) {
        for (name, _) in &self.fields {
            let problem = format!("cannot stand beside {only}, which makes the plugin a readiness probe");
            report.add(self.path(&printable(name)), problem, "give the probe a plugin of its own");
        }
    }

    /// Reports every field that nobody took, and the likeliest one that was meant.
    pub(crate) fn finish(self, report: &mut Report) {
        for (name, _) in &self.fields {
            let near = self.known.iter().find(|known| is_near(name, known));
            let remedy = match near {
                Some(known) => format!("did you mean \"{known}\"?"),
                None => format!("remove it; the fields here are {}", self.known.join(", ")),
            };
            report.add(self.path(&printable(name)), "is not a field that this version knows", remedy);
        }
    }
}

/// A text of the configuration inside a message: between double quotes, printable, and not longer than a line.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", printable(text))
}

fn printable(text: &str) -> String {
    let mut out: String = text.chars().take(100).flat_map(char::escape_default).collect();
    if text.chars().nth(100).is_some() {
        out.push('…');
    }
    out
}

/// Whether one text becomes the other by one or two letters, or by case and separators alone.
fn is_near(given: &str, known: &str) -> bool {
    let plain = |text: &str| -> Vec<char> {
        text.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase()).take(64).collect()
    };
    let (given, known) = (plain(given), plain(known));
    // Levenshtein distance, one row at a time.
    let mut row: Vec<usize> = (0..=known.len()).collect();
    for (i, a) in given.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = Vec::with_capacity(row.len());
        next.push(left);
        for (b, &above) in known.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(a != b)).min(above + 1).min(left + 1);
            diagonal = above;
            next.push(left);
        }
        row = next;
    }
    row.last().is_some_and(|&distance| distance <= 2)
}
