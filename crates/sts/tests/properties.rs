//! Random input: nothing panics, nothing leaks, the form reads back.
#![cfg(not(target_arch = "wasm32"))]

mod vectors;

use proptest::prelude::*;
use sts::{AssumeRole, WebIdentityToken, read_answer};
use vectors::{ISSUED, refusal};

fn any_token() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_-]{1,300}\\.[A-Za-z0-9_-]{1,300}\\.[A-Za-z0-9_-]{1,300}"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_bytes_are_never_credentials(status in any::<u16>(), body in prop::collection::vec(any::<u8>(), 0..512)) {
        let token = WebIdentityToken::parse(b"a.b.c").unwrap();
        for status in [status, 200, 400, 503] {
            let error = read_answer(status, &body, &token).unwrap_err();
            prop_assert!(error.message.chars().count() <= 512);
            prop_assert_eq!(error.retry, error.kind.retry());
        }
    }

    #[test]
    fn an_answer_with_random_damage_never_panics(
        status in prop::sample::select(vec![200_u16, 400, 403, 500]),
        error in any::<bool>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..8),
    ) {
        let mut body = if error { refusal("AccessDenied", "no").into_bytes() } else { ISSUED.as_bytes().to_vec() };
        for (place, byte, how) in damage {
            let place = place.index(body.len().max(1));
            match how {
                0 if place < body.len() => body[place] = byte,
                1 if place < body.len() => { body.remove(place); }
                _ => body.insert(place, byte),
            }
        }
        let token = WebIdentityToken::parse(b"a.b.c").unwrap();
        let _outcome = read_answer(status, &body, &token);
    }

    #[test]
    fn random_bytes_never_panic_as_a_token(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        let _outcome = WebIdentityToken::parse(&bytes);
    }

    #[test]
    fn a_token_is_kept_byte_for_byte(text in any_token()) {
        let token = WebIdentityToken::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(token.expose(), text);
    }

    #[test]
    fn the_form_reads_back_through_another_decoder(
        role_arn in any::<String>(), session_name in any::<String>(), duration_seconds in any::<u32>(),
        policy in prop::option::of(any::<String>()), token in any_token(),
    ) {
        let parsed = WebIdentityToken::parse(token.as_bytes()).unwrap();
        let ask = AssumeRole { role_arn: &role_arn, session_name: &session_name, duration_seconds, policy: policy.as_deref() };
        let body = ask.form_body(&parsed);
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%=&".contains(byte);
        prop_assert!(body.expose().iter().all(allowed));
        let read: Vec<(String, String)> = form_urlencoded::parse(body.expose()).into_owned().collect();
        let mut expected = vec![
            ("Action", "AssumeRoleWithWebIdentity".to_owned()),
            ("Version", "2011-06-15".to_owned()),
            ("RoleArn", role_arn.clone()),
            ("RoleSessionName", session_name.clone()),
            ("DurationSeconds", duration_seconds.to_string()),
        ];
        expected.extend(policy.clone().map(|policy| ("Policy", policy)));
        expected.push(("WebIdentityToken", token.clone()));
        let expected: Vec<(String, String)> = expected.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn no_message_ever_holds_the_token_or_a_long_part_of_it(
        text in any_token(), before in "[ -%'-;=?-~é\n]{0,600}", after in "[ -%'-;=?-~é\n]{0,600}", piece in 0..4_usize,
    ) {
        let token = WebIdentityToken::parse(text.as_bytes()).unwrap();
        let echo = text.split('.').nth(piece).unwrap_or(&text);
        let body = refusal("ValidationError", &format!("{before}{echo}{after}"));
        let error = read_answer(400, body.as_bytes(), &token).unwrap_err();
        prop_assert_eq!(&error.code, "ValidationError");
        prop_assert!(error.message.chars().count() <= 512);
        prop_assert!(!error.message.chars().any(char::is_control));
        let shown = format!("{error} {error:?}");
        prop_assert!(!shown.contains(&text));
        for part in text.split('.').filter(|part| part.len() >= 8) {
            prop_assert!(!shown.contains(part), "{} in {}", part, shown);
        }
    }
}
