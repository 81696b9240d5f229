//! One file, `[[<environment>.ingress]]`.

use super::Case;
use super::Schema::{CannotTell, Refuses};

pub(super) const CASES: &[Case] = &[
    Case {
        what: "one ingress as a table instead of a list",
        files: &[(
            "web.toml",
            r#"name = "web"
owners = ["web@example.com"]
[production]
account_id = "123456789012"
[production.ingress]
name = "files"
"#,
        )],
        says: &[
            "web.toml:5:1: production.ingress: is a table, not a list of tables; begin each with [[production.ingress]]",
        ],
        schema: Refuses,
    },
    Case {
        what: "an ingress with nothing in it",
        files: &[(
            "web.toml",
            r#"name = "web"
owners = ["web@example.com"]
[production]
account_id = "123456789012"
[[production.ingress]]
"#,
        )],
        says: &[
            "web.toml:5:1: production.ingress[0].backend_hostname: is missing; add backend_hostname = \"my-bucket.s3.us-west-2.amazonaws.com\"",
            "web.toml:5:1: production.ingress[0].callers: is missing; add callers = [\"web\"]",
            "web.toml:5:1: production.ingress[0].name: is missing; add name = \"files\"",
            "web.toml:5:1: production.ingress[0].region: is missing; add region = \"us-west-2\"",
            "web.toml:5:1: production.ingress[0].role_arn: is missing; add role_arn = \"arn:aws:iam::123456789012:role/reports-files-proxy\"",
            "web.toml:5:1: production.ingress[0].service_name: is missing; add service_name = \"s3\"",
        ],
        schema: Refuses,
    },
    Case {
        what: "an ingress without an account",
        files: &[(
            "web.toml",
            r#"name = "web"
owners = ["web@example.com"]
[production]
[[production.ingress]]
name = "files"
service_name = "s3"
region = "us-west-2"
backend_hostname = "web-files.s3.us-west-2.amazonaws.com"
role_arn = "arn:aws:iam::123456789012:role/web-files"
callers = ["web"]
"#,
        )],
        says: &[
            "web.toml:3:2: production.account_id: is missing, and ingress needs it; add account_id = \"123456789012\"",
        ],
        schema: Refuses,
    },
    Case {
        what: "an ingress that nobody could call",
        files: &[(
            "web.toml",
            r#"name = "web"
owners = ["web@example.com"]
[production]
account_id = "123456789012"
[[production.ingress]]
name = "files"
service_name = "s3"
region = "us-west-2"
backend_hostname = "web-files.s3.us-west-2.amazonaws.com"
role_arn = "arn:aws:iam::123456789012:role/web-files"
callers = []
"#,
        )],
        says: &[
            "web.toml:11:11: production.ingress[0].callers: is empty, so that nobody could call; list the apps that may, or remove the ingress",
        ],
        schema: Refuses,
    },
    Case {
        what: "callers by SPIFFE ID and by wildcard",
        files: &[(
            "web.toml",
            r#"name = "web"
owners = ["web@example.com"]
[production]
account_id = "123456789012"
[[production.ingress]]
name = "files"
service_name = "s3"
region = "us-west-2"
backend_hostname = "web-files.s3.us-west-2.amazonaws.com"
role_arn = "arn:aws:iam::123456789012:role/web-files"
callers = ["spiffe://mesh.example.com/production/web", "*"]
"#,
        )],
        says: &[
            "web.toml:11:12: production.ingress[0].callers[0]: \"spiffe://mesh.example.com/production/web\" is a SPIFFE ID, not the name of an app; declare the app, with this spiffe_id if it is not the usual one, and write the app's name here",
            "web.toml:11:56: production.ingress[0].callers[1]: \"*\" holds a wildcard; list each app",
        ],
        schema: Refuses,
    },
    Case {
        what: "every field of an ingress wrong in its own way",
        files: &[(
            "web.toml",
            r#"name = "web"
owners = ["web@example.com"]
[production]
account_id = "123456789012"
[[production.ingress]]
name = "Files"
service_name = "Amazon S3"
region = "Oregon"
backend_hostname = "https://web-files.s3.us-west-2.amazonaws.com/"
role_arn = "web-files"
callers = "web"
"#,
        )],
        says: &[
            "web.toml:6:8: production.ingress[0].name: \"Files\" is not a name of 1 to 63 lower-case letters, digits and hyphens; write it as it will stand in host names: in lower case, without dots",
            "web.toml:7:16: production.ingress[0].service_name: \"Amazon S3\" is not the signing name of a service; write it in lower case, as s3 or execute-api",
            "web.toml:8:10: production.ingress[0].region: \"Oregon\" is not a region; write it as us-west-2",
            "web.toml:9:20: production.ingress[0].backend_hostname: \"https://web-files.s3.us-west-2.amazonaws.com/\" is a URL; write the host name alone",
            "web.toml:10:12: production.ingress[0].role_arn: \"web-files\" does not begin with arn:; write it as arn:aws:iam::123456789012:role/NAME",
            "web.toml:11:11: production.ingress[0].callers: is a text, not a list; write callers = [\"web\"]",
        ],
        schema: Refuses,
    },
    Case {
        what: "a service whose sessions the signer does not have",
        files: &[(
            "web.toml",
            r#"name = "web"
owners = ["web@example.com"]
[production]
account_id = "123456789012"
[[production.ingress]]
name = "files"
service_name = "s3express"
region = "us-west-2"
backend_hostname = "web-files.s3.us-west-2.amazonaws.com"
role_arn = "arn:aws:iam::123456789012:role/web-files"
callers = ["web"]
"#,
        )],
        says: &[
            "web.toml:7:16: production.ingress[0].service_name: \"s3express\" is not supported: S3 Express has sessions of its own; use a general-purpose bucket and s3",
        ],
        schema: Refuses,
    },
    Case {
        what: "the role of an ingress in another account",
        files: &[(
            "web.toml",
            r#"name = "web"
owners = ["web@example.com"]
[production]
account_id = "123456789012"
[[production.ingress]]
name = "files"
service_name = "s3"
region = "us-west-2"
backend_hostname = "web-files.s3.us-west-2.amazonaws.com"
role_arn = "arn:aws:iam::210987654321:role/web-files"
callers = ["web"]
"#,
        )],
        says: &[
            "web.toml:10:12: production.ingress[0].role_arn: \"arn:aws:iam::210987654321:role/web-files\" is a role of account 210987654321, not of account_id 123456789012; use a role of the app's own account",
        ],
        schema: CannotTell,
    },
    Case {
        what: "a backend in another region, and a role of another partition",
        files: &[(
            "web.toml",
            r#"name = "web"
owners = ["web@example.com"]
[production]
account_id = "123456789012"
[[production.ingress]]
name = "files"
service_name = "s3"
region = "eu-west-1"
backend_hostname = "web-files.s3.us-west-2.amazonaws.com"
role_arn = "arn:aws-us-gov:iam::123456789012:role/web-files"
callers = ["web"]
"#,
        )],
        says: &[
            "web.toml:9:20: production.ingress[0].backend_hostname: \"web-files.s3.us-west-2.amazonaws.com\" is in us-west-2, but region is eu-west-1; give both the same region",
            "web.toml:10:12: production.ingress[0].role_arn: is a role of aws-us-gov, but region eu-west-1 is of aws; use a role and a region of one partition",
        ],
        schema: CannotTell,
    },
    Case {
        what: "two ingresses with one name, one role and one backend",
        files: &[(
            "web.toml",
            r#"name = "web"
owners = ["web@example.com"]
[production]
account_id = "123456789012"
[[production.ingress]]
name = "files"
service_name = "s3"
region = "us-west-2"
backend_hostname = "web-files.s3.us-west-2.amazonaws.com"
role_arn = "arn:aws:iam::123456789012:role/web-files"
callers = ["web"]
[[production.ingress]]
name = "files"
service_name = "s3"
region = "us-west-2"
backend_hostname = "web-files.s3.us-west-2.amazonaws.com"
role_arn = "arn:aws:iam::123456789012:role/web-files"
callers = ["web"]
"#,
        )],
        says: &[
            "web.toml:13:8: production.ingress[1].name: \"files\" stands there twice, first at 6:8; give each ingress a name of its own",
            "web.toml:16:20: production.ingress[1].backend_hostname: \"web-files.s3.us-west-2.amazonaws.com\" is the backend of another ingress already (web.toml:9:20); declare each backend once, in the app that owns it",
            "web.toml:17:12: production.ingress[1].role_arn: \"arn:aws:iam::123456789012:role/web-files\" is the role of another ingress already (10:12); give each ingress a role of its own",
        ],
        schema: CannotTell,
    },
    Case {
        what: "an ingress with a role of the Lambdas",
        files: &[(
            "web.toml",
            r#"name = "web"
owners = ["web@example.com"]
[production]
account_id = "123456789012"
lambda_roles = ["arn:aws:iam::123456789012:role/web"]
[[production.ingress]]
name = "files"
service_name = "s3"
region = "us-west-2"
backend_hostname = "web-files.s3.us-west-2.amazonaws.com"
role_arn = "arn:aws:iam::123456789012:role/web"
callers = ["web"]
"#,
        )],
        says: &[
            "web.toml:11:12: production.ingress[0].role_arn: \"arn:aws:iam::123456789012:role/web\" is used by Lambdas and by an ingress (5:17), and would read the app's key there; give the ingress a role of its own",
        ],
        schema: CannotTell,
    },
    Case {
        what: "an unknown caller behind an ingress that lacks a field",
        files: &[(
            "web.toml",
            r#"name = "web"
owners = ["web@example.com"]
[production]
account_id = "123456789012"
[[production.ingress]]
name = "files"
service_name = "s3"
region = "us-west-2"
backend_hostname = "web-files.s3.us-west-2.amazonaws.com"
callers = ["web", "wbe"]
[[production.ingress]]
name = "api"
service_name = "execute-api"
region = "us-west-2"
backend_hostname = "abc.execute-api.us-west-2.amazonaws.com"
role_arn = "arn:aws:iam::123456789012:role/web-api"
callers = ["web", "web", "legder"]
"#,
        )],
        says: &[
            "web.toml:5:1: production.ingress[0].role_arn: is missing; add role_arn = \"arn:aws:iam::123456789012:role/reports-files-proxy\"",
            "web.toml:10:19: production.ingress[0].callers: \"wbe\" is not an app of this registry; did you mean web?",
            "web.toml:17:19: production.ingress[1].callers[1]: \"web\" stands there twice, first at 17:12; keep one of them",
            "web.toml:17:26: production.ingress[1].callers: \"legder\" is not an app of this registry; declare it in legder.toml, or take it out",
        ],
        schema: Refuses,
    },
    Case {
        what: "ingress lists that hold something else",
        files: &[(
            "web.toml",
            r#"name = "web"
owners = ["web@example.com"]
[production]
account_id = "123456789012"
ingress = ["files"]
"#,
        )],
        says: &["web.toml:5:12: production.ingress[0]: is a text, not a table; begin each with [[production.ingress]]"],
        schema: Refuses,
    },
];
