//! The demo's program. `cargo xtask demo` builds what it needs and runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    e2e::demo::main(std::env::args().skip(1))
}
