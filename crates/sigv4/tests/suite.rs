//! AWS's signing test suite, as the aws-sigv4 package carries it: every case, at every value that is published for it.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a case that cannot be read is a failed test")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;
use sigv4::{
    CanonicalTarget, Credentials, Encode, Header, Normalize, Options, PathRules, PayloadHash, Request, Scope, Secret,
    SessionToken, Signer, Timestamp,
};
use time::{Date, Month};

/// One test for each name, which is the name of the case's directory with `_` for `-`.
macro_rules! cases {
    ($($name:ident,)*) => {
        mod case {
            $(#[test] fn $name() { super::check(&super::directory_name(stringify!($name))); })*
        }

        const CASES: &[&str] = &[$(stringify!($name)),*];
    };
}

cases! {
    double_encode_path,
    double_url_encode,
    get_header_key_duplicate,
    get_header_value_multiline,
    get_header_value_order,
    get_header_value_trim,
    get_relative_normalized,
    get_relative_relative_normalized,
    get_relative_relative_unnormalized,
    get_relative_unnormalized,
    get_slash_dot_slash_normalized,
    get_slash_dot_slash_unnormalized,
    get_slash_normalized,
    get_slash_pointless_dot_normalized,
    get_slash_pointless_dot_unnormalized,
    get_slash_unnormalized,
    get_slashes_normalized,
    get_slashes_unnormalized,
    get_space_normalized,
    get_space_unnormalized,
    get_unreserved,
    get_utf8,
    get_vanilla,
    get_vanilla_empty_query_key,
    get_vanilla_query,
    get_vanilla_query_order_encoded,
    get_vanilla_query_order_key_case,
    get_vanilla_query_unreserved,
    get_vanilla_utf8_query,
    get_vanilla_with_session_token,
    post_header_key_case,
    post_header_key_sort,
    post_header_value_case,
    post_sts_header_after,
    post_sts_header_before,
    post_vanilla,
    post_vanilla_empty_query_value,
    post_vanilla_query,
    post_x_www_form_urlencoded,
    post_x_www_form_urlencoded_parameters,
}

#[test]
fn every_directory_of_the_suite_is_a_case_here() {
    let mut directories: Vec<_> =
        SUITE.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    directories.sort();
    let mut cases: Vec<_> = CASES.iter().copied().map(directory_name).collect();
    cases.sort();
    assert_eq!(directories, cases);
    assert_eq!(cases.len(), 40);
}

fn directory_name(test_name: &str) -> String {
    test_name.replace('_', "-")
}

/// The suite's directory in the source of the aws-sigv4 that this workspace is locked to.
///
/// Restricted to this host, so that cargo fetches nothing for other platforms.
static SUITE: LazyLock<PathBuf> = LazyLock::new(|| {
    let cargo = |arguments: &[&str]| {
        let output =
            Command::new(env!("CARGO")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let version = String::from_utf8(cargo(&["--version", "--verbose"])).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata = cargo(&["metadata", "--format-version", "1", "--locked", "--filter-platform", host]);
    let metadata: Value = serde_json::from_slice(&metadata).unwrap();
    let packages = metadata.get("packages").and_then(Value::as_array).unwrap();
    let manifests: Vec<_> = packages
        .iter()
        .filter(|package| package.get("name").and_then(Value::as_str) == Some("aws-sigv4"))
        .map(|package| Path::new(package.get("manifest_path").and_then(Value::as_str).unwrap()))
        .collect();
    assert_eq!(manifests.len(), 1, "{manifests:?}");
    manifests.first().unwrap().with_file_name("aws-signing-test-suite").join("v4")
});

fn check(case: &str) {
    let directory = SUITE.join(case);
    let request = RawRequest::parse(&read(&directory, "request.txt"));
    match case {
        "double-encode-path" => check_double_encode_path(&directory, request),
        // In the old format of the suite, without context.json: its credential scope says what was signed with what.
        "double-url-encode" => {
            let context = Context {
                credentials: credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None),
                scope: Scope { region: "us-east-2".into(), service: "lambda".into() },
                at: timestamp("20210511T154045Z"),
                rules: PathRules::STANDARD,
                options: Options { omit_content_sha256: true, ..Options::default() },
            };
            let values = context.sign(&request);
            assert_text(&values.canonical_request, &read(&directory, "header-canonical-request.txt"));
            assert_text(&values.string_to_sign, &read(&directory, "header-string-to-sign.txt"));
            values.assert_signed_request(&directory, &request);
        }
        _ => {
            let context = Context::from_json(&read(&directory, "context.json"));
            let values = context.sign(&request);
            assert_text(&values.canonical_request, &read(&directory, "header-canonical-request.txt"));
            assert_text(&values.string_to_sign, &read(&directory, "header-string-to-sign.txt"));
            assert_text(&values.signature, &read(&directory, "header-signature.txt"));
            values.assert_signed_request(&directory, &request);
        }
    }
}

/// This case signs a raw `@` in the path, once encoded. We never send one: it becomes `%40` on the wire, and what
/// AWS's servers then expect is `%2540`. So the published values are checked with the wire taken as it is, the second
/// encoding being all that happens to it, and our own values by how they differ from the published ones.
///
/// The case has no context.json either; aws-sigv4's own tests tell its two contexts apart: the canonical request is of
/// 2021, the signed request of 2015 and of other keys.
fn check_double_encode_path(directory: &Path, request: RawRequest) {
    let mut context = Context {
        credentials: credentials("ANOTREAL", "notrealrnrELgWzOk3IfjzDKtFBhDby", None),
        scope: Scope { region: "us-east-1".into(), service: "service".into() },
        at: timestamp("20210511T154045Z"),
        rules: PathRules { normalize: Normalize::Yes, encode: Encode::Once },
        options: Options { omit_content_sha256: true, ..Options::default() },
    };
    let published = String::from_utf8(read(directory, "header-canonical-request.txt")).unwrap();
    let target = String::from_utf8(request.target.clone()).unwrap();
    let as_it_is = RawRequest { target: target.replace('%', "%25").into_bytes(), ..request.clone() };
    assert_text(&context.sign(&as_it_is).canonical_request, published.as_bytes());

    context.at = timestamp("20150830T123600Z");
    let values = context.sign(&as_it_is);
    let published = published.replace("20210511T154045Z", "20150830T123600Z");
    assert_text(&values.canonical_request, published.as_bytes());
    let hash = PayloadHash::of(published.as_bytes());
    let string_to_sign =
        format!("AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n{hash:?}");
    assert_text(&values.string_to_sign, string_to_sign.as_bytes());
    values.assert_signed_request(directory, &request);

    context.rules = PathRules::STANDARD;
    assert_text(&context.sign(&request).canonical_request, published.replace("/%40", "/%2540").as_bytes());
}

/// What a case is signed with.
struct Context {
    credentials: Credentials,
    scope: Scope,
    at: Timestamp,
    rules: PathRules,
    options: Options,
}

impl Context {
    /// All cases with a context.json are for a service that encodes paths once.
    fn from_json(json: &[u8]) -> Self {
        let context: Value = serde_json::from_slice(json).unwrap();
        let text = |pointer: &str| context.pointer(pointer).map(|value| value.as_str().unwrap());
        let flag = |name: &str| context.get(name).map(|value| value.as_bool().unwrap());
        Self {
            credentials: credentials(
                text("/credentials/access_key_id").unwrap(),
                text("/credentials/secret_access_key").unwrap(),
                text("/credentials/token"),
            ),
            scope: Scope { region: text("/region").unwrap().into(), service: text("/service").unwrap().into() },
            at: timestamp(text("/timestamp").unwrap()),
            rules: PathRules {
                normalize: if flag("normalize").unwrap() { Normalize::Yes } else { Normalize::No },
                encode: Encode::Once,
            },
            options: Options {
                session_token: match flag("omit_session_token") {
                    Some(true) => SessionToken::Unsigned,
                    Some(false) | None => SessionToken::Signed,
                },
                omit_content_sha256: !flag("sign_body").unwrap(),
            },
        }
    }

    fn sign(&self, request: &RawRequest) -> Values {
        let target = CanonicalTarget::parse(&request.target, self.rules).unwrap();
        let headers: Vec<_> =
            request.headers.iter().map(|(name, value)| Header { name, value: value.as_slice() }).collect();
        let payload = PayloadHash::of(&request.body);
        let to_sign = Request { method: &request.method, target: &target, headers: &headers, payload };
        let mut signer = Signer::with_options(self.scope.clone(), self.options);
        let signed = signer.sign(&to_sign, &self.credentials, self.at);
        Values {
            signature: signed.signature().to_vec(),
            headers: signed.headers().map(|(name, value)| (name.to_owned(), value.to_vec())).collect(),
            canonical_request: signer.last_canonical_request().to_vec(),
            string_to_sign: signer.last_string_to_sign().to_vec(),
        }
    }
}

/// All that signing brought about.
struct Values {
    canonical_request: Vec<u8>,
    string_to_sign: Vec<u8>,
    signature: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
}

impl Values {
    /// The published signed request has the headers of the request and those that we set: no other, none missing.
    fn assert_signed_request(&self, directory: &Path, request: &RawRequest) {
        let readable = |headers: &mut dyn Iterator<Item = &(String, Vec<u8>)>| {
            let mut lines: Vec<_> =
                headers.map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value))).collect();
            lines.sort();
            lines
        };
        let published = RawRequest::parse_signed(&read(directory, "header-signed-request.txt"));
        let ours = readable(&mut request.headers.iter().chain(&self.headers));
        assert_eq!(ours, readable(&mut published.headers.iter()));
        assert!(ours.iter().any(|line| line.starts_with("authorization: AWS4-HMAC-SHA256 Credential=")));
        assert_eq!(published.body, request.body);
    }
}

/// A request as the suite's files write it, line by line, with any byte anywhere.
#[derive(Clone)]
struct RawRequest {
    method: Vec<u8>,
    target: Vec<u8>,
    /// Names in lower case.
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl RawRequest {
    /// A request to sign. Its `x-amz-date`, where it has one, is left to the signer.
    fn parse(text: &[u8]) -> Self {
        let mut request = Self::parse_signed(text);
        request.headers.retain(|(name, _)| name != "x-amz-date");
        request
    }

    fn parse_signed(text: &[u8]) -> Self {
        let end = text.windows(2).position(|pair| pair == b"\n\n");
        let (head, body) = end.map_or((text, &[][..]), |end| (text.get(..end).unwrap(), text.get(end + 2..).unwrap()));
        let head = head.strip_suffix(b"\n").unwrap_or(head);
        let mut lines = head.split(|&byte| byte == b'\n');

        // A target may hold raw spaces, so that only the first and the last one of the line separate.
        let line = lines.next().unwrap();
        let line = line.strip_suffix(b" HTTP/1.1").unwrap_or(line);
        let space = line.iter().position(|&byte| byte == b' ').unwrap();
        let (method, target) = (line.get(..space).unwrap(), line.get(space + 1..).unwrap());

        let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
        for line in lines {
            // RFC 9112, section 5.2: a folded line continues the value after white space.
            if line.first().unwrap().is_ascii_whitespace() {
                let (_, value) = headers.last_mut().unwrap();
                value.push(b' ');
                value.extend_from_slice(line.trim_ascii());
            } else {
                let colon = line.iter().position(|&byte| byte == b':').unwrap();
                let name = String::from_utf8(line.get(..colon).unwrap().to_ascii_lowercase()).unwrap();
                headers.push((name, line.get(colon + 1..).unwrap().trim_ascii().to_vec()));
            }
        }
        Self { method: method.to_vec(), target: target.to_vec(), headers, body: body.to_vec() }
    }
}

fn credentials(id: &str, secret: &str, token: Option<&str>) -> Credentials {
    Credentials {
        access_key_id: id.into(),
        secret_access_key: Secret::new(secret.into()),
        session_token: token.map(|token| Secret::new(token.into())),
    }
}

/// From `2015-08-30T12:36:00Z` or `20150830T123600Z`.
fn timestamp(text: &str) -> Timestamp {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    assert_eq!(digits.len(), 14, "{text}");
    let field = |from: usize, to: usize| digits.get(from..to).unwrap().parse::<u8>().unwrap();
    let year = digits.get(..4).unwrap().parse().unwrap();
    let date = Date::from_calendar_date(year, Month::try_from(field(4, 6)).unwrap(), field(6, 8)).unwrap();
    let at = date.with_hms(field(8, 10), field(10, 12), field(12, 14)).unwrap().assume_utc();
    Timestamp::from_unix_seconds(at.unix_timestamp().try_into().unwrap()).unwrap()
}

fn read(directory: &Path, file: &str) -> Vec<u8> {
    let path = directory.join(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Equal but for the line feed that ends some of the suite's files.
fn assert_text(ours: &[u8], published: &[u8]) {
    let published = published.strip_suffix(b"\n").unwrap_or(published);
    assert_eq!(String::from_utf8_lossy(ours), String::from_utf8_lossy(published));
    assert_eq!(ours, published);
}
