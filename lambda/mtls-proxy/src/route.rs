//! Which app a request is for, in each of the forms that it may be written in. Decided before anything is connected.

use http::Uri;
use http::uri::PathAndQuery;

use crate::config::{Upstream, port_number};
use crate::gate::{Malformed, malformed};

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// To this upstream (its place in the list), with this path.
    App(usize, PathAndQuery),
    /// To nobody: the proxy is asked how it is.
    Status,
}

/// Why a request goes nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Astray {
    /// It has no one meaning.
    Malformed(Malformed),
    /// The app of this name is not on the list.
    NotAllowed(String),
}

impl From<Malformed> for Astray {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// The apps that may be called, and how they are named.
#[derive(Clone, Debug)]
pub(crate) struct Routes {
    /// `app.environment` of each.
    full: Vec<String>,
    /// `app` of those in the function's own environment.
    short: Vec<Option<String>>,
}

/// The path under which the proxy tells how it is.
const STATUS: &str = "/status";
/// The top-level name of the forward-proxy form. It is nobody's on the internet. (RFC 6762, appendix G, has the like.)
const SUFFIX: &str = ".mesh";

impl Routes {
    pub(crate) fn new(upstreams: &[Upstream], own_environment: &str) -> Self {
        let full = |up: &Upstream| format!("{}.{}", up.app.as_str(), up.environment.as_str());
        let short = |up: &Upstream| (up.environment.as_str() == own_environment).then(|| up.app.as_str().to_owned());
        Self { full: upstreams.iter().map(full).collect(), short: upstreams.iter().map(short).collect() }
    }

    /// Decides by target and `Host`. `port` is the one that the proxy listens on, if it has one.
    pub(crate) fn find(&self, target: &Uri, host: &str, port: Option<u16>) -> Result<Route, Astray> {
        if target.scheme().is_some() {
            return self.absolute(target, host);
        }
        let path = match target.path_and_query() {
            // What has neither scheme nor path is an authority, as CONNECT sends it.
            None => return Err(malformed::TARGET.into()),
            Some(path) if path.as_str() == "*" => return Err(malformed::ASTERISK.into()),
            Some(path) if target.authority().is_some() || !path.as_str().starts_with('/') => {
                return Err(malformed::TARGET.into());
            }
            Some(path) => path,
        };
        let (name, given_port) = split_host(host)?;
        if given_port.is_some_and(|given| given != 80 && Some(given) != port) {
            return Err(malformed::HOST.into());
        }
        if matches!(name, "localhost" | "127.0.0.1" | "[::1]") {
            return self.prefixed(path);
        }
        Ok(Route::App(self.named(name, malformed::HOST)?, path.clone()))
    }

    /// `GET http://app.mesh/path`. (RFC 9112, section 3.2.2.)
    fn absolute(&self, target: &Uri, host: &str) -> Result<Route, Astray> {
        let authority = target.authority().ok_or(malformed::ABSOLUTE)?.as_str();
        if target.scheme_str() != Some("http") {
            return Err(malformed::ABSOLUTE.into());
        }
        let (name, port) = split_host(authority).map_err(|_| malformed::ABSOLUTE)?;
        let lower = name.to_ascii_lowercase();
        if port.is_some_and(|port| port != 80) || !lower.ends_with(SUFFIX) {
            return Err(malformed::ABSOLUTE.into());
        }
        // The RFC has the target win; a client that means one host says it twice alike.
        let (host_name, host_port) = split_host(host)?;
        if host_name.to_ascii_lowercase() != lower || host_port.is_some_and(|port| port != 80) {
            return Err(malformed::HOST_OTHER.into());
        }
        let path = target.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
        Ok(Route::App(self.named(name, malformed::ABSOLUTE)?, rooted(path)?))
    }

    /// `/~app/path`: the app is named in front of its path.
    fn prefixed(&self, path: &PathAndQuery) -> Result<Route, Astray> {
        let Some(rest) = path.as_str().strip_prefix("/~") else {
            return if path.as_str() == STATUS { Ok(Route::Status) } else { Err(malformed::NO_APP.into()) };
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (name, rest) = rest.split_at_checked(end).ok_or(malformed::NO_APP)?;
        let found = self.named(name, malformed::NO_APP)?;
        let rest = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
        Ok(Route::App(found, rest.parse().map_err(|_| malformed::TARGET)?))
    }

    /// By `app`, `app.environment`, either of them with `.mesh`.
    fn named(&self, name: &str, otherwise: Malformed) -> Result<usize, Astray> {
        if name.is_empty() || name.len() > 253 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b))
        {
            return Err(otherwise.into());
        }
        let lower = name.to_ascii_lowercase();
        let plain = lower.strip_suffix(SUFFIX).unwrap_or(&lower);
        let short = self.short.iter().position(|app| app.as_deref() == Some(plain));
        let full = || self.full.iter().position(|app| app == plain);
        short.or_else(full).ok_or(Astray::NotAllowed(lower))
    }
}

/// `http://app.mesh?x` has a query and no path.
fn rooted(path: PathAndQuery) -> Result<PathAndQuery, Malformed> {
    if path.as_str().starts_with('/') {
        return Ok(path);
    }
    format!("/{}", path.as_str()).parse().map_err(|_| malformed::TARGET)
}

/// A host and its port, if it has one.
fn split_host(host: &str) -> Result<(&str, Option<u16>), Malformed> {
    let after_brackets = host.rfind(']').map_or(0, |at| at + 1);
    let colon = host.get(after_brackets..).and_then(|rest| rest.find(':')).map(|at| at + after_brackets);
    let (name, port) = match colon.and_then(|colon| host.split_at_checked(colon)) {
        Some((name, port)) => (name, Some(port.strip_prefix(':').and_then(port_number).ok_or(malformed::HOST)?)),
        None => (host, None),
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-.".contains(&b);
    if name != "[::1]" && (name.is_empty() || !name.bytes().all(plain)) {
        return Err(malformed::HOST);
    }
    Ok((name, port))
}

#[cfg(test)]
mod tests;
