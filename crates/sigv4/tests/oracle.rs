//! Random requests, signed by this crate and by AWS's own aws-sigv4: both must say the same.
//!
//! The meaning: a server that verifies what is on the wire after our rewriting agrees with the signature.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, reason = "an oracle that cannot answer is a failed test")]

mod random;

use core::time::Duration;
use std::time::SystemTime;

use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SessionTokenMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode,
};
use aws_sigv4::sign::v4;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use sigv4::{
    CanonicalTarget, Credentials, Header, Options, PathRules, PayloadHash, Request, Scope, Secret, SessionToken,
    Signer, Timestamp,
};

proptest! {
    #![proptest_config(random::cases(3000))]

    #[test]
    fn a_server_agrees_with_the_signature_of_what_is_on_the_wire(
        message in message(), target in random::target(), signing in signing(), identity in identity(), at in seconds(),
    ) {
        let target = CanonicalTarget::parse(&target, signing.rules()).unwrap();
        let wire = core::str::from_utf8(target.as_bytes()).unwrap();
        let mut signer = signing.signer();
        prop_assert_eq!(
            ours(&mut signer, &message, &target, &identity, at),
            oracle(&signing, &message, wire, &identity, at),
            "{}", String::from_utf8_lossy(signer.last_canonical_request())
        );
    }
}

proptest! {
    #![proptest_config(random::cases(2000))]

    #[test]
    fn a_server_agrees_before_the_rewriting_where_it_reads_the_raw_target_alike(
        message in message(), (signing, target) in signing_of_raw(), identity in identity(), at in seconds(),
    ) {
        let canonical = CanonicalTarget::parse(target.as_bytes(), signing.rules()).unwrap();
        let mut signer = signing.signer();
        prop_assert_eq!(
            ours(&mut signer, &message, &canonical, &identity, at),
            oracle(&signing, &message, &target, &identity, at),
            "{}", String::from_utf8_lossy(signer.last_canonical_request())
        );
    }
}

proptest! {
    #![proptest_config(random::cases(200))]

    #[test]
    fn a_signer_that_is_used_again_agrees_each_time(
        signing in signing(),
        identities in vec(identity(), 2),
        uses in vec((message(), random::target(), 0_usize..2, select(vec![0, 86_399, 86_400, 1_440_938_160])), 2..10),
    ) {
        let mut signer = signing.signer();
        for (message, target, identity, at) in uses {
            let target = CanonicalTarget::parse(&target, signing.rules()).unwrap();
            let wire = core::str::from_utf8(target.as_bytes()).unwrap();
            let identity = identities.get(identity).unwrap();
            prop_assert_eq!(
                ours(&mut signer, &message, &target, identity, at),
                oracle(&signing, &message, wire, identity, at)
            );
        }
    }
}

/// A request but for its target.
#[derive(Clone, Debug)]
struct Message {
    method: String,
    headers: Vec<(String, String)>,
    payload: Payload,
}

#[derive(Clone, Debug)]
enum Payload {
    Bytes(Vec<u8>),
    Hash([u8; 32]),
    Unsigned,
}

/// For which service, and how.
#[derive(Clone, Debug)]
struct Signing {
    service: Service,
    region: String,
    name: String,
    options: Options,
}

#[derive(Clone, Copy, Debug)]
enum Service {
    S3,
    Other,
}

#[derive(Clone, Debug)]
struct Identity {
    id: String,
    secret: String,
    token: Option<String>,
}

impl Signing {
    fn rules(&self) -> PathRules {
        match self.service {
            Service::S3 => PathRules::S3,
            Service::Other => PathRules::STANDARD,
        }
    }

    fn signer(&self) -> Signer {
        Signer::with_options(Scope { region: self.region.clone(), service: self.name.clone() }, self.options)
    }
}

/// The headers that this crate sets, in alphabetical order.
fn ours(
    signer: &mut Signer,
    message: &Message,
    target: &CanonicalTarget,
    identity: &Identity,
    at: u64,
) -> Vec<(String, String)> {
    let headers: Vec<_> =
        message.headers.iter().map(|(name, value)| Header { name, value: value.as_bytes() }).collect();
    let request = Request {
        method: message.method.as_bytes(),
        target,
        headers: &headers,
        payload: match &message.payload {
            Payload::Bytes(bytes) => PayloadHash::of(bytes),
            Payload::Hash(hash) => PayloadHash::Sha256(*hash),
            Payload::Unsigned => PayloadHash::Unsigned,
        },
    };
    let credentials = Credentials {
        access_key_id: identity.id.clone(),
        secret_access_key: Secret::new(identity.secret.clone()),
        session_token: identity.token.clone().map(Secret::new),
    };
    let signed = signer.sign(&request, &credentials, Timestamp::from_unix_seconds(at).unwrap());
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    assert_eq!(signed.signature().len(), 64);
    let mut set: Vec<_> = signed.headers().map(|(name, value)| (name.to_owned(), text(value))).collect();
    set.sort();
    set
}

/// The headers that AWS's signer sets, in alphabetical order.
fn oracle(signing: &Signing, message: &Message, target: &str, identity: &Identity, at: u64) -> Vec<(String, String)> {
    let mut settings = SigningSettings::default();
    (settings.percent_encoding_mode, settings.uri_path_normalization_mode) = match signing.service {
        Service::S3 => (PercentEncodingMode::Single, UriPathNormalizationMode::Disabled),
        Service::Other => (PercentEncodingMode::Double, UriPathNormalizationMode::Enabled),
    };
    settings.payload_checksum_kind = if signing.options.omit_content_sha256 {
        PayloadChecksumKind::NoHeader
    } else {
        PayloadChecksumKind::XAmzSha256
    };
    settings.session_token_mode = match signing.options.session_token {
        SessionToken::Signed => SessionTokenMode::Include,
        SessionToken::Unsigned => SessionTokenMode::Exclude,
    };
    // We sign what we are given; which headers those are is decided elsewhere.
    settings.excluded_headers = None;

    let credentials = aws_credential_types::Credentials::new(
        identity.id.clone(),
        identity.secret.clone(),
        identity.token.clone(),
        None,
        "test",
    )
    .into();
    let parameters = v4::SigningParams::builder()
        .identity(&credentials)
        .region(&signing.region)
        .name(&signing.name)
        .time(SystemTime::UNIX_EPOCH + Duration::from_secs(at))
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let request = SignableRequest::new(
        &message.method,
        format!("https://host.example{target}"),
        message.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())),
        match &message.payload {
            Payload::Bytes(bytes) => SignableBody::Bytes(bytes),
            Payload::Hash(hash) => SignableBody::Precomputed(hash.iter().map(|byte| format!("{byte:02x}")).collect()),
            Payload::Unsigned => SignableBody::UnsignedPayload,
        },
    )
    .unwrap();
    let (instructions, _) = aws_sigv4::http_request::sign(request, &parameters).unwrap().into_parts();
    let mut set: Vec<_> = instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    set.sort();
    set
}

fn message() -> impl Strategy<Value = Message> {
    (
        prop_oneof![select(vec!["GET", "HEAD", "PUT", "POST", "DELETE"]).prop_map(str::to_owned), "[A-Za-z!-]{1,9}"],
        vec((header_name(), header_value()), 0..8),
        "[a-z0-9.-]{1,20}(:[1-9][0-9]{1,4})?",
        prop_oneof![
            Just(Payload::Bytes(Vec::new())),
            Just(Payload::Unsigned),
            vec(any::<u8>(), 1..200).prop_map(Payload::Bytes),
            any::<[u8; 32]>().prop_map(Payload::Hash),
        ],
    )
        .prop_map(|(method, mut headers, host, payload)| {
            headers.insert(headers.len() / 2, ("host".into(), host));
            Message { method, headers, payload }
        })
}

/// Few names, so that some come twice; any token (RFC 9110, section 5.6.2) but what signing itself sets.
fn header_name() -> impl Strategy<Value = String> {
    let known = [
        "content-type",
        "content-md5",
        "content-length",
        "range",
        "user-agent",
        "x-mesh-caller",
        "x-amz-meta-a",
        "x-amz-meta-a-b",
        "x-amz-target",
        "x-amz-storage-class",
        "x-amzn-trace-id",
        "x-amz-",
        "transfer-encoding",
    ];
    let reserved = ["host", "authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"];
    prop_oneof![3 => select(known.to_vec()).prop_map(str::to_owned), 1 => "[a-z0-9!#$%&'*+.^_`|~-]{1,8}"]
        .prop_filter("set by signing", move |name| !reserved.contains(&&**name))
}

/// Any text that HTTP allows, padded with spaces. A tab at an end is white space of the line (RFC 9110, section 5.5),
/// gone before a server looks at the value, but aws-sigv4 trims spaces only.
fn header_value() -> impl Strategy<Value = String> {
    let piece =
        prop_oneof![3 => "[!-~]{1,8}", 1 => "[\u{a0}-\u{ffff}\u{1f600}]{1,3}", 2 => " {1,4}", 1 => Just("\t".into())];
    (" {0,3}", vec(piece, 0..6), " {0,3}")
        .prop_map(|(before, pieces, after)| format!("{before}{}{after}", pieces.concat().trim_matches([' ', '\t'])))
}

fn signing() -> impl Strategy<Value = Signing> {
    let options = (any::<bool>(), any::<bool>()).prop_map(|(unsigned, omit_content_sha256)| Options {
        session_token: if unsigned { SessionToken::Unsigned } else { SessionToken::Signed },
        omit_content_sha256,
    });
    let service = prop_oneof![
        select(vec!["s3", "s3-outposts", "s3-object-lambda"]).prop_map(|name| (Service::S3, name)),
        select(vec!["execute-api", "lambda", "sts", "dynamodb"]).prop_map(|name| (Service::Other, name)),
    ];
    (service, "[a-z]{2}(-gov|-iso)?-[a-z]{4,9}-[1-9]", options).prop_map(|((service, name), region, options)| Signing {
        service,
        region,
        name: name.into(),
        options,
    })
}

/// Secrets up to well past a block of SHA-256.
fn identity() -> impl Strategy<Value = Identity> {
    ("A[A-Z0-9]{15,127}", "[!-~]{1,100}", option::of("[A-Za-z0-9+/=]{1,400}"))
        .prop_map(|(id, secret, token)| Identity { id, secret, token })
}

/// Up to the end of the year 9999.
fn seconds() -> impl Strategy<Value = u64> {
    prop_oneof![0_u64..4_102_444_800, 0_u64..=253_402_300_799]
}

fn signing_of_raw() -> impl Strategy<Value = (Signing, String)> {
    signing().prop_flat_map(|signing| {
        let target = raw(signing.service);
        (Just(signing), target)
    })
}

/// A raw target that aws-sigv4 reads as we do. It takes the path for encoded already, so that only dot segments and
/// empty ones are left for it to resolve; the query it decodes, encodes and sorts by itself.
fn raw(service: Service) -> impl Strategy<Value = String> {
    let escape = |text: &str| String::from_utf8(random::escaped(text.as_bytes(), true)).unwrap();
    let segments = match service {
        Service::S3 => vec!["/", "//", "/.", "/.."],
        Service::Other => vec!["/", "//", "/.", "/..", "/a/../", "%2F"],
    };
    let path = prop_oneof![
        3 => select(segments).prop_map(str::to_owned),
        3 => "[A-Za-z0-9._~-]{1,5}",
        1 => "[ !-,:-@\\[-^`{|}\u{7f}-\u{9f}\u{1234}]".prop_map(move |text| escape(&text)),
    ];
    let query = prop_oneof![
        3 => select(vec!["&", "=", "&&", "+"]).prop_map(str::to_owned),
        3 => "[A-Za-z0-9._~-]{1,5}",
        1 => "[!$'()*,/:;?@]",
        1 => (any::<char>().prop_filter("NUL", |c| *c != '\0'), any::<bool>())
            .prop_map(|(c, upper)| String::from_utf8(random::escaped(c.to_string().as_bytes(), upper)).unwrap()),
    ];
    (vec(path, 0..10), option::of(vec(query, 0..14))).prop_map(|(path, query)| {
        let query = query.map(|query| format!("?{}", query.concat()));
        format!("/{}{}", path.concat(), query.unwrap_or_default())
    })
}
