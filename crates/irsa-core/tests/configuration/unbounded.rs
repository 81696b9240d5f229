//! Configurations without end: nested, long, or of bytes that are no text. None may overflow the stack or the log.

use irsa_core::config::{Host, Plugin};

use super::{FIELDS, four_and, mistakes, parse};

const REMEDY: &str = "give the plugin JSON with service_name, region, backend_hostname and role_arn";

/// Runs on a stack as small as a wasm VM's may be.
fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(512 * 1024).spawn(run).unwrap().join().unwrap();
}

#[test]
fn nesting_without_end_is_refused_before_the_stack_ends() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        for depth in [128, 1_000, 1_000_000] {
            let closed = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let left_open = open.repeat(depth);
            on_a_small_stack(move || {
                for text in [&closed, &left_open] {
                    let found = mistakes(text);
                    let [mistake] = found.as_slice() else { panic!("{found:?}") };
                    assert!(
                        mistake.starts_with("configuration: is not JSON: recursion limit exceeded at line 1"),
                        "{mistake}"
                    );
                    assert!(mistake.ends_with(REMEDY), "{mistake}");
                }
            });
        }
    }
}

#[test]
fn nesting_inside_a_policy_is_bounded_too() {
    let policy = |depth: usize| {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        four_and(&format!(r#""session": {{"policy": {{"Statement": {nested}}}}}"#))
    };
    on_a_small_stack(move || {
        assert!(parse(&policy(120)).is_ok());
        let found = mistakes(&policy(130));
        assert!(found.len() == 1 && found.iter().all(|m| m.contains("recursion limit exceeded")), "{found:?}");
    });
}

#[test]
fn a_long_text_is_cut_in_the_message() {
    let found = mistakes(&four_and(&format!(r#""{}": 1"#, "k".repeat(1_000_000))));
    let known = format!("is not a field that this version knows; remove it; the fields here are {FIELDS}");
    assert_eq!(found, [format!("{}…: {known}", "k".repeat(100))]);
    let found = mistakes(&four_and(&format!(r#""trust_domain": "{}""#, "D".repeat(100_000))));
    let remedy = "write its name alone, in lower case, as example.org";
    assert_eq!(found, [format!("trust_domain: \"{}…\" is not a trust domain; {remedy}", "D".repeat(100))]);
}

#[test]
fn names_have_the_lengths_that_aws_and_spiffe_allow() {
    let name = |len: usize| four_and(&format!(r#""session": {{"name": "{}"}}"#, "n".repeat(len)));
    assert!(parse(&name(64)).is_ok());
    assert_eq!(
        mistakes(&name(65)),
        [format!(
            "session.name: \"{}\" is not a role session name; use 2 to 64 letters, digits and _+=,.@-",
            "n".repeat(65)
        )]
    );
    let prefix = "spiffe://example.org/";
    let caller = |len: usize| four_and(&format!(r#""callers": ["{prefix}{}"]"#, "c".repeat(len - prefix.len())));
    assert!(parse(&caller(2048)).is_ok());
    assert_eq!(
        mistakes(&caller(2049)),
        [format!(
            "callers[0]: \"{prefix}{}…\" is longer than 2048 bytes; write it as spiffe://example.org/path/of/the/workload",
            "c".repeat(100 - prefix.len())
        )]
    );
}

#[test]
fn a_policy_has_at_most_2048_characters_without_white_space() {
    let policy = |chars: usize| {
        let text = "é".repeat(chars - r#"{"Statement":""}"#.len());
        four_and(&format!(r#""session": {{"policy": {{   "Statement" : "{text}"   }} }}"#))
    };
    assert!(parse(&policy(2048)).is_ok());
    assert_eq!(
        mistakes(&policy(2049)),
        ["session.policy: has 2049 characters without white space; STS takes 2048; \
          say less here, and more in the role's own policy"]
    );
}

#[test]
fn every_mistake_of_a_long_list_is_reported() {
    let callers: Vec<String> = (0..1000).map(|index| format!("\"caller {index}\"")).collect();
    let found = mistakes(&four_and(&format!("\"callers\": [{}]", callers.join(","))));
    assert_eq!(found.len(), 1000);
    assert_eq!(
        found.last().unwrap(),
        "callers[999]: \"caller 999\" does not begin with spiffe://; \
         write it as spiffe://example.org/path/of/the/workload"
    );
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    for bytes in
        [&b"{\"service_name\": \"s3\xff\"}"[..], b"\xfe\xff\x00{", b"{\"\\ud800\": 1}", b"{\"a\": \"\x00\"}", b"\0"]
    {
        let found = Plugin::parse(bytes, Host { vm_id: "irsa-signer" }).unwrap_err();
        assert!(found.iter().all(|mistake| mistake.field == "configuration"), "{found}");
        assert_eq!(found.iter().count(), 1);
    }
}

#[test]
fn every_beginning_of_a_right_configuration_is_wrong() {
    let text =
        four_and(r#""callers": ["spiffe://example.org/web"], "session": {"policy": {"Statement": [1, true, null]}}"#);
    for end in 0..text.len() {
        assert!(!mistakes(text.get(..end).unwrap()).is_empty());
    }
    assert!(parse(&text).is_ok());
}
