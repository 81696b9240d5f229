//! Steps 1 to 6, in their fixed order: everything about a request that credentials have no part in.

use alloc::string::String;
use alloc::vec::Vec;

use sigv4::{CanonicalTarget, PathRules};

use super::headers::{Fate, fate, is_presigned_key};
use super::payload::{Plan, plan};
use super::{Arrival, Placement, caller, copy_source};
use crate::config::Config;
use crate::names::HeaderName;
use crate::refusal::{Reason, Refusal};

/// What a configuration makes of requests, prepared once.
#[derive(Debug)]
pub(crate) struct Gate {
    config: Config,
    rules: PathRules,
    /// The only bucket that a copy may read from.
    bucket: Option<String>,
}

/// A request that may be signed once there are credentials, and its hash where that is wanted.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) target: CanonicalTarget,
    pub(super) method: Vec<u8>,
    /// For each header in order of appearance.
    pub(super) fates: Vec<Fate>,
    /// The verified SPIFFE ID.
    pub(super) caller: Option<String>,
    pub(super) plan: Plan,
}

impl Gate {
    pub(crate) fn new(config: Config) -> Self {
        let rules = if config.service.is_s3_family() { PathRules::S3 } else { PathRules::STANDARD };
        let bucket = config.backend_hostname.bucket().filter(|_| config.service.is_s3_family()).map(String::from);
        Self { config, rules, bucket }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn admit<N: AsRef<str>, V: AsRef<[u8]>>(
        &self,
        arrival: &Arrival<'_, N, V>,
    ) -> Result<Admitted, Refusal> {
        let xfcc = values(arrival, "x-forwarded-client-cert");
        let caller = caller::identify(&self.config, arrival.peer_uri, xfcc, arrival.verified_before)?;
        let fates = self.sort_headers(arrival)?;
        let (method, target) = self.read_target(arrival)?;
        caller::authorize(self.config.callers.as_deref(), caller.as_ref())?;
        self.judge_copy_source(arrival, &fates)?;
        let mut claims = values(arrival, "x-amz-content-sha256");
        let claim = claims.next();
        if claims.next().is_some() {
            return Err(Refusal::about(Reason::PayloadHashInvalid, "x-amz-content-sha256 stands there twice"));
        }
        let plan = plan(self.config.payload, arrival.body, claim)?;
        Ok(Admitted { target, method, fates, caller: caller.map(|id| id.as_str().into()), plan })
    }

    fn sort_headers<N: AsRef<str>, V>(&self, arrival: &Arrival<'_, N, V>) -> Result<Vec<Fate>, Refusal> {
        let caller_header = self.config.caller_header.as_ref().map(HeaderName::as_str);
        let mut fates = Vec::with_capacity(arrival.headers.len());
        for (name, _) in arrival.headers {
            let name = name.as_ref();
            // `:path` and `:authority` are replaced by the canonical target and the backend's name.
            let fate = if name.starts_with(':') { Fate::Keep } else { fate(name, caller_header) };
            if fate == Fate::Refuse {
                return Err(Refusal::about(Reason::HeaderNotAllowed, name));
            }
            fates.push(fate);
        }
        Ok(fates)
    }

    fn read_target<N: AsRef<str>, V: AsRef<[u8]>>(
        &self,
        arrival: &Arrival<'_, N, V>,
    ) -> Result<(Vec<u8>, CanonicalTarget), Refusal> {
        let method = values(arrival, ":method").next().unwrap_or_default();
        // RFC 9110, section 9.1: a token. A line feed here would end a line of the canonical request.
        let is_token =
            !method.is_empty() && method.iter().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b));
        if !is_token {
            return Err(Refusal::about(Reason::MalformedTarget, "the method is not a token"));
        }
        let path = values(arrival, ":path").next().unwrap_or_default();
        let target = CanonicalTarget::parse(path, self.rules)
            .map_err(|error| Refusal { reason: Reason::MalformedTarget, detail: Some(alloc::format!("{error}")) })?;
        if arrival.placement == Placement::Listener && target.path_was_reread() {
            return Err(Reason::PathNotCanonical.into());
        }
        // The keys are encoded, but every character of a presigned one is unreserved.
        if target.query_pairs().any(|(key, _)| is_presigned_key(key)) {
            return Err(Reason::PresignedQuery.into());
        }
        Ok((method.into(), target))
    }

    fn judge_copy_source<N: AsRef<str>, V: AsRef<[u8]>>(
        &self,
        arrival: &Arrival<'_, N, V>,
        fates: &[Fate],
    ) -> Result<(), Refusal> {
        let mut sources = fates.iter().zip(arrival.headers).filter(|(fate, _)| **fate == Fate::CopySource);
        let Some((_, (_, source))) = sources.next() else { return Ok(()) };
        let in_bucket = self.bucket.as_deref().is_some_and(|bucket| copy_source::is_in_bucket(source.as_ref(), bucket));
        if in_bucket && sources.next().is_none() { Ok(()) } else { Err(Reason::CopySourceNotAllowed.into()) }
    }
}

fn values<'a, N: AsRef<str>, V: AsRef<[u8]>>(
    arrival: &Arrival<'a, N, V>,
    wanted: &'static str,
) -> impl Iterator<Item = &'a [u8]> + use<'a, N, V> {
    arrival.headers.iter().filter(move |(name, _)| name.as_ref() == wanted).map(|(_, value)| value.as_ref())
}
