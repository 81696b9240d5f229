//! `--keep`: everything goes on running, with commands to paste, and what the other side sees of them.

use std::io::{self, IsTerminal as _};
use std::thread;
use std::time::Duration;

use super::Stop;
use super::interrupt::Interrupt;
use super::screen::Screen;

/// What an act has left running.
pub(super) trait Running {
    /// What the commands are about.
    fn title(&self) -> &'static str;

    /// Each with what it does and what comes of it; each complete in itself.
    fn commands(&self) -> io::Result<Vec<Command>>;

    /// What the other side has seen since the last call, one line each.
    fn news(&mut self) -> Vec<String>;

    /// Ends all of it, on the screen where that is a part of the act.
    fn end(&mut self, screen: &mut Screen) -> Result<(), Stop>;
}

/// What it does and what comes of it; then the command, whose lines end with a backslash while it goes on.
pub(super) type Command = (String, String);

/// Prints commands to try, and returns when somebody wants the end.
pub(super) fn until_told(kept: &mut [Box<dyn Running>], screen: &mut Screen) -> Result<(), Stop> {
    screen.line("\nEverything goes on running. To try in another terminal:");
    for running in kept.iter() {
        let commands = running.commands();
        let commands = commands.map_err(|e| Stop::Failed(format!("what curl needs cannot be written: {e}")))?;
        screen.line(&format!("\n{}", running.title()));
        for (what, command) in commands {
            screen.line(&format!("\n  # {what}\n  {command}"));
        }
    }
    let end = if io::stdin().is_terminal() {
        raise_at_enter(screen.interrupt());
        "Enter or Ctrl-C ends everything".to_owned()
    } else {
        format!("Ctrl-C or `kill {}` ends everything", std::process::id())
    };
    // What the steps did is no news.
    kept.iter_mut().for_each(|running| drop(running.news()));
    screen.line(&format!("\n{end} and removes its files. Until then, this is what AWS and the apps see:\n"));
    while !screen.interrupt().within(Duration::from_millis(200)) {
        for line in kept.iter_mut().flat_map(|running| running.news()) {
            screen.line(&format!("  {line}"));
        }
    }
    Ok(())
}

/// Enter ends it, and so does the end of the terminal. The thread is not waited for.
fn raise_at_enter(interrupt: Interrupt) {
    thread::spawn(move || {
        let _ = io::stdin().read_line(&mut String::new());
        interrupt.raise();
    });
}
