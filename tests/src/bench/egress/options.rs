//! The benchmark's command line.

use std::path::PathBuf;
use std::time::Duration;

use super::super::options::positive;

/// What `bench-egress` prints for `--help`.
pub const HELP: &str = "\
cargo xtask bench egress [router|proxy] [--seconds S] [--rounds R] [--connections N] [--only TEXT] [--also FILE]…
                         [--min-ratio X] [--starts N] [--strict] [--json]

router: one Envoy worker that routes TLS connections by name: without a router, by Envoy's own sni_cluster, by sni-router; and
nginx with ssl_preread, if it is installed. Each connection brings a hello, gets one byte, and ends. 10 and 10,000 names.
proxy: mtls-proxy as the layer has it: size, start to registered, memory, and what it adds to a call of an app with mTLS.

  --seconds S      time for each variant in each round (2)
  --rounds R       rounds that count, after one to warm up (5)
  --connections N  connections under way at once, of the router (32)
  --only TEXT      only gateways whose name has this in it; not the memory of idle connections
  --also FILE      a further artefact of sni-router to measure in the same rounds; may be given several times
  --min-ratio X    fail when sni-router has less than X times the connections per second of sni_cluster (median of the rounds)
  --starts N       starts of mtls-proxy (50)
  --strict         fail when a bar is missed
  --json           the result as JSON on standard output
";

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// sni-router.
    Router,
    /// mtls-proxy.
    Proxy,
}

/// What is measured, and how it is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// One half only.
    pub half: Option<Half>,
    /// For each variant in each round.
    pub time: Duration,
    /// Rounds that count.
    pub rounds: u32,
    /// Connections under way at once, of the router.
    pub connections: usize,
    /// Only gateways with this in their names.
    pub only: Option<String>,
    /// Further artefacts of sni-router.
    pub also: Vec<PathBuf>,
    /// What the ratio must reach.
    pub min_ratio: Option<f64>,
    /// Starts of mtls-proxy.
    pub starts: u32,
    /// Whether a missed bar is a failure.
    pub strict: bool,
    /// Whether the result is JSON.
    pub json: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            half: None,
            time: Duration::from_secs(2),
            rounds: 5,
            connections: 32,
            only: None,
            also: Vec::new(),
            min_ratio: None,
            starts: 50,
            strict: false,
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
            match option.as_str() {
                "router" => options.half = Some(Half::Router),
                "proxy" => options.half = Some(Half::Proxy),
                "--json" => options.json = true,
                "--strict" => options.strict = true,
                "--seconds" | "--rounds" | "--connections" | "--only" | "--also" | "--min-ratio" | "--starts" => {
                    let value = arguments.next().ok_or_else(|| format!("`{option}` needs a value"))?;
                    let set = options.set(&option, &value);
                    set.map_err(|wanted| format!("`{option} {value}`: it must be {wanted}"))?;
                }
                _ => return Err(format!("there is no option `{option}`; see --help")),
            }
        }
        Ok(options)
    }

    /// Whether this half is asked for.
    #[must_use]
    pub fn measures(&self, half: Half) -> bool {
        self.half.is_none_or(|only| only == half)
    }

    fn set(&mut self, option: &str, value: &str) -> Result<(), String> {
        let a_number = || "a number from 1".to_owned();
        match option {
            "--seconds" => {
                let time = value.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                self.time = time.filter(|time| !time.is_zero()).ok_or("a positive number")?;
            }
            "--rounds" => self.rounds = positive(value).ok_or_else(a_number)?,
            "--connections" => self.connections = positive(value).ok_or_else(a_number)?,
            "--starts" => self.starts = positive(value).ok_or_else(a_number)?,
            "--only" => self.only = Some(value.to_owned()),
            "--also" => {
                // Envoy does not run where we do.
                let file = PathBuf::from(value).canonicalize().map_err(|e| format!("a file that is there ({e})"))?;
                self.also.push(file);
            }
            _ => {
                let ratio: Option<f64> = value.parse().ok();
                self.min_ratio = Some(ratio.filter(|ratio| *ratio > 0.0).ok_or("such as 0.95")?);
            }
        }
        Ok(())
    }
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
            parse("router --seconds 0.5 --rounds 7 --connections 3 --also /dev/null --min-ratio 0.9").unwrap();
        assert!(options.measures(Half::Router) && !options.measures(Half::Proxy));
        assert_eq!((options.time, options.rounds, options.connections), (Duration::from_millis(500), 7, 3));
        assert_eq!((options.also, options.min_ratio), (vec![PathBuf::from("/dev/null")], Some(0.9)));
        let options = parse("proxy --starts 9 --only nginx --strict --json").unwrap();
        assert_eq!(options.only.as_deref(), Some("nginx"));
        assert!(!options.measures(Half::Router) && options.measures(Half::Proxy));
        assert_eq!((options.starts, options.strict, options.json), (9, true, true));
        let options = parse("").unwrap();
        assert!(options.measures(Half::Router) && options.measures(Half::Proxy) && !options.strict);
    }

    #[test]
    fn a_wrong_option_is_named() {
        for (line, named) in [
            ("gateway", "`gateway`"),
            ("--round 5", "`--round`"),
            ("--rounds", "`--rounds` needs"),
            ("--rounds 0", "`--rounds 0`"),
            ("--seconds 0", "`--seconds 0`"),
            ("--connections many", "`--connections many`"),
            ("--starts -1", "`--starts -1`"),
            ("--also /no/such/file", "/no/such/file"),
            ("--min-ratio 0", "such as 0.95"),
        ] {
            assert!(parse(line).unwrap_err().contains(named), "{line}");
        }
    }
}
