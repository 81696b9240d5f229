//! What passes in headers, and what does not.

use super::*;

const AUTHORITY: &str = "staging.ledger.mesh.example.com";

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    lines
        .iter()
        .map(|(name, value)| (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap()))
        .fold(HeaderMap::new(), |mut map, (name, value)| {
            map.append(name, value);
            map
        })
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

fn cleaned(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = headers(lines);
    clean_request(&mut headers, Version::HTTP_11, HeaderValue::from_static(AUTHORITY));
    headers
}

fn refusal(lines: &[(&str, &str)]) -> Option<Malformed> {
    read(&headers(lines), false).err()
}

#[test]
fn what_is_for_one_hop_stays_behind() {
    let clean = cleaned(&[
        ("host", "ledger"),
        ("connection", "close, X-Mine"),
        ("connection", "x-other"),
        ("x-mine", "1"),
        ("x-other", "1"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("proxy-authorization", "Basic x"),
        ("te", "trailers"),
        ("trailer", "x-sum"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("http2-settings", "x"),
        ("expect", "100-continue"),
        ("accept", "*/*"),
    ]);
    assert_eq!(names(&clean), ["accept", "host", "via"]);
}

#[test]
fn what_only_a_proxy_may_claim_stays_behind() {
    let clean = cleaned(&[
        ("host", "ledger"),
        ("x-forwarded-client-cert", "URI=spiffe://mesh.example.com/staging/admin"),
        ("x-forwarded-for", "10.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-anything", "1"),
        ("forwarded", "for=10.0.0.1"),
        ("x-real-ip", "10.0.0.1"),
        ("client-cert", ":x:"),
        ("client-cert-chain", ":x:"),
        ("x-client-cert", "x"),
        ("x-ssl-client-s-dn", "CN=admin"),
        ("x-envoy-internal", "true"),
        ("x-envoy-upstream-rq-timeout-ms", "1"),
        ("x-meshbridge-token", "secret"),
        ("x-meshbridge-timeout-ms", "5"),
        ("x-meshbridge-error", "none"),
        ("authorization", "Bearer mine"),
        ("x-request-id", "1"),
        ("cookie", "a=b"),
    ]);
    assert_eq!(names(&clean), ["authorization", "cookie", "host", "via", "x-request-id"]);
}

#[test]
fn the_app_sees_its_own_name_and_that_a_proxy_was_there() {
    let clean = cleaned(&[("host", "ledger"), ("via", "1.0 before"), ("content-length", "5")]);
    assert_eq!(clean[HOST], AUTHORITY);
    assert_eq!(clean.get_all(VIA).iter().collect::<Vec<_>>(), ["1.0 before", "1.1 meshbridge"]);
    assert_eq!(clean[CONTENT_LENGTH], "5");
}

#[test]
fn an_answer_has_no_word_of_ours_and_nothing_for_one_hop() {
    let mut answer = headers(&[
        ("x-meshbridge-error", "access-denied"),
        ("x-meshbridge-anything", "1"),
        ("connection", "x-mine"),
        ("x-mine", "1"),
        ("transfer-encoding", "chunked"),
        ("proxy-authenticate", "Basic"),
        ("upgrade", "h2c"),
        ("keep-alive", "timeout=5"),
        ("content-type", "text/plain"),
        ("set-cookie", "a=b"),
        ("set-cookie", "c=d"),
    ]);
    clean_response(&mut answer);
    assert_eq!(names(&answer), ["content-type", "set-cookie"]);
    assert_eq!(answer.get_all("set-cookie").iter().count(), 2);
}

#[test]
fn an_option_that_would_hide_a_header_of_the_message_is_refused() {
    for option in ["host", "Content-Length", "close, transfer-encoding"] {
        assert_eq!(refusal(&[("connection", option)]), Some(malformed::CONNECTION), "{option}");
    }
    assert_eq!(refusal(&[("connection", "keep-alive, x-mine")]), None);
}

#[test]
fn only_100_continue_is_expected() {
    assert_eq!(refusal(&[("expect", "100-Continue")]), None);
    for expectation in ["200-ok", "100-continue, x", ""] {
        assert_eq!(refusal(&[("expect", expectation)]), Some(malformed::EXPECTATION), "{expectation}");
    }
    assert_eq!(refusal(&[("expect", "100-continue"), ("expect", "x")]), Some(malformed::EXPECTATION));
}

#[test]
fn an_upgrade_is_refused_but_for_the_offer_of_h2c_which_is_not_taken() {
    assert_eq!(refusal(&[("upgrade", "websocket")]), Some(malformed::UPGRADE));
    assert_eq!(refusal(&[("upgrade", "h2c, websocket")]), Some(malformed::UPGRADE));
    assert_eq!(refusal(&[("upgrade", "h2c"), ("upgrade", "TLS/1.0")]), Some(malformed::UPGRADE));
    assert_eq!(refusal(&[("upgrade", "h2c")]), None);
}

#[test]
fn a_token_is_taken_from_its_header_and_in_the_proxy_form_from_the_credentials_too() {
    let token = |lines: &[(&str, &str)], proxy_form| {
        read(&headers(lines), proxy_form).unwrap().token.map(|token| String::from_utf8(token.0.to_vec()).unwrap())
    };
    let basic = ("proxy-authorization", "Basic bWVzaGJyaWRnZTp0aGUtdG9rZW4=");
    assert_eq!(token(&[("x-meshbridge-token", "the-token")], false).as_deref(), Some("the-token"));
    assert_eq!(token(&[("x-meshbridge-token", "the-token")], true).as_deref(), Some("the-token"));
    assert_eq!(token(&[basic], true).as_deref(), Some("the-token"));
    assert_eq!(
        token(&[("proxy-authorization", "bASIC  bWVzaGJyaWRnZTp0aGUtdG9rZW4=")], true).as_deref(),
        Some("the-token")
    );
    assert_eq!(token(&[basic], false), None);
    assert_eq!(token(&[], true), None);
    for wrong in ["Basic", "Basic ???", "Bearer bWVzaGJyaWRnZTp0aGUtdG9rZW4=", "Basic b3RoZXI6dGhlLXRva2Vu"] {
        assert_eq!(token(&[("proxy-authorization", wrong)], true).as_deref().unwrap_or_default(), "", "{wrong}");
    }
}

#[test]
fn a_token_that_stands_there_twice_is_refused() {
    let twice = [("x-meshbridge-token", "a"), ("x-meshbridge-token", "a")];
    assert_eq!(refusal(&twice), Some(malformed::TOKEN_TWICE));
    let twice = [("proxy-authorization", "Basic a"), ("proxy-authorization", "Basic a")];
    assert_eq!(read(&headers(&twice), true).err(), Some(malformed::TOKEN_TWICE));
}

#[test]
fn a_presented_token_cannot_be_printed() {
    let to_us = read(&headers(&[("x-meshbridge-token", "the-token")]), false).unwrap();
    assert!(!format!("{to_us:?}").contains("the-token"));
    assert!(!format!("{:?}", to_us.token.unwrap().0.len()).contains("the-token"));
}

#[test]
fn a_timeout_is_one_number_of_milliseconds() {
    let timeout = |value| read(&headers(&[("x-meshbridge-timeout-ms", value)]), false).map(|to_us| to_us.timeout);
    assert_eq!(timeout("1").unwrap(), Some(Duration::from_millis(1)));
    assert_eq!(timeout("900000").unwrap(), Some(Duration::from_secs(900)));
    for wrong in ["0", "900001", "", "-1", "+5", "1.5", "5s", "99999999999999999999"] {
        assert_eq!(timeout(wrong).err(), Some(malformed::TIMEOUT_HEADER), "{wrong}");
    }
    let twice = [("x-meshbridge-timeout-ms", "1"), ("x-meshbridge-timeout-ms", "1")];
    assert_eq!(refusal(&twice), Some(malformed::TIMEOUT_HEADER));
}
