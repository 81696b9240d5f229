//! TOML: a table with places, or every error of syntax.

use toml::Spanned;
use toml::de::DeTable;

use super::reader::{Path, Report};

/// More of one file are consequences of the first.
const MOST_SYNTAX_ERRORS: usize = 20;

/// The file's table; `None` after errors of syntax, since what was recovered behind them would be guesses.
pub(super) fn table<'t>(text: &'t str, report: &mut Report<'t>) -> Option<Spanned<DeTable<'t>>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut places: Vec<_> = errors.iter().map(|error| (report.lines.start_of(error.span()), error)).collect();
    places.sort_by_key(|(place, _)| *place);
    // What else is wrong in a line follows from the first.
    places.dedup_by_key(|(place, _)| place.line);
    for (place, error) in places.into_iter().take(MOST_SYNTAX_ERRORS) {
        report.add(place, &Path::FILE, format_args!("{}", problem(error.message())), &remedy(error.message()));
    }
    errors.is_empty().then_some(table)
}

fn problem(message: &str) -> String {
    if message.starts_with("duplicate key") {
        return "this key stands there twice".to_owned();
    }
    let what = message.split(", expected ").next().unwrap_or(message);
    format!("is not TOML here: {what}")
}

fn remedy(message: &str) -> &'static str {
    if message.starts_with("duplicate key") {
        "keep one of them, or put both into one"
    } else if message.contains("string") || message.contains("quote") {
        "put texts between double quotes, such as name = \"reports\""
    } else if message.starts_with("unclosed") || message.contains("comma") {
        "close what was opened, with commas between its parts: [\"a\", \"b\"]"
    } else {
        "write one `key = value` or one [table] on a line, texts between double quotes"
    }
}
