//! One file, fields of an app and of its environments.

use super::Case;
use super::Schema::{CannotTell, Refuses};

pub(super) const CASES: &[Case] = &[
    Case {
        what: "an empty file",
        files: &[("reports.toml", "")],
        says: &[
            "reports.toml:1:1: has no environment; add a table for each environment that it is in, such as [production]",
            "reports.toml:1:1: name: is missing; add name = \"reports\"",
            "reports.toml:1:1: owners: is missing; add owners = [\"team-reports@example.com\"]",
        ],
        schema: Refuses,
    },
    Case {
        what: "a file without environments",
        files: &[("reports.toml", "name = \"reports\"\nowners = [\"team@example.com\"]\n")],
        says: &[
            "reports.toml:1:1: has no environment; add a table for each environment that it is in, such as [production]",
        ],
        schema: Refuses,
    },
    Case {
        what: "a name that is not the file's",
        files: &[("reports.toml", "name = \"ledger\"\nowners = [\"team@example.com\"]\n[production]\n")],
        says: &[
            "reports.toml:1:8: name: \"ledger\" is not what the file is called; rename the file to ledger.toml, or the app after the file",
        ],
        schema: CannotTell,
    },
    Case {
        what: "a backup that an editor made of a file",
        files: &[
            ("reports.toml", "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\n"),
            ("reports (copy).toml", "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\n"),
        ],
        says: &[
            "reports (copy).toml:1:8: name: \"reports\" is not what the file is called; rename the file to reports.toml, or the app after the file",
            "reports.toml:1:8: name: \"reports\" is declared in reports (copy).toml already; keep one of the two files, or rename one app",
        ],
        schema: CannotTell,
    },
    Case {
        what: "a name in upper case",
        files: &[("Reports.toml", "name = \"Reports\"\nowners = [\"team@example.com\"]\n[production]\n")],
        says: &[
            "Reports.toml:1:8: name: \"Reports\" is not a name of 1 to 63 lower-case letters, digits and hyphens; write it as it will stand in host names: in lower case, without dots",
        ],
        schema: Refuses,
    },
    Case {
        what: "a name with a dot, which could be taken for two labels",
        files: &[("reports.eu.toml", "name = \"reports.eu\"\nowners = [\"team@example.com\"]\n[production]\n")],
        says: &[
            "reports.eu.toml:1:8: name: \"reports.eu\" is not a name of 1 to 63 lower-case letters, digits and hyphens; write it as it will stand in host names: in lower case, without dots",
        ],
        schema: Refuses,
    },
    Case {
        what: "a name with a letter that looks like another",
        files: &[("rep\u{43e}rts.toml", "name = \"rep\u{43e}rts\"\nowners = [\"team@example.com\"]\n[production]\n")],
        says: &[
            "repоrts.toml:1:8: name: \"rep\\u{43e}rts\" is not a name of 1 to 63 lower-case letters, digits and hyphens; write it as it will stand in host names: in lower case, without dots",
        ],
        schema: Refuses,
    },
    Case {
        what: "a name that means this machine",
        files: &[("localhost.toml", "name = \"localhost\"\nowners = [\"team@example.com\"]\n[production]\n")],
        says: &[
            "localhost.toml:1:8: name: \"localhost\" would be taken for something else in http://localhost, http://app.mesh and http://127.0.0.1; use another name",
        ],
        schema: Refuses,
    },
    Case {
        what: "a name that is a list",
        files: &[("reports.toml", "name = [\"reports\"]\nowners = [\"team@example.com\"]\n[production]\n")],
        says: &["reports.toml:1:8: name: is a list, not a text; write one text between double quotes"],
        schema: Refuses,
    },
    Case {
        what: "names too long for a certificate together",
        files: &[(
            "a-name-of-an-app-that-goes-on-and-on-until-nobody-reads-it.toml",
            "name = \"a-name-of-an-app-that-goes-on-and-on-until-nobody-reads-it\"\nowners = [\"team@example.com\"]\n[production]\n",
        )],
        says: &[
            "a-name-of-an-app-that-goes-on-and-on-until-nobody-reads-it.toml:3:2: production: \"a-name-of-an-app-that-goes-on-and-on-until-nobody-reads-it.production\" has more than the 64 characters of a certificate's name; shorten the name of the app or of the environment",
        ],
        schema: CannotTell,
    },
    Case {
        what: "nobody who answers for it",
        files: &[("reports.toml", "name = \"reports\"\nowners = []\n[production]\n")],
        says: &["reports.toml:2:10: owners: is empty; name who answers for it: [\"team-reports@example.com\"]"],
        schema: Refuses,
    },
    Case {
        what: "an owner who cannot be written to",
        files: &[("reports.toml", "name = \"reports\"\nowners = [\"the reports team\"]\n[production]\n")],
        says: &[
            "reports.toml:2:11: owners[0]: \"the reports team\" is not an e-mail address; write whom to ask, such as \"team-reports@example.com\"",
        ],
        schema: Refuses,
    },
    Case {
        what: "an owner twice",
        files: &[("reports.toml", "name = \"reports\"\nowners = [\"a@b.example\", \"a@b.example\"]\n[production]\n")],
        says: &["reports.toml:2:26: owners[1]: \"a@b.example\" stands there twice, first at 2:11; keep one of them"],
        schema: Refuses,
    },
    Case {
        what: "owners without a list",
        files: &[("reports.toml", "name = \"reports\"\nowners = \"team@example.com\"\n[production]\n")],
        says: &["reports.toml:2:10: owners: is a text, not a list; write owners = [\"team-reports@example.com\"]"],
        schema: Refuses,
    },
    Case {
        what: "a misspelt field of the file",
        files: &[("reports.toml", "name = \"reports\"\nowner = [\"team@example.com\"]\n[production]\n")],
        says: &[
            "reports.toml:1:1: owners: is missing; add owners = [\"team-reports@example.com\"]",
            "reports.toml:2:1: owner: is a list, and not a field that a file has; did you mean owners?",
        ],
        schema: Refuses,
    },
    Case {
        what: "a field of an environment above all environments",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\nmesh_identity = true\n[production]\n",
        )],
        says: &[
            "reports.toml:3:1: mesh_identity: is true or false, and not a field that a file has; a file has name, owners and a table for each environment; move it into one of them",
        ],
        schema: Refuses,
    },
    Case {
        what: "a misspelt field of an environment",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\nacount_id = \"123456789012\"\n",
        )],
        says: &[
            "reports.toml:4:1: production.acount_id: is not a field that this version knows; did you mean account_id?",
        ],
        schema: Refuses,
    },
    Case {
        what: "a field that nobody knows",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\ncolour = \"red\"\n",
        )],
        says: &[
            "reports.toml:4:1: production.colour: is not a field that this version knows; remove it; the fields here are account_id, mesh_identity, lambda_roles, upstreams, ingress, spiffe_id, sni, cluster",
        ],
        schema: Refuses,
    },
    Case {
        what: "an environment whose name is none",
        files: &[("reports.toml", "name = \"reports\"\nowners = [\"team@example.com\"]\n[Production]\n")],
        says: &[
            "reports.toml:3:2: Production: \"Production\" is not a name of 1 to 63 lower-case letters, digits and hyphens; write it as it will stand in host names: in lower case, without dots",
        ],
        schema: Refuses,
    },
    Case {
        what: "an account without quotes",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\naccount_id = 123456789012\n",
        )],
        says: &["reports.toml:4:14: production.account_id: is a number, not a text; put it between double quotes"],
        schema: Refuses,
    },
    Case {
        what: "an account without its zeros",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\naccount_id = \"42\"\n",
        )],
        says: &[
            "reports.toml:4:14: production.account_id: \"42\" is not an account of AWS; write its 12 digits between double quotes, such as \"123456789012\"",
        ],
        schema: Refuses,
    },
    Case {
        what: "opting in by a text",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\naccount_id = \"123456789012\"\nmesh_identity = \"true\"\n",
        )],
        says: &[
            "reports.toml:5:17: production.mesh_identity: is a text, not true or false; write mesh_identity = true, without quotes",
        ],
        schema: Refuses,
    },
    Case {
        what: "an identity without an account",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\nmesh_identity = true\n\
             lambda_roles = [\"arn:aws:iam::123456789012:role/reports-lambda\"]\n",
        )],
        says: &[
            "reports.toml:3:2: production.account_id: is missing, and mesh_identity needs it; add account_id = \"123456789012\"",
        ],
        schema: Refuses,
    },
    Case {
        what: "an identity that nobody could read",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\naccount_id = \"123456789012\"\nmesh_identity = true\n",
        )],
        says: &[
            "reports.toml:5:17: production.mesh_identity: is true, but no role could read the identity; add lambda_roles = [\"arn:aws:iam::123456789012:role/reports-lambda\"]",
        ],
        schema: Refuses,
    },
    Case {
        what: "an identity with an empty list of roles",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\naccount_id = \"123456789012\"\nmesh_identity = true\n\
             lambda_roles = []\n",
        )],
        says: &[
            "reports.toml:5:17: production.mesh_identity: is true, but no role could read the identity; add lambda_roles = [\"arn:aws:iam::123456789012:role/reports-lambda\"]",
        ],
        schema: Refuses,
    },
    Case {
        what: "an upstream by its address",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\nupstreams = [\"https://ledger\"]\n",
        )],
        says: &[
            "reports.toml:4:14: production.upstreams[0]: \"https://ledger\" is a URL, not the name of an app; write the app's name alone",
        ],
        schema: Refuses,
    },
    Case {
        what: "an upstream of another environment",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[staging]\nupstreams = [\"ledger.production\"]\n",
        )],
        says: &[
            "reports.toml:4:14: staging.upstreams[0]: \"ledger.production\" is more than the name of an app; write the app's name alone: calls stay within an environment",
        ],
        schema: Refuses,
    },
    Case {
        what: "an upstream that is a number",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\nupstreams = [17]\n",
        )],
        says: &["reports.toml:4:14: production.upstreams[0]: is a number, not a text; put it between double quotes"],
        schema: Refuses,
    },
    Case {
        what: "an app that calls itself",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\nupstreams = [\"reports\"]\n",
        )],
        says: &[
            "reports.toml:4:14: production.upstreams: \"reports\" is this app itself; list the other apps that its Lambdas call",
        ],
        schema: CannotTell,
    },
    Case {
        what: "overrides that are no names",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\nspiffe_id = \"https://mesh.example.com/reports\"\n\
             sni = \"*.example.com\"\ncluster = \"my cluster\"\n",
        )],
        says: &[
            "reports.toml:4:13: production.spiffe_id: \"https://mesh.example.com/reports\" does not begin with spiffe://; write it as spiffe://example.org/path/of/the/workload",
            "reports.toml:5:7: production.sni: \"*.example.com\" holds a *, but must be one name; write one name of DNS, such as \"mesh.example.com\"",
            "reports.toml:6:11: production.cluster: \"my cluster\" is not the name of a cluster; write it as the mesh gateway's Envoy knows it, such as \"reports-production\"",
        ],
        schema: Refuses,
    },
    Case {
        what: "a SPIFFE ID without a path, and an SNI in upper case",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\nspiffe_id = \"spiffe://mesh.example.com\"\n\
             sni = \"Reports.example.com\"\n",
        )],
        says: &[
            "reports.toml:4:13: production.spiffe_id: \"spiffe://mesh.example.com\" is a SPIFFE ID without a path; write it as spiffe://example.org/path/of/the/workload",
            "reports.toml:5:7: production.sni: \"Reports.example.com\" is not in lower case, or ends with a dot; write it in lower case, without a dot at its end",
        ],
        schema: Refuses,
    },
    Case {
        what: "an SNI that is an address",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\nsni = \"10.0.0.1\"\n",
        )],
        says: &[
            "reports.toml:4:7: production.sni: \"10.0.0.1\" is an address, which TLS does not allow as a server's name; write one name of DNS, such as \"mesh.example.com\"",
        ],
        schema: Refuses,
    },
    Case {
        what: "an SNI with an underscore",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\nsni = \"my_reports.example.com\"\n",
        )],
        says: &[
            "reports.toml:4:7: production.sni: \"my_reports.example.com\" holds an underscore, which host names do not have; use a hyphen",
        ],
        schema: Refuses,
    },
];
