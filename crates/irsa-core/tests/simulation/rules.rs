//! The invariants, each with a name of its own, and the checks that need nothing but what the host saw.

use core::fmt;

use irsa_core::{Changes, Reason};
use sigv4::{CanonicalTarget, Credentials, Header, PathRules, PayloadHash, Request, Scope, Secret, Signer, Timestamp};

use crate::aws::{HUSH, Sts};

/// What must hold in every schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// A forwarded request is signed with credentials that AWS takes, session token included.
    NeverUnsigned,
    /// No request waits and none is refused while there are valid credentials.
    NeverWaitsInVain,
    /// At most one call to STS is in flight for all workers.
    OneCall,
    /// One call to STS for each refresh.
    OneCallPerRefresh,
    /// Service returns within one back-off of STS and token coming back.
    Recovery,
    /// A held request is decided in time.
    BoundedWait,
    /// No more requests wait than may.
    BoundedWaiting,
    /// No more requests are released by one tick than may.
    BoundedRelease,
    /// A request that is gone is left alone.
    GoneIsGone,
    /// Credentials are refreshed between 50 % and 75 % of their life.
    RefreshInTime,
    /// Attempts after a failure are between 1 s and 30 s apart.
    RetryInTime,
    /// The token of an exchange was read for it.
    FreshToken,
    /// AWS's time is known to a minute once there are credentials.
    ClockIsCorrected,
    /// No event, no answer and no `Debug` shows a secret.
    NothingSecret,
}

/// An invariant that a schedule broke.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) rule: Rule,
    pub(crate) what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.what)
    }
}

pub(crate) type Verdict = Result<(), Broken>;

pub(crate) fn hold(rule: Rule, holds: bool, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(Broken { rule, what: what() }) }
}

/// Neither as text nor as the numbers of its bytes.
pub(crate) fn shows_no_secret(shown: &str) -> Verdict {
    let bytes = format!("{:?}", HUSH.as_bytes());
    let shows = shown.contains(HUSH) || shown.contains(bytes.trim_matches(['[', ']']));
    hold(Rule::NothingSecret, !shows, || shown.into())
}

/// Whether a refusal blames credentials.
pub(crate) fn is_for_lack_of_credentials(reason: Reason) -> bool {
    matches!(reason, Reason::NoCredentials | Reason::StsDenied | Reason::NoToken | Reason::TooManyWaiting)
}

/// A forwarded request: its one signature is right, and made with a set that STS handed out. Returns when that expires.
pub(crate) fn is_signed(
    changes: &Changes,
    arrived: &[(&str, &[u8])],
    s3: bool,
    sts: &Sts,
    verify: bool,
) -> Result<u64, Broken> {
    let broken = |what: String| Broken { rule: Rule::NeverUnsigned, what };
    let sent = changes.apply(arrived);
    let only = |wanted: &str| {
        let mut values = sent.iter().filter(|(name, _)| *name == wanted).map(|(_, value)| *value);
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(String::from_utf8(value.to_vec()).unwrap()),
            (first, _) => Err(broken(format!("{wanted} is there {}", if first.is_some() { "twice" } else { "never" }))),
        }
    };
    let authorization = only("authorization")?;
    let id = authorization.strip_prefix("AWS4-HMAC-SHA256 Credential=").and_then(|rest| rest.split('/').next());
    let set = id.and_then(|id| sts.issued.get(id)).ok_or_else(|| broken(format!("signed with {authorization}")))?;
    if only("x-amz-security-token")? != set.token || id != Some(changes.access_key_id.as_str()) {
        return Err(broken("the session token is not the one of the access key".into()));
    }
    if verify {
        let expected = signature(&sent, &authorization, id.unwrap(), &set.secret, s3, &only("x-amz-date")?);
        if authorization != expected {
            return Err(broken(format!("{authorization} is not {expected}")));
        }
    }
    Ok(set.expires_ms)
}

/// The `authorization` that AWS would compute for what was sent.
fn signature(sent: &[(&str, &[u8])], authorization: &str, id: &str, secret: &str, s3: bool, date: &str) -> String {
    let named = authorization.split("SignedHeaders=").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
    let value = |wanted: &str| sent.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value).unwrap();
    let set_by_signing = ["x-amz-date", "x-amz-content-sha256", "x-amz-security-token"];
    let headers: Vec<Header<'_>> = named
        .split(';')
        .filter(|name| !set_by_signing.contains(name))
        .map(|name| Header { name, value: value(if name == "host" { ":authority" } else { name }) })
        .collect();
    let (rules, service) = if s3 { (PathRules::S3, "s3") } else { (PathRules::STANDARD, "execute-api") };
    let payload = match value("x-amz-content-sha256") {
        b"UNSIGNED-PAYLOAD" => PayloadHash::Unsigned,
        hex => PayloadHash::from_hex(hex).unwrap(),
    };
    let token = String::from_utf8(value("x-amz-security-token").to_vec()).unwrap();
    let credentials = Credentials {
        access_key_id: id.into(),
        secret_access_key: Secret::new(secret.into()),
        session_token: Some(Secret::new(token)),
    };
    let target = CanonicalTarget::parse(value(":path"), rules).unwrap();
    let request = Request { method: value(":method"), target: &target, headers: &headers, payload };
    let mut signer = Signer::new(Scope { region: "us-west-2".into(), service: service.into() });
    let signed = signer.sign(&request, &credentials, Timestamp::from_unix_seconds(unix_seconds(date)).unwrap());
    let (_, expected) = signed.headers().next().unwrap();
    String::from_utf8(expected.to_vec()).unwrap()
}

/// Of `20150830T123600Z`.
pub(crate) fn unix_seconds(date: &str) -> u64 {
    let part = |range: core::ops::Range<usize>| date[range].parse::<u8>().unwrap();
    let year: i32 = date[..4].parse().unwrap();
    let day = time::Date::from_calendar_date(year, part(4..6).try_into().unwrap(), part(6..8)).unwrap();
    let at = day.with_hms(part(9..11), part(11..13), part(13..15)).unwrap().assume_utc();
    u64::try_from(at.unix_timestamp()).unwrap()
}
