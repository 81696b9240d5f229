//! One region's pair of secrets, and where its Secrets Manager listens.

use std::fmt;

use super::endpoint::Endpoint;

/// The secrets of a workload in one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretReplica {
    region: String,
    certificate: String,
    key: String,
    endpoint: Endpoint,
}

/// Why a replica cannot be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretReplicaError {
    /// Not the name of a region.
    Region(String),
    /// Not the name or ARN of a secret.
    Secret(String),
    /// An ARN of another region.
    OtherRegion(String),
    /// Not `https://host[:port]`, or `http://` to a host that is not this one.
    Endpoint(String),
    /// A region of a partition whose endpoints cannot be told from its name.
    NoEndpoint(String),
}

impl SecretReplica {
    /// `certificate` and `key` are names or ARNs of secrets; `{region}` in them stands for the region, so that one text
    /// serves every region. `endpoint` is for tests and private endpoints, as `https://host[:port]`; `http` is for
    /// loopback addresses only, since the key would travel in clear.
    ///
    /// # Errors
    /// [`SecretReplicaError`], naming the part that is wrong.
    pub fn new(region: &str, certificate: &str, key: &str, endpoint: Option<&str>) -> Result<Self, SecretReplicaError> {
        if !is_region(region) {
            return Err(SecretReplicaError::Region(region.into()));
        }
        let endpoint = match endpoint {
            Some(text) => Endpoint::parse(text).ok_or_else(|| SecretReplicaError::Endpoint(text.into()))?,
            None => Endpoint::of_region(region).ok_or_else(|| SecretReplicaError::NoEndpoint(region.into()))?,
        };
        Ok(Self {
            region: region.into(),
            certificate: secret(certificate, region)?,
            key: secret(key, region)?,
            endpoint,
        })
    }

    /// Such as `us-west-2`.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Name or ARN of the secret with the certificate document.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Name or ARN of the secret with the private key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

fn is_region(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Secrets Manager API Reference, GetSecretValue: SecretId has 1 to 2048 characters; CreateSecret: names are made of
/// letters, digits and `/_+=.@-`.
fn secret(text: &str, region: &str) -> Result<String, SecretReplicaError> {
    let text = text.replace("{region}", region);
    let valid = |name: &str| {
        (1..=512).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+=.@-".contains(&b))
    };
    if !text.starts_with("arn:") {
        return if valid(&text) { Ok(text) } else { Err(SecretReplicaError::Secret(text)) };
    }
    let parts: Vec<&str> = text.splitn(7, ':').collect();
    match parts.as_slice() {
        ["arn", _, "secretsmanager", of, account, "secret", name]
            if account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) && valid(name) =>
        {
            if *of == region {
                Ok(text)
            } else {
                Err(SecretReplicaError::OtherRegion(text))
            }
        }
        _ => Err(SecretReplicaError::Secret(text)),
    }
}

impl fmt::Display for SecretReplicaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region(text) => write!(f, "{text:?} is not a region; write one as us-west-2"),
            Self::Secret(text) => write!(f, "{text:?} is not a secret; write its name or its whole ARN"),
            Self::OtherRegion(text) => {
                write!(f, "{text:?} is in another region; write {{region}} in place of the region")
            }
            Self::Endpoint(text) => {
                write!(f, "{text:?} is not an endpoint; write https://host:port, or http:// and a loopback address")
            }
            Self::NoEndpoint(region) => {
                write!(f, "the endpoint of Secrets Manager in {region} is not known here; write it as https://host")
            }
        }
    }
}

impl std::error::Error for SecretReplicaError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn replica(endpoint: Option<&str>) -> Result<SecretReplica, SecretReplicaError> {
        SecretReplica::new("us-west-2", "meshbridge/staging/reports/certificate", "k", endpoint)
    }

    #[test]
    fn every_region_has_its_endpoint() {
        let endpoint = replica(None).unwrap().endpoint;
        assert_eq!(endpoint.host(), "secretsmanager.us-west-2.amazonaws.com");
        assert!(endpoint.is_tls() && endpoint.port() == 443);
        let china = SecretReplica::new("cn-north-1", "c", "k", None).unwrap();
        assert_eq!(china.endpoint.host(), "secretsmanager.cn-north-1.amazonaws.com.cn");
        let isolated = SecretReplica::new("us-iso-east-1", "c", "k", None);
        assert_eq!(isolated, Err(SecretReplicaError::NoEndpoint("us-iso-east-1".into())));
        assert!(SecretReplica::new("us-iso-east-1", "c", "k", Some("https://sm.example")).is_ok());
    }

    #[test]
    fn a_key_never_travels_in_clear_to_another_host() {
        for text in ["http://127.0.0.1:5000", "http://localhost:1/", "http://[::1]:80", "https://vpce.example.com"] {
            assert!(replica(Some(text)).is_ok(), "{text}");
        }
        for text in [
            "http://10.0.0.1:80",
            "http://localhost.example.com",
            "127.0.0.1:80",
            "ftp://localhost",
            "https://a/b",
            "/",
            "",
        ] {
            assert_eq!(replica(Some(text)), Err(SecretReplicaError::Endpoint(text.into())), "{text}");
        }
        assert!(replica(Some("https://user@host")).is_err());
    }

    #[test]
    fn one_text_serves_every_region() {
        let arn = "arn:aws:secretsmanager:{region}:123456789012:secret:meshbridge/staging/reports/key-AbCdEf";
        for region in ["us-west-2", "us-east-1"] {
            let replica = SecretReplica::new(region, arn, arn, None).unwrap();
            assert_eq!(replica.key(), arn.replace("{region}", region));
        }
        let elsewhere = arn.replace("{region}", "us-east-1");
        let error = SecretReplica::new("us-west-2", &elsewhere, "k", None).unwrap_err();
        assert_eq!(error, SecretReplicaError::OtherRegion(elsewhere));
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for text in ["", "a b", "a\"b", "arn:aws:s3:::bucket", "arn:aws:secretsmanager:us-west-2:1:secret:a"] {
            assert_eq!(
                SecretReplica::new("us-west-2", text, "k", None),
                Err(SecretReplicaError::Secret(text.into())),
                "{text}"
            );
        }
        for region in ["", "US-WEST-2", "us-west-2.evil.example", "-a"] {
            assert_eq!(SecretReplica::new(region, "c", "k", None), Err(SecretReplicaError::Region(region.into())));
        }
    }
}
