//! What counts as credentials, and that nothing else does.
#![cfg(not(target_arch = "wasm32"))]
#![expect(
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "in tests a panic is the verdict, and the vectors are ASCII"
)]

mod vectors;

extern crate alloc;

use alloc::collections::BTreeMap;

use sts::{ErrorKind, Issued, MAX_ANSWER_BYTES, Retry, StsError, WebIdentityToken, read_answer};
use vectors::{ACCESS_KEY_ID, ASSUMED_ROLE_ARN, EXPIRES_AT, ISSUED, SECRET_ACCESS_KEY, SESSION_TOKEN, TOKEN};

fn read(status: u16, body: &[u8]) -> Result<Issued, StsError> {
    read_answer(status, body, &WebIdentityToken::parse(TOKEN.as_bytes()).unwrap())
}

fn read_ok(body: &str) -> Issued {
    read(200, body.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{body}"))
}

/// The answer is no credentials, and no secret of it is in the error.
fn assert_garbled(body: &str, hint: &str) {
    let error = read(200, body.as_bytes()).err().unwrap_or_else(|| panic!("accepted: {body}"));
    assert_eq!((error.kind, error.retry, error.code.as_str()), (ErrorKind::Garbled, Retry::Soon, "Garbled"), "{body}");
    assert!(!error.denied());
    assert!(error.message.contains(hint), "{hint:?} is not in {:?}\n{body}", error.message);
    assert_shows_no_secret(&error);
}

fn assert_shows_no_secret(error: &StsError) {
    for shown in [format!("{error}"), format!("{error:?}"), format!("{error:#?}")] {
        for secret in [ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN, TOKEN, "wJalrXUtn", "IQoJb3Jp"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(shown.len() < 1024, "{shown}");
    }
}

fn with(from: &str, to: &str) -> String {
    assert_eq!(ISSUED.matches(from).count(), 1, "{from}");
    ISSUED.replace(from, to)
}

#[test]
fn a_documented_answer_is_read_in_full() {
    let issued = read_ok(ISSUED);
    assert_eq!(issued.credentials.access_key_id, ACCESS_KEY_ID);
    assert_eq!(issued.credentials.secret_access_key.expose(), SECRET_ACCESS_KEY);
    assert_eq!(issued.credentials.session_token.as_ref().map(sigv4::Secret::expose), Some(SESSION_TOKEN));
    assert_eq!(issued.expires_at, EXPIRES_AT);
    assert_eq!(issued.assumed_role_arn.as_deref(), Some(ASSUMED_ROLE_ARN));
}

#[test]
fn layout_declaration_order_and_fields_not_known_here_do_not_matter() {
    let expected = read_ok(ISSUED);
    let compact: String = ISSUED.lines().map(str::trim).collect();
    let windows = ISSUED.replace('\n', "\r\n");
    let declared = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{ISSUED}");
    let more = with("<Audience>", "<SourceIdentity>Z&#xe9;</SourceIdentity><New><Deep/></New><Audience>");
    let escaped = with("K7MDENG+", "K7&#77;DENG&#x2B;");
    let expiration = "      <Expiration>2026-11-22T10:00:00Z</Expiration>\n";
    let moved = with(expiration, "").replace("<AccessKeyId>", &format!("{expiration}<AccessKeyId>"));
    let fraction = with("10:00:00Z", "10:00:00.123Z");
    for body in [compact, windows, declared, more, escaped, moved, fraction] {
        assert_eq!(read_ok(&body), expected, "{body}");
    }
}

#[test]
fn the_assumed_role_may_be_missing_but_not_ambiguous() {
    let without: String = {
        let start = ISSUED.find("    <AssumedRoleUser>").unwrap();
        let end = ISSUED.find("    <Provider>").unwrap();
        format!("{}{}", &ISSUED[..start], &ISSUED[end..])
    };
    assert_eq!(read_ok(&without).assumed_role_arn, None);
    assert_garbled(&with("<Audience>", "<AssumedRoleUser/><Audience>"), "AssumedRoleUser: there twice");
    assert_garbled(&with(&format!("<Arn>{ASSUMED_ROLE_ARN}</Arn>"), ""), "Arn: missing");
    assert_garbled(&with(ASSUMED_ROLE_ARN, "arn:aws:sts::1:assumed-role/r/a b"), "Arn: empty or not of its form");
}

#[test]
fn each_field_must_be_there_exactly_once_and_not_be_empty() {
    let fields = BTreeMap::from([
        ("AccessKeyId", ACCESS_KEY_ID),
        ("SecretAccessKey", SECRET_ACCESS_KEY),
        ("SessionToken", SESSION_TOKEN),
        ("Expiration", "2026-11-22T10:00:00Z"),
    ]);
    for (name, value) in fields {
        let field = format!("<{name}>{value}</{name}>");
        assert_garbled(&with(&field, ""), &format!("{name}: missing"));
        assert_garbled(&with(&field, &format!("{field}{field}")), &format!("{name}: there twice"));
        assert_garbled(&with(&field, &format!("<{name}/>{field}")), &format!("{name}: there twice"));
        assert_garbled(&with(&field, &format!("<{name}></{name}>")), &format!("{name}: empty"));
        assert_garbled(&with(&field, &format!("<{name}/>")), &format!("{name}: empty"));
        assert_garbled(&with(&field, &format!("<{name}> {value}</{name}>")), &format!("{name}: empty or not"));
        assert_garbled(&with(&field, &format!("<{name}>{value}\n</{name}>")), &format!("{name}: empty or not"));
        assert_garbled(&with(&field, &format!("<{name}>{value}é</{name}>")), &format!("{name}: empty or not"));
        assert_garbled(
            &with(&field, &format!("<{name}>{value}&#13;&#10;x: y</{name}>")),
            &format!("{name}: empty or not"),
        );
        assert_garbled(&with(&field, &format!("<{name}><b>{value}</b></{name}>")), &format!("{name}: empty"));
        assert_garbled(&with(&field, &format!("<{name} xmlns='urn:x'>{value}</{name}>")), &format!("{name}: missing"));
        assert_garbled(&with(&field, &format!("<{name}><![CDATA[{value}]]></{name}>")), "CDATA");
    }
}

#[test]
fn each_field_has_its_form() {
    for id in ["ASIATESTTEST001", "asiatesttesttest0001", "ASIA-TEST-TEST-TEST-1", &"A".repeat(129)] {
        assert_garbled(&with(ACCESS_KEY_ID, id), "AccessKeyId: empty or not of its form");
    }
    for id in ["A".repeat(16), "A".repeat(128)] {
        assert_eq!(read_ok(&with(ACCESS_KEY_ID, &id)).credentials.access_key_id, id);
    }
    for time in [
        "2026-11-22",
        "1795341600",
        "2026-11-22T10:00:00+01:00",
        "2026-02-30T10:00:00Z",
        "tomorrow",
        "1969-01-01T00:00:00Z",
    ] {
        assert_garbled(&with("2026-11-22T10:00:00Z", time), "Expiration: empty or not of its form");
    }
}

#[test]
fn result_and_credentials_must_be_there_exactly_once_and_in_their_place() {
    let credentials = {
        let start = ISSUED.find("<Credentials>").unwrap();
        let end = ISSUED.find("</Credentials>").unwrap() + "</Credentials>".len();
        &ISSUED[start..end]
    };
    assert_garbled(&with(credentials, ""), "Credentials: missing");
    assert_garbled(&with(credentials, &credentials.repeat(2)), "Credentials: there twice");
    assert_garbled(&with(credentials, &format!("<Inner>{credentials}</Inner>")), "Credentials: missing");
    let elsewhere = with(credentials, "").replace("<ResponseMetadata>", &format!("{credentials}<ResponseMetadata>"));
    assert_garbled(&elsewhere, "Credentials: missing");
    assert_garbled(
        &with("  <ResponseMetadata>", "<AssumeRoleWithWebIdentityResult/><ResponseMetadata>"),
        "AssumeRoleWithWebIdentityResult: there twice",
    );
    let renamed = ISSUED.replace("AssumeRoleWithWebIdentityResult", "AssumeRoleResult");
    assert_garbled(&renamed, "AssumeRoleWithWebIdentityResult: missing");
}

#[test]
fn another_root_or_another_namespace_is_refused() {
    let hint = "AssumeRoleWithWebIdentityResponse: missing, or in another namespace";
    assert_garbled(&ISSUED.replace("AssumeRoleWithWebIdentityResponse", "AssumeRoleResponse"), hint);
    let namespace = " xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"";
    for other in [
        "",
        " xmlns=\"\"",
        " xmlns=\"https://sts.amazonaws.com/doc/2011-06-15\"",
        " xmlns=\"http://sts.amazonaws.com/doc/2011-06-15/\"",
    ] {
        assert_garbled(&with(namespace, other), hint);
    }
    let prefixed = ISSUED.replace("</", "</s:").replace("  <", "  <s:").replace("s:/s:", "/s:");
    assert_garbled(&prefixed, "body");
    assert_garbled("<html><body>504</body></html>", hint);
    assert_garbled("{\"AssumeRoleWithWebIdentityResponse\":{}}", "the XML ends early");
    assert_garbled("", "the XML ends early");
    assert_garbled(&vectors::refusal("AccessDenied", "no"), hint);
}

#[test]
fn document_types_and_entity_bombs_are_refused_at_once() {
    let bomb = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]>{}",
        with(SECRET_ACCESS_KEY, "&b;")
    );
    assert_garbled(&bomb, "document type");
    assert_garbled(&format!("<!DOCTYPE x SYSTEM \"file:///etc/passwd\">{ISSUED}"), "document type");
    assert_garbled(&with(SECRET_ACCESS_KEY, "&b;"), "a reference");
    assert_garbled(&with("<Credentials>", "<Credentials><!-- -->"), "a comment");
    assert_garbled(&with("<Credentials>", "<Credentials><?x?>"), "a processing instruction");
    assert_garbled(&with("<Audience>", &"<a>".repeat(20_000)), "nested too deeply");
    assert_garbled(&with("<Audience>", &format!("{}<Audience>", "<a/>".repeat(10_000))), "too many elements");
}

#[test]
fn an_answer_over_the_limit_is_refused_unread() {
    let padded = |len: usize| format!("{ISSUED}{}", " ".repeat(len - ISSUED.len()));
    assert_eq!(read_ok(&padded(MAX_ANSWER_BYTES)), read_ok(ISSUED));
    assert_garbled(&padded(MAX_ANSWER_BYTES + 1), "body: too large");
    let error = read(200, &[b'<', 0xFF]).unwrap_err();
    assert!(error.message.contains("not UTF-8"), "{error}");
}

#[test]
fn only_status_200_hands_out_credentials() {
    for status in
        [0, 100, 199, 201, 202, 204, 206, 299, 301, 304, 307, 400, 403, 404, 429, 500, 503, 599, 600, u16::MAX]
    {
        let error = read(status, ISSUED.as_bytes()).unwrap_err();
        let kind = match status {
            429 => ErrorKind::Throttled,
            500..=599 => ErrorKind::Unavailable,
            _ => ErrorKind::Garbled,
        };
        assert_eq!((error.kind, error.retry, error.code.as_str()), (kind, Retry::Soon, kind.as_str()), "{status}");
        assert!(error.message.contains(&status.to_string()), "{error}");
        assert_shows_no_secret(&error);
    }
}

#[test]
fn every_beginning_of_an_answer_is_an_error_without_its_secrets() {
    let answer = ISSUED.trim_end();
    for (end, _) in answer.char_indices() {
        assert_garbled(&answer[..end], "body");
    }
    assert_eq!(read_ok(answer), read_ok(ISSUED));
}

/// The fields as `roxmltree`, which shares no code with the crate, finds them.
fn by_oracle(body: &str) -> Option<BTreeMap<String, String>> {
    let document = roxmltree::Document::parse(body).ok()?;
    let credentials = document.descendants().find(|node| node.has_tag_name("Credentials"))?;
    let fields = credentials.children().filter(roxmltree::Node::is_element);
    Some(fields.map(|node| (node.tag_name().name().to_owned(), node.text().unwrap_or_default().to_owned())).collect())
}

#[test]
fn a_changed_byte_yields_only_what_another_xml_parser_reads_too() {
    // Only what is read, in one line: fewer places, and every byte in each.
    let parts = [
        "<AssumedRole",
        "  <Audience",
        "  <Provider",
        "<Subject",
        "<RequestId",
        "ResponseMetadata",
        "</AssumedRole",
        "<Arn",
    ];
    let lines = ISSUED.lines().filter(|line| !parts.iter().any(|part| line.contains(part)));
    let small: String = lines.map(str::trim).collect();
    let original = read_ok(&small);
    let mut body = small.into_bytes();
    let mut accepted = 0;
    for position in 0..body.len() {
        let kept = body[position];
        for byte in (0..=255_u8).filter(|byte| *byte != kept) {
            body[position] = byte;
            let Ok(issued) = read(200, &body) else { continue };
            accepted += 1;
            if issued == original {
                continue;
            }
            let fields = by_oracle(core::str::from_utf8(&body).unwrap()).unwrap();
            assert_eq!(fields["AccessKeyId"], issued.credentials.access_key_id);
            assert_eq!(fields["SecretAccessKey"], issued.credentials.secret_access_key.expose());
            assert_eq!(
                Some(fields["SessionToken"].as_str()),
                issued.credentials.session_token.as_ref().map(sigv4::Secret::expose)
            );
            assert!(fields["Expiration"].ends_with('Z'));
        }
        body[position] = kept;
    }
    assert!(accepted > 10_000, "the test reaches accepted answers: {accepted}");
}

#[test]
fn credentials_past_their_expiry_are_told_from_valid_ones_by_the_time_that_is_passed_in() {
    let issued = read_ok(ISSUED);
    for now in [0, EXPIRES_AT - 1] {
        assert_eq!(issued.check_valid_at(now), Ok(()));
    }
    for now in [EXPIRES_AT, EXPIRES_AT + 1, u64::MAX] {
        let error = issued.check_valid_at(now).unwrap_err();
        assert_eq!((error.kind, error.retry), (ErrorKind::AlreadyExpired, Retry::Soon));
        assert!(error.message.contains("1795341600") && error.message.contains("clock"), "{error}");
        assert_shows_no_secret(&error);
    }
}

#[test]
fn no_output_shows_a_secret_of_issued_credentials() {
    let issued = read_ok(ISSUED);
    for shown in [format!("{issued:?}"), format!("{issued:#?}")] {
        assert!(shown.contains(ACCESS_KEY_ID) && shown.contains(ASSUMED_ROLE_ARN));
        assert!(!shown.contains(SECRET_ACCESS_KEY) && !shown.contains(SESSION_TOKEN), "{shown}");
    }
}
