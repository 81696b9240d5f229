//! Names: unknown, misspelt, of a later version, or standing there twice.

use super::{Case, Given};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "rules of a later version",
        given: Given::And(r#""allow": [{"paths": ["/**"]}]"#),
        mistakes: &["allow: is not a field that this version knows; remove it; the fields here are {fields}"],
    },
    Case {
        name: "a static site of a later version",
        given: Given::And(r#""static_site": {"index_document": "index.html"}"#),
        mistakes: &["static_site: is not a field that this version knows; remove it; the fields here are {fields}"],
    },
    Case {
        name: "several backends of a later version",
        given: Given::And(r#""backends": {"a": {}}"#),
        mistakes: &["backends: is not a field that this version knows; remove it; the fields here are {fields}"],
    },
    Case {
        name: "addressing of a later version",
        given: Given::And(r#""addressing": "strip_bucket""#),
        mistakes: &["addressing: is not a field that this version knows; remove it; the fields here are {fields}"],
    },
    Case {
        name: "passing on headers, of a later version",
        given: Given::And(r#""forward_amz_headers": ["x-amz-acl"]"#),
        mistakes: &[
            "forward_amz_headers: is not a field that this version knows; remove it; the fields here are {fields}",
        ],
    },
    Case {
        name: "sessions per caller of a later version",
        given: Given::And(r#""session": {"per_caller": true, "max_callers": 256}"#),
        mistakes: &[
            "session.per_caller: is not a field that this version knows; remove it; the fields here are duration_seconds, name, policy",
            "session.max_callers: is not a field that this version knows; remove it; the fields here are duration_seconds, name, policy",
        ],
    },
    Case {
        name: "a field of nobody",
        given: Given::And(r#""colour": "blue""#),
        mistakes: &["colour: is not a field that this version knows; remove it; the fields here are {fields}"],
    },
    Case {
        name: "a field that is null",
        given: Given::And(r#""allow": null"#),
        mistakes: &["allow: is not a field that this version knows; remove it; the fields here are {fields}"],
    },
    Case {
        name: "letters in the wrong order",
        given: Given::And(r#""calelrs": ["spiffe://example.org/web"]"#),
        mistakes: &[r#"calelrs: is not a field that this version knows; did you mean "callers"?"#],
    },
    Case {
        name: "camel case",
        given: Given::And(r#""trustDomain": "example.org""#),
        mistakes: &[r#"trustDomain: is not a field that this version knows; did you mean "trust_domain"?"#],
    },
    Case {
        name: "dashes",
        given: Given::And(r#""max-body-bytes": 1"#),
        mistakes: &[r#"max-body-bytes: is not a field that this version knows; did you mean "max_body_bytes"?"#],
    },
    Case {
        name: "a section's field at the top",
        given: Given::And(r#""duration_seconds": 900"#),
        mistakes: &[
            "duration_seconds: is not a field that this version knows; remove it; the fields here are {fields}",
        ],
    },
    Case {
        name: "unknown fields in every section",
        given: Given::And(r#""sts": {"host": "x"}, "token": {"pth": "/x"}, "session": {"duration": 900}"#),
        mistakes: &[
            "sts.host: is not a field that this version knows; remove it; the fields here are cluster, hostname, timeout_seconds",
            r#"token.pth: is not a field that this version knows; did you mean "path"?"#,
            "session.duration: is not a field that this version knows; remove it; the fields here are duration_seconds, name, policy",
        ],
    },
    Case {
        name: "an unknown field with control characters",
        given: Given::And(r#""a\u0007\n\u202e": 1"#),
        mistakes: &[
            r#"a\u{7}\n\u{202e}: is not a field that this version knows; remove it; the fields here are {fields}"#,
        ],
    },
    Case {
        name: "a required field misspelt",
        given: Given::Whole(
            r#"{"service": "s3", "region": "us-west-2", "backend_hostname": "b.s3.us-west-2.amazonaws.com", "role_arn": "arn:aws:iam::123456789012:role/x"}"#,
        ),
        mistakes: &[
            r#"service_name: is missing; add "service_name": "s3""#,
            "service: is not a field that this version knows; remove it; the fields here are {fields}",
        ],
    },
    Case {
        name: "a field that stands twice",
        given: Given::And(r#""region": "us-west-2""#),
        mistakes: &["region: stands there twice; keep one of them"],
    },
    Case {
        name: "a field of a section that stands three times",
        given: Given::And(r#""token": {"path": "/a", "path": "/a", "path": "/a"}"#),
        mistakes: &[
            "token.path: stands there twice; keep one of them",
            "token.path: stands there twice; keep one of them",
        ],
    },
    Case {
        name: "a name with a line feed that stands twice",
        given: Given::And(r#""a\nb": 1, "a\nb": 1"#),
        mistakes: &[
            r#"a\nb: stands there twice; keep one of them"#,
            r#"a\nb: is not a field that this version knows; remove it; the fields here are {fields}"#,
        ],
    },
    Case {
        name: "health_of beside a signing plugin",
        given: Given::And(r#""health_of": "signer""#),
        mistakes: &[
            "service_name: cannot stand beside health_of, which makes the plugin a readiness probe; give the probe a plugin of its own",
            "region: cannot stand beside health_of, which makes the plugin a readiness probe; give the probe a plugin of its own",
            "backend_hostname: cannot stand beside health_of, which makes the plugin a readiness probe; give the probe a plugin of its own",
            "role_arn: cannot stand beside health_of, which makes the plugin a readiness probe; give the probe a plugin of its own",
        ],
    },
    Case {
        name: "health_of of the wrong type",
        given: Given::Whole(r#"{"health_of": 1}"#),
        mistakes: &["health_of: is a number, not a text; write one text between double quotes"],
    },
    Case {
        name: "health_of null",
        given: Given::Whole(r#"{"health_of": null}"#),
        mistakes: &[
            r#"service_name: is missing; add "service_name": "s3""#,
            r#"region: is missing; add "region": "us-west-2""#,
            r#"backend_hostname: is missing; add "backend_hostname": "my-bucket.s3.us-west-2.amazonaws.com""#,
            r#"role_arn: is missing; add "role_arn": "arn:aws:iam::123456789012:role/NAME""#,
        ],
    },
    Case {
        name: "health_of empty",
        given: Given::Whole(r#"{"health_of": ""}"#),
        mistakes: &["health_of: is empty; give the name of the signing plugin"],
    },
    Case {
        name: "health_of misspelt",
        given: Given::Whole(r#"{"healthof": "signer"}"#),
        mistakes: &[
            r#"service_name: is missing; add "service_name": "s3""#,
            r#"region: is missing; add "region": "us-west-2""#,
            r#"backend_hostname: is missing; add "backend_hostname": "my-bucket.s3.us-west-2.amazonaws.com""#,
            r#"role_arn: is missing; add "role_arn": "arn:aws:iam::123456789012:role/NAME""#,
            r#"healthof: is not a field that this version knows; did you mean "health_of"?"#,
        ],
    },
    Case {
        name: "health_of twice",
        given: Given::Whole(r#"{"health_of": "a", "health_of": "b"}"#),
        mistakes: &["health_of: stands there twice; keep one of them"],
    },
    Case {
        name: "everything at once",
        given: Given::Whole(
            r#"{"service_name": "S3", "region": "here", "backend_hostname": "b", "role_arn": "r", "sts": {"timeout_seconds": 0}, "token": {"path": ""}, "session": {"duration_seconds": 1, "name": "", "policy": {}}, "callers": [1], "trust_domain": "", "unauthenticated_callers": "", "caller_header": "", "payload": "", "max_body_bytes": -1, "max_waiting": 1.5, "more": 1}"#,
        ),
        mistakes: &[
            r#"service_name: "S3" is not the signing name of a service; write it in lower case, as s3 or execute-api"#,
            r#"region: "here" is not a region; write it as us-west-2"#,
            r#"backend_hostname: "b" is not a host name; write it as my-bucket.s3.us-west-2.amazonaws.com"#,
            r#"role_arn: "r" does not begin with arn:; write it as arn:aws:iam::123456789012:role/NAME"#,
            "sts.timeout_seconds: 0 is out of bounds; use a whole number of seconds from 1 to 60",
            r#"token.path: "" is not a path; write it as /token"#,
            "session.duration_seconds: 1 is out of bounds; use a whole number of seconds from 900 to 43200",
            r#"session.name: "" is not a role session name; use 2 to 64 letters, digits and _+=,.@-"#,
            "session.policy: has no Statement; write the policy as an object with Version and Statement",
            r#"callers[0]: is a number, not a text; list SPIFFE IDs, such as ["spiffe://example.org/web"]"#,
            r#"trust_domain: "" is not a trust domain; write its name alone, in lower case, as example.org"#,
            r#"unauthenticated_callers: is ""; use "refuse" or "allow""#,
            r#"caller_header: "" is not a header name in lower case; write it as x-mesh-caller, without underscores, or null to send none"#,
            r#"payload: is ""; use "unsigned" or "signed""#,
            "max_body_bytes: is not a whole number; use a whole number of bytes from 1 to 67108864",
            "max_waiting: is not a whole number; use a whole number of requests from 0 to 100000",
            "more: is not a field that this version knows; remove it; the fields here are {fields}",
        ],
    },
];
