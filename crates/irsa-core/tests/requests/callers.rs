//! Who may call, and what the backend is told of it.

use irsa_core::Reason;

use crate::support::{CALLER, Sent, assert_signed_as_aws_would, only, values, warm};

fn of(uri: &str) -> Sent {
    let sent = Sent::get().without("x-forwarded-client-cert").from(Some(uri.as_bytes()));
    sent.with("x-forwarded-client-cert", format!("Hash=1;URI={uri}"))
}

#[test]
fn a_list_of_callers_admits_those_and_nobody_else() {
    let more = r#", "callers": ["spiffe://example.org/web", "spiffe://example.org/ns/shop/*"]"#;
    let mut ingress = warm(true, more);
    for uri in ["spiffe://example.org/web", "spiffe://example.org/ns/shop/a", "spiffe://example.org/ns/shop/a/b"] {
        assert_eq!(only(&of(uri).forwarded(&mut ingress), "x-mesh-caller"), uri);
    }
    for uri in [
        "spiffe://example.org/web2",
        "spiffe://example.org/web/a",
        "spiffe://example.org/ns/shop",
        "spiffe://example.org/ns/shops/a",
        "spiffe://example.com/web",
        "spiffe://example.org/Web",
    ] {
        assert_eq!(of(uri).refused(&mut ingress), Reason::CallerNotAllowed, "{uri}");
    }
}

#[test]
fn without_a_list_every_workload_with_a_certificate_may_call() {
    let mut ingress = warm(true, "");
    for uri in ["spiffe://example.org/a", "spiffe://other.net/b"] {
        assert_eq!(only(&of(uri).forwarded(&mut ingress), "x-mesh-caller"), uri);
    }
    let mut ingress = warm(true, r#", "trust_domain": "example.org""#);
    of("spiffe://example.org/a").forwarded(&mut ingress);
    for uri in ["spiffe://other.net/b", "spiffe://example.org.evil/a", "spiffe://xexample.org/a"] {
        assert_eq!(of(uri).refused(&mut ingress), Reason::CallerTrustDomain, "{uri}");
    }
}

#[test]
fn what_is_no_spiffe_id_of_a_workload_may_not_call() {
    let mut ingress = warm(true, "");
    for uri in [
        "https://example.org/web",
        "spiffe://example.org",
        "spiffe://example.org/",
        "spiffe://example.org/a/../b",
        "spiffe://EXAMPLE.org/a",
        "spiffe://example.org/a?b",
        "urn:uuid:1",
        " spiffe://example.org/a",
    ] {
        assert_eq!(of(uri).refused(&mut ingress), Reason::CallerNotSpiffe, "{uri}");
    }
    let not_text = b"spiffe://example.org/\xff";
    let xfcc = [&b"URI="[..], not_text].concat();
    let sent =
        Sent::get().without("x-forwarded-client-cert").with("x-forwarded-client-cert", xfcc).from(Some(not_text));
    assert_eq!(sent.refused(&mut ingress), Reason::CallerNotSpiffe);
}

#[test]
fn a_certificate_with_two_uris_may_not_call_in_any_order() {
    let mut ingress = warm(true, "");
    let other = "spiffe://example.org/other";
    for xfcc in [
        format!("URI={CALLER};URI={other}"),
        format!("URI={other};URI={CALLER}"),
        format!("URI={CALLER};URI={CALLER}"),
        format!("URI={CALLER},URI={other}"),
        format!("URI={other}"),
        format!("By={CALLER}"),
        String::new(),
    ] {
        let sent = Sent::get().without("x-forwarded-client-cert").with("x-forwarded-client-cert", &xfcc);
        assert_eq!(sent.refused(&mut ingress), Reason::CallerAmbiguous, "{xfcc}");
    }
    let twice = Sent::get().with("x-forwarded-client-cert", format!("URI={CALLER}"));
    assert_eq!(twice.refused(&mut ingress), Reason::CallerAmbiguous);
}

#[test]
fn without_a_certificate_nobody_calls_unless_it_is_spelled_out() {
    for nobody in [None, Some(&b""[..])] {
        assert_eq!(Sent::get().from(nobody).refused(&mut warm(true, "")), Reason::NoClientCertificate);
        let mut open = warm(true, r#", "unauthenticated_callers": "allow""#);
        let headers = Sent::get().from(nobody).with("x-mesh-caller", CALLER).forwarded(&mut open);
        assert!(values(&headers, "x-mesh-caller").is_empty(), "nobody is who they say they are");
        assert_signed_as_aws_would(&headers, true);
        // Whoever shows a certificate is still judged by it.
        assert_eq!(of("https://example.org/web").refused(&mut open), Reason::CallerNotSpiffe);
        assert_eq!(only(&Sent::get().forwarded(&mut open), "x-mesh-caller"), CALLER);
    }
    let more = format!(r#", "unauthenticated_callers": "allow", "callers": ["{CALLER}"]"#);
    assert_eq!(Sent::get().from(None).refused(&mut warm(true, &more)), Reason::CallerNotAllowed);
}

#[test]
fn the_caller_header_can_have_another_name_or_none() {
    let mut named = warm(true, r#", "caller_header": "x-shop-caller""#);
    let headers = Sent::get().with("x-shop-caller", "spiffe://example.org/forged").forwarded(&mut named);
    assert_eq!(only(&headers, "x-shop-caller"), CALLER);
    assert!(values(&headers, "x-mesh-caller").is_empty());
    assert_signed_as_aws_would(&headers, true);
    let headers = Sent::get().forwarded(&mut warm(true, r#", "caller_header": null"#));
    assert!(headers.iter().all(|(_, value)| value != CALLER.as_bytes()));
    assert_signed_as_aws_would(&headers, true);
}

#[test]
fn a_retry_is_of_the_caller_whom_the_first_attempt_verified() {
    let mut ingress = warm(true, "");
    // Its headers are those that the first attempt sent on.
    let first = Sent::get();
    let again = |verified: Option<&str>| Sent {
        headers: first.forwarded(&mut warm(true, "")),
        verified_before: verified.map(Into::into),
        ..Sent::get()
    };
    let headers = again(Some(CALLER)).forwarded(&mut ingress);
    assert_eq!(headers, first.forwarded(&mut ingress), "signed anew, and the same");
    assert_signed_as_aws_would(&headers, true);
    for verified in [None, Some(""), Some("spiffe://example.org/other"), Some("spiffe://example.org/ns/shop/sa/web2")] {
        assert_eq!(again(verified).refused(&mut ingress), Reason::CallerAmbiguous, "{verified:?}");
    }
    // Where the header is there, it counts.
    let other = again(Some(CALLER)).with("x-forwarded-client-cert", "URI=spiffe://example.org/other");
    assert_eq!(other.refused(&mut ingress), Reason::CallerAmbiguous);
    assert_eq!(again(Some(CALLER)).from(None).refused(&mut ingress), Reason::NoClientCertificate);
}
