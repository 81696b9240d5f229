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
    /// Once for all, and without texts made by its callers: mistakes are rare, and every worker compiles the filter when it starts.
    #[cold]
    #[inline(never)]
    pub(crate) fn add(&mut self, field: &dyn Display, problem: fmt::Arguments<'_>, remedy: &dyn Display) {
        let (field, problem, remedy) = (field.to_string(), problem.to_string(), remedy.to_string());
        self.0.push(Mistake { field, problem, remedy });
    }

    /// Adds what a name's parser said, quoting the text.
    #[cold]
    #[inline(never)]
    pub(crate) fn add_invalid(&mut self, field: &dyn Display, text: &str, invalid: Invalid) {
        self.add(field, format_args!("{} {}", Quoted(text), invalid.problem), &invalid.remedy);
    }
}

/// Where a field stands, for messages.
#[derive(Clone, Copy)]
pub(crate) struct Path<'a> {
    prefix: &'a str,
    name: &'a str,
}

impl Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.prefix, Printable(self.name))
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
            report.add(&field, format_args!("is {}, not an object", json.kind()), &"write { \"name\": value, … }");
            return None;
        };
        let prefix = if path.is_empty() { String::new() } else { format!("{path}.") };
        let mut seen: Vec<String> = Vec::with_capacity(fields.len());
        fields.retain(|(name, _)| {
            let first = !seen.contains(name);
            if first {
                seen.push(name.clone());
            } else {
                let field = Path { prefix: &prefix, name };
                report.add(&field, format_args!("stands there twice"), &"keep one of them");
            }
            first
        });
        Some(Self { prefix, fields, known: Vec::new() })
    }

    /// The field's path, for messages.
    pub(crate) fn path<'a>(&'a self, name: &'a str) -> Path<'a> {
        Path { prefix: &self.prefix, name }
    }

    /// Adds a mistake in one field.
    #[cold]
    pub(crate) fn report(&self, name: &str, problem: fmt::Arguments<'_>, remedy: &str, report: &mut Report) {
        report.add(&self.path(name), problem, &remedy);
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
        Self::new(&self.path(name).to_string(), json, report)
    }

    /// Takes a text.
    pub(crate) fn take_text(&mut self, name: &'static str, report: &mut Report) -> Option<String> {
        match self.take(name)? {
            Json::Text(text) => Some(text),
            other => {
                let problem = format_args!("is {}, not a text", other.kind());
                self.report(name, problem, "write one text between double quotes", report);
                None
            }
        }
    }

    /// Takes a text and parses it.
    ///
    /// With a function pointer, so that it is compiled once for all types of one layout.
    #[inline(never)]
    pub(crate) fn take_name<T>(
        &mut self,
        name: &'static str,
        parse: fn(&str) -> Result<T, Invalid>,
        report: &mut Report,
    ) -> Option<T> {
        let text = self.take_text(name, report)?;
        parse(&text).map_err(|invalid| report.add_invalid(&self.path(name), &text, invalid)).ok()
    }

    /// The same for a field that must be there.
    pub(crate) fn require_name<T>(
        &mut self,
        name: &'static str,
        example: &'static str,
        parse: fn(&str) -> Result<T, Invalid>,
        report: &mut Report,
    ) -> Option<T> {
        self.require(name, example, report);
        self.take_name(name, parse, report)
    }

    fn require(&self, name: &'static str, example: &'static str, report: &mut Report) {
        if !self.has(name) {
            report.add(&self.path(name), format_args!("is missing"), &format_args!("add \"{name}\": \"{example}\""));
        }
    }

    /// Takes a whole number between two bounds, both allowed.
    pub(crate) fn take_whole(
        &mut self,
        name: &'static str,
        bounds: core::ops::RangeInclusive<u64>,
        unit: &str,
        report: &mut Report,
    ) -> Option<u64> {
        let given = self.take(name)?;
        let mut add = |problem: fmt::Arguments<'_>| {
            let remedy = format_args!("use a whole number of {unit} from {} to {}", bounds.start(), bounds.end());
            report.add(&self.path(name), problem, &remedy);
        };
        match given {
            Json::Whole(value) if bounds.contains(&value) => return Some(value),
            Json::Whole(value) => add(format_args!("{value} is out of bounds")),
            Json::OtherNumber => add(format_args!("is not a whole number")),
            other => add(format_args!("is {}, not a number", other.kind())),
        }
        None
    }

    /// Reports every field that stands beside one that must be the only one.
    pub(crate) fn finish_alone(self, only: &'static str, report: &mut Report) {
        for (name, _) in &self.fields {
            let problem = format_args!("cannot stand beside {only}, which makes the plugin a readiness probe");
            self.report(name, problem, "give the probe a plugin of its own", report);
        }
    }

    /// Reports every field that nobody took, and the likeliest one that was meant.
    #[inline(never)]
    pub(crate) fn finish(self, report: &mut Report) {
        for (name, _) in &self.fields {
            let near = self.known.iter().find(|known| is_near(name, known));
            let remedy = match near {
                Some(known) => format!("did you mean \"{known}\"?"),
                None => format!("remove it; the fields here are {}", self.known.join(", ")),
            };
            self.report(name, format_args!("is not a field that this version knows"), &remedy, report);
        }
    }
}

/// A text of the configuration inside a message: between double quotes, printable, and not longer than a line.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", Printable(self.0))
    }
}

struct Printable<'a>(&'a str);

impl Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, c) in self.0.chars().enumerate() {
            if index == 100 {
                return f.write_str("…");
            }
            write!(f, "{}", c.escape_default())?;
        }
        Ok(())
    }
}

/// Whether one text becomes the other by one or two letters, or by case and separators alone.
fn is_near(given: &str, known: &str) -> bool {
    let plain = |text: &str| -> Vec<char> {
        text.chars()
            .filter(|c| c.is_ascii_alphanumeric() || !c.is_ascii())
            .map(|c| c.to_ascii_lowercase())
            .take(64)
            .collect()
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
