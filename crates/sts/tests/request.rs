//! What goes out: the token's shape, the form, the endpoint.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod vectors;

use sts::{
    AssumeRole, CONTENT_TYPE, HEADERS, MAX_TOKEN_BYTES, Partition, TokenError, WebIdentityToken, regional_endpoint,
};
use vectors::TOKEN;

const ASK: AssumeRole<'_> = AssumeRole {
    role_arn: "arn:aws:iam::123456789012:role/mybucket-proxy",
    session_name: "my-bucket",
    duration_seconds: 3600,
    policy: None,
};

fn token() -> WebIdentityToken {
    WebIdentityToken::parse(TOKEN.as_bytes()).unwrap()
}

#[test]
fn a_token_is_taken_without_the_white_space_around_it() {
    for text in [TOKEN.to_owned(), format!("{TOKEN}\n"), format!(" \t\r\n{TOKEN}\r\n ")] {
        assert_eq!(WebIdentityToken::parse(text.as_bytes()).unwrap().expose(), TOKEN);
    }
    assert_eq!(WebIdentityToken::parse(b"a.b.c").unwrap().expose(), "a.b.c");
    assert_eq!(WebIdentityToken::parse(b"-_aZ09.b.c").unwrap().expose(), "-_aZ09.b.c");
}

#[test]
fn what_is_no_token_is_refused_with_its_reason() {
    for empty in ["", "\n", " \t\r\n"] {
        assert_eq!(WebIdentityToken::parse(empty.as_bytes()), Err(TokenError::Empty), "{empty:?}");
    }
    let page: &[u8] = b"<html><body>404.html not.found</body></html>";
    let others: [&[u8]; 19] = [
        b"a",
        b"a.b",
        b"a.b.c.d",
        b"..",
        b"a..c",
        b".b.c",
        b"a.b.",
        b"a.b.c.",
        b".a.b.c",
        b"a.b.c=",
        b"a.b.c+",
        b"a.b.c/d",
        b"a b.c.d",
        b"a.b.c\nd",
        b"a.b.c\0",
        b"a.b.\xFF",
        "a.b.é".as_bytes(),
        b"{\"a\":1}.b.c",
        page,
    ];
    for other in others {
        assert_eq!(WebIdentityToken::parse(other), Err(TokenError::NotAJwt), "{other:?}");
    }
}

#[test]
fn a_token_has_a_largest_size() {
    let of_size = |len: usize| format!("a.{}.c", "b".repeat(len - 4));
    assert_eq!(WebIdentityToken::parse(of_size(MAX_TOKEN_BYTES).as_bytes()).unwrap().expose().len(), 16_384);
    let padded = format!("{}\n\n\n", of_size(MAX_TOKEN_BYTES));
    assert!(WebIdentityToken::parse(padded.as_bytes()).is_ok(), "white space does not count");
    let error = WebIdentityToken::parse(of_size(MAX_TOKEN_BYTES + 1).as_bytes()).unwrap_err();
    assert_eq!(error, TokenError::TooLarge { len: 16_385, limit: 16_384 });
}

#[test]
fn token_errors_say_where_to_look_in_lower_case_without_a_dot() {
    for error in [TokenError::Empty, TokenError::TooLarge { len: 99_999, limit: MAX_TOKEN_BYTES }, TokenError::NotAJwt]
    {
        let text = error.to_string();
        assert!(text.starts_with(char::is_lowercase) && !text.ends_with('.') && text.contains("look at"), "{text}");
    }
    assert!(TokenError::TooLarge { len: 99_999, limit: 16_384 }.to_string().contains("99999 bytes, more than 16384"));
}

#[test]
fn the_form_is_that_of_the_api_reference() {
    let token = WebIdentityToken::parse(b"aa.bb.cc").unwrap();
    assert_eq!(
        core::str::from_utf8(ASK.form_body(&token).expose()).unwrap(),
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15\
         &RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fmybucket-proxy\
         &RoleSessionName=my-bucket&DurationSeconds=3600&WebIdentityToken=aa.bb.cc"
    );
    let policy = AssumeRole {
        policy: Some("{\"a\": \"*~\u{e9}\"}"),
        session_name: "a+b=c,d.e@f_",
        duration_seconds: 43_200,
        ..ASK
    };
    assert_eq!(
        core::str::from_utf8(policy.form_body(&token).expose()).unwrap(),
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15\
         &RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fmybucket-proxy\
         &RoleSessionName=a%2Bb%3Dc%2Cd.e%40f_&DurationSeconds=43200\
         &Policy=%7B%22a%22%3A%20%22%2A~%C3%A9%22%7D&WebIdentityToken=aa.bb.cc"
    );
}

#[test]
fn the_headers_are_fixed_lower_case_and_hold_no_secret() {
    assert_eq!(CONTENT_TYPE, "application/x-www-form-urlencoded");
    assert_eq!(HEADERS.map(|(name, _)| name), ["content-type", "user-agent"]);
    assert!(HEADERS[1].1.starts_with("meshbridge/"));
}

#[test]
fn the_endpoint_is_regional_in_every_partition() {
    for (region, host) in [
        ("us-west-2", "sts.us-west-2.amazonaws.com"),
        ("us-east-1", "sts.us-east-1.amazonaws.com"),
        ("eu-central-2", "sts.eu-central-2.amazonaws.com"),
        ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
        ("cn-northwest-1", "sts.cn-northwest-1.amazonaws.com.cn"),
        ("us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
        ("us-gov-east-1", "sts.us-gov-east-1.amazonaws.com"),
    ] {
        assert_eq!(regional_endpoint(region, Partition::of_region(region).unwrap()), host);
    }
}

#[test]
fn a_region_has_one_partition_or_none_that_is_supported() {
    for region in
        ["us-iso-east-1", "us-iso-west-1", "us-isob-east-1", "us-isof-south-1", "eu-isoe-west-1", "eusc-de-east-1"]
    {
        assert_eq!(Partition::of_region(region), None, "{region}");
    }
    for (region, partition) in [
        ("ap-southeast-7", Partition::Aws),
        ("mx-central-1", Partition::Aws),
        ("eu-south-2", Partition::Aws),
        ("cn-north-1", Partition::AwsCn),
        ("us-gov-west-1", Partition::AwsUsGov),
    ] {
        assert_eq!(Partition::of_region(region), Some(partition), "{region}");
    }
}

#[test]
fn a_partition_reads_back_from_its_arn_field() {
    for partition in [Partition::Aws, Partition::AwsCn, Partition::AwsUsGov] {
        assert_eq!(Partition::from_arn_field(partition.as_str()), Some(partition));
    }
    for other in ["", "AWS", "aws-iso", "aws-iso-b", "aws-eusc", "aws ", "gcp"] {
        assert_eq!(Partition::from_arn_field(other), None, "{other}");
    }
}

#[test]
fn no_output_shows_the_token() {
    let body = ASK.form_body(&token());
    let shown =
        format!("{:?} {:#?} {:?} {:#?} {:?}", token(), token(), body, body, WebIdentityToken::parse(TOKEN.as_bytes()));
    assert_eq!(shown, "[token] [token] [form with token] [form with token] Ok([token])");
    let parts = TOKEN.split('.').chain([TOKEN]);
    for error in
        [WebIdentityToken::parse(format!("{TOKEN}.x").as_bytes()), WebIdentityToken::parse(TOKEN.repeat(99).as_bytes())]
    {
        let shown = format!("{error:?} {}", error.as_ref().unwrap_err());
        assert!(parts.clone().all(|part| !shown.contains(part)), "{shown}");
    }
}
