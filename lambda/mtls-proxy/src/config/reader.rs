//! Reads an object field by field and collects every mistake instead of stopping at the first.

use std::fmt::{self, Display};

use spiffe_id::Invalid;

use super::json::Json;

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where: `listen.port`, `upstreams[2]`, `$MESHBRIDGE_APP`, or `configuration` for the whole.
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

impl std::error::Error for Mistakes {}

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(super) struct Report(pub(super) Vec<Mistake>);

impl Report {
    pub(super) fn add(&mut self, field: impl Display, problem: impl Display, remedy: impl Display) {
        let (field, problem, remedy) = (field.to_string(), problem.to_string(), remedy.to_string());
        self.0.push(Mistake { field, problem, remedy });
    }

    /// Adds what a name's parser said, quoting the text.
    pub(super) fn add_invalid(&mut self, field: impl Display, text: &str, invalid: Invalid) {
        self.add(field, format_args!("{} {}", Quoted(text), invalid.problem), invalid.remedy);
    }
}

/// An object of which each field is taken at most once; what is left at the end is unknown.
pub(super) struct Object {
    /// Empty for the configuration itself, else the path with a final dot: `listen.`.
    prefix: String,
    fields: Vec<(String, Json)>,
    known: Vec<&'static str>,
    /// Fields that stand elsewhere than in this object, and where.
    elsewhere: Vec<(&'static str, String)>,
}

impl Object {
    /// Reads `json` as the object that stands at `path` (empty for the configuration itself).
    pub(super) fn new(path: &str, json: Json, report: &mut Report) -> Option<Self> {
        let Json::Object(mut fields) = json else {
            let field = if path.is_empty() { "configuration" } else { path };
            report.add(field, format_args!("is {}, not an object", json.kind()), "write { \"name\": value, … }");
            return None;
        };
        let mut object = Self::empty(path);
        let mut seen: Vec<String> = Vec::with_capacity(fields.len());
        fields.retain(|(name, _)| {
            let first = !seen.contains(name);
            if first {
                seen.push(name.clone());
            } else {
                report.add(object.path(name), "stands there twice", "keep one of them");
            }
            first
        });
        object.fields = fields;
        Some(object)
    }

    /// The object at `path` when nothing was written there.
    pub(super) fn empty(path: &str) -> Self {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}.") };
        Self { prefix, fields: Vec::new(), known: Vec::new(), elsewhere: Vec::new() }
    }

    /// Lets an environment variable decide a field, whatever the file says; messages then name the variable.
    pub(super) fn overlay(&mut self, name: &'static str, variable: &'static str, value: Json) {
        self.fields.retain(|(field, _)| field != name);
        self.fields.push((name.to_owned(), value));
        self.elsewhere.push((name, format!("${variable}")));
    }

    /// An object of which one field was written in place of the whole: `"ledger"` for `{"app": "ledger"}`.
    pub(super) fn of_one(path: &str, name: &'static str, value: Json) -> Self {
        let mut object = Self::empty(path);
        object.fields.push((name.to_owned(), value));
        object.elsewhere.push((name, path.to_owned()));
        object
    }

    /// The field's path, for messages.
    pub(super) fn path(&self, name: &str) -> String {
        match self.elsewhere.iter().find(|(field, _)| *field == name) {
            Some((_, place)) => place.clone(),
            None => format!("{}{}", self.prefix, Printable(name)),
        }
    }

    /// Takes a field. `null` is the same as absent, except through [`Object::take_nullable`].
    pub(super) fn take(&mut self, name: &'static str) -> Option<Json> {
        self.take_nullable(name).filter(|json| *json != Json::Null)
    }

    /// Takes a field for which `null` has a meaning of its own.
    pub(super) fn take_nullable(&mut self, name: &'static str) -> Option<Json> {
        self.known.push(name);
        let at = self.fields.iter().position(|(field, _)| field == name)?;
        Some(self.fields.remove(at).1)
    }

    /// Whether a field of that name was given, other than as `null`, and is not taken yet.
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, json)| field == name && *json != Json::Null)
    }

    /// Takes a field that must be an object, and reads it; an empty one when it is absent or no object.
    pub(super) fn take_object(&mut self, name: &'static str, report: &mut Report) -> Self {
        let path = self.path(name);
        self.take(name).and_then(|json| Self::new(&path, json, report)).unwrap_or_else(|| Self::empty(&path))
    }

    /// Takes a text and parses it.
    pub(super) fn take_name<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Invalid>,
        report: &mut Report,
    ) -> Option<T> {
        let path = self.path(name);
        let json = self.take(name)?;
        read_name(&path, &json, parse, report)
    }

    /// The same for a field that must be there.
    pub(super) fn require_name<T>(
        &mut self,
        name: &'static str,
        example: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Invalid>,
        report: &mut Report,
    ) -> Option<T> {
        if !self.has(name) {
            report.add(self.path(name), "is missing", format_args!("add \"{name}\": \"{example}\""));
        }
        self.take_name(name, parse, report)
    }

    /// Takes a whole number between two bounds, both allowed.
    pub(super) fn take_whole(
        &mut self,
        name: &'static str,
        bounds: std::ops::RangeInclusive<u64>,
        what: &str,
        report: &mut Report,
    ) -> Option<u64> {
        let path = self.path(name);
        let problem = match self.take(name)? {
            Json::Whole(value) if bounds.contains(&value) => return Some(value),
            Json::Whole(value) => format!("{value} is out of bounds"),
            Json::OtherNumber => "is not a whole number".to_owned(),
            other => format!("is {}, not a number", other.kind()),
        };
        let remedy = format_args!("use {what} from {} to {}", bounds.start(), bounds.end());
        report.add(path, problem, remedy);
        None
    }

    /// Takes a text that must be one of a few.
    pub(super) fn take_choice<T: Copy>(
        &mut self,
        name: &'static str,
        choices: &[(&str, T)],
        report: &mut Report,
    ) -> Option<T> {
        let path = self.path(name);
        let json = self.take(name)?;
        let listed: Vec<String> = choices.iter().map(|(text, _)| format!("\"{text}\"")).collect();
        let remedy = format!("write {}", listed.join(" or "));
        let Json::Text(text) = &json else {
            report.add(path, format_args!("is {}, not a text", json.kind()), remedy);
            return None;
        };
        let chosen = choices.iter().find(|(choice, _)| choice == text).map(|(_, value)| *value);
        if chosen.is_none() {
            report.add(path, format_args!("{} is not one of the choices", Quoted(text)), remedy);
        }
        chosen
    }

    /// Takes a list, with the path of each item.
    pub(super) fn take_list(
        &mut self,
        name: &'static str,
        remedy: &str,
        report: &mut Report,
    ) -> Option<Vec<(String, Json)>> {
        let path = self.path(name);
        match self.take(name)? {
            Json::List(items) if items.is_empty() => report.add(path, "is empty", remedy),
            Json::List(items) => {
                return Some(
                    items.into_iter().enumerate().map(|(index, item)| (format!("{path}[{index}]"), item)).collect(),
                );
            }
            other => report.add(path, format_args!("is {}, not a list", other.kind()), remedy),
        }
        None
    }

    /// Reports every field that nobody took, and the likeliest one that was meant.
    pub(super) fn finish(self, report: &mut Report) {
        for (name, _) in &self.fields {
            let near = self.known.iter().find(|known| is_near(name, known));
            let remedy = match near {
                Some(known) => format!("did you mean \"{known}\"?"),
                None => format!("remove it; the fields here are {}", self.known.join(", ")),
            };
            report.add(self.path(name), "is not a field that this version knows", remedy);
        }
    }
}

/// Reads a text that stands at `path`.
pub(super) fn read_name<T>(
    path: &str,
    json: &Json,
    parse: impl FnOnce(&str) -> Result<T, Invalid>,
    report: &mut Report,
) -> Option<T> {
    let Json::Text(text) = json else {
        report.add(path, format_args!("is {}, not a text", json.kind()), "write one text between double quotes");
        return None;
    };
    parse(text).map_err(|invalid| report.add_invalid(path, text, invalid)).ok()
}

/// A text of the configuration inside a message: between double quotes, printable, and not longer than a line.
pub(super) struct Quoted<'a>(pub(super) &'a str);

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
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).take(64).collect()
    };
    let (given, known) = (plain(given), plain(known));
    // Levenshtein distance, one row at a time.
    let mut row: Vec<usize> = (0..=known.len()).collect();
    for (i, a) in given.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (b, &above) in known.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(a != b)).min(above + 1).min(left + 1);
            diagonal = above;
            next.push(left);
        }
        row = next;
    }
    // A name of one or two letters is near to everything.
    given.len() > 2 && row.last().is_some_and(|&distance| distance <= 2)
}
