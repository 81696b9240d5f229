//! `cargo xtask bench signer`: what irsa-signer costs, beside Envoy's own signer.

use std::process::ExitCode;

use e2e::bench::{self, HELP, Options};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match Options::parse(arguments).and_then(|options| measure(&options)) {
        Ok(code) => code,
        Err(e) => {
            eprintln!("bench-signer: {e}");
            ExitCode::from(2)
        }
    }
}

fn measure(options: &Options) -> Result<ExitCode, String> {
    let report = bench::run(options)?;
    if options.json {
        println!("{:#}", report.json());
    } else {
        print!("{report}");
    }
    let Some(limit) = options.max_ratio else { return Ok(ExitCode::SUCCESS) };
    let mut code = ExitCode::SUCCESS;
    for table in report.above(limit) {
        eprintln!("bench-signer: {}: more than {limit} × native", table.traffic);
        code = ExitCode::FAILURE;
    }
    Ok(code)
}
