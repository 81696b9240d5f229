//! The main jobs on real Envoys, as a newcomer watches them: what is done, what was seen, and whether it was right.
//!
//! Each act has a directory: its `steps` say what happens, in the order of the screen, and its `stage` is what runs.
//! `screen` lays it out and keeps the score; `keep` is what comes behind the last step when somebody wants to try by hand.

mod args;
mod egress;
mod found;
mod ingress;
mod interrupt;
mod keep;
mod screen;

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use args::{Act, Asked};
use interrupt::Interrupt;
use keep::Running;
use screen::Screen;

/// Why the demo ends before its last step.
#[derive(Debug)]
enum Stop {
    /// Ctrl-C, SIGTERM, or nobody reads what we print.
    Interrupted,
    /// It cannot go on; with what was seen and the remedy.
    Failed(String),
}

/// Runs the demo with these arguments (without the program's name).
pub fn main(args: impl Iterator<Item = String>) -> ExitCode {
    let (acts, keep) = match args::parse(args) {
        Asked::Run { acts, keep } => (acts, keep),
        Asked::Help => {
            print!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Asked::Nonsense(why) => return complain(&why),
    };
    // The harness panics where a test would fail. What it says is for the screen, once everything has been ended.
    panic::set_hook(Box::new(|_| {}));
    let interrupt = match Interrupt::by_signals() {
        Ok(interrupt) => interrupt,
        Err(e) => return complain(&format!("signals cannot be caught: {e}")),
    };
    let mut screen = Screen::on_stdout(interrupt);
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| run(&acts, keep, &mut screen)));
    match outcome.unwrap_or_else(|panic| Err(Stop::Failed(words_of(&*panic)))) {
        Ok(()) if screen.all_held() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(Stop::Interrupted) => complain("interrupted before the last step; everything was ended"),
        Err(Stop::Failed(why)) => complain(&why),
    }
}

fn run(acts: &[Act], keep: bool, screen: &mut Screen) -> Result<(), Stop> {
    // What is missing is told before anything is started.
    let mut plays = Vec::new();
    for act in acts {
        plays.push(match act {
            Act::Ingress => Play::Ingress(ingress::Parts::find()?),
            Act::Egress => Play::Egress(egress::Parts::find()?),
        });
    }
    let mut kept = Vec::new();
    for (number, play) in plays.iter().enumerate() {
        if number > 0 {
            screen.line("");
        }
        let mut running: Box<dyn Running> = match play {
            Play::Ingress(parts) => Box::new(ingress::play(parts, screen)?),
            Play::Egress(parts) => Box::new(egress::play(parts, screen)?),
        };
        if keep {
            kept.push(running);
        } else {
            running.end(screen)?;
        }
    }
    screen.verdict();
    if keep {
        keep::until_told(&mut kept, screen)?;
        for mut running in kept {
            running.end(screen)?;
        }
        if !screen.all_held() {
            screen.verdict();
        }
        screen.line("\neverything was ended");
    }
    Ok(())
}

/// An act that can be played: all that it needs was found.
enum Play {
    Ingress(ingress::Parts),
    Egress(egress::Parts),
}

fn complain(why: &str) -> ExitCode {
    eprintln!("demo: {why}");
    ExitCode::FAILURE
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    words.unwrap_or("a panic without a word").to_owned()
}
