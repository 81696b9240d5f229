//! `meshbridge.toml`.

use super::Case;
use super::Schema::{CannotTell, Refuses};

pub(super) const CASES: &[Case] = &[
    Case {
        what: "empty settings",
        files: &[("meshbridge.toml", "")],
        says: &[
            "meshbridge.toml:1:1: environments: is missing; add [environments.production] with trust_domain = \"mesh.example.com\"",
            "meshbridge.toml:1:1: organisation: is missing; add organisation = \"Example\"",
            "meshbridge.toml:1:1: regions: is missing; add regions = [\"us-west-2\", \"us-east-1\"]",
        ],
        schema: Refuses,
    },
    Case {
        what: "misspelt settings",
        files: &[(
            "meshbridge.toml",
            r#"organization = "Example"
organisation = "Example"
region = ["us-west-2"]
regions = ["us-west-2"]
mesh_sufix = "mesh.example.com"
issuer = "x"

[environments.production]
trustdomain = "mesh.example.com"
"#,
        )],
        says: &[
            "meshbridge.toml:1:1: organization: is not a field that this version knows; did you mean organisation?",
            "meshbridge.toml:3:1: region: is not a field that this version knows; did you mean regions?",
            "meshbridge.toml:5:1: mesh_sufix: is not a field that this version knows; did you mean mesh_suffix?",
            "meshbridge.toml:6:1: issuer: is not a field that this version knows; remove it; the fields here are organisation, aws_organisation, regions, mesh_suffix, environments, trust",
            "meshbridge.toml:8:15: environments.production.mesh_suffix: is missing; add mesh_suffix = \"mesh.example.com\", here or above all tables",
            "meshbridge.toml:8:15: environments.production.trust_domain: is missing; add trust_domain = \"mesh.example.com\"",
            "meshbridge.toml:9:1: environments.production.trustdomain: is not a field that this version knows; did you mean trust_domain?",
        ],
        schema: Refuses,
    },
    Case {
        what: "settings of wrong types",
        files: &[(
            "meshbridge.toml",
            r#"organisation = 7
regions = "us-west-2"
mesh_suffix = ["mesh.example.com"]
environments = ["production"]
trust = "none"
"#,
        )],
        says: &[
            "meshbridge.toml:1:16: organisation: is a number, not a text; put it between double quotes",
            "meshbridge.toml:2:11: regions: is a text, not a list; write regions = [\"us-west-2\", \"us-east-1\"]",
            "meshbridge.toml:3:15: mesh_suffix: is a list, not a text; write one text between double quotes",
            "meshbridge.toml:4:16: environments: is a list, not a table; add [environments.production] with trust_domain = \"mesh.example.com\"",
            "meshbridge.toml:5:9: trust: is a text, not a table; begin each import with [[trust.import]]",
        ],
        schema: Refuses,
    },
    Case {
        what: "an organisation that no certificate could carry",
        files: &[(
            "meshbridge.toml",
            r#"organisation = " Example of a name of an organisation that is longer than 64 characters"
aws_organisation = "123456789012"
regions = ["us-west-2"]
mesh_suffix = "mesh.example.com"
[environments.production]
trust_domain = "mesh.example.com"
"#,
        )],
        says: &[
            "meshbridge.toml:1:16: organisation: \" Example of a name of an organisation that is longer than 64 characters\" is not an organisation's name of 1 to 64 characters, without blanks around it; write it as it shall stand in certificates, such as \"Example\"",
            "meshbridge.toml:2:20: aws_organisation: \"123456789012\" is not the ID of an organisation of AWS; write it as \"o-a1b2c3d4e5\"",
        ],
        schema: Refuses,
    },
    Case {
        what: "no regions, regions twice, regions of two partitions",
        files: &[(
            "meshbridge.toml",
            r#"organisation = "Example"
regions = ["us-west-2", "us-west-2", "cn-north-1", "mars"]
mesh_suffix = "mesh.example.com"
[environments.production]
trust_domain = "mesh.example.com"
"#,
        )],
        says: &[
            "meshbridge.toml:2:25: regions[1]: \"us-west-2\" stands there twice, first at 2:12; keep one of them",
            "meshbridge.toml:2:38: regions: \"cn-north-1\" is of aws-cn, but us-west-2 of aws; use regions of one partition",
            "meshbridge.toml:2:52: regions[3]: \"mars\" is not a region; write it as us-west-2",
        ],
        schema: Refuses,
    },
    Case {
        what: "an empty list of regions",
        files: &[(
            "meshbridge.toml",
            r#"organisation = "Example"
regions = []
mesh_suffix = "mesh.example.com"
[environments.production]
trust_domain = "mesh.example.com"
"#,
        )],
        says: &[
            "meshbridge.toml:2:11: regions: has 0 regions; list 1 to 8, the primary first: [\"us-west-2\", \"us-east-1\"]",
        ],
        schema: Refuses,
    },
    Case {
        what: "no environments",
        files: &[(
            "meshbridge.toml",
            r#"organisation = "Example"
regions = ["us-west-2"]
mesh_suffix = "mesh.example.com"
[environments]
"#,
        )],
        says: &[
            "meshbridge.toml:4:1: environments: is empty; add [environments.production] with trust_domain = \"mesh.example.com\"",
        ],
        schema: Refuses,
    },
    Case {
        what: "environments that could not be told from fields, or have no name at all",
        files: &[(
            "meshbridge.toml",
            r#"organisation = "Example"
regions = ["us-west-2"]
mesh_suffix = "mesh.example.com"
[environments.name]
trust_domain = "mesh.example.com"
[environments.Production]
trust_domain = "mesh.example.com"
[environments]
staging = "mesh.example.com"
"#,
        )],
        says: &[
            "meshbridge.toml:4:15: environments.name: \"name\" is the name of a field of an app's file; use another name",
            "meshbridge.toml:6:15: environments.Production: \"Production\" is not a name of 1 to 63 lower-case letters, digits and hyphens; write it as it will stand in host names: in lower case, without dots",
            "meshbridge.toml:9:1: environments.staging: is a text, not a table; write [environments.staging]",
        ],
        schema: Refuses,
    },
    Case {
        what: "a trust domain with a scheme, and no suffix anywhere",
        files: &[(
            "meshbridge.toml",
            r#"organisation = "Example"
regions = ["us-west-2"]
[environments.production]
trust_domain = "spiffe://mesh.example.com"
"#,
        )],
        says: &[
            "meshbridge.toml:3:15: environments.production.mesh_suffix: is missing; add mesh_suffix = \"mesh.example.com\", here or above all tables",
            "meshbridge.toml:4:16: environments.production.trust_domain: \"spiffe://mesh.example.com\" is not a trust domain; write its name alone, in lower case, as example.org",
        ],
        schema: Refuses,
    },
    Case {
        what: "suffixes that no SNI could end in",
        files: &[(
            "meshbridge.toml",
            r#"organisation = "Example"
regions = ["us-west-2"]
mesh_suffix = ".mesh.example.com"
[environments.production]
trust_domain = "mesh.example.com"
mesh_suffix = "a-long-label-a-long-label-a-long-label.a-long-label-a-long-label-a-long-label.a-long-label-a-long-label-a-long-label.a-long-label-a-long-label-a-long-label.a-long-label-a-long-label.example.com"
"#,
        )],
        says: &[
            "meshbridge.toml:3:15: mesh_suffix: \".mesh.example.com\" has a label that is empty, longer than 63 characters, or with a hyphen at its end; write one name of DNS, such as \"mesh.example.com\"",
            "meshbridge.toml:6:15: environments.production.mesh_suffix: \"a-long-label-a-long-label-a-long-label.a-long-label-a-long-label-a-long-label.a-long-label-a-long-la…\" leaves no room for the names of environment and app in front of it; use a suffix of at most 188 characters",
        ],
        schema: Refuses,
    },
    Case {
        what: "imports that name no file, or two, or one outside",
        files: &[(
            "meshbridge.toml",
            r#"organisation = "Example"
regions = ["us-west-2"]
mesh_suffix = "mesh.example.com"
[environments.production]
trust_domain = "mesh.example.com"
[[trust.import]]
trust_domain = "legacy.example.com"
[[trust.import]]
trust_domain = "legacy.example.com"
pem = "a.pem"
spiffe_bundle = "a.json"
[[trust.import]]
pem = "../../etc/passwd"
url = "https://legacy.example.com"
"#,
        )],
        says: &[
            "meshbridge.toml:6:1: trust.import[0]: names no file with roots; add pem = \"roots/mesh.pem\", or spiffe_bundle = \"roots/mesh.json\"",
            "meshbridge.toml:8:1: trust.import[1]: has both pem and spiffe_bundle; keep one, and import the other beside it",
            "meshbridge.toml:12:1: trust.import[2].trust_domain: is missing; add trust_domain = \"mesh.example.com\"",
            "meshbridge.toml:13:7: trust.import[2].pem: \"../../etc/passwd\" is not a file below the registry's directory; write its path from there, such as \"roots/mesh.pem\"",
            "meshbridge.toml:14:1: trust.import[2].url: is not a field that this version knows; remove it; the fields here are trust_domain, pem, spiffe_bundle",
        ],
        schema: Refuses,
    },
    Case {
        what: "one root of two trust domains, and one import twice",
        files: &[(
            "meshbridge.toml",
            r#"organisation = "Example"
regions = ["us-west-2"]
mesh_suffix = "mesh.example.com"
[environments.production]
trust_domain = "mesh.example.com"
[[trust.import]]
trust_domain = "mesh.example.com"
pem = "roots.pem"
[[trust.import]]
trust_domain = "legacy.example.com"
pem = "roots.pem"
[[trust.import]]
trust_domain = "mesh.example.com"
pem = "roots.pem"
"#,
        )],
        says: &[
            "meshbridge.toml:9:1: trust.import[1]: \"roots.pem\" holds the roots of mesh.example.com already (6:1); give each trust domain roots of its own",
            "meshbridge.toml:12:1: trust.import[2]: \"roots.pem\" is imported at 6:1 already; keep one of them",
        ],
        schema: CannotTell,
    },
    Case {
        what: "an import that is no list",
        files: &[(
            "meshbridge.toml",
            r#"organisation = "Example"
regions = ["us-west-2"]
mesh_suffix = "mesh.example.com"
[environments.production]
trust_domain = "mesh.example.com"
[trust.import]
trust_domain = "mesh.example.com"
pem = "roots.pem"
"#,
        )],
        says: &[
            "meshbridge.toml:6:1: trust.import: is a table, not a list of tables; begin each with [[trust.import]]",
        ],
        schema: Refuses,
    },
];
