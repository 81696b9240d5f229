//! The whole main job on real Envoys, as a newcomer watches it: what is done, what was seen, and whether it was right.
//!
//! `steps` says what happens, in the order of the screen; `screen` lays it out and keeps the score; `stage` is what runs.

mod args;
mod interrupt;
mod keep;
mod screen;
mod stage;
mod steps;
mod traffic;

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::time::Duration;

use args::Asked;
use interrupt::Interrupt;
use screen::Screen;
use stage::{Parts, Stage};

/// How long sessions live in the steps: STS hands out what real ones never are, so that nobody has to wait for an hour.
const LIFETIME: Duration = Duration::from_secs(12);

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
    let keep = match args::parse(args) {
        Asked::Run { keep } => keep,
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
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| run(keep, &mut screen)));
    match outcome.unwrap_or_else(|panic| Err(Stop::Failed(words_of(&*panic)))) {
        Ok(()) if screen.all_held() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(Stop::Interrupted) => complain("interrupted before the last step; everything was ended"),
        Err(Stop::Failed(why)) => complain(&why),
    }
}

fn run(keep: bool, screen: &mut Screen) -> Result<(), Stop> {
    let parts = Parts::find()?;
    screen.intro("meshbridge demo: the mesh calls AWS", &intro());
    screen.step("What runs, and where");
    let stage = Stage::set(&parts, screen)?;
    for (title, act) in steps::ALL {
        screen.step(title);
        act(&stage, screen)?;
    }
    if keep {
        screen.verdict();
        keep::until_told(&stage, screen)?;
        screen.line("\nending both Envoys and the double of AWS");
    } else {
        drop(stage);
        screen.verdict();
    }
    Ok(())
}

fn intro() -> String {
    format!(
        "    caller --mTLS--> Envoy + irsa-signer --SigV4, TLS--> S3 | API Gateway -> Lambda
                            '---the pod's OIDC token---> STS

The Envoys are real and run the shipped files of envoy-configs/. AWS is a strict double in this process: it verifies
every token, signature and session, refuses what AWS refuses, and keeps a journal of all that arrives.
Everything is on 127.0.0.1. Sessions live {} s here, so that you see their end; real ones last an hour.",
        LIFETIME.as_secs()
    )
}

fn complain(why: &str) -> ExitCode {
    eprintln!("demo: {why}");
    ExitCode::FAILURE
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    words.unwrap_or("a panic without a word").to_owned()
}
