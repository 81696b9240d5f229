//! Steps 6 to 8 for one request: its body, its wait, its signature.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use sigv4::{Header, PayloadHash, Request, Sha256Stream, Signer, Timestamp};

use super::Arrival;
use super::gate::{Admitted, Gate};
use super::headers::Fate;
use super::payload::Plan;
use crate::config::Config;
use crate::names::HeaderName;
use crate::refusal::{Reason, Refusal};
use crate::session::Live;

/// What the host must do with one request.
#[derive(Debug)]
pub enum Step {
    /// Send it on with these changes; whatever of its body is still to come streams.
    Forward(Changes),
    /// Keep it, with its body, until another event decides.
    Hold,
    /// Answer the caller; the reason is fixed text, fit for logs, metrics and response headers.
    Reject(Refusal),
    /// It was signed before: let the rest of it pass.
    Pass,
}

/// The headers of a request that is signed.
pub struct Changes {
    fates: Vec<Fate>,
    set: Vec<(Name, Vec<u8>)>,
    /// The verified caller, for the access log.
    pub caller: Option<String>,
    /// The credentials' public half, for the access log: CloudTrail shows it too.
    pub access_key_id: String,
}

#[derive(Debug)]
enum Name {
    /// `:path` and `:authority`.
    Pseudo(&'static str),
    Fixed(&'static str),
    Configured(HeaderName),
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Among the headers is the session token.
        let Self { caller, access_key_id, .. } = self;
        f.debug_struct("Changes").field("caller", caller).field("access_key_id", access_key_id).finish_non_exhaustive()
    }
}

/// One change to the headers of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit<'a> {
    /// Take every header of this name off. Several may ask for the same name.
    Remove(&'a str),
    /// Replace the pseudo-header of this name, or set it where there is none.
    Replace(&'a str, &'a [u8]),
    /// Append a header, of whose name there is none any more.
    Append(&'a str, &'a [u8]),
}

impl Changes {
    /// What makes the request the signed one, in this order. `headers` are those that it arrived with.
    ///
    /// Edits rather than a whole new list: Envoy spends about 48,000 instructions a request less on them, which is a fifth
    /// of what signing costs.
    pub fn edits<'a, N: AsRef<str>, V>(&'a self, headers: &'a [(N, V)]) -> impl Iterator<Item = Edit<'a>> {
        let removed = self
            .fates
            .iter()
            .zip(headers)
            .filter(|(fate, _)| matches!(fate, Fate::Remove | Fate::ContentSha256 | Fate::Refuse))
            .map(|(_, (name, _))| Edit::Remove(name.as_ref()));
        let set = self.set.iter().map(|(name, value)| match name {
            Name::Pseudo(name) => Edit::Replace(name, value),
            Name::Fixed(name) => Edit::Append(name, value),
            Name::Configured(name) => Edit::Append(name.as_str(), value),
        });
        removed.chain(set)
    }

    /// All headers of the signed request: what [`Changes::edits`] makes of `headers`.
    pub fn apply<'a, N: AsRef<str>, V: AsRef<[u8]>>(&'a self, headers: &'a [(N, V)]) -> Vec<(&'a str, &'a [u8])> {
        let mut out: Vec<_> = headers.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
        for edit in self.edits(headers) {
            match edit {
                Edit::Remove(name) => out.retain(|(there, _)| *there != name),
                Edit::Replace(name, value) => {
                    out.retain(|(there, _)| *there != name);
                    out.push((name, value));
                }
                Edit::Append(name, value) => out.push((name, value)),
            }
        }
        out
    }
}

/// One request between its headers and the decision about it.
#[derive(Debug)]
pub struct Exchange {
    /// Until the decision.
    admitted: Option<Admitted>,
    body: Collected,
    signed: bool,
}

#[derive(Debug)]
enum Collected {
    /// Of a body that is hashed as it arrives.
    Partly { hash: Sha256Stream, claimed: Option<PayloadHash>, most: u64 },
    /// All that the signature needs to know.
    Known(PayloadHash),
}

/// How far a request has come.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Its body is not complete.
    NeedsBody,
    /// It can be signed now.
    Ready,
    /// It is refused.
    Refused(Refusal),
    /// It was signed before.
    Signed,
    /// It was refused before: whatever still comes of it must not go on.
    Closed,
}

impl Exchange {
    pub(crate) fn begin<N: AsRef<str>, V: AsRef<[u8]>>(gate: &Gate, arrival: &Arrival<'_, N, V>) -> (Self, Progress) {
        match gate.admit(arrival) {
            Err(refusal) => {
                let body = Collected::Known(PayloadHash::EMPTY);
                (Self { admitted: None, body, signed: false }, Progress::Refused(refusal))
            }
            Ok(admitted) => {
                let (body, progress) = match admitted.plan {
                    Plan::Known(hash) => (Collected::Known(hash), Progress::Ready),
                    Plan::Collect { claimed } => {
                        let most = gate.config().max_body_bytes;
                        let announced = content_length(arrival.headers);
                        let progress = if announced.is_some_and(|length| length > most) {
                            Progress::Refused(Reason::BodyTooLarge.into())
                        } else {
                            Progress::NeedsBody
                        };
                        (Collected::Partly { hash: Sha256Stream::default(), claimed, most }, progress)
                    }
                };
                (Self { admitted: Some(admitted), body, signed: false }, progress)
            }
        }
    }

    /// Whether a decision about this request is still to come.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.admitted.is_some()
    }

    /// Whether it was signed.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.signed
    }

    /// How far a request is about which nothing is left to decide.
    fn decided(&self) -> Progress {
        if self.signed { Progress::Signed } else { Progress::Closed }
    }

    /// How many bytes of the body were taken so far.
    #[must_use]
    pub fn body_taken(&self) -> u64 {
        match &self.body {
            Collected::Partly { hash, .. } => hash.len(),
            Collected::Known(_) => 0,
        }
    }

    /// A piece of the body.
    pub(crate) fn on_body(&mut self, piece: &[u8]) -> Progress {
        if self.admitted.is_none() {
            return self.decided();
        }
        match &mut self.body {
            Collected::Partly { hash, most, .. } => {
                hash.update(piece);
                if hash.len() > *most { Progress::Refused(Reason::BodyTooLarge.into()) } else { Progress::NeedsBody }
            }
            Collected::Known(_) => Progress::Ready,
        }
    }

    /// The body is complete, with or without trailers.
    pub(crate) fn on_end(&mut self) -> Progress {
        if self.admitted.is_none() {
            return self.decided();
        }
        if let Collected::Partly { hash, claimed, .. } = &mut self.body {
            let hash = core::mem::take(hash).finish();
            if claimed.is_some_and(|claimed| claimed != hash) {
                return Progress::Refused(Reason::PayloadHashMismatch.into());
            }
            self.body = Collected::Known(hash);
        }
        Progress::Ready
    }

    /// It is refused, and nothing more will be decided about it.
    pub(crate) fn close(&mut self) {
        self.admitted = None;
    }
}

/// Signs a request that is ready, and closes its exchange. `None` when it is not ready.
pub(crate) fn sign<N: AsRef<str>, V: AsRef<[u8]>>(
    exchange: &mut Exchange,
    headers: &[(N, V)],
    config: &Config,
    signer: &mut Signer,
    live: &Live,
    at: Timestamp,
) -> Option<Changes> {
    let Collected::Known(payload) = exchange.body else { return None };
    let Admitted { target, method, fates, caller, .. } = exchange.admitted.take()?;
    exchange.signed = true;
    let host = config.backend_hostname.as_str().as_bytes();
    let caller_header = config.caller_header.as_ref().zip(caller.as_deref());

    let mut signed_headers = Vec::with_capacity(headers.len().min(24) + 4);
    signed_headers.push(Header { name: "host", value: host });
    if let Some((name, caller)) = caller_header {
        signed_headers.push(Header { name: name.as_str(), value: caller.as_bytes() });
    }
    for (fate, (name, value)) in fates.iter().zip(headers) {
        if matches!(fate, Fate::Sign | Fate::CopySource) {
            signed_headers.push(Header { name: name.as_ref(), value: value.as_ref() });
        }
    }
    let request = Request { method: &method, target: &target, headers: &signed_headers, payload };
    let signed = signer.sign(&request, &live.credentials, at);

    let mut set = Vec::with_capacity(7);
    set.push((Name::Pseudo(":path"), target.as_bytes().into()));
    set.push((Name::Pseudo(":authority"), host.into()));
    set.extend(signed.headers().map(|(name, value)| (Name::Fixed(name), value.into())));
    if let Some((name, caller)) = caller_header {
        set.push((Name::Configured(name.clone()), caller.as_bytes().into()));
    }
    Some(Changes { fates, set, caller, access_key_id: live.credentials.access_key_id.clone() })
}

fn content_length<N: AsRef<str>, V: AsRef<[u8]>>(headers: &[(N, V)]) -> Option<u64> {
    let (_, value) = headers.iter().find(|(name, _)| name.as_ref() == "content-length")?;
    core::str::from_utf8(value.as_ref()).ok()?.parse().ok()
}
