//! Mistakes: collected, bounded in number, and printed as a list.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Display, Write as _};

/// More than anyone corrects at a time. A table of 10,000 names can be wrong in 10,000 places, and the list goes into
/// Envoy's log and to its control plane.
const MOST_SHOWN: usize = 100;

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where: `routes[2].sni`, `apps.ledger`, or `configuration` for the whole.
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
pub struct Mistakes {
    shown: Vec<Mistake>,
    more: usize,
}

impl Mistakes {
    /// In the order of the configuration; the first hundred of them.
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.shown.iter()
    }

    /// How many there are besides.
    #[must_use]
    pub fn more(&self) -> usize {
        self.more
    }
}

impl Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.shown.len() + self.more;
        write!(f, "the configuration has {count} mistake{}:", if count == 1 { "" } else { "s" })?;
        self.shown.iter().try_for_each(|mistake| write!(f, "\n  - {mistake}"))?;
        if self.more > 0 {
            write!(f, "\n  and {} more", self.more)?;
        }
        Ok(())
    }
}

impl core::error::Error for Mistakes {}

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    shown: Vec<Mistake>,
    more: usize,
}

impl Report {
    /// Once for all, and without texts made by its callers: mistakes are rare, and every worker compiles the filter when
    /// it starts.
    #[cold]
    #[inline(never)]
    pub(super) fn add(&mut self, field: &dyn Display, problem: fmt::Arguments<'_>, remedy: &dyn Display) {
        if self.shown.len() == MOST_SHOWN {
            self.more += 1;
            return;
        }
        let (field, problem, remedy) = (field.to_string(), problem.to_string(), remedy.to_string());
        self.shown.push(Mistake { field, problem, remedy });
    }

    /// A field that nobody knows.
    pub(super) fn add_unknown(&mut self, field: Path<'_>, known: &str) {
        let remedy = format_args!("remove it; the fields here are {known}");
        self.add(&field, format_args!("is not a field that this version knows"), &remedy);
    }

    /// A field that stands twice in one object.
    pub(super) fn add_twice(&mut self, field: Path<'_>) {
        self.add(&field, format_args!("stands there twice"), &"keep one of them");
    }

    /// The value, or all that was found wrong on the way to it.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Mistakes> {
        match value {
            Some(value) if self.shown.is_empty() => Ok(value),
            _ => Err(Mistakes { shown: self.shown, more: self.more }),
        }
    }
}

/// Where a value stands in the configuration.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path<'a> {
    /// A field of the configuration itself.
    Field(&'a str),
    /// One of `routes`.
    Route(usize),
    /// A field of one of `routes`.
    RouteField(usize, &'a str),
    /// One of `apps`.
    App(&'a str),
}

impl Path<'_> {
    /// The name of the field itself.
    pub(super) fn last(&self) -> &str {
        match self {
            Self::Field(name) | Self::RouteField(_, name) | Self::App(name) => name,
            Self::Route(_) => "routes",
        }
    }
}

impl Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => Printable(name).fmt(f),
            Self::Route(index) => write!(f, "routes[{index}]"),
            Self::RouteField(index, name) => write!(f, "routes[{index}].{}", Printable(name)),
            Self::App(name) => write!(f, "apps.{}", Printable(name)),
        }
    }
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
        let mut chars = self.0.chars();
        chars.by_ref().take(100).flat_map(char::escape_default).try_for_each(|c| f.write_char(c))?;
        if chars.next().is_some() { f.write_char('…') } else { Ok(()) }
    }
}
