//! One file, the roles of its Lambdas.

use super::Case;
use super::Schema::{CannotTell, Refuses};

pub(super) const CASES: &[Case] = &[
    Case {
        what: "a role of another account",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\naccount_id = \"123456789012\"\n\
             lambda_roles = [\"arn:aws:iam::210987654321:role/reports-lambda\"]\n",
        )],
        says: &[
            "reports.toml:5:17: production.lambda_roles: \"arn:aws:iam::210987654321:role/reports-lambda\" is a role of account 210987654321, not of account_id 123456789012; use a role of the app's own account",
        ],
        schema: CannotTell,
    },
    Case {
        what: "roles by wildcard",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\naccount_id = \"123456789012\"\n\
             lambda_roles = [\"arn:aws:iam::123456789012:role/*\", \"arn:aws:iam::123456789012:role/team-?/x\"]\n",
        )],
        says: &[
            "reports.toml:5:17: production.lambda_roles[0]: \"arn:aws:iam::123456789012:role/*\" holds a wildcard; list each role by its whole ARN",
            "reports.toml:5:53: production.lambda_roles[1]: \"arn:aws:iam::123456789012:role/team-?/x\" holds a wildcard; list each role by its whole ARN",
        ],
        schema: Refuses,
    },
    Case {
        what: "a user and a session instead of roles",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\naccount_id = \"123456789012\"\n\
             lambda_roles = [\"arn:aws:iam::123456789012:user/me\", \"arn:aws:sts::123456789012:assumed-role/x/y\"]\n",
        )],
        says: &[
            "reports.toml:5:17: production.lambda_roles[0]: \"arn:aws:iam::123456789012:user/me\" is not a role; write it as arn:aws:iam::123456789012:role/NAME",
            "reports.toml:5:54: production.lambda_roles[1]: \"arn:aws:sts::123456789012:assumed-role/x/y\" is not an ARN of IAM, which has the service iam and no region; write it as arn:aws:iam::123456789012:role/NAME",
        ],
        schema: Refuses,
    },
    Case {
        what: "a role twice in one list",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\naccount_id = \"123456789012\"\nlambda_roles = [\n  \
             \"arn:aws:iam::123456789012:role/x\",\n  \"arn:aws:iam::123456789012:role/x\",\n]\n",
        )],
        says: &[
            "reports.toml:7:3: production.lambda_roles[1]: \"arn:aws:iam::123456789012:role/x\" stands there twice, first at 6:3; keep one of them",
        ],
        schema: Refuses,
    },
    Case {
        what: "one role for the Lambdas of two environments",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\naccount_id = \"123456789012\"\n\
             lambda_roles = [\"arn:aws:iam::123456789012:role/x\"]\n[staging]\naccount_id = \"123456789012\"\n\
             lambda_roles = [\"arn:aws:iam::123456789012:role/x\"]\n",
        )],
        says: &[
            "reports.toml:8:17: staging.lambda_roles: \"arn:aws:iam::123456789012:role/x\" is a role of production already (5:17), and would read the keys of both environments; give the Lambdas of each environment a role of their own",
        ],
        schema: CannotTell,
    },
    Case {
        what: "a role of another partition than the regions",
        files: &[(
            "reports.toml",
            "name = \"reports\"\nowners = [\"team@example.com\"]\n[production]\naccount_id = \"123456789012\"\n\
             lambda_roles = [\"arn:aws-cn:iam::123456789012:role/x\"]\n",
        )],
        says: &[
            "reports.toml:5:17: production.lambda_roles: \"arn:aws-cn:iam::123456789012:role/x\" is a role of aws-cn, but identities are kept in aws; use a role of that partition, or a registry for each partition",
        ],
        schema: CannotTell,
    },
];
