//! `cargo xtask bench egress`: what sni-router and mtls-proxy cost.

use std::process::ExitCode;

use e2e::bench::egress::{self, HELP, Options};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match Options::parse(arguments).and_then(|options| measure(&options)) {
        Ok(code) => code,
        Err(e) => {
            eprintln!("bench-egress: {e}");
            ExitCode::from(2)
        }
    }
}

fn measure(options: &Options) -> Result<ExitCode, String> {
    let report = egress::run(options)?;
    if options.json {
        println!("{:#}", report.json());
    } else {
        print!("{report}");
    }
    let mut code = ExitCode::SUCCESS;
    for bar in report.bars().filter(|bar| options.strict && !bar.is_met()) {
        eprintln!("bench-egress: missed: {}", bar.what);
        code = ExitCode::FAILURE;
    }
    if let (Some(least), Some(router)) = (options.min_ratio, &report.router)
        && router.ratio.is_none_or(|ratio| ratio.median < least)
    {
        eprintln!("bench-egress: sni-router has less than {least} × the connections per second of sni_cluster");
        code = ExitCode::FAILURE;
    }
    Ok(code)
}
