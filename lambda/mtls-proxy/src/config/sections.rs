//! Reads the fields of a configuration, section by section.

use std::path::PathBuf;
use std::time::Duration;

use spiffe_id::{Invalid, SpiffeIdBuf, TrustDomain};

use super::identity::read_identity;
use super::names::{self, Gateway, HostName, Label};
use super::reader::{Object, Report, read_name};
use super::upstreams::{Names, read_upstreams};
use super::{Config, Invocations, Json, Listen, Timeouts, TokenPlace, UnixToken};
use crate::token::Token;

pub(super) type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

pub(super) fn read(mut object: Object, variable: Variable<'_>, report: &mut Report) -> Option<Config> {
    overlay(&mut object, variable);
    let app = object.require_name("app", "reports", Label::parse, report);
    let environment = object.require_name("environment", "staging", Label::parse, report);
    let trust_domain = object.require_name("trust_domain", "mesh.example.com", TrustDomain::parse, report);
    let names = Names {
        environment: environment.clone(),
        trust_domain: trust_domain.clone(),
        suffix_given: object.has("mesh_suffix"),
        suffix: object.take_name("mesh_suffix", HostName::parse, report),
        gateway_given: object.has("gateway"),
        gateway: object.take_name("gateway", Gateway::parse, report),
    };
    let spiffe_id_given = object.has("spiffe_id");
    let spiffe_id = object.take_name("spiffe_id", SpiffeIdBuf::parse, report);
    let upstreams = read_upstreams(&mut object, &names, report);
    let identity = read_identity(&mut object, app.as_ref(), environment.as_ref(), variable, report);
    let listen = read_listen(&mut object, variable, report);
    let token = read_token(&mut object, variable, report);
    let timeouts = read_timeouts(&mut object, report);
    let max_connections =
        object.take_whole("max_connections", 1..=900, "a whole number of connections", report).unwrap_or(256);
    let choices = [("ignore", Invocations::Ignore), ("follow", Invocations::Follow)];
    let invocations = object.take_choice("invocations", &choices, report).unwrap_or(Invocations::Ignore);
    object.finish(report);

    // One way out for all that may be missing: a `?` for each would drop the mistakes of the others.
    let (app, environment) = (app?, environment?);
    let spiffe_id = match spiffe_id {
        Some(id) => id,
        None if spiffe_id_given => return None,
        None => names.spiffe_id(&environment, &app)?,
    };
    Some(Config {
        app,
        environment,
        spiffe_id,
        upstreams: upstreams?,
        identity: identity?,
        listen,
        token: token?,
        timeouts,
        max_connections: usize::try_from(max_connections).unwrap_or(256),
        invocations,
    })
}

/// The variables of the top level; those of sections are laid over them where they are read.
fn overlay(object: &mut Object, variable: Variable<'_>) {
    let texts = [
        ("app", "MESHBRIDGE_APP"),
        ("environment", "MESHBRIDGE_ENVIRONMENT"),
        ("trust_domain", "MESHBRIDGE_TRUST_DOMAIN"),
        ("mesh_suffix", "MESHBRIDGE_MESH_SUFFIX"),
        ("gateway", "MESHBRIDGE_GATEWAY"),
    ];
    for (field, name) in texts {
        if let Some(value) = variable(name) {
            object.overlay(field, name, Json::Text(value));
        }
    }
    if let Some(list) = variable("MESHBRIDGE_UPSTREAMS") {
        let items = list.split(',').map(|item| Json::Text(item.trim().to_owned())).collect();
        object.overlay("upstreams", "MESHBRIDGE_UPSTREAMS", Json::List(items));
    }
}

fn read_listen(object: &mut Object, variable: Variable<'_>, report: &mut Report) -> Listen {
    let mut section = object.take_object("listen", report);
    let mut port = section.take_whole("port", 0..=65_535, "a port", report);
    // The clients read the same variable, which Lambda gives to both: `unix:/path` is how they are told of the socket.
    let mut socket = None;
    if let Some(address) = variable("MESHBRIDGE_PROXY") {
        let told = match address.strip_prefix("unix:") {
            Some(path) => names::socket_path(path).map(|path| socket = Some(path)),
            None => names::own_address(&address).map(|own| port = Some(u64::from(own))),
        };
        if let Err(invalid) = told {
            report.add_invalid("$MESHBRIDGE_PROXY", &address, invalid);
        }
    }
    let path = section.path("unix");
    let given = section.take_nullable("unix");
    let unix = match given {
        _ if socket.is_some() => socket,
        Some(Json::Null) => None,
        None => Some(PathBuf::from("/tmp/meshbridge/proxy.sock")),
        Some(json) => read_name(&path, &json, names::socket_path, report),
    };
    let choices = [("required", UnixToken::Required), ("none", UnixToken::None)];
    let unix_token = section.take_choice("unix_token", &choices, report).unwrap_or(UnixToken::Required);
    section.finish(report);
    Listen { port: port.and_then(|port| u16::try_from(port).ok()).unwrap_or(8181), unix, unix_token }
}

fn read_token(object: &mut Object, variable: Variable<'_>, report: &mut Report) -> Option<TokenPlace> {
    let mut section = object.take_object("token", report);
    if let Some(file) = variable("MESHBRIDGE_TOKEN_FILE") {
        section.overlay("file", "MESHBRIDGE_TOKEN_FILE", Json::Text(file));
    }
    let given_file = section.has("file");
    let file = section.take_name("file", names::absolute_path, report);
    section.finish(report);
    let given = match variable("MESHBRIDGE_TOKEN").map(|text| Token::given(&text)) {
        None => None,
        Some(Ok(token)) => Some(token),
        // The text is a secret, even one that is too short: it is not quoted.
        Some(Err(Invalid { problem, remedy })) => {
            report.add("$MESHBRIDGE_TOKEN", problem, remedy);
            return None;
        }
    };
    let file = match file {
        Some(file) => file,
        None if given_file => return None,
        None => PathBuf::from("/tmp/meshbridge/token"),
    };
    Some(TokenPlace { file, given })
}

fn read_timeouts(object: &mut Object, report: &mut Report) -> Timeouts {
    let mut section = object.take_object("timeouts", report);
    let mut take = |name, bounds, default| {
        Duration::from_millis(
            section.take_whole(name, bounds, "a whole number of milliseconds", report).unwrap_or(default),
        )
    };
    let timeouts = Timeouts {
        response: take("response_ms", 1..=900_000, 30_000),
        head: take("head_ms", 100..=60_000, 10_000),
        stall: take("stall_ms", 100..=900_000, 60_000),
    };
    section.finish(report);
    timeouts
}
