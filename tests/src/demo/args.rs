//! What the demo is asked for on its command line.

pub(super) const HELP: &str = "\
cargo xtask demo [--act ingress|egress] [--keep]

Shows the main jobs step by step, in two acts, all on 127.0.0.1.

Act one, the mesh calls AWS (about 45 seconds): two real Envoys with irsa-signer (one for S3, one for an API Gateway with a
Lambda function behind) and a strict double of AWS. The pod's token becomes credentials, callers of the mesh are served with
signed requests, others are refused, and STS goes away and comes back.

Act two, AWS Lambda calls the mesh (about 10 seconds): a function in a fake Lambda environment with the extension mtls-proxy,
Secrets Manager (moto), a gateway Envoy with sni-router, and an app's own Envoy that authorises by SPIFFE ID. Requests go
through all of them, others are refused, the function is frozen and thawed, its identity is rotated.

Each step prints what was seen, and \u{2713} or \u{2717} for each thing that must be so. Ends with 0 only if all of it was so, else with 1.

  --act ACT   only this one, ingress or egress
  --keep      leave everything running after the last step and print curl commands to try; Enter or Ctrl-C ends it
  --help      this text

Environment:
  NO_COLOR               no colours
  MESHBRIDGE_ENVOY       the Envoy to run            (cargo xtask demo sets these four)
  MESHBRIDGE_FUNC_E      func-e, to launch it with
  MESHBRIDGE_WASM        the artefact of irsa-signer; dist/irsa-signer.wasm when unset
  MESHBRIDGE_MTLS_PROXY  the extension; the one in cargo's target directory when unset
";

/// One of the demo's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// The mesh calls AWS.
    Ingress,
    /// AWS Lambda calls the mesh.
    Egress,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Run {
        /// In their order.
        acts: Vec<Act>,
        keep: bool,
    },
    Help,
    /// With the reason and the remedy.
    Nonsense(String),
}

pub(super) fn parse(mut args: impl Iterator<Item = String>) -> Asked {
    let (mut acts, mut keep) = (vec![Act::Ingress, Act::Egress], false);
    while let Some(arg) = args.next() {
        let (flag, inline) = arg.split_once('=').map_or((arg.as_str(), None), |(flag, value)| (flag, Some(value)));
        match (flag, inline) {
            ("--keep", None) => keep = true,
            ("--help" | "-h", None) => return Asked::Help,
            ("--act", _) => match inline.map(str::to_owned).or_else(|| args.next()).as_deref() {
                Some("ingress") => acts = vec![Act::Ingress],
                Some("egress") => acts = vec![Act::Egress],
                other => {
                    let other = other.map_or("none".to_owned(), |other| format!("`{other}`"));
                    return Asked::Nonsense(format!("`--act` needs `ingress` or `egress`, not {other}"));
                }
            },
            _ => {
                return Asked::Nonsense(format!(
                    "there is no flag or argument `{arg}`; the demo has `--act` and `--keep`, and `--help` says more"
                ));
            }
        }
    }
    Asked::Run { acts, keep }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(args: &[&str]) -> Asked {
        parse(args.iter().map(|&arg| arg.to_owned()))
    }

    #[test]
    fn flags_are_understood() {
        let both = vec![Act::Ingress, Act::Egress];
        assert_eq!(asked(&[]), Asked::Run { acts: both.clone(), keep: false });
        assert_eq!(asked(&["--keep"]), Asked::Run { acts: both, keep: true });
        assert_eq!(asked(&["--keep", "-h"]), Asked::Help);
    }

    #[test]
    fn one_act_can_be_asked_for_in_either_form() {
        assert_eq!(asked(&["--act", "egress"]), Asked::Run { acts: vec![Act::Egress], keep: false });
        assert_eq!(asked(&["--act=ingress", "--keep"]), Asked::Run { acts: vec![Act::Ingress], keep: true });
    }

    #[test]
    fn an_unknown_flag_is_answered_with_those_that_exist() {
        let Asked::Nonsense(why) = asked(&["--kep"]) else { panic!("accepted") };
        assert!(["`--kep`", "`--act`", "`--keep`", "`--help`"].iter().all(|flag| why.contains(flag)), "{why}");
        let Asked::Nonsense(why) = asked(&["--keep=yes"]) else { panic!("accepted") };
        assert!(why.contains("`--keep=yes`"), "{why}");
    }

    #[test]
    fn an_unknown_act_is_answered_with_those_that_exist() {
        for args in [&["--act", "three"][..], &["--act"], &["--act="]] {
            let Asked::Nonsense(why) = asked(args) else { panic!("{args:?} accepted") };
            assert!(why.contains("`ingress` or `egress`"), "{why}");
        }
    }
}
