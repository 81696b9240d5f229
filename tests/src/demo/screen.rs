//! What is on the screen: steps, what was seen, what must be so, progress while waiting, and the score at the end.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write};
use std::time::{Duration, Instant};

use super::Stop;
use super::interrupt::Interrupt;

const INDENT: &str = "     ";
const LABEL: usize = 18;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[1;31m";

/// What a look at something that is waited for shows.
pub(super) enum Look<T> {
    There(T),
    /// Not yet; the text is shown meanwhile.
    NotYet(String),
}

pub(super) struct Screen {
    out: Box<dyn Write>,
    /// Lines can be overwritten.
    live: bool,
    coloured: bool,
    interrupt: Interrupt,
    begun: Instant,
    steps: u32,
    held: u32,
    /// What was not as it must be: claim, expected, seen.
    broken: Vec<String>,
}

impl Screen {
    pub(super) fn on_stdout(interrupt: Interrupt) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let live = io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self { coloured: live && !set("NO_COLOR"), live, ..Self::on(Box::new(io::stdout()), interrupt) }
    }

    fn on(out: Box<dyn Write>, interrupt: Interrupt) -> Self {
        let begun = Instant::now();
        Self { out, live: false, coloured: false, interrupt, begun, steps: 0, held: 0, broken: Vec::new() }
    }

    pub(super) fn intro(&mut self, title: &str, text: &str) {
        let title = self.painted(BOLD, title);
        self.line(&format!("{title}\n\n{text}"));
    }

    /// A step begins.
    pub(super) fn step(&mut self, title: &str) {
        self.steps += 1;
        let title = self.painted(BOLD, &format!("{:<3}{title}", self.steps));
        self.line(&format!("\n{title}"));
    }

    /// What is done, or what it means.
    pub(super) fn note(&mut self, text: &str) {
        let text = self.painted(DIM, text);
        self.line(&format!("{INDENT}{text}"));
    }

    /// Something that was seen. Further lines of the value stand below its first.
    pub(super) fn saw(&mut self, label: &str, value: impl Display) {
        let below = format!("\n{INDENT}{:LABEL$}", "");
        let value = value.to_string().replace('\n', &below);
        self.line(&format!("{INDENT}{label:<LABEL$}{value}"));
    }

    /// Something that must be so, with what it must be.
    pub(super) fn expect(&mut self, claim: &str, expected: impl Display, seen: impl Display) {
        let (expected, seen) = (expected.to_string(), seen.to_string());
        if expected == seen {
            self.held(&format!("{claim}: {seen}"));
        } else {
            self.broke(format!("{claim}: expected {expected}, saw {seen}"));
        }
    }

    /// Something that must be so, in words; `seen` is told when it is not.
    pub(super) fn holds(&mut self, claim: &str, so: bool, seen: impl Display) {
        if so {
            self.held(claim);
        } else {
            self.broke(format!("{claim}: expected, saw {seen}"));
        }
    }

    /// Whether everything was as it must be, and there was something.
    pub(super) fn all_held(&self) -> bool {
        self.broken.is_empty() && self.held > 0
    }

    /// The score.
    pub(super) fn verdict(&mut self) {
        let checks = self.held as usize + self.broken.len();
        let after = seconds(self.begun.elapsed());
        if self.all_held() {
            let text = self.painted(GREEN, &format!("\u{2713} all {checks} checks held, in {after}"));
            return self.line(&format!("\n{text}"));
        }
        let broken = std::mem::take(&mut self.broken);
        let count = broken.len();
        let text = self.painted(RED, &format!("\u{2717} {count} of {checks} checks did not hold, in {after}:"));
        self.line(&format!("\n{text}"));
        for one in &broken {
            self.line(&format!("  {one}"));
        }
        self.broken = broken;
    }

    /// Looks again and again until it is there or the time is up (then None).
    pub(super) fn wait<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut look: impl FnMut() -> Look<T>,
    ) -> Result<Option<T>, Stop> {
        let begun = Instant::now();
        let mut seconds_shown = 0;
        let found = loop {
            let text = match look() {
                Look::There(found) => break Ok(Some(found)),
                Look::NotYet(text) => text,
            };
            let waited = begun.elapsed();
            if waited >= limit {
                break Ok(None);
            }
            if self.interrupt.within(BETWEEN_LOOKS) {
                break Err(Stop::Interrupted);
            }
            if waited.as_secs() > seconds_shown {
                seconds_shown = waited.as_secs();
                self.progress(what, seconds_shown, &text);
            }
        };
        if seconds_shown > 0 {
            self.print(if self.live { "\r\x1b[2K" } else { "\n" });
        }
        found
    }

    /// The same for something that is so or not; false when the time was up.
    pub(super) fn wait_until(
        &mut self,
        what: &str,
        limit: Duration,
        mut so: impl FnMut() -> bool,
    ) -> Result<bool, Stop> {
        let look = || if so() { Look::There(()) } else { Look::NotYet(String::new()) };
        Ok(self.wait(what, limit, look)?.is_some())
    }

    /// One line that changes, or a dot per second where lines cannot change.
    fn progress(&mut self, what: &str, seconds: u64, text: &str) {
        let text = match (self.live, seconds) {
            (true, _) => {
                format!("\r\x1b[2K{}", self.painted(DIM, &format!("{INDENT}\u{2026} {what}: {seconds} s  {text}")))
            }
            (false, 1) => format!("{INDENT}\u{2026} {what} ."),
            (false, _) => ".".to_owned(),
        };
        self.print(&text);
    }

    fn held(&mut self, claim: &str) {
        self.held += 1;
        let mark = self.painted(GREEN, "\u{2713}");
        self.line(&format!("{INDENT}{mark} {claim}"));
    }

    fn broke(&mut self, claim: String) {
        let mark = self.painted(RED, "\u{2717}");
        self.line(&format!("{INDENT}{mark} {claim}"));
        self.broken.push(claim);
    }

    /// A line as it is.
    pub(super) fn line(&mut self, text: &str) {
        self.print(&format!("{text}\n"));
    }

    /// The end that somebody may want.
    pub(super) fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    fn print(&mut self, text: &str) {
        // Nobody reads any more (`demo | head`): there is nothing left to show, so everything is ended.
        if self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).is_err() {
            self.interrupt.raise();
        }
    }

    fn painted(&self, colour: &str, text: &str) -> String {
        if self.coloured { format!("{colour}{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A time for people: `14 ms`, `3.2 s`.
pub(super) fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.1} s", time.as_secs_f32())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn on_paper(act: impl FnOnce(&mut Screen)) -> String {
        let paper = Paper::default();
        act(&mut Screen::on(Box::new(paper.clone()), Interrupt::default()));
        String::from_utf8(paper.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn what_did_not_hold_is_told_with_what_was_expected_and_seen_there_and_at_the_end() {
        let text = on_paper(|screen| {
            screen.expect("status", 200, 200);
            assert!(screen.all_held());
            screen.expect("status", 403, 200);
            assert!(!screen.all_held());
            screen.verdict();
        });
        assert!(text.starts_with("     \u{2713} status: 200\n     \u{2717} status: expected 403, saw 200\n"), "{text}");
        assert!(text.contains("\u{2717} 1 of 2 checks did not hold"), "{text}");
        assert!(text.ends_with(":\n  status: expected 403, saw 200\n"), "{text}");
    }

    #[test]
    fn a_demo_that_checked_nothing_has_not_succeeded() {
        on_paper(|screen| assert!(!screen.all_held()));
    }

    #[test]
    fn where_lines_cannot_change_a_wait_is_a_line_of_dots_without_escapes() {
        let text = on_paper(|screen| {
            assert!(!screen.wait_until("nothing", Duration::from_millis(2300), || false).unwrap());
            assert!(screen.wait_until("what is there", Duration::ZERO, || true).unwrap());
        });
        assert_eq!(text, "     \u{2026} nothing ..\n");
    }

    #[test]
    fn a_wait_ends_when_somebody_wants_the_end() {
        on_paper(|screen| {
            screen.interrupt.raise();
            assert!(matches!(screen.wait_until("nothing", Duration::from_secs(60), || false), Err(Stop::Interrupted)));
        });
    }
}
