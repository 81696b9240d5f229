//! The benchmark's command line.

use std::path::PathBuf;
use std::time::Duration;

use super::Traffic;

/// What `bench-signer` prints for `--help`.
pub const HELP: &str = "\
cargo xtask bench signer [--seconds S] [--rounds R] [--connections N] [--traffic s3|api] [--also FILE]… [--max-ratio X] [--json]

CPU of one Envoy (one worker) per request, side by side: no filter, Envoy's own aws_request_signing with static credentials,
irsa-signer; each signer in the backend's cluster (as shipped) and in the listener. Plain HTTP on loopback, callers not verified.

  --seconds S      time for each variant in each round (2)
  --rounds R       rounds that count, after one to warm up (5)
  --connections N  callers, each waiting for its answer (8)
  --traffic T      only `s3` (GET, payload unsigned) or `api` (POST of 1 KiB, payload hashed)
  --also FILE      a further artefact of irsa-signer to measure in the same rounds; may be given several times
  --max-ratio X    fail when irsa-signer as shipped adds more than X times what Envoy's own adds, in any table (median of the rounds)
  --json           the result as JSON on standard output
";

/// What is measured, and how it is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// For each variant in each round.
    pub time: Duration,
    /// Rounds that count.
    pub rounds: u32,
    /// Callers.
    pub connections: usize,
    /// Kinds of requests, one table each.
    pub traffic: Vec<Traffic>,
    /// Further artefacts of irsa-signer.
    pub also: Vec<PathBuf>,
    /// What the ratio must not exceed.
    pub max_ratio: Option<f64>,
    /// Whether the result is JSON.
    pub json: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(2),
            rounds: 5,
            connections: 8,
            traffic: vec![Traffic::S3, Traffic::ApiGateway],
            also: Vec::new(),
            max_ratio: None,
            json: false,
        }
    }
}

impl Options {
    /// Reads the arguments behind the program's name.
    ///
    /// # Errors
    /// A text for the user, when there is no such option or no such value.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(option) = arguments.next() {
            if option == "--json" {
                options.json = true;
                continue;
            }
            let known = ["--seconds", "--rounds", "--connections", "--traffic", "--also", "--max-ratio"];
            if !known.contains(&option.as_str()) {
                return Err(format!("there is no option `{option}`; see --help"));
            }
            let value = arguments.next().ok_or_else(|| format!("`{option}` needs a value"))?;
            let wrong = |wanted: &str| format!("`{option} {value}`: it must be {wanted}");
            match option.as_str() {
                "--seconds" => {
                    let time = value.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                    options.time = time.filter(|time| !time.is_zero()).ok_or_else(|| wrong("a positive number"))?;
                }
                "--rounds" => options.rounds = positive(&value).ok_or_else(|| wrong("a number from 1"))?,
                "--connections" => options.connections = positive(&value).ok_or_else(|| wrong("a number from 1"))?,
                "--traffic" => {
                    let one = [Traffic::S3, Traffic::ApiGateway].into_iter().find(|one| one.flag() == value);
                    options.traffic = vec![one.ok_or_else(|| wrong("`s3` or `api`"))?];
                }
                "--also" => {
                    let file = PathBuf::from(&value);
                    // Envoy does not run where we do.
                    options.also.push(file.canonicalize().map_err(|e| wrong(&format!("a file that is there ({e})")))?);
                }
                _ => {
                    let ratio: Option<f64> = value.parse().ok();
                    options.max_ratio = Some(ratio.filter(|ratio| *ratio > 0.0).ok_or_else(|| wrong("such as 1.3"))?);
                }
            }
        }
        Ok(options)
    }
}

/// A number from 1.
pub(super) fn positive<T: std::str::FromStr + PartialOrd + Default>(text: &str) -> Option<T> {
    text.parse().ok().filter(|number| *number > T::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn every_option_is_read() {
        let options =
            parse("--seconds 0.5 --rounds 7 --connections 3 --traffic api --also /dev/null --max-ratio 1.3 --json");
        let options = options.unwrap();
        assert_eq!(options.time, Duration::from_millis(500));
        assert_eq!((options.rounds, options.connections, options.max_ratio, options.json), (7, 3, Some(1.3), true));
        assert_eq!((options.traffic, options.also), (vec![Traffic::ApiGateway], vec![PathBuf::from("/dev/null")]));
    }

    #[test]
    fn a_wrong_option_is_named() {
        for (line, named) in [
            ("--round 5", "`--round`"),
            ("--rounds", "`--rounds` needs"),
            ("--rounds 0", "`--rounds 0`"),
            ("--seconds 0", "`--seconds 0`"),
            ("--seconds -1", "`--seconds -1`"),
            ("--connections many", "`--connections many`"),
            ("--traffic sqs", "`s3` or `api`"),
            ("--also /no/such/file", "/no/such/file"),
            ("--max-ratio 0", "such as 1.3"),
        ] {
            assert!(parse(line).unwrap_err().contains(named), "{line}");
        }
    }
}
