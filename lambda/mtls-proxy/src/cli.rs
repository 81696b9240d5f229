//! The command line, and where the configuration is found.

use std::ffi::OsString;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::calls::Mesh;
use crate::config::{Config, VARIABLES};
use crate::lambda::{Api, Fatal, Initialization};
use crate::run::{self, Host};

/// Where the configuration is looked for when nothing names it: the function's own package, then a layer.
const PLACES: [&str; 2] = ["/var/task/meshbridge.json", "/opt/meshbridge.json"];
/// Bytes of a configuration. A thousand upstreams fit in it.
const MAX_CONFIG: u64 = 1024 * 1024;
/// For a configuration that cannot be used.
const UNUSABLE: u8 = 2;

const HELP: &str = "\
mtls-proxy: calls apps of the mesh by mutual TLS, for programs that speak plain HTTP

  mtls-proxy [--config FILE]           serve; in Lambda as an extension, elsewhere in the foreground
  mtls-proxy --check [--config FILE]   only read the configuration; say what is wrong with it, or what it means
  mtls-proxy --help | --version

The configuration is FILE, else $MESHBRIDGE_CONFIG, else /var/task/meshbridge.json, else /opt/meshbridge.json.
The least there is:

  { \"app\": \"reports\", \"environment\": \"staging\", \"trust_domain\": \"mesh.example.com\",
    \"gateway\": \"gateway.mesh.example.com:443\", \"upstreams\": [\"ledger\"] }

On a laptop, with an identity in files (certificate.json and keys/VERSION.pem):

  …, \"identity\": {\"source\": \"directory\", \"path\": \"/etc/meshbridge/identity\"}

Then call an app in one of these ways; TOKEN is what is in /tmp/meshbridge/token:

  curl -H \"x-meshbridge-token: $TOKEN\" http://127.0.0.1:8181/~ledger/path
  curl -H \"x-meshbridge-token: $TOKEN\" -H 'Host: ledger' http://127.0.0.1:8181/path
  curl -x http://meshbridge:$TOKEN@127.0.0.1:8181 http://ledger.mesh/path
  curl -H \"x-meshbridge-token: $TOKEN\" http://127.0.0.1:8181/status        how the identity is doing

These environment variables decide over the file:
";

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Command {
    Help,
    Version,
    Serve(Option<PathBuf>),
    Check(Option<PathBuf>),
}

/// Runs the program: `args` with its own name first, `variable` reads the environment.
#[must_use]
pub fn main(args: Vec<OsString>, variable: &dyn Fn(&str) -> Option<String>) -> ExitCode {
    let mut args = args.into_iter();
    let name = own_name(args.next());
    match parse(args) {
        Ok(Command::Help) => say(&mut io::stdout(), &help()),
        Ok(Command::Version) => say(&mut io::stdout(), concat!("mtls-proxy ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Command::Check(file)) => return check(file.as_deref(), variable),
        Ok(Command::Serve(file)) => return serve(file.as_deref(), &name, variable),
        Err(message) => {
            complain(&message);
            return ExitCode::from(UNUSABLE);
        }
    }
    ExitCode::SUCCESS
}

/// The name of the file that was started: Lambda knows the extension by it, also where it is a link.
fn own_name(first: Option<OsString>) -> String {
    let name = first.as_deref().and_then(|path| Path::new(path).file_name()).and_then(|name| name.to_str());
    name.unwrap_or("mtls-proxy").to_owned()
}

fn parse(args: impl Iterator<Item = OsString>) -> Result<Command, String> {
    let (mut file, mut check) = (None, false);
    let mut args = args;
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("--help" | "-h" | "help") => return Ok(Command::Help),
            Some("--version" | "-V") => return Ok(Command::Version),
            Some("--check") => check = true,
            Some("--config") => file = Some(args.next().ok_or("--config needs the path of a file")?.into()),
            Some(other) if other.starts_with("--config=") => {
                file = other.split_once('=').map(|(_, path)| PathBuf::from(path));
            }
            _ => {
                let arg = arg.to_string_lossy();
                return Err(format!("there is no argument {arg:?}; `mtls-proxy --help` lists those that there are"));
            }
        }
    }
    Ok(if check { Command::Check(file) } else { Command::Serve(file) })
}

fn help() -> String {
    let mut help = HELP.to_owned();
    for (variable, field) in VARIABLES {
        help.push_str(&format!("  {variable:<24} {field}\n"));
    }
    help
}

fn check(file: Option<&Path>, variable: &dyn Fn(&str) -> Option<String>) -> ExitCode {
    match load(file, variable) {
        Ok((config, place)) => {
            say(&mut io::stdout(), &meaning(&config, &place));
            ExitCode::SUCCESS
        }
        Err(message) => {
            complain(&message);
            ExitCode::from(UNUSABLE)
        }
    }
}

/// A right configuration in other words.
fn meaning(config: &Config, place: &str) -> String {
    let mut text = format!("{place} is right: {} may call\n", config.spiffe_id.as_str());
    for upstream in &config.upstreams {
        text.push_str(&format!(
            "  {}.{} through {}:{} with the SNI {}, if it is {}\n",
            upstream.app.as_str(),
            upstream.environment.as_str(),
            upstream.gateway.host(),
            upstream.gateway.port(),
            upstream.sni.as_str(),
            upstream.spiffe_id.as_str(),
        ));
    }
    text
}

fn serve(file: Option<&Path>, name: &str, variable: &dyn Fn(&str) -> Option<String>) -> ExitCode {
    let host = match variable("AWS_LAMBDA_RUNTIME_API") {
        Some(api) => Host::Lambda {
            api: Api::new(&api),
            name: name.to_owned(),
            initialization: Initialization::parse(variable("AWS_LAMBDA_INITIALIZATION_TYPE").as_deref()),
        },
        None => Host::Foreground,
    };
    // One thread: a function has a fraction of a core, and memory counts.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let loaded = load(file, variable).and_then(|(config, _)| {
        let mesh = Mesh::new(&config, variable)?;
        Ok((config, mesh))
    });
    let ended = match loaded {
        Ok((config, mesh)) => runtime.block_on(run::run(&config, mesh, &host)).map_err(|e| (e, ExitCode::FAILURE)),
        Err(message) => {
            let message = match &host {
                Host::Foreground => message,
                Host::Lambda { api, name, .. } => {
                    let fatal = Fatal { kind: "Extension.ConfigInvalid", message };
                    runtime.block_on(run::fail_init(api, name, fatal))
                }
            };
            Err((message, ExitCode::from(UNUSABLE)))
        }
    };
    // A lookup of a name that is under way is not waited for.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err((message, code)) => {
            complain(&message);
            code
        }
    }
}

/// The configuration, and where it was found.
fn load(file: Option<&Path>, variable: &dyn Fn(&str) -> Option<String>) -> Result<(Config, String), String> {
    let (text, place) = find(file, variable)?;
    let config = Config::parse(&text, variable).map_err(|mistakes| format!("{place}: {mistakes}"))?;
    Ok((config, place))
}

fn find(file: Option<&Path>, variable: &dyn Fn(&str) -> Option<String>) -> Result<(Vec<u8>, String), String> {
    let named = file.map(Path::to_path_buf).or_else(|| variable("MESHBRIDGE_CONFIG").map(PathBuf::from));
    let places = match named {
        Some(path) => vec![path],
        None => PLACES.map(PathBuf::from).into_iter().filter(|path| path.exists()).collect(),
    };
    let Some(path) = places.first() else {
        // The variables can say everything.
        if variable("MESHBRIDGE_UPSTREAMS").is_some() {
            return Ok((b"{}".to_vec(), "the environment".to_owned()));
        }
        return Err(format!(
            "there is no configuration; write {} into the function's package, or name a file with --config or MESHBRIDGE_CONFIG \
             (`mtls-proxy --help` shows what stands in it)",
            PLACES.join(" or "),
        ));
    };
    let place = path.display().to_string();
    let unreadable = |e: &dyn std::fmt::Display| format!("{place} cannot be read: {e}");
    let mut text = Vec::new();
    let file = std::fs::File::open(path).map_err(|e| unreadable(&e))?;
    file.take(MAX_CONFIG + 1).read_to_end(&mut text).map_err(|e| unreadable(&e))?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > MAX_CONFIG {
        return Err(unreadable(&"it is larger than 1 MiB"));
    }
    Ok((text, place))
}

fn complain(message: &str) {
    say(&mut io::stderr(), &format!("mtls-proxy: {message}\n"));
}

/// There is nobody to tell that nothing can be said.
fn say(to: &mut dyn Write, text: &str) {
    let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}

#[cfg(test)]
mod tests;
