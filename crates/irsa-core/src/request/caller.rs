//! Step 1 and the callers of step 5: who is calling.

use crate::config::{Config, Unauthenticated};
use crate::names::{CallerPattern, SpiffeId};
use crate::refusal::{Reason, Refusal};

/// Reads the caller from what Envoy knows of the peer's certificate.
///
/// Envoy shows `connection.uri_san_peer_certificate` for any certificate that was *presented*, and only its first URI,
/// while its RBAC matches any of them. So the certificate must have exactly one URI, which `x-forwarded-client-cert`
/// shows on a listener that sanitises and sets it. On a retry that header is gone already: there the caller counts whom
/// the first attempt verified.
pub(super) fn identify<'a>(
    config: &Config,
    peer_uri: Option<&'a [u8]>,
    xfcc: impl Iterator<Item = &'a [u8]>,
    verified_before: Option<&[u8]>,
) -> Result<Option<SpiffeId<'a>>, Refusal> {
    let Some(uri) = peer_uri.filter(|uri| !uri.is_empty()) else {
        return match config.unauthenticated {
            Unauthenticated::Allow => Ok(None),
            Unauthenticated::Refuse => Err(Reason::NoClientCertificate.into()),
        };
    };
    let mut xfcc = xfcc.peekable();
    let is_retry = verified_before == Some(uri) && xfcc.peek().is_none();
    if !is_retry && !is_the_only_uri(uri, xfcc) {
        return Err(Reason::CallerAmbiguous.into());
    }
    let id = core::str::from_utf8(uri)
        .ok()
        .and_then(|uri| SpiffeId::parse(uri).ok())
        .ok_or(Refusal::from(Reason::CallerNotSpiffe))?;
    match &config.trust_domain {
        Some(trust_domain) if trust_domain.as_str() != id.trust_domain() => Err(Reason::CallerTrustDomain.into()),
        _ => Ok(Some(id)),
    }
}

/// Whether a caller, who was identified, is on the list.
pub(super) fn authorize(callers: Option<&[CallerPattern]>, caller: Option<&SpiffeId<'_>>) -> Result<(), Refusal> {
    match (callers, caller) {
        (Some(callers), Some(caller)) if callers.iter().any(|pattern| pattern.matches(caller)) => Ok(()),
        // Whoever lists callers wants these and no others, also on a port where others may come without a certificate.
        (Some(_), _) => Err(Reason::CallerNotAllowed.into()),
        (None, _) => Ok(()),
    }
}

/// Whether `x-forwarded-client-cert` is one header with one element that has one `URI`, and it is this one.
fn is_the_only_uri<'a>(uri: &[u8], mut xfcc: impl Iterator<Item = &'a [u8]>) -> bool {
    let (Some(element), None) = (xfcc.next(), xfcc.next()) else { return false };
    let mut found = None;
    for pair in Pairs(Some(element)) {
        match pair {
            Pair::Comma => return false,
            Pair::Text(pair) => {
                let mut halves = pair.splitn(2, |&b| b == b'=');
                let (key, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
                if key.trim_ascii().eq_ignore_ascii_case(b"uri") && found.replace(value).is_some() {
                    return false;
                }
            }
        }
    }
    found == Some(uri)
}

/// The `key=value` pairs of an element, split at semicolons outside double quotes.
struct Pairs<'a>(Option<&'a [u8]>);

enum Pair<'a> {
    Text(&'a [u8]),
    /// A comma outside quotes: a second element follows.
    Comma,
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Pair<'a>;

    fn next(&mut self) -> Option<Pair<'a>> {
        let text = self.0?;
        let mut quoted = false;
        let mut escaped = false;
        for (at, &byte) in text.iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b';' if !quoted => {
                    self.0 = text.get(at + 1..);
                    return text.get(..at).map(Pair::Text);
                }
                b',' if !quoted => {
                    self.0 = None;
                    return Some(Pair::Comma);
                }
                _ => {}
            }
        }
        self.0 = None;
        Some(Pair::Text(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEB: &str = "spiffe://d/web";

    fn identified(config: &Config, uri: Option<&str>, xfcc: &[&str], before: Option<&str>) -> Result<bool, Reason> {
        let xfcc = xfcc.iter().map(|value| value.as_bytes());
        identify(config, uri.map(str::as_bytes), xfcc, before.map(str::as_bytes))
            .map(|caller| caller.is_some())
            .map_err(|refusal| refusal.reason)
    }

    fn config() -> Config {
        let text = br#"{ "service_name": "s3", "region": "us-west-2", "trust_domain": "d",
            "backend_hostname": "b.s3.us-west-2.amazonaws.com", "role_arn": "arn:aws:iam::123456789012:role/r" }"#;
        match crate::config::Plugin::parse(text, crate::config::Host { vm_id: "v" }) {
            Ok(crate::config::Plugin::Signer(config)) => *config,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn on_a_retry_the_caller_counts_whom_the_first_attempt_verified() {
        let config = config();
        assert_eq!(identified(&config, Some(WEB), &[], Some(WEB)), Ok(true));
        for (uri, xfcc, before, reason) in [
            // Nobody was verified before, or somebody else was.
            (Some(WEB), &[][..], None, Reason::CallerAmbiguous),
            (Some(WEB), &[], Some(""), Reason::CallerAmbiguous),
            (Some(WEB), &[], Some("spiffe://d/other"), Reason::CallerAmbiguous),
            // It is no retry: the header is there, and says otherwise.
            (Some(WEB), &["URI=spiffe://d/web;URI=spiffe://d/other"], Some(WEB), Reason::CallerAmbiguous),
            (Some(WEB), &["URI=spiffe://d/other"], Some(WEB), Reason::CallerAmbiguous),
            (Some(WEB), &[""], Some(WEB), Reason::CallerAmbiguous),
            // Without a certificate nothing makes a caller.
            (None, &[], Some(WEB), Reason::NoClientCertificate),
            (Some(""), &[], Some(""), Reason::NoClientCertificate),
            // What was verified is judged again all the same.
            (Some("spiffe://e/web"), &[], Some("spiffe://e/web"), Reason::CallerTrustDomain),
            (Some("https://d/web"), &[], Some("https://d/web"), Reason::CallerNotSpiffe),
        ] {
            assert_eq!(identified(&config, uri, xfcc, before), Err(reason), "{uri:?} {xfcc:?} {before:?}");
        }
    }

    fn only(uri: &str, xfcc: &[&str]) -> bool {
        is_the_only_uri(uri.as_bytes(), xfcc.iter().map(|value| value.as_bytes()))
    }

    #[test]
    fn one_element_with_one_uri_is_believed() {
        for xfcc in [
            "URI=spiffe://d/a",
            "By=spiffe://d/me;Hash=468ed33be;URI=spiffe://d/a",
            "By=x;Subject=\"CN=a, O=b;URI=spiffe://d/evil\";URI=spiffe://d/a",
            "By=x;Subject=\"quo\\\"te;URI=spiffe://d/evil\";uri=spiffe://d/a;DNS=a.b",
        ] {
            assert!(only("spiffe://d/a", &[xfcc]), "{xfcc}");
        }
    }

    #[test]
    fn anything_else_is_ambiguous() {
        for xfcc in [
            &[][..],
            &[""],
            &["By=x;Hash=y"],
            &["URI=spiffe://d/b"],
            &["URI=spiffe://d/a;URI=spiffe://d/a"],
            &["URI=spiffe://d/a;URI=spiffe://d/b"],
            &["URI=spiffe://d/b;URI=spiffe://d/a"],
            &["URI=spiffe://d/a,By=x;URI=spiffe://d/a"],
            &["By=x,URI=spiffe://d/a"],
            &["URI=spiffe://d/a", "URI=spiffe://d/a"],
            &["URI=\"spiffe://d/a"],
            &["Subject=\"open;URI=spiffe://d/a"],
        ] {
            assert!(!only("spiffe://d/a", xfcc), "{xfcc:?}");
        }
    }
}
