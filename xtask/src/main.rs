//! `cargo xtask`: hands the arguments to the command that they name.

use std::process::ExitCode;

use xtask::{bench, build, ci, clients, demo, envoy, help, layer, test, tidy, workspace};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match args.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", &[][..]),
    };
    if rest.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--help" || arg == "-h") {
        return help::print(Some(command));
    }
    let root = match workspace::root() {
        Ok(root) => root,
        Err(e) => return fail(&e),
    };
    let outcome = match command {
        "build" => help::no_arguments("build", rest).and_then(|()| build::command(&root)),
        "layer" => layer::command(&root, rest),
        "clients" => clients::command(&root, rest),
        "demo" => demo::command(&root, rest),
        "test" => test::command(&root, rest),
        "bench" => bench::command(&root, rest),
        "tidy" => help::no_arguments("tidy", rest).and_then(|()| tidy::command(&root)),
        "ci" => help::no_arguments("ci", rest).and_then(|()| ci::command(&root)),
        "envoy" => envoy::command(&root, rest),
        "help" | "--help" | "-h" => return help::print(rest.first().map(String::as_str)),
        unknown => Err(help::unknown_command(unknown)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => fail(&e),
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("xtask: {message}");
    ExitCode::FAILURE
}
