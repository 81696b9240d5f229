//! The parameters of AssumeRoleWithWebIdentity, read strictly: nothing unknown, nothing twice, nothing in the URL.

use super::StsError;
use crate::aws::policy::Policy;
use crate::aws::wire::{self, Received};

/// A well-formed request.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) role_arn: String,
    pub(super) session_name: String,
    pub(super) token: String,
    /// 900 to 43200.
    pub(super) duration_seconds: u64,
    pub(super) policy: Option<(Policy, usize)>,
}

const VERSION: &str = "2011-06-15";
const KNOWN: [&str; 7] =
    ["Action", "Version", "RoleArn", "RoleSessionName", "WebIdentityToken", "DurationSeconds", "Policy"];

impl Form {
    pub(super) fn read(request: &Received, hostname: &str) -> Result<Self, StsError> {
        check_envelope(request, hostname)?;
        let body = std::str::from_utf8(&request.body).map_err(|_| malformed("the body is not UTF-8"))?;
        let pairs = wire::pairs(body).ok_or_else(|| malformed("the body is not a form"))?;
        for (index, (key, _)) in pairs.iter().enumerate() {
            if pairs[..index].iter().any(|(earlier, _)| earlier == key) {
                return Err(malformed(&format!("parameter {key} occurs twice")));
            }
        }
        let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());

        let action = get("Action")
            .ok_or_else(|| StsError::new(400, "MissingAction", "The request is missing an Action parameter"))?;
        let version = get("Version").unwrap_or("no version");
        if action != "AssumeRoleWithWebIdentity" || version != VERSION {
            let message = format!("Could not find operation {action} for version {version}");
            return Err(StsError::new(400, "InvalidAction", message));
        }
        if let Some((unknown, _)) = pairs.iter().find(|(key, _)| !KNOWN.contains(&key.as_str())) {
            return Err(StsError::validation(format!("this double does not know the parameter {unknown}")));
        }
        let required = |name: &'static str, member: &str| {
            get(name).ok_or_else(|| constraint("null", member, "Member must not be null"))
        };
        let role_arn = required("RoleArn", "roleArn")?;
        let session_name = required("RoleSessionName", "roleSessionName")?;
        let token = required("WebIdentityToken", "webIdentityToken")?;
        check_lengths(role_arn, session_name, token)?;
        Ok(Self {
            role_arn: role_arn.to_owned(),
            session_name: session_name.to_owned(),
            token: token.to_owned(),
            duration_seconds: duration(get("DurationSeconds"))?,
            policy: get("Policy").map(policy).transpose()?,
        })
    }
}

fn check_envelope(request: &Received, hostname: &str) -> Result<(), StsError> {
    if request.host_without_port() != hostname {
        return Err(malformed(&format!("Host is {:?}, this endpoint is {hostname}", request.host)));
    }
    if request.method != "POST" {
        return Err(StsError::new(
            405,
            "MethodNotAllowed",
            "this double takes POST only: a token in a URL ends up in logs",
        ));
    }
    if request.path != "/" {
        return Err(StsError::new(404, "NotFound", format!("no such path: {}", request.path)));
    }
    if request.query.is_some() {
        return Err(malformed("parameters belong in the body: a token in a URL ends up in logs"));
    }
    if request.headers.contains_key("authorization") {
        return Err(malformed("AssumeRoleWithWebIdentity is called unsigned"));
    }
    let content_type = request.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type != "application/x-www-form-urlencoded" {
        return Err(malformed(&format!("the content type is {content_type:?}, not a form")));
    }
    Ok(())
}

fn check_lengths(role_arn: &str, session_name: &str, token: &str) -> Result<(), StsError> {
    let arn: Vec<&str> = role_arn.splitn(6, ':').collect();
    let well_formed = matches!(arn[..], ["arn", _, "iam", "", account, name]
        if account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()) && name.starts_with("role/"));
    if !well_formed {
        return Err(StsError::validation(format!("{role_arn} is invalid")));
    }
    if !(2..=64).contains(&session_name.len()) {
        let rule = "Member must have length between 2 and 64, inclusive";
        return Err(constraint(session_name, "roleSessionName", rule));
    }
    if !session_name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)) {
        let rule = r"Member must satisfy regular expression pattern: [\w+=,.@-]*";
        return Err(constraint(session_name, "roleSessionName", rule));
    }
    if !(4..=20_000).contains(&token.len()) {
        let rule = "Member must have length between 4 and 20000, inclusive";
        return Err(constraint("(token)", "webIdentityToken", rule));
    }
    Ok(())
}

fn duration(text: Option<&str>) -> Result<u64, StsError> {
    let Some(text) = text else {
        return Ok(3600);
    };
    let seconds: u64 = text.parse().map_err(|_| malformed("DurationSeconds is not a number"))?;
    match seconds {
        ..900 => Err(constraint(text, "durationSeconds", "Member must have value greater than or equal to 900")),
        43_201.. => Err(constraint(text, "durationSeconds", "Member must have value less than or equal to 43200")),
        _ => Ok(seconds),
    }
}

fn policy(text: &str) -> Result<(Policy, usize), StsError> {
    let length = text.chars().count();
    if !(1..=2048).contains(&length) {
        return Err(constraint("(policy)", "policy", "Member must have length between 1 and 2048, inclusive"));
    }
    let policy = Policy::parse(text).map_err(|why| StsError::new(400, "MalformedPolicyDocument", why))?;
    Ok((policy, length))
}

fn constraint(value: &str, member: &str, rule: &str) -> StsError {
    StsError::validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {rule}"
    ))
}

fn malformed(reason: &str) -> StsError {
    StsError::new(400, "MalformedInput", reason)
}
