//! What the design asks for, and whether it was reached.

use std::fmt;

use serde_json::{Value, json};

use super::super::report::Spread;

/// One thing that is asked for.
#[derive(Clone, Debug)]
pub struct Bar {
    /// What was measured, with its unit.
    pub what: String,
    /// What it should be.
    pub limit: Limit,
    /// What it is; `None` when it could not be measured.
    pub value: Option<Spread>,
    /// How many digits behind the point are worth telling.
    pub digits: usize,
}

/// The side on which a value should be; the median counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
}

impl Bar {
    /// Whether it was reached. What could not be measured was not.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.value.is_some_and(|value| match self.limit {
            Limit::AtMost(most) => value.median <= most,
            Limit::AtLeast(least) => value.median >= least,
        })
    }

    pub(super) fn json(&self) -> Value {
        let (side, limit) = match self.limit {
            Limit::AtMost(most) => ("at most", most),
            Limit::AtLeast(least) => ("at least", least),
        };
        json!({
            "what": self.what, "side": side, "limit": limit,
            "value": self.value.map(Spread::json), "is_met": self.is_met(),
        })
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = match self.limit {
            Limit::AtMost(most) => format!("at most {most}"),
            Limit::AtLeast(least) => format!("at least {least}"),
        };
        let value = self.value.map_or_else(|| "not measured".to_owned(), |value| text(value, self.digits));
        let verdict = if self.is_met() { "met" } else { "MISSED" };
        write!(f, "  {:<66}{value:<25}{limit:<15}{verdict}", self.what)
    }
}

/// `0.97 (0.93 to 1.02)`
pub(super) fn text(Spread { median, min, max }: Spread, digits: usize) -> String {
    let text = format!("{median:.digits$}");
    if min < max { format!("{text} ({min:.digits$} to {max:.digits$})") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_decides_and_what_is_not_known_is_missed() {
        let bar = |limit, value| Bar { what: "MB".into(), limit, value, digits: 1 };
        let value = Spread::of([4.0, 5.0, 7.0]);
        assert!(bar(Limit::AtMost(5.0), value).is_met() && bar(Limit::AtLeast(5.0), value).is_met());
        assert!(!bar(Limit::AtMost(4.9), value).is_met() && !bar(Limit::AtLeast(5.1), value).is_met());
        assert!(!bar(Limit::AtMost(1e9), None).is_met());
        let line = bar(Limit::AtMost(4.9), value).to_string();
        assert!(line.contains("5.0 (4.0 to 7.0)") && line.ends_with("at most 4.9    MISSED"), "{line}");
        assert_eq!(bar(Limit::AtMost(5.0), value).json()["is_met"], true);
    }
}
