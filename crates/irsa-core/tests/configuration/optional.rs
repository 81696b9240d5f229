//! The optional fields, wrong in every way that an operator could think of.

use super::{Case, Given};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "sts of the wrong type",
        given: Given::And(r#""sts": "sts.us-west-2.amazonaws.com""#),
        mistakes: &[r#"sts: is a text, not an object; write { "name": value, … }"#],
    },
    Case {
        name: "sts cluster of the wrong type",
        given: Given::And(r#""sts": {"cluster": 1}"#),
        mistakes: &["sts.cluster: is a number, not a text; write one text between double quotes"],
    },
    Case {
        name: "sts cluster empty",
        given: Given::And(r#""sts": {"cluster": ""}"#),
        mistakes: &[r#"sts.cluster: "" is not the name of a cluster; give the name of a cluster of this Envoy"#],
    },
    Case {
        name: "the global STS endpoint",
        given: Given::And(r#""sts": {"hostname": "sts.amazonaws.com"}"#),
        mistakes: &[
            r#"sts.hostname: "sts.amazonaws.com" is the global endpoint, which lives in one region only; leave it out to use the regional one"#,
        ],
    },
    Case {
        name: "STS as a URL",
        given: Given::And(r#""sts": {"hostname": "https://sts.us-west-2.amazonaws.com"}"#),
        mistakes: &[r#"sts.hostname: "https://sts.us-west-2.amazonaws.com" is a URL; write the host name alone"#],
    },
    Case {
        name: "sts hostname of the wrong type",
        given: Given::And(r#""sts": {"hostname": false}"#),
        mistakes: &["sts.hostname: is true or false, not a text; write one text between double quotes"],
    },
    Case {
        name: "sts timeout of the wrong type",
        given: Given::And(r#""sts": {"timeout_seconds": "5"}"#),
        mistakes: &["sts.timeout_seconds: is a text, not a number; use a whole number of seconds from 1 to 60"],
    },
    Case {
        name: "sts timeout of nothing",
        given: Given::And(r#""sts": {"timeout_seconds": 0}"#),
        mistakes: &["sts.timeout_seconds: 0 is out of bounds; use a whole number of seconds from 1 to 60"],
    },
    Case {
        name: "sts timeout of a fraction",
        given: Given::And(r#""sts": {"timeout_seconds": 2.5}"#),
        mistakes: &["sts.timeout_seconds: is not a whole number; use a whole number of seconds from 1 to 60"],
    },
    Case {
        name: "sts timeout of minutes",
        given: Given::And(r#""sts": {"timeout_seconds": 61}"#),
        mistakes: &["sts.timeout_seconds: 61 is out of bounds; use a whole number of seconds from 1 to 60"],
    },
    Case {
        name: "token of the wrong type",
        given: Given::And(r#""token": "/token""#),
        mistakes: &[r#"token: is a text, not an object; write { "name": value, … }"#],
    },
    Case {
        name: "token cluster empty",
        given: Given::And(r#""token": {"cluster": ""}"#),
        mistakes: &[r#"token.cluster: "" is not the name of a cluster; give the name of a cluster of this Envoy"#],
    },
    Case {
        name: "token path of the wrong type",
        given: Given::And(r#""token": {"path": null, "cluster": []}"#),
        mistakes: &["token.cluster: is a list, not a text; write one text between double quotes"],
    },
    Case {
        name: "token path that is relative",
        given: Given::And(r#""token": {"path": "token"}"#),
        mistakes: &[r#"token.path: "token" is not a path; write it as /token"#],
    },
    Case {
        name: "token path with a space",
        given: Given::And(r#""token": {"path": "/my token"}"#),
        mistakes: &[r#"token.path: "/my token" is not a path; write it as /token"#],
    },
    Case {
        name: "session of the wrong type",
        given: Given::And(r#""session": 3600"#),
        mistakes: &[r#"session: is a number, not an object; write { "name": value, … }"#],
    },
    Case {
        name: "duration of the wrong type",
        given: Given::And(r#""session": {"duration_seconds": "1h"}"#),
        mistakes: &[
            "session.duration_seconds: is a text, not a number; use a whole number of seconds from 900 to 43200",
        ],
    },
    Case {
        name: "duration below STS's least",
        given: Given::And(r#""session": {"duration_seconds": 899}"#),
        mistakes: &["session.duration_seconds: 899 is out of bounds; use a whole number of seconds from 900 to 43200"],
    },
    Case {
        name: "duration above STS's most",
        given: Given::And(r#""session": {"duration_seconds": 43201}"#),
        mistakes: &[
            "session.duration_seconds: 43201 is out of bounds; use a whole number of seconds from 900 to 43200",
        ],
    },
    Case {
        name: "duration below nothing",
        given: Given::And(r#""session": {"duration_seconds": -900}"#),
        mistakes: &["session.duration_seconds: is not a whole number; use a whole number of seconds from 900 to 43200"],
    },
    Case {
        name: "duration that is a fraction",
        given: Given::And(r#""session": {"duration_seconds": 900.5}"#),
        mistakes: &["session.duration_seconds: is not a whole number; use a whole number of seconds from 900 to 43200"],
    },
    Case {
        name: "session name of the wrong type",
        given: Given::And(r#""session": {"name": 12}"#),
        mistakes: &["session.name: is a number, not a text; write one text between double quotes"],
    },
    Case {
        name: "session name of one letter",
        given: Given::And(r#""session": {"name": "x"}"#),
        mistakes: &[r#"session.name: "x" is not a role session name; use 2 to 64 letters, digits and _+=,.@-"#],
    },
    Case {
        name: "session name with a slash",
        given: Given::And(r#""session": {"name": "team/web"}"#),
        mistakes: &[r#"session.name: "team/web" is not a role session name; use 2 to 64 letters, digits and _+=,.@-"#],
    },
    Case {
        name: "policy inside a text",
        given: Given::And(r#""session": {"policy": "{\"Statement\": []}"}"#),
        mistakes: &["session.policy: is a text, not an object; write the policy as an object, not inside a text"],
    },
    Case {
        name: "policy of the wrong type",
        given: Given::And(r#""session": {"policy": [1]}"#),
        mistakes: &[
            "session.policy: is a list, not an object; write the policy as an object with Version and Statement",
        ],
    },
    Case {
        name: "policy without a statement",
        given: Given::And(r#""session": {"policy": {"Version": "2012-10-17"}}"#),
        mistakes: &["session.policy: has no Statement; write the policy as an object with Version and Statement"],
    },
    Case {
        name: "policy with a name that stands twice",
        given: Given::And(r#""session": {"policy": {"Statement": [{"Effect": "Allow", "Effect": "Deny"}]}}"#),
        mistakes: &["session.policy: has a name that stands twice in one object; keep one of them"],
    },
    Case {
        name: "policy with a fraction",
        given: Given::And(r#""session": {"policy": {"Statement": [], "x": 1.5}}"#),
        mistakes: &["session.policy: has a number that is not a whole one; write such numbers between double quotes"],
    },
    Case {
        name: "callers of the wrong type",
        given: Given::And(r#""callers": "spiffe://example.org/web""#),
        mistakes: &[r#"callers: is a text, not a list; list SPIFFE IDs, such as ["spiffe://example.org/web"]"#],
    },
    Case {
        name: "callers empty",
        given: Given::And(r#""callers": []"#),
        mistakes: &[
            r#"callers: is empty, so that nobody could call; list SPIFFE IDs, such as ["spiffe://example.org/web"]"#,
        ],
    },
    Case {
        name: "callers that are no SPIFFE IDs",
        given: Given::And(
            r#""callers": ["web", 7, "spiffe://example.org", "spiffe://Example.org/web", "spiffe://example.org/a//b"]"#,
        ),
        mistakes: &[
            r#"callers[0]: "web" does not begin with spiffe://; write it as spiffe://example.org/path/of/the/workload"#,
            r#"callers[1]: is a number, not a text; list SPIFFE IDs, such as ["spiffe://example.org/web"]"#,
            r#"callers[2]: "spiffe://example.org" is a SPIFFE ID without a path; write it as spiffe://example.org/path/of/the/workload"#,
            r#"callers[3]: "spiffe://Example.org/web" has an invalid trust domain; write it as spiffe://example.org/path/of/the/workload"#,
            r#"callers[4]: "spiffe://example.org/a//b" has an invalid path; write it as spiffe://example.org/path/of/the/workload"#,
        ],
    },
    Case {
        name: "callers with a star in the wrong place",
        given: Given::And(
            r#""callers": ["spiffe://example.org/*/web", "spiffe://example.org/we*", "*", "spiffe://*"]"#,
        ),
        mistakes: &[
            r#"callers[0]: "spiffe://example.org/*/web" has a * before its end; write whole SPIFFE IDs, or prefixes that end with /*"#,
            r#"callers[1]: "spiffe://example.org/we*" ends with a * that does not stand for whole path segments; end the prefix with /*"#,
            r#"callers[2]: "*" ends with a * that does not stand for whole path segments; end the prefix with /*"#,
            r#"callers[3]: "spiffe://*" does not begin with spiffe://; write it as spiffe://example.org/path/of/the/workload"#,
        ],
    },
    Case {
        name: "a caller that stands there twice",
        given: Given::And(r#""callers": ["spiffe://example.org/web", "spiffe://example.org/web"]"#),
        mistakes: &[r#"callers[1]: "spiffe://example.org/web" stands there twice; keep one of them"#],
    },
    Case {
        name: "callers of another trust domain",
        given: Given::And(
            r#""trust_domain": "example.org", "callers": ["spiffe://example.org/web", "spiffe://example.com/web", "spiffe://example.net/*"]"#,
        ),
        mistakes: &[
            "callers: has a caller of example.com, but trust_domain is example.org; remove that caller, or leave trust_domain out",
            "callers: has a caller of example.net, but trust_domain is example.org; remove that caller, or leave trust_domain out",
        ],
    },
    Case {
        name: "trust domain of the wrong type",
        given: Given::And(r#""trust_domain": ["example.org"]"#),
        mistakes: &["trust_domain: is a list, not a text; write one text between double quotes"],
    },
    Case {
        name: "trust domain with a scheme",
        given: Given::And(r#""trust_domain": "spiffe://example.org""#),
        mistakes: &[
            r#"trust_domain: "spiffe://example.org" is not a trust domain; write its name alone, in lower case, as example.org"#,
        ],
    },
    Case {
        name: "unauthenticated callers of the wrong type",
        given: Given::And(r#""unauthenticated_callers": true"#),
        mistakes: &["unauthenticated_callers: is true or false, not a text; write one text between double quotes"],
    },
    Case {
        name: "unauthenticated callers neither refused nor allowed",
        given: Given::And(r#""unauthenticated_callers": "deny""#),
        mistakes: &[r#"unauthenticated_callers: is "deny"; use "refuse" or "allow""#],
    },
    Case {
        name: "caller header of the wrong type",
        given: Given::And(r#""caller_header": false"#),
        mistakes: &["caller_header: is true or false, not a text; name a header, or write null to send none"],
    },
    Case {
        name: "caller header in upper case",
        given: Given::And(r#""caller_header": "X-Mesh-Caller""#),
        mistakes: &[
            r#"caller_header: "X-Mesh-Caller" is not a header name in lower case; write it as x-mesh-caller, without underscores, or null to send none"#,
        ],
    },
    Case {
        name: "caller header that AWS reads",
        given: Given::And(r#""caller_header": "x-amz-meta-caller""#),
        mistakes: &[
            r#"caller_header: "x-amz-meta-caller" has a meaning of its own to HTTP, Envoy or AWS; use a name of yours that begins with x-"#,
        ],
    },
    Case {
        name: "caller header that HTTP reads",
        given: Given::And(r#""caller_header": "authorization""#),
        mistakes: &[
            r#"caller_header: "authorization" has a meaning of its own to HTTP, Envoy or AWS; use a name of yours that begins with x-"#,
        ],
    },
    Case {
        name: "payload of the wrong type",
        given: Given::And(r#""payload": {"unsigned": true}"#),
        mistakes: &["payload: is an object, not a text; write one text between double quotes"],
    },
    Case {
        name: "payload neither signed nor unsigned",
        given: Given::And(r#""payload": "streaming""#),
        mistakes: &[r#"payload: is "streaming"; use "unsigned" or "signed""#],
    },
    Case {
        name: "an unsigned payload outside S3",
        given: Given::Whole(
            r#"{"service_name": "execute-api", "region": "us-west-2", "backend_hostname": "abc.execute-api.us-west-2.amazonaws.com", "role_arn": "arn:aws:iam::123456789012:role/x", "payload": "unsigned"}"#,
        ),
        mistakes: &[r#"payload: is "unsigned", which execute-api does not accept; use "signed", or leave it out"#],
    },
    Case {
        name: "body limit of the wrong type",
        given: Given::And(r#""max_body_bytes": "1MiB""#),
        mistakes: &["max_body_bytes: is a text, not a number; use a whole number of bytes from 1 to 67108864"],
    },
    Case {
        name: "body limit of nothing",
        given: Given::And(r#""max_body_bytes": 0"#),
        mistakes: &["max_body_bytes: 0 is out of bounds; use a whole number of bytes from 1 to 67108864"],
    },
    Case {
        name: "body limit beyond 64 MiB",
        given: Given::And(r#""max_body_bytes": 67108865"#),
        mistakes: &["max_body_bytes: 67108865 is out of bounds; use a whole number of bytes from 1 to 67108864"],
    },
    Case {
        name: "waiting of the wrong type",
        given: Given::And(r#""max_waiting": null, "max_waiting": 3"#),
        mistakes: &["max_waiting: stands there twice; keep one of them"],
    },
    Case {
        name: "more waiting than there could be",
        given: Given::And(r#""max_waiting": 100001"#),
        mistakes: &["max_waiting: 100001 is out of bounds; use a whole number of requests from 0 to 100000"],
    },
];
