//! Step 3: what becomes of each header that the caller sent.

/// What becomes of one header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Goes on as it is, without a signature: what a proxy may change.
    Keep,
    /// Goes on under the signature.
    Sign,
    /// Is taken off: we set it ourselves, or it tells AWS about the mesh.
    Remove,
    /// Says how the caller hashed the payload; judged in step 6, and set anew.
    ContentSha256,
    /// Names an object to read; goes on under the signature after it was judged.
    CopySource,
    /// An `x-amz-*` header that would lend the caller our authority.
    Refuse,
}

/// `x-amz-*` headers that ask for nothing that access to the object itself does not give. Not among them: ACLs and
/// grants, tagging, website redirects, object lock and governance bypass.
const SAFE_AMZ: [&str; 8] = [
    "x-amz-decoded-content-length",
    "x-amz-expected-bucket-owner",
    "x-amz-request-payer",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-storage-class",
    "x-amz-target",
    "x-amz-trailer",
    "x-amz-user-agent",
];
const SAFE_AMZ_PREFIXES: [&str; 3] = ["x-amz-meta-", "x-amz-checksum-", "x-amz-server-side-encryption"];

/// The rule for a header of this name. Pseudo-headers are not asked about.
pub(super) fn fate(name: &str, caller_header: Option<&str>) -> Fate {
    if caller_header == Some(name) {
        return Fate::Remove;
    }
    let Some(rest) = name.strip_prefix("x-") else {
        return match name {
            "content-type" | "content-md5" | "range" => Fate::Sign,
            // Sent beside `:authority` it would be a second host.
            "authorization" | "host" => Fate::Remove,
            _ => Fate::Keep,
        };
    };
    if rest.starts_with("amz-") {
        match name {
            "x-amz-date" | "x-amz-security-token" => Fate::Remove,
            "x-amz-content-sha256" => Fate::ContentSha256,
            "x-amz-copy-source" => Fate::CopySource,
            _ if is_safe_amz(name) => Fate::Sign,
            _ => Fate::Refuse,
        }
    } else if rest == "forwarded-client-cert" || rest.starts_with("envoy-") {
        Fate::Remove
    } else {
        Fate::Keep
    }
}

fn is_safe_amz(name: &str) -> bool {
    SAFE_AMZ.contains(&name)
        || SAFE_AMZ_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || name.starts_with("x-amz-copy-source-")
}

/// Query parameters of a request that is signed already: SigV4's and the older SigV2's for S3. Compared without regard
/// to case, since no service has parameters that differ from these by case alone.
pub(super) fn is_presigned_key(decoded_key: &[u8]) -> bool {
    const KEYS: [&str; 9] = [
        "x-amz-signature",
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-signedheaders",
        "x-amz-security-token",
        "awsaccesskeyid",
        "x-amz-content-sha256",
    ];
    KEYS.iter().any(|key| decoded_key.eq_ignore_ascii_case(key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Fate {
        fate(name, Some("x-mesh-caller"))
    }

    #[test]
    fn what_we_set_and_what_tells_of_the_mesh_is_removed() {
        for name in [
            "authorization",
            "host",
            "x-amz-date",
            "x-amz-security-token",
            "x-mesh-caller",
            "x-forwarded-client-cert",
            "x-envoy-attempt-count",
            "x-envoy-expected-rq-timeout-ms",
            "x-envoy-original-path",
        ] {
            assert_eq!(of(name), Fate::Remove, "{name}");
        }
        assert_eq!(fate("x-mesh-caller", None), Fate::Keep);
    }

    #[test]
    fn what_a_proxy_may_change_is_not_signed() {
        for name in
            ["user-agent", "x-amzn-trace-id", "x-request-id", "content-length", "te", "accept", "x-forwarded-proto"]
        {
            assert_eq!(of(name), Fate::Keep, "{name}");
        }
    }

    #[test]
    fn what_belongs_to_the_request_is_signed() {
        for name in [
            "content-type",
            "content-md5",
            "range",
            "x-amz-meta-a",
            "x-amz-checksum-crc32",
            "x-amz-target",
            "x-amz-server-side-encryption",
            "x-amz-server-side-encryption-customer-key",
            "x-amz-copy-source-if-match",
            "x-amz-storage-class",
            "x-amz-expected-bucket-owner",
            "x-amz-user-agent",
            "x-amz-request-payer",
        ] {
            assert_eq!(of(name), Fate::Sign, "{name}");
        }
        assert_eq!(of("x-amz-copy-source"), Fate::CopySource);
        assert_eq!(of("x-amz-content-sha256"), Fate::ContentSha256);
    }

    #[test]
    fn what_would_lend_our_authority_is_refused() {
        for name in [
            "x-amz-acl",
            "x-amz-grant-read",
            "x-amz-grant-full-control",
            "x-amz-tagging",
            "x-amz-tagging-directive",
            "x-amz-website-redirect-location",
            "x-amz-object-lock-mode",
            "x-amz-bypass-governance-retention",
            "x-amz-mfa",
            "x-amz-",
            "x-amz-anything-new",
            "x-amz-source-expected-bucket-owner",
            "x-amz-object-ownership",
        ] {
            assert_eq!(of(name), Fate::Refuse, "{name}");
        }
    }

    #[test]
    fn a_presigned_query_is_known_in_any_case() {
        for key in ["X-Amz-Signature", "x-amz-signature", "X-AMZ-Credential", "AWSAccessKeyId", "X-Amz-Expires"] {
            assert!(is_presigned_key(key.as_bytes()), "{key}");
        }
        for key in ["", "Signature", "Expires", "X-Amz", "response-expires", "versionId"] {
            assert!(!is_presigned_key(key.as_bytes()), "{key}");
        }
    }
}
