//! Names of the mesh and of the people behind it: SNI, clusters, owners, the organisation, files of roots.

use sni_core::{NotAName, SniName};
use spiffe_id::Invalid;

/// A name of DNS as sni-router's table and mtls-proxy's configuration both take it: in lower case, of letters, digits and
/// hyphens.
///
/// # Errors
/// [`Invalid`], when one of them would refuse it, or would change it.
pub fn sni(text: &str) -> Result<SniName, Invalid> {
    let name = SniName::parse(text.as_bytes()).map_err(|not_a_name| Invalid {
        problem: problem(not_a_name),
        remedy: "write one name of DNS, such as \"mesh.example.com\"",
    })?;
    if text.contains('_') {
        return Err(Invalid { problem: "holds an underscore, which host names do not have", remedy: "use a hyphen" });
    }
    if name.as_str() != text {
        return Err(Invalid {
            problem: "is not in lower case, or ends with a dot",
            remedy: "write it in lower case, without a dot at its end",
        });
    }
    Ok(name)
}

fn problem(not_a_name: NotAName) -> &'static str {
    match not_a_name {
        NotAName::Wildcard => "holds a *, but must be one name",
        other => other.problem(),
    }
}

/// The name of a cluster of the mesh gateway's Envoy: 1 to 256 printable ASCII characters without blanks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClusterName(Box<str>);

impl ClusterName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`Invalid`], when it is none.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if !(1..=256).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Invalid {
                problem: "is not the name of a cluster",
                remedy: "write it as the mesh gateway's Envoy knows it, such as \"reports-production\"",
            });
        }
        Ok(Self(text.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who answers for an app: an e-mail address of at most 254 characters. (RFC 5321, section 4.5.3.1.3; without its comments
/// and quoted parts.)
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner(Box<str>);

impl Owner {
    /// Reads an address.
    ///
    /// # Errors
    /// [`Invalid`], when it is none.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let sound = text.split_once('@').is_some_and(|(mailbox, host)| {
            (1..=64).contains(&mailbox.len())
                && mailbox.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b))
                && host.split('.').count() >= 2
                && host
                    .split('.')
                    .all(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        });
        if text.len() > 254 || !sound {
            return Err(Invalid {
                problem: "is not an e-mail address",
                remedy: "write whom to ask, such as \"team-reports@example.com\"",
            });
        }
        Ok(Self(text.into()))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The organisation in the subject of certificates: 1 to 64 characters, `ub-organization-name`. (RFC 5280, appendix A.1.)
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Organisation(Box<str>);

impl Organisation {
    /// Reads a name.
    ///
    /// # Errors
    /// [`Invalid`], when a certificate could not carry it.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.trim() != text || text.chars().any(char::is_control) || !(1..=64).contains(&text.chars().count()) {
            return Err(Invalid {
                problem: "is not an organisation's name of 1 to 64 characters, without blanks around it",
                remedy: "write it as it shall stand in certificates, such as \"Example\"",
            });
        }
        Ok(Self(text.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A file below the registry's directory: a path with slashes, without `..`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelativePath(Box<str>);

impl RelativePath {
    /// Reads a path.
    ///
    /// # Errors
    /// [`Invalid`], when it could lead out of the directory.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let step = |step: &str| {
            !matches!(step, "" | "." | "..") && !step.contains('\\') && !step.chars().any(char::is_control)
        };
        if text.len() > 1024 || !text.split('/').all(step) {
            return Err(Invalid {
                problem: "is not a file below the registry's directory",
                remedy: "write its path from there, such as \"roots/mesh.pem\"",
            });
        }
        Ok(Self(text.into()))
    }

    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sni_is_what_router_and_proxy_both_take() {
        assert_eq!(sni("staging.reports.mesh.example.com").unwrap().as_str(), "staging.reports.mesh.example.com");
        for text in [
            "",
            "Mesh.example.com",
            "mesh.example.com.",
            "a_b.example.com",
            "*.example.com",
            "10.0.0.1",
            "a..b",
            "https://a.b",
        ] {
            assert!(sni(text).is_err(), "{text}");
        }
    }

    #[test]
    fn clusters_of_istio_are_clusters_and_blanks_are_not() {
        assert!(ClusterName::parse("outbound|443||reports.prod.svc.cluster.local").is_ok());
        for text in ["", "a b", "a\n", "caf\u{e9}", &"a".repeat(257)] {
            assert!(ClusterName::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_owner_can_be_written_to() {
        for text in ["team-reports@example.com", "a.b+c@x.y"] {
            assert!(Owner::parse(text).is_ok(), "{text}");
        }
        for text in
            ["", "team-reports", "@example.com", "a@", "a@b", "a@b..c", "a b@c.d", "a@b@c.d", "A <a@b.c>", "a@b.c\n"]
        {
            assert!(Owner::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_organisation_fits_into_a_certificate() {
        assert!(Organisation::parse("Société Générale & Co").is_ok());
        for text in ["", " Example", "Example\n", "a\tb", &"é".repeat(65)] {
            assert!(Organisation::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_path_cannot_leave_the_directory() {
        assert!(RelativePath::parse("roots/mesh.pem").is_ok());
        for text in ["", "/etc/passwd", "../x", "a/../../x", "./x", "a//b", "a\\b", "a\0", "a/"] {
            assert!(RelativePath::parse(text).is_err(), "{text:?}");
        }
    }
}
