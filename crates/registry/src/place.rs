//! Where something was declared: lines and columns of a file, and values that know theirs.

use std::fmt;
use std::ops::{Deref, Range};

/// A place in a file. Both numbers begin at 1; the column counts characters, not bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The character of that line.
    pub column: u32,
}

impl Place {
    /// The beginning of a file.
    pub const START: Self = Self { line: 1, column: 1 };
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A value and the place where it was declared.
///
/// It is used like the value itself: `*located`, or its methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

impl<T> Deref for Located<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Display> fmt::Display for Located<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// Tells the places of a text from byte offsets.
#[derive(Debug)]
pub(crate) struct Lines<'t> {
    text: &'t str,
    /// Of each line's first byte.
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let after_breaks = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    pub(crate) fn place(&self, offset: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|index| self.starts.get(index)).copied().unwrap_or_default();
        // Between two characters, whatever a parser took for a boundary.
        let end = self.text.floor_char_boundary(offset);
        let before = self.text.get(start..end).unwrap_or_default().trim_start_matches('\u{feff}');
        Place { line: number(line), column: number(before.chars().count() + 1) }
    }

    pub(crate) fn start_of(&self, span: Option<Range<usize>>) -> Place {
        span.map_or(Place::START, |span| self.place(span.start))
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, offset: usize) -> (u32, u32) {
        let Place { line, column } = Lines::new(text).place(offset);
        (line, column)
    }

    #[test]
    fn lines_and_columns_begin_at_one_and_columns_count_characters() {
        assert_eq!(place("", 0), (1, 1));
        assert_eq!(place("ab\ncd", 1), (1, 2));
        assert_eq!(place("ab\ncd", 3), (2, 1));
        assert_eq!(place("é = x", 5), (1, 5));
        assert_eq!(place("a\r\nb", 3), (2, 1));
    }

    #[test]
    fn a_byte_order_mark_is_no_column() {
        assert_eq!(place("\u{feff}name", 3), (1, 1));
    }

    #[test]
    fn offsets_beyond_the_end_or_inside_a_character_have_a_place_too() {
        assert_eq!(place("é", 1), (1, 1));
        assert_eq!(place("a\nb", 99), (2, 2));
    }
}
