//! Names of the configuration that cannot be wrong: each type is parsed once.

use std::path::{Path, PathBuf};

use spiffe_id::Invalid;

/// The name of an app or of an environment: one DNS label in lower case, since it becomes part of the SNI.
/// (RFC 1123, section 2.1; RFC 1035, section 2.3.4.)
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(String);

impl Label {
    /// A name such as `reports`.
    ///
    /// # Errors
    /// [`Invalid`], when it is no DNS label in lower case, or one that a local URL already uses.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if !is_label(text) {
            return Err(Invalid {
                problem: "is not a name of lower-case letters, digits and hyphens",
                remedy: "write it as it stands in the SNI, such as \"reports\"",
            });
        }
        if matches!(text, "localhost" | "mesh") || text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Invalid {
                problem: "would be taken for something else in http://localhost, http://app.mesh and http://127.0.0.1",
                remedy: "use another name",
            });
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| inner(b) || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// A DNS name in lower case, without a final dot. (RFC 1035, section 2.3.4: at most 253 characters as text.)
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(String);

impl HostName {
    /// A name such as `mesh.example.com`.
    ///
    /// # Errors
    /// [`Invalid`], when it is something else: a URL, an address, with a port.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let remedy = "write the DNS name alone, in lower case, such as \"mesh.example.com\"";
        if text.contains("://") {
            return Err(Invalid { problem: "is a URL", remedy });
        }
        // A last label of digits is an address, or will be taken for one. (WHATWG URL, "ends in a number".)
        let last = text.rsplit('.').next().unwrap_or_default();
        if text.len() > 253 || !text.split('.').all(is_label) || last.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Invalid { problem: "is not a DNS name", remedy });
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where to connect: a DNS name or an address, and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gateway {
    host: String,
    port: u16,
}

impl Gateway {
    /// `gateway.mesh.example.com:443`, `10.1.2.3:443` or `[fd00::1]:443`. Without a port it is 443.
    ///
    /// # Errors
    /// [`Invalid`], when it is something else.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let remedy = "write it as \"gateway.mesh.example.com:443\"";
        if text.contains("://") {
            return Err(Invalid { problem: "is a URL", remedy });
        }
        let invalid = Invalid { problem: "is not the name or address of a gateway", remedy };
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, port)) => {
                let address: std::net::Ipv6Addr = address.parse().map_err(|_| invalid)?;
                (address.to_string(), if port.is_empty() { None } else { Some(port.strip_prefix(':').ok_or(invalid)?) })
            }
            None => {
                let (host, port) = match text.split_once(':') {
                    Some((host, port)) => (host, Some(port)),
                    None => (text, None),
                };
                if host.parse::<std::net::Ipv4Addr>().is_err() {
                    HostName::parse(host).map_err(|_| invalid)?;
                }
                (host.to_owned(), port)
            }
        };
        let port = match port {
            None => 443,
            Some(port) => port_number(port).ok_or(Invalid { problem: "has a port that is none", remedy })?,
        };
        Ok(Self { host, port })
    }

    /// The DNS name or address; an IPv6 address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// 1 to 65,535 in digits alone; `parse` would take a sign and leading zeros.
pub(crate) fn port_number(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| plain)
}

/// A region of AWS, such as `us-west-2`.
pub(super) fn region(text: &str) -> Result<String, Invalid> {
    let parts: Vec<&str> = text.split('-').collect();
    let words =
        |parts: &[&str]| parts.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase()));
    let sound = match parts.split_last() {
        Some((number, words_before)) => {
            words_before.len() >= 2
                && words(words_before)
                && (1..=2).contains(&number.len())
                && number.bytes().all(|b| b.is_ascii_digit())
        }
        None => false,
    };
    if !sound {
        return Err(Invalid { problem: "is not a region of AWS", remedy: "write it as \"us-west-2\"" });
    }
    Ok(text.to_owned())
}

/// The name of a secret, or its ARN. (Secrets Manager API reference, `SecretId`: at most 2,048 characters; `Name`: letters,
/// digits and `/_+=.@-`, at most 512.)
pub(super) fn secret(text: &str) -> Result<String, Invalid> {
    let remedy = "write its name, such as \"meshbridge/staging/reports/key\", or its ARN";
    let named = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+=.@-".contains(&b))
    };
    let sound = match text.strip_prefix("arn:") {
        Some(rest) => {
            let parts: Vec<&str> = rest.splitn(6, ':').collect();
            matches!(parts.as_slice(), [partition, "secretsmanager", region_of, account, "secret", name]
                if partition.starts_with("aws")
                    && region(region_of).is_ok()
                    && account.len() == 12
                    && account.bytes().all(|b| b.is_ascii_digit())
                    && named(name, 519))
        }
        None => named(text, 512),
    };
    if !sound {
        return Err(Invalid { problem: "is not the name or ARN of a secret", remedy });
    }
    Ok(text.to_owned())
}

/// The region that an ARN names; `None` for what is a name.
pub(super) fn region_of_arn(secret: &str) -> Option<&str> {
    secret.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2))
}

/// A file's path that does not depend on the working directory.
pub(super) fn absolute_path(text: &str) -> Result<PathBuf, Invalid> {
    let path = Path::new(text);
    let plain = !text.contains('\0') && !path.components().any(|part| part == std::path::Component::ParentDir);
    if !path.is_absolute() || path.file_name().is_none() || !plain {
        return Err(Invalid {
            problem: "is not an absolute path",
            remedy: "begin with / and leave .. out, such as \"/tmp/meshbridge/token\"",
        });
    }
    Ok(path.to_path_buf())
}

/// The same for a socket. The address of a UNIX socket has 108 bytes, with its final zero (unix(7)), and the socket is made
/// in a directory beside its place.
pub(super) fn socket_path(text: &str) -> Result<PathBuf, Invalid> {
    if text.len() > 90 {
        return Err(Invalid {
            problem: "is longer than the 90 bytes that a socket's path may have",
            remedy: "use a shorter one",
        });
    }
    absolute_path(text)
}

/// Where Secrets Manager is asked instead of its regional endpoint.
pub(super) fn endpoint(text: &str) -> Result<String, Invalid> {
    let invalid = Invalid {
        problem: "is not the URL of an endpoint",
        remedy: "write \"https://host\", with a port if it is not 443; http:// only to 127.0.0.1, localhost or [::1]",
    };
    let uri: http::Uri = text.parse().map_err(|_| invalid)?;
    let host = uri.host().ok_or(invalid)?;
    let loopback = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    let scheme = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => loopback,
        _ => false,
    };
    let user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    if !scheme || user || !matches!(uri.path(), "" | "/") || uri.query().is_some() || text.contains('#') {
        return Err(invalid);
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// `http://127.0.0.1:8181`, as the clients are told where the proxy is; only the port is ours to choose.
pub(super) fn own_address(text: &str) -> Result<u16, Invalid> {
    let rest = text.strip_prefix("http://").map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let port = rest.and_then(|rest| rest.strip_prefix("127.0.0.1:").or_else(|| rest.strip_prefix("localhost:")));
    port.and_then(port_number)
        .ok_or(Invalid { problem: "is not where this proxy can listen", remedy: "write it as http://127.0.0.1:8181" })
}
