//! Mistakes that no file shows alone.

use super::Case;
use super::Schema::CannotTell;

pub(super) const CASES: &[Case] = &[
    Case {
        what: "an environment that the settings do not have",
        files: &[
            (
                "web.toml",
                "name = \"web\"\nowners = [\"web@example.com\"]\n[prodution]\nupstreams = [\"web-2\"]\n[integration]\n[production]\n",
            ),
            ("web-2.toml", "name = \"web-2\"\nowners = [\"web@example.com\"]\n[production]\n"),
        ],
        says: &[
            "web.toml:3:2: prodution: \"prodution\" is not an environment of meshbridge.toml; did you mean [production]?",
            "web.toml:5:2: integration: \"integration\" is not an environment of meshbridge.toml; use one of production, staging, or add [environments.integration] there",
        ],
        schema: CannotTell,
    },
    Case {
        what: "upstreams that nobody declared",
        files: &[
            ("ledger.toml", "name = \"ledger\"\nowners = [\"l@example.com\"]\n[production]\n"),
            (
                "web.toml",
                "name = \"web\"\nowners = [\"web@example.com\"]\n[production]\nupstreams = [\"ledgr\", \"payments\"]\n",
            ),
        ],
        says: &[
            "web.toml:4:14: production.upstreams: \"ledgr\" is not an app of this registry; did you mean ledger?",
            "web.toml:4:23: production.upstreams: \"payments\" is not an app of this registry; declare it in payments.toml, or take it out",
        ],
        schema: CannotTell,
    },
    Case {
        what: "an upstream that is not in the environment",
        files: &[
            ("ledger.toml", "name = \"ledger\"\nowners = [\"l@example.com\"]\n[production]\n"),
            ("web.toml", "name = \"web\"\nowners = [\"web@example.com\"]\n[staging]\nupstreams = [\"ledger\"]\n"),
        ],
        says: &[
            "web.toml:4:14: staging.upstreams: \"ledger\" is not in staging; add [staging] to ledger.toml, or take it out",
        ],
        schema: CannotTell,
    },
    Case {
        what: "callers that are unknown, or not in the environment",
        files: &[
            ("ledger.toml", "name = \"ledger\"\nowners = [\"l@example.com\"]\n[staging]\n"),
            (
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
callers = ["web", "ledger", "reports"]
"#,
            ),
        ],
        says: &[
            "web.toml:11:19: production.ingress[0].callers: \"ledger\" is not in production; add [production] to ledger.toml, or take it out",
            "web.toml:11:29: production.ingress[0].callers: \"reports\" is not an app of this registry; declare it in reports.toml, or take it out",
        ],
        schema: CannotTell,
    },
    Case {
        what: "one account for two apps, in any environment",
        files: &[
            (
                "a.toml",
                "name = \"a\"\nowners = [\"a@example.com\"]\n[production]\naccount_id = \"123456789012\"\n[staging]\naccount_id = \"123456789012\"\n",
            ),
            ("b.toml", "name = \"b\"\nowners = [\"b@example.com\"]\n[production]\naccount_id = \"123456789012\"\n"),
            ("c.toml", "name = \"c\"\nowners = [\"c@example.com\"]\n[staging]\naccount_id = \"123456789012\"\n"),
        ],
        says: &[
            "b.toml:4:14: production.account_id: 123456789012 is the account of app a already (a.toml:4:14); give each app an account of its own",
            "c.toml:4:14: staging.account_id: 123456789012 is the account of app a already (a.toml:4:14); give each app an account of its own",
        ],
        schema: CannotTell,
    },
    Case {
        what: "one app in two files",
        files: &[
            ("old/web.toml", "name = \"web\"\nowners = [\"web@example.com\"]\n[production]\n"),
            ("web.toml", "name = \"web\"\nowners = [\"web@example.com\"]\n[production]\n"),
        ],
        says: &[
            "web.toml:1:8: name: \"web\" is declared in old/web.toml already; keep one of the two files, or rename one app",
        ],
        schema: CannotTell,
    },
    Case {
        what: "one backend behind two apps",
        files: &[
            (
                "a.toml",
                r#"name = "a"
owners = ["a@example.com"]
[production]
account_id = "111111111111"
[[production.ingress]]
name = "files"
service_name = "s3"
region = "us-west-2"
backend_hostname = "files.s3.us-west-2.amazonaws.com"
role_arn = "arn:aws:iam::111111111111:role/a"
callers = ["b"]
"#,
            ),
            (
                "b.toml",
                r#"name = "b"
owners = ["b@example.com"]
[production]
account_id = "222222222222"
[[production.ingress]]
name = "files"
service_name = "s3"
region = "us-west-2"
backend_hostname = "files.s3.us-west-2.amazonaws.com"
role_arn = "arn:aws:iam::222222222222:role/b"
callers = ["a"]
"#,
            ),
        ],
        says: &[
            "b.toml:9:20: production.ingress[0].backend_hostname: \"files.s3.us-west-2.amazonaws.com\" is the backend of another ingress already (a.toml:9:20); declare each backend once, in the app that owns it",
        ],
        schema: CannotTell,
    },
    Case {
        what: "two apps that chose the same SPIFFE ID, SNI and cluster",
        files: &[
            (
                "a.toml",
                "name = \"a\"\nowners = [\"a@example.com\"]\n[production]\nspiffe_id = \"spiffe://mesh.example.com/ns/x/sa/a\"\n\
                 sni = \"a.example.com\"\ncluster = \"outbound|443||a\"\n",
            ),
            (
                "b.toml",
                "name = \"b\"\nowners = [\"b@example.com\"]\n[production]\nspiffe_id = \"spiffe://mesh.example.com/ns/x/sa/a\"\n\
                 sni = \"a.example.com\"\ncluster = \"outbound|443||a\"\n",
            ),
        ],
        says: &[
            "b.toml:4:13: production.spiffe_id: \"spiffe://mesh.example.com/ns/x/sa/a\" is the name of app a already (a.toml:4:13); give one of them another spiffe_id",
            "b.toml:5:7: production.sni: \"a.example.com\" is the name of app a already (a.toml:5:7); give one of them another sni",
            "b.toml:6:11: production.cluster: \"outbound|443||a\" is the name of app a already (a.toml:6:11); give one of them another cluster",
        ],
        schema: CannotTell,
    },
    Case {
        what: "names that belong to another app by rule, declared or not",
        files: &[
            ("ledger.toml", "name = \"ledger\"\nowners = [\"l@example.com\"]\n[production]\n"),
            (
                "web.toml",
                "name = \"web\"\nowners = [\"web@example.com\"]\n[staging]\nspiffe_id = \"spiffe://staging.example.com/staging/nobody\"\n\
                 sni = \"production.ledger.mesh.example.com\"\ncluster = \"ledger-production\"\n",
            ),
        ],
        says: &[
            "web.toml:4:13: staging.spiffe_id: \"spiffe://staging.example.com/staging/nobody\" is by rule the name of app nobody in staging; use a name of another form, or take the override out",
            "web.toml:5:7: staging.sni: \"production.ledger.mesh.example.com\" is by rule the name of app ledger in production; use a name of another form, or take the override out",
            "web.toml:6:11: staging.cluster: \"ledger-production\" is the name of app ledger already (ledger.toml:3:2); give one of them another cluster",
        ],
        schema: CannotTell,
    },
    Case {
        what: "clusters by rule that become the same",
        files: &[
            ("a-b.toml", "name = \"a-b\"\nowners = [\"a@example.com\"]\n[c]\n"),
            ("a.toml", "name = \"a\"\nowners = [\"a@example.com\"]\n[b-c]\n"),
            (
                "meshbridge.toml",
                "organisation = \"Example\"\nregions = [\"us-west-2\"]\nmesh_suffix = \"mesh.example.com\"\n\
                 [environments]\nc.trust_domain = \"mesh.example.com\"\nb-c.trust_domain = \"mesh.example.com\"\n",
            ),
        ],
        says: &[
            "a.toml:3:2: b-c.cluster: \"a-b-c\" is the name of app a-b already (a-b.toml:3:2); give one of them another cluster",
        ],
        schema: CannotTell,
    },
    Case {
        what: "a SPIFFE ID of a trust domain that our CA does not sign for",
        files: &[(
            "web.toml",
            "name = \"web\"\nowners = [\"web@example.com\"]\n[production]\naccount_id = \"123456789012\"\nmesh_identity = true\n\
             lambda_roles = [\"arn:aws:iam::123456789012:role/x\"]\nspiffe_id = \"spiffe://legacy.example.com/web\"\n",
        )],
        says: &[
            "web.toml:7:13: production.spiffe_id: \"spiffe://legacy.example.com/web\" is not of mesh.example.com, whose certificates the app gets; use an ID of mesh.example.com, or take mesh_identity out",
        ],
        schema: CannotTell,
    },
    Case {
        what: "a SPIFFE ID of a trust domain whose roots nobody has",
        files: &[(
            "web.toml",
            "name = \"web\"\nowners = [\"web@example.com\"]\n[production]\nspiffe_id = \"spiffe://elsewhere.example.com/web\"\n",
        )],
        says: &[
            "web.toml:4:13: production.spiffe_id: \"spiffe://elsewhere.example.com/web\" is of elsewhere.example.com, whose roots nobody has; import them with [[trust.import]] in meshbridge.toml, or use an ID of mesh.example.com",
        ],
        schema: CannotTell,
    },
];
