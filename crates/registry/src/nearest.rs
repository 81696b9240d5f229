//! The name that somebody probably meant.

/// The nearest of several names: at most two letters away, or the same but for case and separators.
pub(crate) fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = letters(given);
    if given.is_empty() {
        return None;
    }
    // Of a short name two letters are most of it.
    let most = if given.len() <= 3 { 1 } else { 2 };
    let mut best: Option<(usize, &str)> = None;
    for name in known {
        // Names only grow by separators, so that a much longer or shorter one needs no closer look.
        if name.len() + most < given.len() || name.len() > 2 * (given.len() + most) {
            continue;
        }
        let distance = distance(&given, &letters(name));
        if distance <= most && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}

fn letters(text: &str) -> Vec<char> {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(64).collect()
}

/// Letters that were changed, left out, added, or written in the wrong order (optimal string alignment), row by row.
fn distance(given: &[char], known: &[char]) -> usize {
    let mut above: Vec<usize> = (0..=known.len()).collect();
    let mut second: Vec<usize> = Vec::new();
    let mut last: Option<char> = None;
    for (i, &a) in given.iter().enumerate() {
        let mut row = Vec::with_capacity(above.len());
        row.push(i + 1);
        let mut before: Option<char> = None;
        for (j, &b) in known.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let mut least = (at(&above, j) + usize::from(a != b)).min(at(&above, j + 1) + 1).min(at(&row, j) + 1);
            if before == Some(a) && last == Some(b) {
                least = least.min(at(&second, j.wrapping_sub(1)) + 1);
            }
            row.push(least);
            before = Some(b);
        }
        second = std::mem::replace(&mut above, row);
        last = Some(a);
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = ["account_id", "mesh_identity", "upstreams", "sni", "ledger"];

    #[test]
    fn slips_of_one_or_two_letters_case_and_separators_are_understood() {
        for (given, meant) in [
            ("acount_id", "account_id"),
            ("accountId", "account_id"),
            ("account-id", "account_id"),
            ("meshIdentity", "mesh_identity"),
            ("upstream", "upstreams"),
            ("ledgr", "ledger"),
            ("legder", "ledger"),
            ("snj", "sni"),
            ("sin", "sni"),
        ] {
            assert_eq!(nearest(given, KNOWN), Some(meant), "{given}");
        }
    }

    #[test]
    fn the_nearest_one_wins_and_what_is_far_is_not_offered() {
        assert_eq!(nearest("ledgers", ["ledgerx", "ledger-s"]), Some("ledger-s"));
        for given in ["", "--", "callers", "xyz", "region"] {
            assert_eq!(nearest(given, KNOWN), None, "{given}");
        }
    }
}
