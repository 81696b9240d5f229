//! The extension's executable.

use std::process::ExitCode;

fn main() -> ExitCode {
    mtls_proxy::main(std::env::args_os().collect(), &|name| std::env::var(name).ok())
}
