//! Reads a table field by field and collects every mistake instead of stopping at the first.

use std::fmt::{self, Display};
use std::sync::Arc;

use spiffe_id::Invalid;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::mistake::{Mistake, Printable, Quoted};
use crate::names::{AppName, Owner, Region, RoleArn, Shared};
use crate::nearest::nearest;
use crate::place::{Lines, Located, Place};

pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// Where a field stands, for messages: `production.ingress[1].callers[0]`. Nothing is written until there is a mistake.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Field(&'a str),
    Index(usize),
}

impl Path<'static> {
    /// The file as a whole.
    pub(crate) const FILE: Self = Self { parent: None, step: Step::Field("") };
}

impl<'a> Path<'a> {
    pub(crate) fn field(&'a self, name: &'a str) -> Path<'a> {
        Path { parent: Some(self), step: Step::Field(name) }
    }

    pub(crate) fn index(&'a self, index: usize) -> Path<'a> {
        Path { parent: Some(self), step: Step::Index(index) }
    }
}

impl Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(parent) = self.parent else { return Ok(()) };
        parent.fmt(f)?;
        match self.step {
            Step::Field(name) => {
                write!(f, "{}{}", if parent.parent.is_some() { "." } else { "" }, Printable(name))
            }
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// The mistakes of one file so far.
#[derive(Debug)]
pub(crate) struct Report<'t> {
    pub(super) file: &'t Arc<str>,
    pub(super) lines: Lines<'t>,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) names: &'t mut Shared,
}

impl<'t> Report<'t> {
    pub(super) fn new(file: &'t Arc<str>, text: &'t str, names: &'t mut Shared) -> Self {
        Self { file, lines: Lines::new(text), mistakes: Vec::new(), names }
    }

    #[cold]
    pub(super) fn add(&mut self, place: Place, path: &Path<'_>, problem: fmt::Arguments<'_>, remedy: &dyn Display) {
        self.mistakes.push(Mistake {
            file: Arc::clone(self.file),
            place: Some(place),
            field: path.to_string(),
            problem: problem.to_string(),
            remedy: remedy.to_string(),
        });
    }

    /// Adds what a name's parser said, quoting the text.
    #[cold]
    pub(super) fn add_invalid(&mut self, place: Place, path: &Path<'_>, text: &str, invalid: Invalid) {
        self.add(place, path, format_args!("{} {}", Quoted(text), invalid.problem), &invalid.remedy);
    }

    fn place_of(&self, value: &Value<'_>) -> Place {
        self.lines.place(value.span().start)
    }
}

/// A table, the place of its name, and the path to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section<'a, 't> {
    pub(super) table: &'a DeTable<'t>,
    pub(super) path: Path<'a>,
    /// Of the table's name, for what is missing in it.
    pub(super) place: Place,
}

impl<'a, 't> Section<'a, 't> {
    /// Reports every field that is not in `known`, and the likeliest one that was meant.
    pub(super) fn only(&self, known: &[&'static str], report: &mut Report<'_>) {
        for (name, _) in self.table.iter().filter(|(name, _)| !known.contains(&name.get_ref().as_ref())) {
            let place = report.lines.place(name.span().start);
            let path = self.path.field(name.get_ref());
            let remedy = match nearest(name.get_ref(), known.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("remove it; the fields here are {}", known.join(", ")),
            };
            report.add(place, &path, format_args!("is not a field that this version knows"), &remedy);
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Value<'t>> {
        self.table.get(name)
    }

    /// Reports that a field is missing, with the line to add.
    pub(super) fn missing(&self, name: &'static str, example: &str, report: &mut Report<'_>) {
        let remedy = format_args!("add {name} = {example}");
        report.add(self.place, &self.path.field(name), format_args!("is missing"), &remedy);
    }

    /// A text that `parse` takes.
    pub(super) fn name<T>(
        &self,
        name: &'static str,
        parse: fn(&str) -> Result<T, Invalid>,
        report: &mut Report<'_>,
    ) -> Option<Located<T>> {
        let value = self.get(name)?;
        read_name(value, &self.path.field(name), parse, report)
    }

    /// The same for a field that must be there.
    pub(super) fn required<T>(
        &self,
        name: &'static str,
        example: &'static str,
        parse: fn(&str) -> Result<T, Invalid>,
        report: &mut Report<'_>,
    ) -> Option<Located<T>> {
        if self.get(name).is_none() {
            self.missing(name, &format!("\"{example}\""), report);
        }
        self.name(name, parse, report)
    }

    /// A list of texts that `parse` takes, each of them once. Empty when the field is not there.
    pub(super) fn names<T: Item>(
        &self,
        name: &'static str,
        example: &'static str,
        parse: fn(&str) -> Result<T, Invalid>,
        report: &mut Report<'_>,
    ) -> Vec<Located<T>> {
        let path = self.path.field(name);
        let Some(value) = self.get(name) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            let problem = format_args!("is {}, not a list", kind(value));
            report.add(report.place_of(value), &path, problem, &format_args!("write {name} = [{example}]"));
            return Vec::new();
        };
        let mut read: Vec<Located<T>> = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let path = path.index(index);
            let Some(found) = read_name(item, &path, parse, report) else { continue };
            match read.iter().find(|other| other.value.as_text() == found.value.as_text()) {
                Some(first) => {
                    let problem =
                        format_args!("{} stands there twice, first at {}", Quoted(found.value.as_text()), first.place);
                    report.add(found.place, &path, problem, &"keep one of them");
                }
                None => read.push(Located { value: found.value.shared(report.names), place: found.place }),
            }
        }
        read
    }

    /// `true` or `false`.
    pub(super) fn yes_or_no(&self, name: &'static str, report: &mut Report<'_>) -> Option<Located<bool>> {
        let value = self.get(name)?;
        let place = report.place_of(value);
        if let DeValue::Boolean(value) = value.get_ref() {
            return Some(Located { value: *value, place });
        }
        let problem = format_args!("is {}, not true or false", kind(value));
        report.add(place, &self.path.field(name), problem, &format_args!("write {name} = true, without quotes"));
        None
    }

    /// The tables of a list, each with the place of its header. Empty when the field is not there.
    pub(super) fn tables(
        &self,
        name: &'static str,
        header: &dyn Display,
        report: &mut Report<'_>,
    ) -> Vec<(usize, &'a DeTable<'t>, Place)> {
        let Some(value) = self.get(name) else { return Vec::new() };
        let path = self.path.field(name);
        let remedy = format_args!("begin each with [[{header}]]");
        let DeValue::Array(items) = value.get_ref() else {
            report.add(
                report.place_of(value),
                &path,
                format_args!("is {}, not a list of tables", kind(value)),
                &remedy,
            );
            return Vec::new();
        };
        let mut tables = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let place = report.place_of(item);
            match item.get_ref() {
                DeValue::Table(table) => tables.push((index, table, place)),
                _ => report.add(place, &path.index(index), format_args!("is {}, not a table", kind(item)), &remedy),
            }
        }
        tables
    }
}

/// What lists hold.
pub(super) trait Item: Sized {
    /// What they are compared by.
    fn as_text(&self) -> &str;

    /// Those that are written often are kept once.
    fn shared(self, _names: &mut Shared) -> Self {
        self
    }
}

impl Item for AppName {
    fn as_text(&self) -> &str {
        self.as_str()
    }

    fn shared(self, names: &mut Shared) -> Self {
        AppName::shared(self, names)
    }
}

macro_rules! items {
    ($($type:ty),+) => { $(impl Item for $type { fn as_text(&self) -> &str { self.as_str() } })+ };
}

items!(Owner, Region, RoleArn);

fn read_name<T>(
    value: &Value<'_>,
    path: &Path<'_>,
    parse: fn(&str) -> Result<T, Invalid>,
    report: &mut Report<'_>,
) -> Option<Located<T>> {
    let place = report.place_of(value);
    let DeValue::String(text) = value.get_ref() else {
        let problem = format_args!("is {}, not a text", kind(value));
        let remedy = match value.get_ref() {
            DeValue::Array(_) | DeValue::Table(_) => "write one text between double quotes",
            _ => "put it between double quotes",
        };
        report.add(place, path, problem, &remedy);
        return None;
    };
    match parse(text) {
        Ok(value) => Some(Located { value, place }),
        Err(invalid) => {
            report.add_invalid(place, path, text, invalid);
            None
        }
    }
}

/// Another app, by its name alone; people tend to write more.
pub(super) fn named_app(text: &str) -> Result<AppName, Invalid> {
    let (problem, remedy) = if text.starts_with(spiffe_id::SCHEME) {
        let remedy = "declare the app, with this spiffe_id if it is not the usual one, and write the app's name here";
        ("is a SPIFFE ID, not the name of an app", remedy)
    } else if text.contains('*') {
        ("holds a wildcard", "list each app")
    } else if text.contains("://") {
        ("is a URL, not the name of an app", "write the app's name alone")
    } else if text.contains('.') {
        ("is more than the name of an app", "write the app's name alone: calls stay within an environment")
    } else {
        return AppName::parse(text);
    };
    Err(Invalid { problem, remedy })
}

pub(super) fn kind(value: &Value<'_>) -> &'static str {
    match value.get_ref() {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
