//! Names of AWS: role ARNs, regions, services, host names and role session names.

use alloc::format;
use alloc::string::String;
use core::fmt;

use sha2::{Digest, Sha256};
use sts::Partition;

use super::Invalid;

/// `arn:aws:iam::123456789012:role/path/name`. (IAM User Guide, "IAM identifiers"; API reference, `CreateRole`.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleArn {
    text: String,
    partition: Partition,
}

impl RoleArn {
    /// # Errors
    /// [`Invalid`], when STS could not know a role by this name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        const REMEDY: &str = "write it as arn:aws:iam::123456789012:role/NAME";
        let invalid = |problem| Invalid { problem, remedy: REMEDY };
        let mut fields = text.splitn(6, ':');
        let (arn, partition, service, region, account, resource) =
            (fields.next(), fields.next(), fields.next(), fields.next(), fields.next(), fields.next());
        if arn != Some("arn") {
            return Err(invalid("does not begin with arn:"));
        }
        let partition = partition
            .and_then(Partition::from_arn_field)
            .ok_or(invalid("names a partition other than aws, aws-cn and aws-us-gov"))?;
        if service != Some("iam") || region != Some("") {
            return Err(invalid("is not an ARN of IAM, which has the service iam and no region"));
        }
        if !account.is_some_and(|account| account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())) {
            return Err(invalid("has an account that is not of 12 digits"));
        }
        let Some(path) = resource.and_then(|resource| resource.strip_prefix("role/")) else {
            return Err(invalid("is not a role"));
        };
        let name = path.rsplit('/').next().unwrap_or_default();
        let name_is_valid = (1..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b));
        // A role's path may hold any printable ASCII character.
        if !name_is_valid || path.len() > 512 + 64 || !path.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(invalid("has a role name that IAM does not allow"));
        }
        Ok(Self { text: text.into(), partition })
    }

    /// The whole ARN.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The partition that the role lives in.
    #[must_use]
    pub fn partition(&self) -> Partition {
        self.partition
    }
}

/// `us-west-2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    text: String,
    partition: Partition,
}

impl Region {
    /// # Errors
    /// [`Invalid`], when the text has not the shape of a region, or is one of a partition that is not supported.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let mut parts = text.split('-');
        let shape = text.len() <= 32
            && text.split('-').count() >= 3
            && parts
                .next_back()
                .is_some_and(|last| (1..=2).contains(&last.len()) && last.bytes().all(|b| b.is_ascii_digit()))
            && parts.all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase()));
        if !shape {
            return Err(Invalid { problem: "is not a region", remedy: "write it as us-west-2" });
        }
        let partition = Partition::of_region(text).ok_or(Invalid {
            problem: "is a region of a partition other than aws, aws-cn and aws-us-gov",
            remedy: "use a region of a supported partition",
        })?;
        Ok(Self { text: text.into(), partition })
    }

    /// Such as `us-west-2`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The partition that the region belongs to.
    #[must_use]
    pub fn partition(&self) -> Partition {
        self.partition
    }
}

/// The signing name of a service: `s3`, `execute-api`, `dynamodb`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceName(String);

impl ServiceName {
    /// # Errors
    /// [`Invalid`], when the text is not a signing name, or names S3 Express, whose sessions are not supported.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let shape = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if !shape {
            return Err(Invalid {
                problem: "is not the signing name of a service",
                remedy: "write it in lower case, as s3 or execute-api",
            });
        }
        if text == "s3express" {
            return Err(Invalid {
                problem: "is not supported: S3 Express has sessions of its own",
                remedy: "use a general-purpose bucket and s3",
            });
        }
        Ok(Self(text.into()))
    }

    /// Such as `s3`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether S3's rules for paths and payloads hold.
    #[must_use]
    pub fn is_s3_family(&self) -> bool {
        matches!(self.as_str(), "s3" | "s3-outposts" | "s3-object-lambda")
    }
}

/// A host name in lower case, without a port (RFC 1123, section 2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(String);

impl HostName {
    /// # Errors
    /// [`Invalid`], when it is not a host name in lower case.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if text.contains('/') {
            return Err(Invalid { problem: "is a URL", remedy: "write the host name alone" });
        }
        if text.contains(':') {
            return Err(Invalid {
                problem: "has a port",
                remedy: "set the port in the cluster, and write the name alone",
            });
        }
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(Invalid { problem: "has upper-case letters", remedy: "write it in lower case" });
        }
        if text.len() > 253 || !text.contains('.') || !text.split('.').all(label) {
            return Err(Invalid {
                problem: "is not a host name",
                remedy: "write it as my-bucket.s3.us-west-2.amazonaws.com",
            });
        }
        Ok(Self(text.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The bucket that a virtual-hosted S3 host name stands for: what comes before `.s3.` or `.s3-`.
    /// (S3 User Guide, "Virtual hosting of general purpose buckets".) `None` for a path-style host name.
    #[must_use]
    pub fn bucket(&self) -> Option<&str> {
        let at = self.0.as_bytes().windows(4).position(|part| matches!(part, [b'.', b's', b'3', b'.' | b'-']))?;
        self.0.get(..at)
    }
}

/// What CloudTrail shows as the session: 2 to 64 characters of `[\w+=,.@-]`. (STS API reference,
/// `AssumeRoleWithWebIdentity`.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionName(String);

impl SessionName {
    const MAX: usize = 64;

    /// # Errors
    /// [`Invalid`], when STS would refuse it.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let shape = (2..=Self::MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b));
        if !shape {
            return Err(Invalid {
                problem: "is not a role session name",
                remedy: "use 2 to 64 letters, digits and _+=,.@-",
            });
        }
        Ok(Self(text.into()))
    }

    /// The default: the backend's host name; when that is too long, its beginning and a hash of the whole.
    #[must_use]
    pub fn of_backend(host: &HostName) -> Self {
        if host.as_str().len() <= Self::MAX {
            return Self(host.as_str().into());
        }
        let hash: [u8; 32] = Sha256::digest(host.as_str()).into();
        let [a, b, c, d, e, f, ..] = hash;
        let head: String = host.as_str().chars().take(Self::MAX - 13).collect();
        Self(format!("{head}-{a:02x}{b:02x}{c:02x}{d:02x}{e:02x}{f:02x}"))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_arn_knows_its_partition() {
        for (text, partition) in [
            ("arn:aws:iam::123456789012:role/mybucket-proxy", Partition::Aws),
            ("arn:aws-cn:iam::123456789012:role/a/path/name", Partition::AwsCn),
            ("arn:aws-us-gov:iam::123456789012:role/x", Partition::AwsUsGov),
        ] {
            let arn = RoleArn::parse(text).unwrap();
            assert_eq!((arn.partition(), arn.as_str()), (partition, text));
        }
    }

    #[test]
    fn what_sts_could_not_know_is_no_role_arn() {
        for text in [
            "",
            "role/x",
            "arn:aws:iam::123456789012:user/x",
            "arn:aws:iam::12345678901:role/x",
            "arn:aws:iam::12345678901a:role/x",
            "arn:aws:iam:us-west-2:123456789012:role/x",
            "arn:aws:sts::123456789012:assumed-role/x/y",
            "arn:aws-iso:iam::123456789012:role/x",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role/a b",
            "arn:aws:iam::123456789012:role/a/",
            "arn:aws:iam::123456789012:role/a:b",
        ] {
            assert!(RoleArn::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn regions_are_known_by_shape_and_partition() {
        for (text, partition) in [
            ("us-west-2", Partition::Aws),
            ("ap-southeast-4", Partition::Aws),
            ("cn-north-1", Partition::AwsCn),
            ("us-gov-west-1", Partition::AwsUsGov),
        ] {
            assert_eq!(Region::parse(text).unwrap().partition(), partition);
        }
        for text in ["", "us", "us-west", "US-WEST-2", "us-west-2a", "us--2", "us west 2", "us-iso-east-1", "*"] {
            assert!(Region::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_host_name_tells_its_bucket() {
        for (host, bucket) in [
            ("my-bucket.s3.us-west-2.amazonaws.com", Some("my-bucket")),
            ("a.b.s3.amazonaws.com", Some("a.b")),
            ("b.s3-us-west-2.amazonaws.com", Some("b")),
            ("b.s3.dualstack.us-west-2.amazonaws.com", Some("b")),
            ("b.s3.cn-north-1.amazonaws.com.cn", Some("b")),
            ("s3.us-west-2.amazonaws.com", None),
            ("my.s3bucket.example.com", None),
            ("abc.execute-api.us-west-2.amazonaws.com", None),
        ] {
            assert_eq!(HostName::parse(host).unwrap().bucket(), bucket, "{host}");
        }
    }

    #[test]
    fn host_names_are_names_only() {
        for text in ["", "localhost", "https://a.b", "a.b/c", "a.b:443", "A.b", "a..b", "-a.b", "a-.b", "a_b.c", ".a.b"]
        {
            assert!(HostName::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_session_name_made_of_a_long_host_fits_and_stays_distinct() {
        let host =
            |first: char| HostName::parse(&format!("{first}{}.s3.us-west-2.amazonaws.com", "b".repeat(62))).unwrap();
        let (one, two) = (SessionName::of_backend(&host('a')), SessionName::of_backend(&host('c')));
        assert_ne!(one, two);
        for name in [one, two] {
            assert_eq!(SessionName::parse(name.as_str()), Ok(name.clone()));
            assert_eq!(name.as_str().len(), 64);
        }
        let short = HostName::parse("b.s3.us-west-2.amazonaws.com").unwrap();
        assert_eq!(SessionName::of_backend(&short).as_str(), short.as_str());
    }

    #[test]
    fn s3_express_is_refused_and_the_s3_family_known() {
        assert!(ServiceName::parse("s3express").is_err());
        for text in ["", "S3", "s3 ", "-s3", "execute_api"] {
            assert!(ServiceName::parse(text).is_err(), "{text}");
        }
        for (text, s3) in [("s3", true), ("s3-outposts", true), ("s3-object-lambda", true), ("execute-api", false)] {
            assert_eq!(ServiceName::parse(text).unwrap().is_s3_family(), s3);
        }
    }
}
