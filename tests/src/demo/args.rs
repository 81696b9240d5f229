//! What the demo is asked for on its command line.

pub(super) const HELP: &str = "\
cargo xtask demo [--keep]

Starts two real Envoys with irsa-signer (one for S3, one for an API Gateway with a Lambda function behind) and a strict
double of AWS, all on 127.0.0.1, and shows the main job step by step: the pod's token becomes credentials, callers of the
mesh are served with signed requests, others are refused, and STS goes away and comes back. Takes about 45 seconds.

Each step prints what was seen, and \u{2713} or \u{2717} for each thing that must be so. Ends with 0 only if all of it was so, else with 1.

  --keep    leave everything running after the last step and print curl commands to try; Enter or Ctrl-C ends it
  --help    this text

Environment:
  NO_COLOR           no colours
  MESHBRIDGE_ENVOY   the Envoy to run            (cargo xtask demo sets these three)
  MESHBRIDGE_FUNC_E  func-e, to launch it with
  MESHBRIDGE_WASM    the artefact of irsa-signer; dist/irsa-signer.wasm when unset
";

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Run {
        keep: bool,
    },
    Help,
    /// With the reason and the remedy.
    Nonsense(String),
}

pub(super) fn parse(args: impl Iterator<Item = String>) -> Asked {
    let mut keep = false;
    for arg in args {
        match arg.as_str() {
            "--keep" => keep = true,
            "--help" | "-h" => return Asked::Help,
            other => {
                return Asked::Nonsense(format!(
                    "there is no flag or argument `{other}`; the demo has `--keep`, and `--help` says more"
                ));
            }
        }
    }
    Asked::Run { keep }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(args: &[&str]) -> Asked {
        parse(args.iter().map(|&arg| arg.to_owned()))
    }

    #[test]
    fn flags_are_understood() {
        assert_eq!(asked(&[]), Asked::Run { keep: false });
        assert_eq!(asked(&["--keep"]), Asked::Run { keep: true });
        assert_eq!(asked(&["--keep", "-h"]), Asked::Help);
    }

    #[test]
    fn an_unknown_flag_is_answered_with_those_that_exist() {
        let Asked::Nonsense(why) = asked(&["--kep"]) else { panic!("accepted") };
        assert!(why.contains("`--kep`") && why.contains("`--keep`") && why.contains("`--help`"), "{why}");
    }
}
