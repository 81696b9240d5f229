//! The world outside the Envoy: STS with its faults and its clock, and the listener that serves the pod's token.

use std::collections::BTreeMap;

use time::OffsetDateTime;

/// The true time at which every schedule starts, in milliseconds since 1970.
pub(crate) const EPOCH_MS: u64 = 1_795_326_681_000;

/// What STS does with calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StsHealth {
    Ok,
    /// Connections are refused.
    Down,
    /// The answer comes after the caller has given up.
    Slow,
    Throttling,
    Unavailable,
    /// STS cannot reach the cluster's OIDC issuer.
    IdpUnreachable,
    /// The trust policy does not allow it.
    Denying,
    /// A page of something else.
    Garbled,
    /// Credentials that are cut off.
    Truncated,
    /// Complete credentials that have expired.
    Expired,
    /// Good credentials without a `Date`.
    Dateless,
}

impl StsHealth {
    pub(crate) const FAULTS: [Self; 9] = [
        Self::Down,
        Self::Slow,
        Self::Throttling,
        Self::Unavailable,
        Self::IdpUnreachable,
        Self::Denying,
        Self::Garbled,
        Self::Truncated,
        Self::Expired,
    ];
}

/// What the token listener serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenHealth {
    Ok,
    /// As Envoy answers without the file.
    Missing,
    Empty,
    ErrorPage,
    Oversized,
    Unreachable,
    UnknownCluster,
}

impl TokenHealth {
    pub(crate) const FAULTS: [Self; 6] =
        [Self::Missing, Self::Empty, Self::ErrorPage, Self::Oversized, Self::Unreachable, Self::UnknownCluster];
}

/// An HTTP answer on its way.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) date: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// Credentials that STS handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Set {
    pub(crate) secret: String,
    pub(crate) token: String,
    pub(crate) expires_ms: u64,
}

/// Text that stands in everything that must never be shown.
pub(crate) const HUSH: &str = "hush";

#[derive(Debug)]
pub(crate) struct Sts {
    pub(crate) health: StsHealth,
    pub(crate) life_ms: u64,
    pub(crate) issued: BTreeMap<String, Set>,
    calls: u64,
}

impl Sts {
    pub(crate) fn new(life_ms: u64) -> Self {
        Self { health: StsHealth::Ok, life_ms, issued: BTreeMap::new(), calls: 0 }
    }

    /// Answers a form at this time. `None` when no answer comes.
    pub(crate) fn answer(&mut self, at_ms: u64, token: &str) -> Option<Reply> {
        self.calls += 1;
        let (status, body) = match self.health {
            StsHealth::Down => return None,
            // It is handed out all the same; nobody hears of it.
            StsHealth::Slow => {
                self.issue(at_ms + self.life_ms);
                return None;
            }
            StsHealth::Ok | StsHealth::Dateless => (200, self.issue(at_ms + self.life_ms)),
            StsHealth::Expired => (200, self.issue(at_ms - 100_000_000)),
            StsHealth::Truncated => {
                let whole = self.issue(at_ms + self.life_ms);
                (200, whole[..whole.len() - 120 - usize::try_from(self.calls % 900).unwrap()].into())
            }
            StsHealth::Garbled => (200, format!("<html><body>captive portal {HUSH} {token}</body></html>")),
            StsHealth::Throttling => (400, refusal("Throttling", "Rate exceeded")),
            StsHealth::Unavailable => (503, "upstream connect error".into()),
            StsHealth::IdpUnreachable => (400, refusal("IDPCommunicationError", "the issuer did not answer")),
            StsHealth::Denying => (403, refusal("AccessDenied", &format!("Not authorized with {token}"))),
        };
        let date = (self.health != StsHealth::Dateless).then(|| http_date(at_ms / 1000));
        Some(Reply { status, date, body: body.into_bytes() })
    }

    fn issue(&mut self, expires_ms: u64) -> String {
        let number = self.issued.len() + 1;
        let id = format!("ASIASIMULATION{number:06}");
        // The answer has whole seconds.
        let expires_ms = expires_ms / 1000 * 1000;
        let set =
            Set { secret: format!("{HUSH}/secret+{number}"), token: format!("{HUSH}/token=={number}"), expires_ms };
        let body = format!(
            r#"<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <Audience>sts.amazonaws.com</Audience>
    <AssumedRoleUser>
      <AssumedRoleId>AROASIMULATION:session</AssumedRoleId>
      <Arn>arn:aws:sts::123456789012:assumed-role/mybucket-proxy/session</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>{id}</AccessKeyId>
      <SecretAccessKey>{}</SecretAccessKey>
      <SessionToken>{}</SessionToken>
      <Expiration>{}</Expiration>
    </Credentials>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>ad4156e9-bce1-11e2-82e6-6b6efEXAMPLE</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>
"#,
            set.secret,
            set.token,
            iso_date(expires_ms / 1000)
        );
        self.issued.insert(id, set);
        body
    }
}

#[derive(Debug)]
pub(crate) struct TokenListener {
    pub(crate) health: TokenHealth,
    /// Counts rotations.
    pub(crate) rotation: u64,
}

impl TokenListener {
    /// The token of this rotation.
    pub(crate) fn token(rotation: u64) -> String {
        format!("eyJ{HUSH}header{rotation:04}.eyJ{HUSH}claims{rotation:04}.{HUSH}signature{rotation:04}")
    }

    pub(crate) fn answer(&self) -> Option<Reply> {
        let (status, body) = match self.health {
            TokenHealth::Ok => (200, format!("{}\n", Self::token(self.rotation))),
            TokenHealth::Missing => (503, String::new()),
            TokenHealth::Empty => (200, "\n".into()),
            TokenHealth::ErrorPage => (200, format!("<html>404 {HUSH}</html>")),
            TokenHealth::Oversized => (200, format!("{HUSH}.{}.{HUSH}", "a".repeat(16_384))),
            TokenHealth::Unreachable | TokenHealth::UnknownCluster => return None,
        };
        Some(Reply { status, date: None, body: body.into_bytes() })
    }
}

fn refusal(code: &str, message: &str) -> String {
    format!(
        r#"<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>
  <RequestId>4f3c9a0e-5d9e-4a53-8d3e-3f6a4a7a8d11</RequestId>
</ErrorResponse>
"#
    )
}

fn http_date(seconds: u64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(seconds.try_into().unwrap()).unwrap();
    let (weekday, month) = (at.weekday().to_string(), at.month().to_string());
    let (year, day, (hour, minute, second)) = (at.year(), at.day(), at.to_hms());
    format!("{}, {day:02} {} {year} {hour:02}:{minute:02}:{second:02} GMT", &weekday[..3], &month[..3])
}

fn iso_date(seconds: u64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(seconds.try_into().unwrap()).unwrap();
    let (year, month, day, (hour, minute, second)) = (at.year(), u8::from(at.month()), at.day(), at.to_hms());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}
