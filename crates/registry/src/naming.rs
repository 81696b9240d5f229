//! The rules of names: what an app is called in SPIFFE IDs, SNI, certificates, secrets and clusters.
//!
//! Names of apps and environments are labels without `.` and `/`, so that a name made of both can be taken apart again:
//! no two apps get the same SPIFFE ID, SNI, subject or secret. Clusters alone are joined by a hyphen, as is the custom
//! among Envoys; two that become the same are a mistake that the registry reports.

use std::fmt;

use crate::names::{AccountId, AppName, EnvironmentName, Organisation, SniName, SpiffeIdBuf, TrustDomain, sni};

/// What the suffix of a mesh may have of the 253 characters of a name (RFC 1035, section 2.3.4): the rest is for
/// `<environment>.<app>.`, of which a certificate's common name allows 64 without the last dot.
pub(crate) const MOST_SUFFIX: usize = 253 - crate::names::MOST_COMMON_NAME - 1;

/// `spiffe://<trust domain>/<environment>/<app>`.
#[must_use]
#[expect(
    clippy::expect_used,
    reason = "a trust domain has at most 255 bytes and labels are path segments (SPIFFE-ID, 2.2)"
)]
pub fn spiffe_id(trust_domain: &TrustDomain, environment: &EnvironmentName, app: &AppName) -> SpiffeIdBuf {
    SpiffeIdBuf::parse(&format!("spiffe://{trust_domain}/{environment}/{app}")).expect("made of checked parts")
}

/// The environment and the app of an ID that [`spiffe_id()`] makes.
#[must_use]
pub fn parts_of_spiffe_id(id: &SpiffeIdBuf) -> Option<(EnvironmentName, AppName)> {
    let path = id.as_str().strip_prefix(spiffe_id::SCHEME)?.split_once('/')?.1;
    let (environment, app) = path.split_once('/')?;
    Some((EnvironmentName::parse(environment).ok()?, AppName::parse(app).ok()?))
}

/// `<environment>.<app>.<mesh suffix>`.
///
/// # Errors
/// [`crate::names::Invalid`], when it is longer than names may be; never within a [`crate::Snapshot`], whose suffixes leave room.
pub fn sni_of(
    mesh_suffix: &SniName,
    environment: &EnvironmentName,
    app: &AppName,
) -> Result<SniName, crate::names::Invalid> {
    sni(&format!("{environment}.{app}.{}", mesh_suffix.as_str()))
}

/// The environment and the app of a name that [`sni_of`] makes with this suffix.
#[must_use]
pub fn parts_of_sni(name: &SniName, mesh_suffix: &SniName) -> Option<(EnvironmentName, AppName)> {
    let (environment, rest) = name.as_str().split_once('.')?;
    let (app, suffix) = rest.split_once('.')?;
    if suffix != mesh_suffix.as_str() {
        return None;
    }
    Some((EnvironmentName::parse(environment).ok()?, AppName::parse(app).ok()?))
}

/// `<app>-<environment>`: the cluster of the mesh gateway's Envoy.
#[must_use]
pub fn cluster(environment: &EnvironmentName, app: &AppName) -> String {
    format!("{app}-{environment}")
}

/// `meshbridge/<environment>/<app>/key`: the secret that holds the private key.
#[must_use]
pub fn key_secret(environment: &EnvironmentName, app: &AppName) -> String {
    format!("meshbridge/{environment}/{app}/key")
}

/// `meshbridge/<environment>/<app>/certificate`: the secret that holds the certificate document.
#[must_use]
pub fn certificate_secret(environment: &EnvironmentName, app: &AppName) -> String {
    format!("meshbridge/{environment}/{app}/certificate")
}

/// The subject of an app's certificates. The CA's audit report shows nothing else of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    /// `CN`: `<app>.<environment>`, at most 64 characters.
    pub common_name: String,
    /// `O`.
    pub organisation: Organisation,
    /// `OU`: the app's account.
    pub account: AccountId,
}

impl fmt::Display for Subject {
    /// As text: `CN=reports.production,O=Example,OU=123456789012`. (RFC 4514, sections 2 and 2.4.)
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CN={},O=", self.common_name)?;
        let name = self.organisation.as_str();
        for (at, c) in name.char_indices() {
            if matches!(c, '"' | '+' | ',' | ';' | '<' | '>' | '\\') || (at == 0 && c == '#') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        write!(f, ",OU={}", self.account)
    }
}

/// `<app>.<environment>`.
#[must_use]
pub fn common_name(environment: &EnvironmentName, app: &AppName) -> String {
    format!("{app}.{environment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> (EnvironmentName, AppName) {
        (EnvironmentName::parse("staging").unwrap(), AppName::parse("reports").unwrap())
    }

    #[test]
    fn names_are_those_of_the_design() {
        let (environment, app) = names();
        let domain = TrustDomain::parse("mesh.example.com").unwrap();
        assert_eq!(spiffe_id(&domain, &environment, &app).as_str(), "spiffe://mesh.example.com/staging/reports");
        let suffix = sni("mesh.example.com").unwrap();
        assert_eq!(sni_of(&suffix, &environment, &app).unwrap().as_str(), "staging.reports.mesh.example.com");
        assert_eq!(cluster(&environment, &app), "reports-staging");
        assert_eq!(key_secret(&environment, &app), "meshbridge/staging/reports/key");
        assert_eq!(certificate_secret(&environment, &app), "meshbridge/staging/reports/certificate");
        assert_eq!(common_name(&environment, &app), "reports.staging");
    }

    #[test]
    fn an_organisation_cannot_add_to_a_subject() {
        let subject = |organisation: &str| {
            let organisation = Organisation::parse(organisation).unwrap();
            let account = AccountId::parse("123456789012").unwrap();
            Subject { common_name: "reports.staging".to_owned(), organisation, account }.to_string()
        };
        assert_eq!(subject("Example"), "CN=reports.staging,O=Example,OU=123456789012");
        assert_eq!(subject("A, Inc+OU=x"), "CN=reports.staging,O=A\\, Inc\\+OU=x,OU=123456789012");
        assert_eq!(subject("#1 \\ <x>"), "CN=reports.staging,O=\\#1 \\\\ \\<x\\>,OU=123456789012");
    }

    #[test]
    fn names_of_another_form_belong_to_no_app() {
        for id in [
            "spiffe://a/reports",
            "spiffe://a/x/staging/reports",
            "spiffe://a/Staging/reports",
            "spiffe://a/staging/a_b",
        ] {
            assert_eq!(parts_of_spiffe_id(&SpiffeIdBuf::parse(id).unwrap()), None, "{id}");
        }
        let suffix = sni("mesh.example.com").unwrap();
        for name in [
            "mesh.example.com",
            "reports.mesh.example.com",
            "x.staging.reports.mesh.example.com",
            "staging.reports.example.com",
        ] {
            assert_eq!(parts_of_sni(&sni(name).unwrap(), &suffix), None, "{name}");
        }
    }
}
