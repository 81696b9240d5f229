//! The sections of a signing plugin's configuration, each read from its own object.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::json::Json;
use super::reader::{Object, Quoted, Report};
use super::{Config, Payload, Session, Sts, Token, Unauthenticated, cluster_name, policy};
use crate::names::{
    CallerPattern, HeaderName, HostName, Invalid, Region, RoleArn, ServiceName, SessionName, TrustDomain,
};

const DEFAULT_CALLER_HEADER: &str = "x-mesh-caller";
const MIB: u64 = 1024 * 1024;

pub(super) fn read_config(mut object: Object, report: &mut Report) -> Option<Config> {
    let service = object.require_name("service_name", "s3", ServiceName::parse, report);
    let region = object.require_name("region", "us-west-2", Region::parse, report);
    let backend_hostname =
        object.require_name("backend_hostname", "my-bucket.s3.us-west-2.amazonaws.com", HostName::parse, report);
    let role_arn = object.require_name("role_arn", "arn:aws:iam::123456789012:role/NAME", RoleArn::parse, report);
    if let (Some(region), Some(role)) = (&region, &role_arn)
        && region.partition() != role.partition()
    {
        object.report(
            "role_arn",
            format_args!(
                "is a role of {}, but region {} is of {}",
                role.partition().as_str(),
                region.as_str(),
                region.partition().as_str()
            ),
            "use a role and a region of one partition",
            report,
        );
    }

    let sts = read_sts(&mut object, region.as_ref(), role_arn.as_ref(), report);
    let token = read_token(&mut object, report);
    let session = read_session(&mut object, backend_hostname.as_ref(), report);
    let callers = read_callers(&mut object, report);
    let trust_domain = object.take_name("trust_domain", TrustDomain::parse, report);
    check_trust_domain(&object, callers.as_deref(), trust_domain.as_ref(), report);
    let unauthenticated = read_choice(
        &mut object,
        "unauthenticated_callers",
        [("refuse", Unauthenticated::Refuse), ("allow", Unauthenticated::Allow)],
        report,
    );
    let caller_header = read_caller_header(&mut object, report);
    let payload = read_payload(&mut object, service.as_ref(), report);
    let max_body_bytes = object.take_whole("max_body_bytes", 1..=64 * MIB, "bytes", report).unwrap_or(MIB);
    let max_waiting = object.take_whole("max_waiting", 0..=100_000, "requests", report).unwrap_or(256);
    object.finish(report);

    // One way out for all that may be missing: a `?` for each would drop the others at each.
    let parts = (service, region, backend_hostname, role_arn, sts, session, payload);
    let (Some(service), Some(region), Some(backend_hostname), Some(role_arn), Some(sts), Some(session), Some(payload)) =
        parts
    else {
        return None;
    };
    Some(Config {
        service,
        region,
        backend_hostname,
        role_arn,
        sts,
        token,
        session,
        callers,
        trust_domain,
        unauthenticated: unauthenticated.unwrap_or(Unauthenticated::Refuse),
        caller_header,
        payload,
        max_body_bytes,
        max_waiting: usize::try_from(max_waiting).unwrap_or(usize::MAX),
    })
}

fn read_sts(object: &mut Object, region: Option<&Region>, role: Option<&RoleArn>, report: &mut Report) -> Option<Sts> {
    let mut cluster = None;
    let mut hostname = None;
    let mut timeout_seconds = None;
    if let Some(mut section) = object.take_object("sts", report) {
        cluster = section.take_name("cluster", cluster_name, report);
        hostname = section.take_name("hostname", sts_hostname, report);
        timeout_seconds = section.take_whole("timeout_seconds", 1..=60, "seconds", report);
        section.finish(report);
    }
    let regional = || HostName::parse(&sts::regional_endpoint(region?.as_str(), role?.partition())).ok();
    Some(Sts {
        cluster: cluster.unwrap_or_else(|| "sts".to_string()),
        hostname: hostname.or_else(regional)?,
        timeout_seconds: timeout_seconds.unwrap_or(5),
    })
}

fn sts_hostname(text: &str) -> Result<HostName, Invalid> {
    if text == "sts.amazonaws.com" {
        return Err(Invalid {
            problem: "is the global endpoint, which lives in one region only",
            remedy: "leave it out to use the regional one",
        });
    }
    HostName::parse(text)
}

fn read_token(object: &mut Object, report: &mut Report) -> Token {
    let mut cluster = None;
    let mut path = None;
    if let Some(mut section) = object.take_object("token", report) {
        cluster = section.take_name("cluster", cluster_name, report);
        path = section.take_name("path", token_path, report);
        section.finish(report);
    }
    Token {
        cluster: cluster.unwrap_or_else(|| "irsa-token".to_string()),
        path: path.unwrap_or_else(|| "/token".to_string()),
    }
}

fn token_path(text: &str) -> Result<String, Invalid> {
    if !text.starts_with('/') || text.len() > 1024 || !text.bytes().all(|b| b.is_ascii_graphic() && b != b'#') {
        return Err(Invalid { problem: "is not a path", remedy: "write it as /token" });
    }
    Ok(text.to_string())
}

fn read_session(object: &mut Object, backend: Option<&HostName>, report: &mut Report) -> Option<Session> {
    let mut duration_seconds = None;
    let mut name = None;
    let mut policy = None;
    if let Some(mut section) = object.take_object("session", report) {
        duration_seconds = section.take_whole("duration_seconds", 900..=43_200, "seconds", report);
        name = section.take_name("name", SessionName::parse, report);
        if let Some(json) = section.take("policy") {
            policy = policy::read(&json, &section.path("policy"), report);
        }
        section.finish(report);
    }
    Some(Session {
        duration_seconds: u32::try_from(duration_seconds.unwrap_or(3600)).ok()?,
        name: match name {
            Some(name) => name,
            None => SessionName::of_backend(backend?),
        },
        policy,
    })
}

fn read_callers(object: &mut Object, report: &mut Report) -> Option<Vec<CallerPattern>> {
    const REMEDY: &str = "list SPIFFE IDs, such as [\"spiffe://example.org/web\"]";
    let items = match object.take("callers")? {
        Json::List(items) => items,
        other => {
            object.report("callers", format_args!("is {}, not a list", other.kind()), REMEDY, report);
            return None;
        }
    };
    if items.is_empty() {
        object.report("callers", format_args!("is empty, so that nobody could call"), REMEDY, report);
        return None;
    }
    let mut callers = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let path = object.path("callers");
        let field = format_args!("{path}[{index}]");
        match item {
            Json::Text(text) => match CallerPattern::parse(&text) {
                Ok(caller) if callers.contains(&caller) => {
                    report.add(&field, format_args!("{} stands there twice", Quoted(&text)), &"keep one of them");
                }
                Ok(caller) => callers.push(caller),
                Err(invalid) => report.add_invalid(&field, &text, invalid),
            },
            other => report.add(&field, format_args!("is {}, not a text", other.kind()), &REMEDY),
        }
    }
    Some(callers)
}

/// A caller outside the trust domain could never call: the two fields contradict each other.
fn check_trust_domain(
    object: &Object,
    callers: Option<&[CallerPattern]>,
    trust_domain: Option<&TrustDomain>,
    report: &mut Report,
) {
    let Some(trust_domain) = trust_domain else { return };
    for caller in callers.unwrap_or_default() {
        if caller.trust_domain() != trust_domain.as_str() {
            object.report(
                "callers",
                format_args!(
                    "has a caller of {}, but trust_domain is {}",
                    caller.trust_domain(),
                    trust_domain.as_str()
                ),
                "remove that caller, or leave trust_domain out",
                report,
            );
        }
    }
}

fn read_caller_header(object: &mut Object, report: &mut Report) -> Option<HeaderName> {
    let text = match object.take_nullable("caller_header") {
        Some(Json::Null) => return None,
        Some(Json::Text(text)) => text,
        None => DEFAULT_CALLER_HEADER.to_string(),
        Some(other) => {
            let problem = format_args!("is {}, not a text", other.kind());
            object.report("caller_header", problem, "name a header, or write null to send none", report);
            return None;
        }
    };
    HeaderName::parse(&text).map_err(|invalid| report.add_invalid(&object.path("caller_header"), &text, invalid)).ok()
}

fn read_payload(object: &mut Object, service: Option<&ServiceName>, report: &mut Report) -> Option<Payload> {
    let choices = [("unsigned", Payload::Unsigned), ("signed", Payload::Signed)];
    let chosen = read_choice(object, "payload", choices, report);
    let service = service?;
    match (chosen, service.is_s3_family()) {
        (Some(Payload::Unsigned), false) => {
            object.report(
                "payload",
                format_args!("is \"unsigned\", which {} does not accept", service.as_str()),
                "use \"signed\", or leave it out",
                report,
            );
            None
        }
        (Some(payload), _) => Some(payload),
        (None, true) => Some(Payload::Unsigned),
        (None, false) => Some(Payload::Signed),
    }
}

fn read_choice<T>(
    object: &mut Object,
    name: &'static str,
    choices: [(&'static str, T); 2],
    report: &mut Report,
) -> Option<T> {
    let text = object.take_text(name, report)?;
    let [(first, _), (second, _)] = choices;
    let found = choices.into_iter().find(|(choice, _)| *choice == text);
    if found.is_none() {
        let remedy = format_args!("use \"{first}\" or \"{second}\"");
        report.add(&object.path(name), format_args!("is {}", Quoted(&text)), &remedy);
    }
    found.map(|(_, value)| value)
}
