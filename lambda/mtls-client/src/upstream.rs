//! One app of the mesh: where to dial, which name to ask for, whom to accept.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::Ipv6Addr;
use std::sync::Arc;

use pki_types::{DnsName, ServerName};
use spiffe_id::SpiffeIdBuf;

/// An app that may be called. Cheap to clone. Two upstreams that differ in anything never share a connection.
#[derive(Clone)]
pub struct Upstream(Arc<Parts>);

#[derive(PartialEq, Eq, Hash)]
struct Parts {
    sni: DnsName<'static>,
    host: String,
    port: u16,
    spiffe_id: SpiffeIdBuf,
}

/// Why an upstream cannot be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamError {
    /// The SNI is not a DNS name. IP addresses are none: no router could route by them.
    Sni(String),
    /// The address is not `host:port`.
    Address(String),
}

impl Upstream {
    /// `sni` is the name in the TLS hello, by which the gateway routes, such as `staging.ledger.mesh.example.com`.
    /// `address` is what is dialled, `host:port`, usually the gateway's; IPv6 addresses stand in brackets. `spiffe_id` is
    /// the only workload that is accepted as server.
    ///
    /// # Errors
    /// [`UpstreamError`], naming the part that is wrong.
    pub fn new(sni: &str, address: &str, spiffe_id: SpiffeIdBuf) -> Result<Self, UpstreamError> {
        let lower = sni.strip_suffix('.').unwrap_or(sni).to_ascii_lowercase();
        let sni = DnsName::try_from(lower).map_err(|_| UpstreamError::Sni(sni.into()))?;
        let (host, port) = split_address(address).ok_or_else(|| UpstreamError::Address(address.into()))?;
        Ok(Self(Arc::new(Parts { sni, host, port, spiffe_id })))
    }

    /// The name in the TLS hello, in lower case, without a final dot.
    #[must_use]
    pub fn sni(&self) -> &str {
        self.0.sni.as_ref()
    }

    /// The host that is dialled: a name or an IP address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// The port that is dialled.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// The only workload that is accepted as server.
    #[must_use]
    pub fn spiffe_id(&self) -> &SpiffeIdBuf {
        &self.0.spiffe_id
    }

    pub(crate) fn server_name(&self) -> ServerName<'static> {
        ServerName::DnsName(self.0.sni.clone())
    }
}

/// RFC 3986, section 3.2.2 for the brackets. Port 0 cannot be dialled.
fn split_address(address: &str) -> Option<(String, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    if port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let host = match host.strip_prefix('[') {
        Some(inside) => inside.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?.to_string(),
        None => {
            DnsName::try_from(host)
                .map(|_| ())
                .or_else(|e| host.parse::<std::net::Ipv4Addr>().map(|_| ()).map_err(|_| e))
                .ok()?;
            host.to_ascii_lowercase()
        }
    };
    Some((host, port))
}

impl PartialEq for Upstream {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Eq for Upstream {}

impl Hash for Upstream {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { host, port, spiffe_id, .. } = &*self.0;
        write!(f, "Upstream({} at {host}:{port}, {spiffe_id})", self.sni())
    }
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sni(text) => {
                write!(
                    f,
                    "{text:?} is not a DNS name; write the app's name in the mesh, as staging.ledger.mesh.example.com"
                )
            }
            Self::Address(text) => {
                write!(f, "{text:?} is not a host and a port; write them as gateway.mesh.example.com:443")
            }
        }
    }
}

impl std::error::Error for UpstreamError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> SpiffeIdBuf {
        SpiffeIdBuf::parse("spiffe://example.org/ledger").unwrap()
    }

    #[test]
    fn names_are_compared_in_lower_case_and_without_a_final_dot() {
        let upstream = Upstream::new("Staging.Ledger.Example.Org.", "Gateway:443", id()).unwrap();
        assert_eq!((upstream.sni(), upstream.host(), upstream.port()), ("staging.ledger.example.org", "gateway", 443));
        assert_eq!(upstream, Upstream::new("staging.ledger.example.org", "gateway:443", id()).unwrap());
    }

    #[test]
    fn an_address_is_a_name_or_an_ip_address_and_a_port() {
        for (address, host) in [("10.0.0.1:1", "10.0.0.1"), ("[::1]:65535", "::1"), ("a.b-c:443", "a.b-c")] {
            assert_eq!(Upstream::new("a.b", address, id()).unwrap().host(), host);
        }
        for address in
            ["", ":1", "a", "a:", "a:0", "a:65536", "a:+1", "::1:443", "[::1]", "[a]:1", "a b:1", "http://a:1", "a/b:1"]
        {
            assert_eq!(Upstream::new("a.b", address, id()), Err(UpstreamError::Address(address.into())));
        }
    }

    #[test]
    fn an_sni_that_no_router_could_route_is_refused() {
        for sni in ["", ".", "10.0.0.1", "::1", "a b", "*.example.org", "a..b", "caf\u{e9}"] {
            assert_eq!(Upstream::new(sni, "a:1", id()), Err(UpstreamError::Sni(sni.into())), "{sni}");
        }
    }
}
