//! Where an AWS service listens.

use std::net::IpAddr;

use http::Uri;
use http::uri::{Authority, Scheme};

/// `https://host[:port]`, or `http` to where nobody can listen in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    tls: bool,
    authority: Authority,
}

impl Endpoint {
    /// AWS General Reference, "AWS Secrets Manager endpoints and quotas"; China has a suffix of its own. `None` for the
    /// isolated partitions and the European Sovereign Cloud, whose names follow other rules, and for what is no region.
    pub(super) fn of_region(region: &str) -> Option<Self> {
        if ["us-iso", "eu-iso", "eusc"].iter().any(|prefix| region.starts_with(prefix)) {
            return None;
        }
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let authority = format!("secretsmanager.{region}.{suffix}").parse().ok()?;
        Some(Self { tls: true, authority })
    }

    /// Scheme, host and port of the address, when `http` goes to this machine only.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let bare = matches!(uri.path_and_query().map_or("", |path| path.as_str()), "" | "/");
        let endpoint = Self::of_uri(&uri).filter(|_| bare)?;
        (endpoint.tls || endpoint.is_loopback()).then_some(endpoint)
    }

    /// Scheme, host and port of a URI, wherever it leads.
    pub(super) fn of_uri(uri: &Uri) -> Option<Self> {
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?.clone();
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return None,
        };
        Some(Self { tls, authority })
    }

    pub(super) fn is_tls(&self) -> bool {
        self.tls
    }

    /// As it stands in the `host` header.
    pub(super) fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// Without brackets.
    pub(super) fn host(&self) -> &str {
        let host = self.authority.host();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    pub(super) fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(if self.tls { 443 } else { 80 })
    }

    pub(super) fn ip(&self) -> Option<IpAddr> {
        self.host().parse().ok()
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.host() == "localhost" || self.ip().is_some_and(|ip| ip.is_loopback())
    }
}
