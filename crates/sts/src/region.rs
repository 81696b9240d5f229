//! Partitions of AWS, and the host name of STS in a region.

use alloc::format;
use alloc::string::String;

/// A partition: regions that share identities. A role of one cannot be assumed in another.
///
/// Source: AWS General Reference, "Amazon Resource Names (ARNs)".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partition {
    /// `aws`: the commercial regions.
    Aws,
    /// `aws-cn`: the regions in China.
    AwsCn,
    /// `aws-us-gov`: GovCloud.
    AwsUsGov,
}

impl Partition {
    /// The partition that a region belongs to; `None` for the partitions that are not supported (the isolated ones, and
    /// the European Sovereign Cloud), whose endpoints have other names.
    ///
    /// The prefix decides, not a list, so that new commercial regions work at once. The region's syntax is for the
    /// caller to check.
    #[must_use]
    pub fn of_region(region: &str) -> Option<Self> {
        if region.starts_with("us-iso") || region.starts_with("eu-iso") || region.starts_with("eusc") {
            None
        } else if region.starts_with("cn-") {
            Some(Self::AwsCn)
        } else if region.starts_with("us-gov-") {
            Some(Self::AwsUsGov)
        } else {
            Some(Self::Aws)
        }
    }

    /// Reads the second field of an ARN.
    #[must_use]
    pub fn from_arn_field(field: &str) -> Option<Self> {
        match field {
            "aws" => Some(Self::Aws),
            "aws-cn" => Some(Self::AwsCn),
            "aws-us-gov" => Some(Self::AwsUsGov),
            _ => None,
        }
    }

    /// The second field of an ARN.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::AwsCn => "aws-cn",
            Self::AwsUsGov => "aws-us-gov",
        }
    }

    /// What the host names of the partition's services end in.
    #[must_use]
    pub const fn dns_suffix(self) -> &'static str {
        match self {
            Self::Aws | Self::AwsUsGov => "amazonaws.com",
            Self::AwsCn => "amazonaws.com.cn",
        }
    }
}

/// Host name of STS in a region, such as `sts.us-west-2.amazonaws.com`.
///
/// Never the global endpoint: it is one region for the whole world, and its session tokens can be refused by opt-in
/// regions. Source: AWS General Reference, "AWS Security Token Service endpoints and quotas".
#[must_use]
pub fn regional_endpoint(region: &str, partition: Partition) -> String {
    format!("sts.{region}.{}", partition.dns_suffix())
}
