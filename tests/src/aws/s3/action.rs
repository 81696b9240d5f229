//! Which IAM action on which resource an S3 request needs.

use crate::aws::wire::{self, Received};

/// What a request is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Target {
    Service,
    Bucket(String),
    Object(String, String),
    /// The host is none of S3's.
    Elsewhere,
    /// The path does not decode to UTF-8.
    Unreadable,
}

impl Target {
    pub(super) fn of(request: &Received, hostname: &str) -> Self {
        let Some(path) = wire::percent_decode(&request.path).and_then(|path| String::from_utf8(path).ok()) else {
            return Self::Unreadable;
        };
        let path = path.strip_prefix('/').unwrap_or(&path);
        let host = request.host_without_port();
        let (bucket, key) = if host == hostname {
            path.split_once('/').unwrap_or((path, ""))
        } else if let Some(bucket) = host.strip_suffix(hostname).and_then(|rest| rest.strip_suffix('.')) {
            (bucket, path)
        } else {
            return Self::Elsewhere;
        };
        match (bucket, key) {
            ("", _) => Self::Service,
            (bucket, "") => Self::Bucket(bucket.to_owned()),
            (bucket, key) => Self::Object(bucket.to_owned(), key.to_owned()),
        }
    }

    pub(super) fn bucket_arn(&self) -> Option<String> {
        match self {
            Self::Bucket(bucket) | Self::Object(bucket, _) => Some(format!("arn:aws:s3:::{bucket}")),
            _ => None,
        }
    }

    fn arn(&self) -> String {
        match self {
            Self::Object(bucket, key) => format!("arn:aws:s3:::{bucket}/{key}"),
            _ => self.bucket_arn().unwrap_or_else(|| "*".to_owned()),
        }
    }
}

/// What must be allowed.
#[derive(Clone, Debug)]
pub(super) struct Needed {
    pub(super) action: String,
    resource: String,
    /// Copying reads the source too.
    source: Option<String>,
}

/// Query parameters that turn a request into another operation.
const SUBRESOURCES: [&str; 12] = [
    "acl",
    "delete",
    "location",
    "policy",
    "tagging",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
    "cors",
];

impl Needed {
    pub(super) fn by(request: &Received, target: &Target) -> Self {
        let pairs = request.query_pairs().unwrap_or_default();
        let sub = pairs.iter().find_map(|(key, _)| SUBRESOURCES.into_iter().find(|sub| sub == key)).unwrap_or("");
        let on_object = matches!(target, Target::Object(..));
        let action = match (request.method.as_str(), on_object, sub) {
            ("GET" | "HEAD", true, "") => "GetObject",
            ("GET" | "HEAD", true, "versionId") => "GetObjectVersion",
            ("GET", true, "tagging") => "GetObjectTagging",
            ("GET", true, "acl") => "GetObjectAcl",
            ("GET", true, "uploadId") => "ListMultipartUploadParts",
            ("PUT", true, "" | "uploadId") | ("POST", true, "uploads" | "uploadId") => "PutObject",
            ("PUT", true, "tagging") => "PutObjectTagging",
            ("PUT", true, "acl") => "PutObjectAcl",
            ("DELETE", true, "") => "DeleteObject",
            ("DELETE", true, "versionId") => "DeleteObjectVersion",
            ("DELETE", true, "uploadId") => "AbortMultipartUpload",
            ("GET", false, "") if *target == Target::Service => "ListAllMyBuckets",
            ("GET" | "HEAD", false, "") => "ListBucket",
            ("GET", false, "location") => "GetBucketLocation",
            ("GET", false, "uploads") => "ListBucketMultipartUploads",
            ("GET", false, "versions") => "ListBucketVersions",
            ("POST", false, "delete") => "DeleteObject",
            ("PUT", false, "") => "CreateBucket",
            ("DELETE", false, "") => "DeleteBucket",
            // Nothing but a wildcard allows what this table does not know.
            _ => "NotKnownToTheDouble",
        };
        let every_object = action == "DeleteObject" && !on_object;
        let resource = if every_object { format!("{}/*", target.arn()) } else { target.arn() };
        let source = request.header("x-amz-copy-source").map(|source| {
            let path = wire::percent_decode(source).unwrap_or_default();
            format!("arn:aws:s3:::{}", String::from_utf8_lossy(&path).trim_start_matches('/'))
        });
        Self { action: format!("s3:{action}"), resource, source }
    }

    /// Every action and resource that must be allowed.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        let source = self.source.as_deref().map(|source| ("s3:GetObject", source));
        std::iter::once((self.action.as_str(), self.resource.as_str())).chain(source)
    }
}
