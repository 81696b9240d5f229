//! Counts what test runs report, and prints the table at the end.

use std::fmt::Write as _;

/// What the `test result:` lines of a run add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: usize,
    /// Tests that failed.
    pub failed: usize,
    /// Tests that were there and did not run.
    pub ignored: usize,
    /// The names of those that failed.
    pub failures: Vec<String>,
}

impl Counts {
    /// Reads what `cargo test` (or wasm-bindgen's runner) wrote.
    pub fn read(output: &str) -> Self {
        let mut counts = Counts::default();
        for line in output.lines() {
            let line = line.trim();
            if let Some((_, result)) = line.split_once("test result:") {
                counts.passed += number_before(result, " passed");
                counts.failed += number_before(result, " failed");
                counts.ignored += number_before(result, " ignored");
            } else if let Some(name) = line.strip_prefix("test ").and_then(|l| failed_name(l)) {
                counts.failures.push(name.to_owned());
            }
        }
        counts
    }
}

fn failed_name(line: &str) -> Option<&str> {
    line.strip_suffix("... FAILED").or_else(|| line.strip_suffix("... FAIL")).map(str::trim)
}

fn number_before(text: &str, word: &str) -> usize {
    let before = text.split_once(word).map_or("", |(before, _)| before);
    before.rsplit(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Everything that `cargo xtask test` did.
#[derive(Debug, Default)]
pub struct Summary {
    rows: Vec<Row>,
    skips: Vec<String>,
    notes: Vec<String>,
    problems: Vec<String>,
}

#[derive(Debug)]
struct Row {
    ring: u8,
    what: String,
    counts: Counts,
    seconds: f64,
}

impl Summary {
    /// A run of tests. One that failed without naming a failed test (it did not compile, it was ended) counts as one failure.
    pub fn ran(&mut self, ring: u8, what: &str, mut counts: Counts, success: bool, seconds: f64) {
        if !success && counts.failed == 0 {
            counts.failed = 1;
            self.problems.push(format!("ring {ring}, {what}: did not run to its end; see above"));
        }
        self.problems.extend(counts.failures.iter().map(|name| format!("ring {ring}, {what}: {name}")));
        if counts.ignored > 0 {
            self.skips.push(format!("ring {ring}, {what}: {} tests are marked as ignored", counts.ignored));
        }
        self.rows.push(Row { ring, what: what.to_owned(), counts, seconds });
    }

    /// A check that is one test of its own.
    pub fn check(&mut self, ring: u8, what: &str, outcome: &Result<(), String>) {
        let ok = outcome.is_ok();
        if let Err(e) = outcome {
            self.problems.push(format!("ring {ring}, {what}: {e}"));
        }
        let counts = Counts { passed: usize::from(ok), failed: usize::from(!ok), ..Counts::default() };
        self.rows.push(Row { ring, what: what.to_owned(), counts, seconds: 0.0 });
    }

    /// Something that could not run, and why.
    pub fn skip(&mut self, ring: u8, what: &str, reason: &str) {
        self.skips.push(format!("ring {ring}, {what}: {reason}"));
    }

    /// Something worth knowing that is no skip.
    pub fn note(&mut self, what: &str) {
        self.notes.push(what.to_owned());
    }

    /// Prints the table; fails when a test failed, when none ran, or when something was skipped and `strict` forbids it.
    pub fn finish(mut self, strict: bool) -> Result<(), String> {
        let sum = |of: fn(&Counts) -> usize| self.rows.iter().map(|row| of(&row.counts)).sum::<usize>();
        let (passed, mut failed) = (sum(|c| c.passed), sum(|c| c.failed));
        if strict {
            failed += self.skips.len();
            self.problems.extend(self.skips.iter().map(|skip| format!("skipped, which CI=true forbids: {skip}")));
        }
        print!("{}", self.table());
        println!("{passed} passed, {failed} failed");
        match (failed, passed) {
            (0, 0) => Err("no test ran; is the --filter right?".into()),
            (0, _) => Ok(()),
            _ => Err("tests failed".into()),
        }
    }

    fn table(&self) -> String {
        let width = self.rows.iter().map(|row| row.what.chars().count()).max().unwrap_or(0).max(8);
        let mut text = format!("\nring  {:<width$}  passed  failed  ignored  seconds\n", "what ran");
        for Row { ring, what, counts, seconds } in &self.rows {
            let Counts { passed, failed, ignored, .. } = counts;
            let _ = writeln!(text, "{ring:<4}  {what:<width$}  {passed:>6}  {failed:>6}  {ignored:>7}  {seconds:>7.1}");
        }
        for (title, lines) in [("skipped", &self.skips), ("note", &self.notes), ("failed", &self.problems)] {
            for line in lines {
                let _ = writeln!(text, "{title}: {line}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
running 3 tests
test signs_a_get ... ok
test refuses::a_nul ... FAILED
test result: FAILED. 12 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
test result: ok. 30 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.50s
";

    #[test]
    fn adds_up_all_result_lines_and_names_the_failures() {
        let counts = Counts::read(OUTPUT);
        assert_eq!((counts.passed, counts.failed, counts.ignored), (42, 1, 2));
        assert_eq!(counts.failures, ["refuses::a_nul"]);
    }

    #[test]
    fn a_run_that_did_not_compile_is_a_failure() {
        let mut summary = Summary::default();
        summary.ran(1, "native", Counts::default(), false, 1.0);
        assert!(summary.table().contains("did not run to its end"));
        assert!(summary.finish(false).is_err());
    }

    #[test]
    fn a_skip_fails_only_where_it_is_forbidden() {
        let with_a_skip = || {
            let mut summary = Summary::default();
            summary.ran(1, "native", Counts { passed: 1, ..Counts::default() }, true, 1.0);
            summary.skip(2, "vectors", "no Node");
            summary
        };
        assert_eq!(with_a_skip().finish(false), Ok(()));
        assert_eq!(with_a_skip().finish(true), Err("tests failed".into()));
        assert!(with_a_skip().table().contains("skipped: ring 2, vectors: no Node"));
    }

    #[test]
    fn an_ignored_test_is_a_skip_and_no_test_at_all_is_a_failure() {
        let mut summary = Summary::default();
        summary.ran(1, "native", Counts { passed: 1, ignored: 2, ..Counts::default() }, true, 1.0);
        assert!(summary.finish(true).is_err());
        assert!(Summary::default().finish(false).is_err());
    }
}
