//! Mistakes of people who write declarations: where, what, and the remedy, all of them at once.

use std::fmt::{self, Display};
use std::sync::Arc;

use crate::place::Place;

/// One thing that is wrong with a registry.
///
/// Ordered by file and place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The file, from the registry's directory, with slashes.
    pub file: Arc<str>,
    /// Where in the file; `None` when the file as a whole is meant.
    pub place: Option<Place>,
    /// Which field: `production.upstreams[2]`; empty when none is meant.
    pub field: String,
    /// What is wrong there.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

impl Display for Mistake {
    /// As compilers write it, so that editors can jump: `reports.toml:5:14: field: problem; remedy`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(place) = self.place {
            write!(f, ":{place}")?;
        }
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        write!(f, ": {}; {}", self.problem, self.remedy)
    }
}

/// Everything that is wrong with a registry. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// In the order of files and places; `None` when there are none.
    pub(crate) fn new(mut mistakes: Vec<Mistake>) -> Option<Self> {
        mistakes.sort_unstable();
        mistakes.dedup();
        (!mistakes.is_empty()).then_some(Self(mistakes))
    }

    /// In the order of files and places.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Mistake> {
        self.0.iter()
    }
}

impl From<Mistake> for Mistakes {
    fn from(mistake: Mistake) -> Self {
        Self(vec![mistake])
    }
}

impl Display for Mistakes {
    /// One line each, under a line that counts them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the registry has {} mistake{}:", self.0.len(), if self.0.len() == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|mistake| write!(f, "\n  {mistake}"))
    }
}

impl std::error::Error for Mistakes {}

/// A text of a declaration inside a message: between double quotes, printable, and not longer than a line.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", Printable(self.0))
    }
}

/// A text without control characters, and not longer than a line. What is not ASCII is escaped too: two names that look
/// alike must not look alike in the message that tells them apart.
pub(crate) struct Printable<'a>(pub(crate) &'a str);

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

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(file: &str, place: Option<Place>, field: &str) -> Mistake {
        let (problem, remedy) = ("is wrong".to_owned(), "right it".to_owned());
        Mistake { file: file.into(), place, field: field.to_owned(), problem, remedy }
    }

    #[test]
    fn a_mistake_is_one_line_that_editors_can_jump_to() {
        let place = Some(Place { line: 5, column: 14 });
        assert_eq!(mistake("a.toml", place, "x.y").to_string(), "a.toml:5:14: x.y: is wrong; right it");
        assert_eq!(mistake("a.toml", None, "").to_string(), "a.toml: is wrong; right it");
    }

    #[test]
    fn mistakes_are_sorted_counted_and_told_once() {
        let at = |line| Some(Place { line, column: 1 });
        let all =
            vec![mistake("b", at(1), ""), mistake("a", at(10), ""), mistake("a", at(9), ""), mistake("b", at(1), "")];
        let text = Mistakes::new(all).unwrap().to_string();
        let lines = ["the registry has 3 mistakes:", "a:9:1:", "a:10:1:", "b:1:1:"];
        assert!(text.lines().zip(lines).all(|(line, part)| line.contains(part)), "{text}");
        assert_eq!(Mistakes::new(Vec::new()), None);
    }

    #[test]
    fn what_a_file_holds_cannot_write_to_a_terminal() {
        let long = "x".repeat(200);
        assert_eq!(Quoted("a\u{1b}[31m\nb").to_string(), "\"a\\u{1b}[31m\\nb\"");
        assert_eq!(Printable(&long).to_string().chars().count(), 101);
    }
}
