//! An ingress with credentials in its hands, requests for it, and an oracle for what it sends on.

use core::time::Duration;
use std::time::SystemTime;

use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
};
use aws_sigv4::sign::v4;
use irsa_core::config::{Config, Host, Plugin};
use irsa_core::session::{Answer, Now, RootStep, Shared};
use irsa_core::{Arrival, Body, Changes, Exchange, Ingress, Placement, Reason, Step};

pub(crate) const CALLER: &str = "spiffe://example.org/ns/shop/sa/web";
pub(crate) const XFCC: &str = "By=spiffe://example.org/ingress;Hash=1;URI=spiffe://example.org/ns/shop/sa/web";
pub(crate) const S3_HOST: &str = "my-bucket.s3.us-west-2.amazonaws.com";
pub(crate) const API_HOST: &str = "abc.execute-api.us-west-2.amazonaws.com";
pub(crate) const KEY_ID: &str = "ASIATESTTESTTEST0001";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYzTESTSECRETKEY";
pub(crate) const SESSION_TOKEN: &str = "IQoJb3JpZ2luX2VjEHoaCXVzLXdlc3QtMiJHMEUCIQDtests//only+not==";
/// 2026-11-22T05:51:21Z: when everything happens.
pub(crate) const NOW_S: u64 = 1_795_326_681;
pub(crate) const NOW: Now = Now { wall_ms: NOW_S * 1000, steady_ms: 0 };
pub(crate) const DATE: &str = "20261122T055121Z";
pub(crate) const EMPTY_HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
pub(crate) const HELLO_HASH: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

pub(crate) type Headers = Vec<(String, Vec<u8>)>;

/// The four fields for a bucket, or for an API, and more.
pub(crate) fn config(s3: bool, more: &str) -> Config {
    let (service, host) = if s3 { ("s3", S3_HOST) } else { ("execute-api", API_HOST) };
    let text = format!(
        r#"{{"service_name": "{service}", "region": "us-west-2", "backend_hostname": "{host}",
        "role_arn": "arn:aws:iam::123456789012:role/mybucket-proxy"{more}}}"#
    );
    match Plugin::parse(text.as_bytes(), Host { vm_id: "irsa-signer" }) {
        Ok(Plugin::Signer(config)) => *config,
        other => panic!("{text}: {other:?}"),
    }
}

/// Without credentials.
pub(crate) fn cold(s3: bool, more: &str) -> Ingress {
    Ingress::new(config(s3, more), b"pod-1")
}

/// With credentials.
pub(crate) fn warm(s3: bool, more: &str) -> Ingress {
    let mut ingress = cold(s3, more);
    issue(&mut ingress, NOW);
    assert!(ingress.has_credentials(NOW));
    ingress
}

/// One whole exchange.
pub(crate) fn issue(ingress: &mut Ingress, now: Now) {
    const ABSENT: Shared<'_> = Shared { value: None, version: None };
    let answer = format!(
        r#"<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <Credentials>
      <AccessKeyId>{KEY_ID}</AccessKeyId>
      <SecretAccessKey>{SECRET}</SecretAccessKey>
      <SessionToken>{SESSION_TOKEN}</SessionToken>
      <Expiration>2026-11-22T06:51:21Z</Expiration>
    </Credentials>
  </AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>"#
    );
    let reply = |body| Ok(Answer { status: 200, date: None, body });
    let RootStep::Claim(claim) = ingress.on_tick(now, ABSENT) else { panic!("nothing is claimed") };
    let keeper = ingress.keeper();
    let RootStep::ReadToken(_) = keeper.on_claim(now, true) else { panic!("no token is read") };
    let RootStep::CallSts(_) = keeper.on_token(now, reply(b"aaaa.bbbb.cccc")) else { panic!("STS is not called") };
    let RootStep::Settle = keeper.on_sts(now, reply(answer.as_bytes())) else { panic!("nothing is settled") };
    let claimed = Shared { value: Some(&claim.value), version: Some(1) };
    assert!(keeper.settle(now, claimed).is_some());
    keeper.on_settled(now, true);
}

/// A request as Envoy shows it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) headers: Headers,
    pub(crate) peer_uri: Option<Vec<u8>>,
    pub(crate) body: Body,
    pub(crate) placement: Placement,
    pub(crate) verified_before: Option<Vec<u8>>,
}

impl Sent {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        let sent = Self {
            headers: Vec::new(),
            peer_uri: Some(CALLER.into()),
            body: Body::None,
            placement: Placement::Cluster,
            verified_before: None,
        };
        sent.with(":method", method)
            .with(":path", path)
            .with(":authority", "ingress.local:8443")
            .with(":scheme", "https")
            .with("x-forwarded-client-cert", XFCC)
    }

    pub(crate) fn get() -> Self {
        Self::new("GET", "/key")
    }

    pub(crate) fn put() -> Self {
        Self { body: Body::Follows, ..Self::new("PUT", "/key") }
    }

    pub(crate) fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().into()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(header, _)| header != name);
        self
    }

    pub(crate) fn from(mut self, peer_uri: Option<&[u8]>) -> Self {
        self.peer_uri = peer_uri.map(Into::into);
        self
    }

    pub(crate) fn arrive(&self, ingress: &mut Ingress, id: u32) -> (Exchange, Step) {
        ingress.on_headers(NOW, id, &self.arrival())
    }

    pub(crate) fn arrival(&self) -> Arrival<'_, String, Vec<u8>> {
        Arrival {
            headers: &self.headers,
            peer_uri: self.peer_uri.as_deref(),
            body: self.body,
            placement: self.placement,
            verified_before: self.verified_before.as_deref(),
        }
    }

    /// The reason for which an ingress with credentials refuses it at its headers.
    pub(crate) fn refused(&self, ingress: &mut Ingress) -> Reason {
        match self.arrive(ingress, 1) {
            (exchange, Step::Reject(refusal)) => {
                assert!(!exchange.is_open());
                refusal.reason
            }
            (_, step) => panic!("{self:?}: {step:?}"),
        }
    }

    /// The headers that an ingress with credentials sends on at once.
    pub(crate) fn forwarded(&self, ingress: &mut Ingress) -> Headers {
        match self.arrive(ingress, 1) {
            (exchange, Step::Forward(changes)) => {
                assert!(!exchange.is_open());
                self.applied(&changes)
            }
            (_, step) => panic!("{self:?}: {step:?}"),
        }
    }

    pub(crate) fn applied(&self, changes: &Changes) -> Headers {
        changes.apply(&self.headers).into_iter().map(|(name, value)| (name.into(), value.into())).collect()
    }
}

pub(crate) fn values<'a>(headers: &'a [(String, Vec<u8>)], wanted: &str) -> Vec<&'a [u8]> {
    headers.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.as_slice()).collect()
}

/// The only value of a header, as text.
pub(crate) fn only<'a>(headers: &'a [(String, Vec<u8>)], wanted: &str) -> &'a str {
    match values(headers, wanted).as_slice() {
        [value] => core::str::from_utf8(value).unwrap(),
        found => panic!("{wanted} is there {} times", found.len()),
    }
}

/// The names under the signature.
pub(crate) fn signed_names(headers: &[(String, Vec<u8>)]) -> Vec<&str> {
    let rest = only(headers, "authorization").split("SignedHeaders=").nth(1).unwrap();
    rest.split(',').next().unwrap().split(';').collect()
}

/// Asks AWS's own signer for the signature of what was sent on. Values must be text.
pub(crate) fn assert_signed_as_aws_would(headers: &[(String, Vec<u8>)], s3: bool) {
    let mut settings = SigningSettings::default();
    (settings.percent_encoding_mode, settings.uri_path_normalization_mode) = if s3 {
        (PercentEncodingMode::Single, UriPathNormalizationMode::Disabled)
    } else {
        (PercentEncodingMode::Double, UriPathNormalizationMode::Enabled)
    };
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings.excluded_headers = None;
    let identity = aws_credential_types::Credentials::new(KEY_ID, SECRET, Some(SESSION_TOKEN.into()), None, "t").into();
    let (service, host) = if s3 { ("s3", S3_HOST) } else { ("execute-api", API_HOST) };
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-west-2")
        .name(service)
        .time(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW_S))
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let set_by_signing = ["host", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"];
    let names: Vec<&str> = signed_names(headers).into_iter().filter(|name| !set_by_signing.contains(name)).collect();
    let mut signable: Vec<(&str, &str)> = headers
        .iter()
        .filter(|(name, _)| names.contains(&name.as_str()))
        .map(|(name, value)| (name.as_str(), core::str::from_utf8(value).unwrap()))
        .collect();
    signable.push(("host", host));
    let body = match only(headers, "x-amz-content-sha256") {
        "UNSIGNED-PAYLOAD" => SignableBody::UnsignedPayload,
        hash => SignableBody::Precomputed(hash.into()),
    };
    let url = format!("https://{host}{}", only(headers, ":path"));
    let request = SignableRequest::new(only(headers, ":method"), url, signable.into_iter(), body).unwrap();
    let (instructions, _) = aws_sigv4::http_request::sign(request, &parameters).unwrap().into_parts();
    for (name, value) in instructions.headers() {
        assert_eq!(only(headers, name), value, "{name}");
    }
}
