//! Wrong configurations: names, gateway, upstreams; then identity, listeners, bounds, the environment.

/// Changes to the least configuration, variables, and all that is said.
pub(super) type Case =
    (&'static [(&'static str, &'static str)], &'static [(&'static str, &'static str)], &'static [&'static str]);

macro_rules! said {
    ($($part:expr),* $(,)?) => { &[$($part),*] };
}

pub(super) const NAMES: &[Case] = &[
    // Each required field.
    (&[("app", "-")], &[], said!["app: is missing; add \"app\": \"reports\""]),
    (&[("environment", "-")], &[], said!["environment: is missing; add \"environment\": \"staging\""]),
    (&[("trust_domain", "-")], &[], said!["trust_domain: is missing; add \"trust_domain\": \"mesh.example.com\""]),
    (
        &[("upstreams", "-")],
        &[],
        said!["upstreams: is missing; list the apps that this function calls, such as [\"ledger\"]"],
    ),
    (
        &[("gateway", "-")],
        &[],
        said![
            "upstreams[0]: has no gateway to go through; add \"gateway\": \"gateway.mesh.example.com:443\" to the configuration or to this upstream"
        ],
    ),
    (
        &[("identity", "-")],
        &[],
        said![
            "identity.regions: is missing, and AWS_REGION does not say where this is; list the regions that hold this app's secrets, such as [\"us-west-2\", \"us-east-1\"]"
        ],
    ),
    // Types.
    (&[("app", "1")], &[], said!["app: is a number, not a text; write one text between double quotes"]),
    (
        &[("trust_domain", "[]")],
        &[],
        said!["trust_domain: is a list, not a text; write one text between double quotes"],
    ),
    (&[("gateway", "{}")], &[], said!["gateway: is an object, not a text; write one text between double quotes"]),
    (
        &[("upstreams", "\"ledger\"")],
        &[],
        said!["upstreams: is a text, not a list; list the apps that this function calls, such as [\"ledger\"]"],
    ),
    (
        &[("upstreams", "[]")],
        &[],
        said!["upstreams: is empty; list the apps that this function calls, such as [\"ledger\"]"],
    ),
    (
        &[("upstreams", "[true]")],
        &[],
        said!["upstreams[0]: is true or false, not the name of an app; write \"ledger\", or {\"app\": \"ledger\", …}"],
    ),
    (
        &[("identity", "\"directory\"")],
        &[("AWS_REGION", "us-west-2")],
        said!["identity: is a text, not an object; write { \"name\": value, … }"],
    ),
    (&[("listen", "8181")], &[], said!["listen: is a number, not an object; write { \"name\": value, … }"]),
    (&[("token", "\"/tmp/token\"")], &[], said!["token: is a text, not an object; write { \"name\": value, … }"]),
    (&[("timeouts", "30")], &[], said!["timeouts: is a number, not an object; write { \"name\": value, … }"]),
    // Names.
    (&[("app", "\"Reports\"")], &[], &[concat!("app: \"Reports\" ", "NO_LABEL")]),
    (&[("app", "\"reports.staging\"")], &[], &[concat!("app: \"reports.staging\" ", "NO_LABEL")]),
    (&[("app", "\"\"")], &[], &[concat!("app: \"\" ", "NO_LABEL")]),
    (&[("app", "\"-reports\"")], &[], &[concat!("app: \"-reports\" ", "NO_LABEL")]),
    (&[("app", "\"caf\u{e9}\"")], &[], &[concat!("app: \"caf\\u{e9}\" ", "NO_LABEL")]),
    (&[("environment", "\"mesh\"")], &[], &[concat!("environment: \"mesh\" ", "TAKEN")]),
    (&[("upstreams", "[\"localhost\"]")], &[], &[concat!("upstreams[0]: \"localhost\" ", "TAKEN")]),
    (&[("upstreams", "[\"127\"]")], &[], &[concat!("upstreams[0]: \"127\" ", "TAKEN")]),
    (
        &[("trust_domain", "\"spiffe://mesh.example.com\"")],
        &[],
        said![
            "trust_domain: \"spiffe://mesh.example.com\" is not a trust domain; write its name alone, in lower case, as example.org"
        ],
    ),
    (
        &[("mesh_suffix", "\"https://mesh.example.com\"")],
        &[],
        said![
            "mesh_suffix: \"https://mesh.example.com\" is a URL; write the DNS name alone, in lower case, such as \"mesh.example.com\""
        ],
    ),
    (
        &[("mesh_suffix", "\".mesh.example.com\"")],
        &[],
        said![
            "mesh_suffix: \".mesh.example.com\" is not a DNS name; write the DNS name alone, in lower case, such as \"mesh.example.com\""
        ],
    ),
    (
        &[("mesh_suffix", "\"10.0.0.1\"")],
        &[],
        said![
            "mesh_suffix: \"10.0.0.1\" is not a DNS name; write the DNS name alone, in lower case, such as \"mesh.example.com\""
        ],
    ),
    (
        &[("trust_domain", "\"mesh_prod\"")],
        &[],
        said![
            "upstreams[0]: has no SNI, since the trust domain is not a DNS name; add \"mesh_suffix\" to the configuration"
        ],
    ),
    // The gateway.
    (
        &[("gateway", "\"https://gateway\"")],
        &[],
        said!["gateway: \"https://gateway\" is a URL; write it as \"gateway.mesh.example.com:443\""],
    ),
    (&[("gateway", "\"\"")], &[], &[concat!("gateway: \"\" ", "NO_GATEWAY")]),
    (
        &[("gateway", "\"gateway:443:443\"")],
        &[],
        said!["gateway: \"gateway:443:443\" has a port that is none; write it as \"gateway.mesh.example.com:443\""],
    ),
    (
        &[("gateway", "\"gateway:0\"")],
        &[],
        said!["gateway: \"gateway:0\" has a port that is none; write it as \"gateway.mesh.example.com:443\""],
    ),
    (
        &[("gateway", "\"gateway:65536\"")],
        &[],
        said!["gateway: \"gateway:65536\" has a port that is none; write it as \"gateway.mesh.example.com:443\""],
    ),
    (
        &[("gateway", "\"fd00::1\"")],
        &[],
        said!["gateway: \"fd00::1\" has a port that is none; write it as \"gateway.mesh.example.com:443\""],
    ),
    (&[("gateway", "\"[fd00::1\"")], &[], &[concat!("gateway: \"[fd00::1\" ", "NO_GATEWAY")]),
    (&[("gateway", "\"gate way\"")], &[], &[concat!("gateway: \"gate way\" ", "NO_GATEWAY")]),
    // Upstreams.
    (
        &[("upstreams", "[\"ledger\", \"ledger\"]")],
        &[],
        said!["upstreams[1]: \"ledger.staging\" stands there twice; keep one of them"],
    ),
    (
        &[("upstreams", "[{\"environment\": \"staging\"}]")],
        &[],
        said!["upstreams[0].app: is missing; add \"app\": \"ledger\""],
    ),
    (
        &[("upstreams", "[{\"app\": \"ledger\", \"host\": \"x\"}]")],
        &[],
        said![
            "upstreams[0].host: is not a field that this version knows; remove it; the fields here are app, environment, sni, gateway, spiffe_id, authority"
        ],
    ),
    (
        &[("upstreams", "[{\"app\": \"ledger\", \"spiffe-id\": \"x\"}]")],
        &[],
        said!["upstreams[0].spiffe-id: is not a field that this version knows; did you mean \"spiffe_id\"?"],
    ),
    (
        &[("upstreams", "[{\"app\": \"ledger\", \"sni\": \"*.mesh.example.com\"}]")],
        &[],
        said![
            "upstreams[0].sni: \"*.mesh.example.com\" is not a DNS name; write the DNS name alone, in lower case, such as \"mesh.example.com\""
        ],
    ),
    (
        &[("upstreams", "[{\"app\": \"ledger\", \"authority\": \"ledger:443\"}]")],
        &[],
        said![
            "upstreams[0].authority: \"ledger:443\" is not a DNS name; write the DNS name alone, in lower case, such as \"mesh.example.com\""
        ],
    ),
];

pub(super) const SECTIONS: &[Case] = &[
    // Identity.
    (
        &[("identity", "{\"source\": \"vault\"}")],
        &[],
        said!["identity.source: \"vault\" is not one of the choices; write \"secrets-manager\" or \"directory\""],
    ),
    (
        &[("identity", "{\"source\": 1}")],
        &[],
        said!["identity.source: is a number, not a text; write \"secrets-manager\" or \"directory\""],
    ),
    (
        &[("identity", "{\"source\": \"directory\"}")],
        &[],
        said!["identity.path: is missing; add \"path\": \"/etc/meshbridge/identity\""],
    ),
    (
        &[("identity", "{\"source\": \"directory\", \"path\": \"identity\"}")],
        &[],
        &[concat!("identity.path: \"identity\" ", "NO_PATH")],
    ),
    (
        &[("identity", "{\"source\": \"directory\", \"path\": \"/a/../b\"}")],
        &[],
        &[concat!("identity.path: \"/a/../b\" ", "NO_PATH")],
    ),
    (
        &[("identity", "{\"source\": \"directory\", \"path\": \"/a\", \"regions\": []}")],
        &[],
        said!["identity.regions: is not a field that this version knows; remove it; the fields here are source, path"],
    ),
    (
        &[("identity", "{\"regions\": []}")],
        &[],
        said![
            "identity.regions: is empty; list the regions that hold this app's secrets, such as [\"us-west-2\", \"us-east-1\"]"
        ],
    ),
    (
        &[("identity", "{\"regions\": [\"us-west\"]}")],
        &[],
        said!["identity.regions[0]: \"us-west\" is not a region of AWS; write it as \"us-west-2\""],
    ),
    (
        &[("identity", "{\"regions\": [\"us-west-2\", \"us-west-2\"]}")],
        &[],
        said!["identity.regions[1]: \"us-west-2\" stands there twice; keep one of them"],
    ),
    (
        &[("identity", "{\"regions\": [{\"key\": \"k\"}]}")],
        &[],
        said!["identity.regions[0].region: is missing; add \"region\": \"us-west-2\""],
    ),
    (
        &[("identity", "{\"regions\": [\"us-west-2\"], \"key\": \"a key\"}")],
        &[],
        &[concat!("identity.key: \"a key\" ", "NO_SECRET")],
    ),
    (
        &[("identity", "{\"regions\": [\"us-west-2\"], \"key\": \"arn:aws:s3:::bucket\"}")],
        &[],
        &[concat!("identity.key: \"arn:aws:s3:::bucket\" ", "NO_SECRET")],
    ),
    (
        &[(
            "identity",
            "{\"regions\": [\"us-west-2\", \"us-east-1\"], \"key\": \"arn:aws:secretsmanager:us-west-2:123456789012:secret:k\"}",
        )],
        &[],
        said![
            "identity.key: is an ARN of us-west-2, but is asked for in us-east-1; give each region its own: \"regions\": [{\"region\": \"us-west-2\", \"certificate\": \"arn:…\", \"key\": \"arn:…\"}, …]"
        ],
    ),
    (
        &[(
            "identity",
            "{\"regions\": [{\"region\": \"us-east-1\", \"certificate\": \"arn:aws:secretsmanager:us-west-2:123456789012:secret:c\"}]}",
        )],
        &[],
        said![
            "identity.regions[0].certificate: is an ARN of us-west-2, but is asked for in us-east-1; give each region its own: \"regions\": [{\"region\": \"us-west-2\", \"certificate\": \"arn:…\", \"key\": \"arn:…\"}, …]"
        ],
    ),
    (
        &[("identity", "{\"regions\": [\"us-west-2\"], \"endpoint\": \"http://example.com\"}")],
        &[],
        &[concat!("identity.endpoint: \"http://example.com\" ", "NO_ENDPOINT")],
    ),
    (
        &[("identity", "{\"regions\": [\"us-west-2\"], \"endpoint\": \"https://user@example.com\"}")],
        &[],
        &[concat!("identity.endpoint: \"https://user@example.com\" ", "NO_ENDPOINT")],
    ),
    (
        &[("identity", "{\"regions\": [\"us-west-2\"], \"endpoint\": \"https://example.com/path\"}")],
        &[],
        &[concat!("identity.endpoint: \"https://example.com/path\" ", "NO_ENDPOINT")],
    ),
    // Listeners, token, bounds.
    (&[("listen", "{\"port\": 65536}")], &[], said!["listen.port: 65536 is out of bounds; use a port from 0 to 65535"]),
    (
        &[("listen", "{\"port\": \"8181\"}")],
        &[],
        said!["listen.port: is a text, not a number; use a port from 0 to 65535"],
    ),
    (&[("listen", "{\"unix\": \"proxy.sock\"}")], &[], &[concat!("listen.unix: \"proxy.sock\" ", "NO_PATH")]),
    (
        &[("listen", "{\"unix_token\": \"no\"}")],
        &[],
        said!["listen.unix_token: \"no\" is not one of the choices; write \"required\" or \"none\""],
    ),
    (
        &[("listen", "{\"address\": \"0.0.0.0\"}")],
        &[],
        said![
            "listen.address: is not a field that this version knows; remove it; the fields here are port, unix, unix_token"
        ],
    ),
    (&[("token", "{\"file\": \"token\"}")], &[], &[concat!("token.file: \"token\" ", "NO_PATH")]),
    (
        &[("token", "{\"value\": \"secret\"}")],
        &[],
        said!["token.value: is not a field that this version knows; remove it; the fields here are file"],
    ),
    (
        &[("timeouts", "{\"response_ms\": 0}")],
        &[],
        said!["timeouts.response_ms: 0 is out of bounds; use a whole number of milliseconds from 1 to 900000"],
    ),
    (
        &[("timeouts", "{\"response_ms\": 1.5}")],
        &[],
        said!["timeouts.response_ms: is not a whole number; use a whole number of milliseconds from 1 to 900000"],
    ),
    (
        &[("timeouts", "{\"head_ms\": 99}")],
        &[],
        said!["timeouts.head_ms: 99 is out of bounds; use a whole number of milliseconds from 100 to 60000"],
    ),
    (
        &[("timeouts", "{\"stall_ms\": -1}")],
        &[],
        said!["timeouts.stall_ms: is not a whole number; use a whole number of milliseconds from 100 to 900000"],
    ),
    (
        &[("max_connections", "901")],
        &[],
        said!["max_connections: 901 is out of bounds; use a whole number of connections from 1 to 900"],
    ),
    (
        &[("invocations", "\"yes\"")],
        &[],
        said!["invocations: \"yes\" is not one of the choices; write \"ignore\" or \"follow\""],
    ),
    // The environment.
    (&[], &[("MESHBRIDGE_APP", "Billing")], &[concat!("$MESHBRIDGE_APP: \"Billing\" ", "NO_LABEL")]),
    (&[], &[("MESHBRIDGE_UPSTREAMS", "")], &[concat!("$MESHBRIDGE_UPSTREAMS[0]: \"\" ", "NO_LABEL")]),
    (&[], &[("MESHBRIDGE_UPSTREAMS", "ledger,,users")], &[concat!("$MESHBRIDGE_UPSTREAMS[1]: \"\" ", "NO_LABEL")]),
    (
        &[],
        &[("MESHBRIDGE_PROXY", "http://0.0.0.0:8181")],
        said![
            "$MESHBRIDGE_PROXY: \"http://0.0.0.0:8181\" is not where this proxy can listen; write it as http://127.0.0.1:8181"
        ],
    ),
    (
        &[],
        &[("MESHBRIDGE_PROXY", "8181")],
        said!["$MESHBRIDGE_PROXY: \"8181\" is not where this proxy can listen; write it as http://127.0.0.1:8181"],
    ),
    (&[], &[("MESHBRIDGE_TOKEN_FILE", "token")], &[concat!("$MESHBRIDGE_TOKEN_FILE: \"token\" ", "NO_PATH")]),
    (
        &[],
        &[("MESHBRIDGE_TOKEN", "hunter2")],
        said![
            "$MESHBRIDGE_TOKEN: is not a token of 32 to 256 letters, digits and -._~; make one with `openssl rand -hex 32`"
        ],
    ),
    // The whole.
    (
        &[("upstream", "[]")],
        &[],
        said!["upstream: is not a field that this version knows; did you mean \"upstreams\"?"],
    ),
    (&[("Gateway", "\"x\"")], &[], said!["Gateway: is not a field that this version knows; did you mean \"gateway\"?"]),
];
