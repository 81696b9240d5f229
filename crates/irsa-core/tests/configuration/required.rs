//! The whole text, and the four fields that must be there: wrong in every way that an operator could think of.

use super::{Case, Given};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "nothing at all",
        given: Given::Whole(""),
        mistakes: &[
            "configuration: is empty; give the plugin JSON with service_name, region, backend_hostname and role_arn",
        ],
    },
    Case {
        name: "white space only",
        given: Given::Whole(" \n\t "),
        mistakes: &[
            "configuration: is empty; give the plugin JSON with service_name, region, backend_hostname and role_arn",
        ],
    },
    Case {
        name: "not JSON",
        given: Given::Whole("service_name: s3"),
        mistakes: &[
            "configuration: is not JSON: expected value at line 1 column 1; give the plugin JSON with service_name, region, backend_hostname and role_arn",
        ],
    },
    Case {
        name: "JSON that is cut",
        given: Given::Whole(r#"{"service_name": "s3", "region""#),
        mistakes: &[
            "configuration: is not JSON: EOF while parsing an object at line 1 column 31; give the plugin JSON with service_name, region, backend_hostname and role_arn",
        ],
    },
    Case {
        name: "text after the JSON",
        given: Given::Whole(r#"{"health_of": "signer"} and more"#),
        mistakes: &[
            "configuration: is not JSON: trailing characters at line 1 column 25; give the plugin JSON with service_name, region, backend_hostname and role_arn",
        ],
    },
    Case {
        name: "two objects",
        given: Given::Whole(r#"{"health_of": "signer"}{}"#),
        mistakes: &[
            "configuration: is not JSON: trailing characters at line 1 column 24; give the plugin JSON with service_name, region, backend_hostname and role_arn",
        ],
    },
    Case {
        name: "a comment",
        given: Given::Whole(r#"{"health_of": "signer" /* probe */}"#),
        mistakes: &[
            "configuration: is not JSON: expected `,` or `}` at line 1 column 24; give the plugin JSON with service_name, region, backend_hostname and role_arn",
        ],
    },
    Case {
        name: "a comma too many",
        given: Given::Whole(r#"{"health_of": "signer",}"#),
        mistakes: &[
            "configuration: is not JSON: trailing comma at line 1 column 24; give the plugin JSON with service_name, region, backend_hostname and role_arn",
        ],
    },
    Case {
        name: "a number beyond every double",
        given: Given::Whole(r#"{"max_waiting": 1e999}"#),
        mistakes: &[
            "configuration: is not JSON: number out of range at line 1 column 21; give the plugin JSON with service_name, region, backend_hostname and role_arn",
        ],
    },
    Case {
        name: "a list",
        given: Given::Whole(r#"[{"service_name": "s3"}]"#),
        mistakes: &[r#"configuration: is a list, not an object; write { "name": value, … }"#],
    },
    Case {
        name: "a text",
        given: Given::Whole(r#""s3""#),
        mistakes: &[r#"configuration: is a text, not an object; write { "name": value, … }"#],
    },
    Case {
        name: "null",
        given: Given::Whole("null"),
        mistakes: &[r#"configuration: is null, not an object; write { "name": value, … }"#],
    },
    Case {
        name: "an empty object",
        given: Given::Whole("{}"),
        mistakes: &[
            r#"service_name: is missing; add "service_name": "s3""#,
            r#"region: is missing; add "region": "us-west-2""#,
            r#"backend_hostname: is missing; add "backend_hostname": "my-bucket.s3.us-west-2.amazonaws.com""#,
            r#"role_arn: is missing; add "role_arn": "arn:aws:iam::123456789012:role/NAME""#,
        ],
    },
    Case {
        name: "every required field null",
        given: Given::Whole(r#"{"service_name": null, "region": null, "backend_hostname": null, "role_arn": null}"#),
        mistakes: &[
            r#"service_name: is missing; add "service_name": "s3""#,
            r#"region: is missing; add "region": "us-west-2""#,
            r#"backend_hostname: is missing; add "backend_hostname": "my-bucket.s3.us-west-2.amazonaws.com""#,
            r#"role_arn: is missing; add "role_arn": "arn:aws:iam::123456789012:role/NAME""#,
        ],
    },
    Case {
        name: "service of the wrong type",
        given: Given::Field("service_name", "3"),
        mistakes: &["service_name: is a number, not a text; write one text between double quotes"],
    },
    Case {
        name: "service in upper case",
        given: Given::Field("service_name", r#""S3""#),
        mistakes: &[
            r#"service_name: "S3" is not the signing name of a service; write it in lower case, as s3 or execute-api"#,
        ],
    },
    Case {
        name: "service empty",
        given: Given::Field("service_name", r#""""#),
        mistakes: &[
            r#"service_name: "" is not the signing name of a service; write it in lower case, as s3 or execute-api"#,
        ],
    },
    Case {
        name: "service with an underscore",
        given: Given::Field("service_name", r#""execute_api""#),
        mistakes: &[
            r#"service_name: "execute_api" is not the signing name of a service; write it in lower case, as s3 or execute-api"#,
        ],
    },
    Case {
        name: "S3 Express",
        given: Given::Field("service_name", r#""s3express""#),
        mistakes: &[
            r#"service_name: "s3express" is not supported: S3 Express has sessions of its own; use a general-purpose bucket and s3"#,
        ],
    },
    Case {
        name: "region of the wrong type",
        given: Given::Field("region", r#"["us-west-2"]"#),
        mistakes: &["region: is a list, not a text; write one text between double quotes"],
    },
    Case {
        name: "an availability zone",
        given: Given::Field("region", r#""us-west-2a""#),
        mistakes: &[r#"region: "us-west-2a" is not a region; write it as us-west-2"#],
    },
    Case {
        name: "any region",
        given: Given::Field("region", r#""*""#),
        mistakes: &[r#"region: "*" is not a region; write it as us-west-2"#],
    },
    Case {
        name: "a region of an isolated partition",
        given: Given::Field("region", r#""us-iso-east-1""#),
        mistakes: &[
            r#"region: "us-iso-east-1" is a region of a partition other than aws, aws-cn and aws-us-gov; use a region of a supported partition"#,
        ],
    },
    Case {
        name: "backend of the wrong type",
        given: Given::Field("backend_hostname", r#"{"name": "b"}"#),
        mistakes: &["backend_hostname: is an object, not a text; write one text between double quotes"],
    },
    Case {
        name: "backend as a URL",
        given: Given::Field("backend_hostname", r#""https://b.s3.us-west-2.amazonaws.com""#),
        mistakes: &[r#"backend_hostname: "https://b.s3.us-west-2.amazonaws.com" is a URL; write the host name alone"#],
    },
    Case {
        name: "backend with a path",
        given: Given::Field("backend_hostname", r#""s3.us-west-2.amazonaws.com/b""#),
        mistakes: &[r#"backend_hostname: "s3.us-west-2.amazonaws.com/b" is a URL; write the host name alone"#],
    },
    Case {
        name: "backend with a port",
        given: Given::Field("backend_hostname", r#""b.s3.us-west-2.amazonaws.com:443""#),
        mistakes: &[
            r#"backend_hostname: "b.s3.us-west-2.amazonaws.com:443" has a port; set the port in the cluster, and write the name alone"#,
        ],
    },
    Case {
        name: "backend in upper case",
        given: Given::Field("backend_hostname", r#""B.s3.us-west-2.amazonaws.com""#),
        mistakes: &[
            r#"backend_hostname: "B.s3.us-west-2.amazonaws.com" has upper-case letters; write it in lower case"#,
        ],
    },
    Case {
        name: "backend without a dot",
        given: Given::Field("backend_hostname", r#""localhost""#),
        mistakes: &[
            r#"backend_hostname: "localhost" is not a host name; write it as my-bucket.s3.us-west-2.amazonaws.com"#,
        ],
    },
    Case {
        name: "backend that ends in a dot",
        given: Given::Field("backend_hostname", r#""b.s3.us-west-2.amazonaws.com.""#),
        mistakes: &[
            r#"backend_hostname: "b.s3.us-west-2.amazonaws.com." is not a host name; write it as my-bucket.s3.us-west-2.amazonaws.com"#,
        ],
    },
    Case {
        name: "backend with a line feed",
        given: Given::Field("backend_hostname", r#""b.s3.us-west-2\n.amazonaws.com""#),
        mistakes: &[
            r#"backend_hostname: "b.s3.us-west-2\n.amazonaws.com" is not a host name; write it as my-bucket.s3.us-west-2.amazonaws.com"#,
        ],
    },
    Case {
        name: "role of the wrong type",
        given: Given::Field("role_arn", "true"),
        mistakes: &["role_arn: is true or false, not a text; write one text between double quotes"],
    },
    Case {
        name: "role by its name",
        given: Given::Field("role_arn", r#""mybucket-proxy""#),
        mistakes: &[
            r#"role_arn: "mybucket-proxy" does not begin with arn:; write it as arn:aws:iam::123456789012:role/NAME"#,
        ],
    },
    Case {
        name: "role of an unknown partition",
        given: Given::Field("role_arn", r#""arn:aws-iso:iam::123456789012:role/x""#),
        mistakes: &[
            r#"role_arn: "arn:aws-iso:iam::123456789012:role/x" names a partition other than aws, aws-cn and aws-us-gov; write it as arn:aws:iam::123456789012:role/NAME"#,
        ],
    },
    Case {
        name: "an assumed role",
        given: Given::Field("role_arn", r#""arn:aws:sts::123456789012:assumed-role/x/y""#),
        mistakes: &[
            r#"role_arn: "arn:aws:sts::123456789012:assumed-role/x/y" is not an ARN of IAM, which has the service iam and no region; write it as arn:aws:iam::123456789012:role/NAME"#,
        ],
    },
    Case {
        name: "account of 11 digits",
        given: Given::Field("role_arn", r#""arn:aws:iam::12345678901:role/x""#),
        mistakes: &[
            r#"role_arn: "arn:aws:iam::12345678901:role/x" has an account that is not of 12 digits; write it as arn:aws:iam::123456789012:role/NAME"#,
        ],
    },
    Case {
        name: "a user",
        given: Given::Field("role_arn", r#""arn:aws:iam::123456789012:user/x""#),
        mistakes: &[
            r#"role_arn: "arn:aws:iam::123456789012:user/x" is not a role; write it as arn:aws:iam::123456789012:role/NAME"#,
        ],
    },
    Case {
        name: "role without a name",
        given: Given::Field("role_arn", r#""arn:aws:iam::123456789012:role/""#),
        mistakes: &[
            r#"role_arn: "arn:aws:iam::123456789012:role/" has a role name that IAM does not allow; write it as arn:aws:iam::123456789012:role/NAME"#,
        ],
    },
    Case {
        name: "role of another partition than the region",
        given: Given::Field("role_arn", r#""arn:aws-cn:iam::123456789012:role/x""#),
        mistakes: &[
            "role_arn: is a role of aws-cn, but region us-west-2 is of aws; use a role and a region of one partition",
        ],
    },
    Case {
        name: "region of another partition than the role",
        given: Given::Field("region", r#""us-gov-west-1""#),
        mistakes: &[
            "role_arn: is a role of aws, but region us-gov-west-1 is of aws-us-gov; use a role and a region of one partition",
        ],
    },
];
