//! The plugin's configuration as operators write it: what is right, and every mistake with its text.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "in tests a panic is the verdict")]

use sni_core::{Config, MOST_NAMES, Mistakes, Router, Step};

const EXAMPLE: &str = r#"write { "routes": [ { "sni": "staging.ledger.mesh.example.com", "cluster": "ledger" } ] }"#;
const LABELS: &str = "use labels of letters, digits, hyphens and underscores, with dots between them";
const CLUSTER: &str = "give the name of a cluster of this Envoy";
const ENVIRONMENT: &str = r#""environment": "staging", "suffix": "mesh.example.com""#;

fn mistakes(text: &str) -> Vec<String> {
    let found = Config::parse(text.as_bytes()).map(|_| ()).unwrap_err();
    assert_eq!(found.more(), 0);
    found.iter().map(ToString::to_string).collect()
}

fn table(text: &str) -> Vec<(String, String)> {
    let config = Config::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"));
    config.table.iter().map(|(name, cluster)| (name.to_owned(), cluster.to_owned())).collect()
}

/// One route of that name and cluster, both as JSON.
fn route(sni: &str, cluster: &str) -> String {
    format!(r#"{{"routes": [{{"sni": {sni}, "cluster": {cluster}}}]}}"#)
}

/// Each wrong configuration, and all that is said about it.
fn check(cases: &[(&str, &[&str])]) {
    for (text, expected) in cases {
        let expected: Vec<String> = expected
            .iter()
            .map(|text| text.replace("{example}", EXAMPLE).replace("{labels}", LABELS).replace("{cluster}", CLUSTER))
            .collect();
        assert_eq!(mistakes(text), expected, "{text}");
    }
}

#[test]
fn routes_in_full_and_in_short_make_one_table() {
    let text = format!(
        r#"{{"routes": [{{"sni": "Ledger.Example.COM.", "cluster": "ledger"}}, {{"cluster": "b", "sni": "xn--bcher-kva.de"}}],
            {ENVIRONMENT}, "apps": {{"Reports": "reports-staging", "app_2": "x", "1": "y"}}}}"#
    );
    let expected = [
        ("ledger.example.com", "ledger"),
        ("xn--bcher-kva.de", "b"),
        ("staging.reports.mesh.example.com", "reports-staging"),
        ("staging.app_2.mesh.example.com", "x"),
        ("staging.1.mesh.example.com", "y"),
    ];
    assert_eq!(table(&text), expected.map(|(name, cluster)| (name.to_owned(), cluster.to_owned())));
}

#[test]
fn an_empty_table_is_one_when_it_is_written_as_one() {
    assert!(table(r#"{"routes": []}"#).is_empty());
    assert!(table(&format!(r#"{{{ENVIRONMENT}, "apps": {{}}}}"#)).is_empty());
    // And null is the same as nothing, as elsewhere.
    assert!(table(r#"{"routes": [], "apps": null, "environment": null, "suffix": null}"#).is_empty());
}

#[test]
fn a_cluster_may_have_any_printable_name_that_envoy_takes() {
    for cluster in ["ledger", "outbound|8443||ledger.default.svc.cluster.local", "é/%\u{1f980}", &"c".repeat(256)] {
        assert_eq!(table(&route("\"a.b\"", &format!("\"{cluster}\""))), [("a.b".to_owned(), cluster.to_owned())]);
    }
}

#[test]
fn what_is_no_object_with_routes_is_named_with_its_remedy() {
    check(&[
        ("", &["configuration: is empty; {example}"]),
        (" \n", &["configuration: is empty; {example}"]),
        ("{", &["configuration: is not JSON: EOF while parsing an object at line 1 column 1; {example}"]),
        ("{} {}", &["configuration: is not JSON: trailing characters at line 1 column 4; {example}"]),
        // The beginning of a Struct as protobuf.
        ("\n\u{6}\n\u{1}a", &["configuration: is not JSON: expected value at line 2 column 1; {example}"]),
        ("\u{1}", &["configuration: is not JSON: expected value at line 1 column 1; {example}"]),
        ("[]", &["configuration: is a list, not an object; {example}"]),
        ("null", &["configuration: is null, not an object; {example}"]),
        ("\"a\"", &["configuration: is a text, not an object; {example}"]),
        ("-1.5e3", &["configuration: is a number, not an object; {example}"]),
        ("true", &["configuration: is true or false, not an object; {example}"]),
        ("{}", &["configuration: has no routes; {example}"]),
        (r#"{"routes": null}"#, &["configuration: has no routes; {example}"]),
    ]);
}

#[test]
fn each_mistake_in_the_fields_is_named_with_its_remedy() {
    const FIELDS: &str = "remove it; the fields here are routes, environment, suffix, apps";
    check(&[
        (r#"{"routes": {}}"#, &["routes: is an object, not a list; {example}"]),
        (r#"{"routes": "a"}"#, &["routes: is a text, not a list; {example}"]),
        (r#"{"routes": [], "routes": []}"#, &["routes: stands there twice; keep one of them"]),
        (
            r#"{"routes": [], "route": [], "Routes": [], "default": "x"}"#,
            &["route", "Routes", "default"].map(|name| {
                &*Box::leak(format!("{name}: is not a field that this version knows; {FIELDS}").into_boxed_str())
            }),
        ),
        (
            r#"{"environment": "staging"}"#,
            &[
                r#"suffix: is missing; add "suffix": "mesh.example.com""#,
                r#"apps: is missing; add "apps": { "ledger": "ledger-staging" }, or leave environment and suffix out"#,
            ],
        ),
        (
            r#"{"apps": {}}"#,
            &[
                r#"environment: is missing; add "environment": "staging""#,
                r#"suffix: is missing; add "suffix": "mesh.example.com""#,
            ],
        ),
        (
            r#"{"environment": 1, "suffix": [], "apps": []}"#,
            &[
                "environment: is a number, not a text; write one text between double quotes",
                "suffix: is a list, not a text; write one text between double quotes",
                r#"apps: is a list, not an object; write { "app": "cluster" }"#,
            ],
        ),
        (
            r#"{"environment": "staging.eu", "suffix": "*.example.com", "apps": {"ledger": "x"}}"#,
            &[
                r#"environment: "staging.eu" holds a character that it may not have; {labels}"#,
                r#"suffix: "*.example.com" holds a *, and this table has no wildcards; list each name"#,
            ],
        ),
        (
            r#"{"environment": "", "suffix": "10.0.0.1", "apps": {}}"#,
            &[
                "environment: \"\" is empty; {labels}",
                "suffix: \"10.0.0.1\" is an address, which TLS does not allow as a server's name; \
                 give the server a name, and list that",
            ],
        ),
    ]);
}

#[test]
fn each_mistake_in_a_route_is_named_with_its_remedy() {
    check(&[
        (
            r#"{"routes": [1, null, "a", [], {}]}"#,
            &[
                r#"routes[0]: is a number, not an object; write { "sni": "…", "cluster": "…" }"#,
                r#"routes[1]: is null, not an object; write { "sni": "…", "cluster": "…" }"#,
                r#"routes[2]: is a text, not an object; write { "sni": "…", "cluster": "…" }"#,
                r#"routes[3]: is a list, not an object; write { "sni": "…", "cluster": "…" }"#,
                r#"routes[4].sni: is missing; add "sni": "staging.ledger.mesh.example.com""#,
                r#"routes[4].cluster: is missing; add "cluster": "ledger-staging""#,
            ],
        ),
        (
            r#"{"routes": [{"sni": null, "cluster": 1, "port": 8443, "sni": "a.b"}]}"#,
            &[
                "routes[0].port: is not a field that this version knows; remove it; the fields here are sni, cluster",
                "routes[0].sni: stands there twice; keep one of them",
                r#"routes[0].sni: is missing; add "sni": "staging.ledger.mesh.example.com""#,
                "routes[0].cluster: is a number, not a text; write one text between double quotes",
            ],
        ),
        (
            r#"{"routes": [{"sni": "a.b", "cluster": "x"}, {"sni": "A.B.", "cluster": "y"}]}"#,
            &[r#"routes[1].sni: "a.b" stands in the table already; keep one route for each name"#],
        ),
        (
            r#"{"routes": [{"sni": "a.b", "cluster": ""}, {"sni": "a.b", "cluster": " x"}]}"#,
            &[
                "routes[0].cluster: \"\" is empty; {cluster}",
                "routes[1].cluster: \" x\" holds a blank or a control character; {cluster}",
                r#"routes[1].sni: "a.b" stands in the table already; keep one route for each name"#,
            ],
        ),
    ]);
}

#[test]
fn each_mistake_in_an_app_is_named_with_its_remedy() {
    let apps = |apps: &str| format!(r#"{{{ENVIRONMENT}, "apps": {{{apps}}}}}"#);
    check(&[
        (
            &apps(r#""": "x", "a.b": "x", "*": "x", "bücher": "x", "a b": "x", "-a": "x""#),
            &[
                "apps.: \"\" is empty; {labels}",
                "apps.a.b: \"a.b\" holds a character that it may not have; {labels}",
                "apps.*: \"*\" holds a *, and this table has no wildcards; list each name",
                "apps.b\\u{fc}cher: \"b\\u{fc}cher\" holds characters that are not ASCII; \
                 write it as TLS carries it, in A-labels such as xn--bcher-kva",
                "apps.a b: \"a b\" holds a character that it may not have; {labels}",
                "apps.-a: \"-a\" has a label that is empty, longer than 63 characters, or with a hyphen at its end; {labels}",
            ],
        ),
        (
            &apps(r#""a": "", "b": null, "c": {}, "d": "x", "D": "y""#),
            &[
                "apps.a: \"\" is empty; {cluster}",
                "apps.b: is missing; add \"b\": \"ledger-staging\"",
                "apps.c: is an object, not a text; write one text between double quotes",
                r#"apps.D: "staging.d.mesh.example.com" stands in the table already; keep one route for each name"#,
            ],
        ),
    ]);
    // The same name in full and in short.
    let both = format!(
        r#"{{"routes": [{{"sni": "staging.a.mesh.example.com", "cluster": "x"}}], {ENVIRONMENT}, "apps": {{"a": "x"}}}}"#
    );
    assert_eq!(
        mistakes(&both),
        [r#"apps.a: "staging.a.mesh.example.com" stands in the table already; keep one route for each name"#]
    );
    // Each part is right, and the whole too long.
    let suffix = format!("{}a", "abcdefg.".repeat(30));
    let long = format!(r#"{{"environment": "staging", "suffix": "{suffix}", "apps": {{"ledger": "x"}}}}"#);
    assert!(mistakes(&long)[0].contains("is longer than the 253 characters that a name may have"));
}

#[test]
fn names_that_nobody_could_ask_for_are_mistakes() {
    let long = format!("{}.de", "a".repeat(64));
    for (sni, problem) in [
        ("", "is empty"),
        (".", "has a label that is empty"),
        ("a..b", "has a label that is empty"),
        (".a", "has a label that is empty"),
        ("a.b..", "has a label that is empty"),
        ("a-.b", "with a hyphen at its end"),
        (&long, "longer than 63 characters"),
        ("*", "holds a *"),
        ("*.mesh.example.com", "holds a *"),
        ("staging.*.mesh.example.com", "holds a *"),
        ("10.0.0.1", "is an address"),
        ("127.1", "is an address"),
        ("1", "is an address"),
        ("0x7f.0x1", "is an address"),
        ("::1", "is an address"),
        ("[fe80::1]", "is an address"),
        ("a.b:443", "holds a character"),
        ("a/b", "holds a character"),
        ("a b", "holds a character"),
        ("a\\u0000b", "holds a character"),
        ("https://a.b", "holds a character"),
        ("b\u{fc}cher.de", "holds characters that are not ASCII"),
        ("a\u{3002}b", "holds characters that are not ASCII"),
    ] {
        let found = mistakes(&route(&format!("\"{sni}\""), "\"x\""));
        assert!(found.len() == 1 && found[0].starts_with("routes[0].sni: ") && found[0].contains(problem), "{found:?}");
    }
}

/// One environment a listener: staging's cannot know production's names.
#[test]
fn a_listener_of_one_environment_takes_no_name_of_another() {
    let with =
        |sni: &str| format!(r#"{{"routes": [{{"sni": "{sni}", "cluster": "x"}}], {ENVIRONMENT}, "apps": {{}}}}"#);
    for sni in
        ["production.ledger.mesh.example.com", "PRODUCTION.ledger.mesh.example.com.", "staging2.mesh.example.com"]
    {
        let sni_lower = sni.to_lowercase();
        let name = sni_lower.trim_end_matches('.');
        assert_eq!(
            mistakes(&with(sni)),
            [format!(
                "routes[0].sni: \"{name}\" is not of environment \"staging\"; \
                 serve each environment from a listener of its own"
            )]
        );
    }
    for sni in ["staging.ledger.mesh.example.com", "staging.mesh.example.com", "ledger.example.com", "mesh.example.com"]
    {
        assert_eq!(table(&with(sni)).len(), 1, "{sni}");
    }
    // Not the suffix itself, but a name that ends in the same letters.
    assert_eq!(table(&with("production.ledger.othermesh.example.com")).len(), 1);
}

#[test]
fn all_mistakes_are_printed_as_a_list_and_a_long_list_is_cut() {
    let print = |text: &str| Config::parse(text.as_bytes()).map(|_| ()).unwrap_err().to_string();
    assert_eq!(
        print("[]"),
        format!("the configuration has 1 mistake:\n  - configuration: is a list, not an object; {EXAMPLE}")
    );
    let many: Vec<&str> = vec![r#"{"sni": "*", "cluster": ""}"#; 5_000];
    let found: Mistakes = Config::parse(format!(r#"{{"routes": [{}]}}"#, many.join(",")).as_bytes()).unwrap_err();
    assert_eq!((found.iter().count(), found.more()), (100, 9_900));
    let text = found.to_string();
    assert!(text.starts_with("the configuration has 10000 mistakes:\n  - routes[0].sni: "), "{text}");
    assert!(text.ends_with("\n  and 9900 more") && text.lines().count() == 102);
}

#[test]
fn no_text_of_the_configuration_fills_the_log_or_breaks_its_lines() {
    let found = mistakes(&route(&format!("\"{}\"", "\\n".repeat(100_000)), "\"\\u001b[31m\""));
    assert_eq!(found.len(), 2);
    for mistake in found {
        assert!(mistake.len() < 600 && mistake.chars().all(|c| !c.is_control()), "{mistake}");
    }
}

#[test]
fn nesting_without_end_is_refused_before_the_stack_ends() {
    let deep: Vec<String> = ["[", "{\"a\":", "{\"routes\":[{\"sni\":"].map(|open| open.repeat(100_000)).into();
    // As small as the stack of a VM.
    let parse = move || deep.iter().all(|text| mistakes(text)[0].contains("recursion limit exceeded"));
    assert!(std::thread::Builder::new().stack_size(512 * 1024).spawn(parse).unwrap().join().unwrap());
}

#[test]
fn ten_thousand_names_are_a_table_and_more_than_may_be_are_a_mistake() {
    let apps = |count: usize| {
        let apps: Vec<String> = (0..count).map(|number| format!(r#""app-{number}": "app-{number}-staging""#)).collect();
        format!(r#"{{{ENVIRONMENT}, "apps": {{{}}}}}"#, apps.join(", "))
    };
    let router = Router::parse(apps(10_000).as_bytes()).unwrap();
    assert_eq!(router.table().len(), 10_000);
    for number in 0..10_000 {
        let (name, cluster) = (format!("Staging.APP-{number}.mesh.example.com."), format!("app-{number}-staging"));
        assert_eq!(router.route(name.as_bytes()), Step::Route(&cluster));
    }
    assert_eq!(
        mistakes(&apps(MOST_NAMES + 1)),
        ["configuration: has 100001 names, more than the 100000 that a table may have; \
          serve some of them from another listener"]
    );
    assert_eq!(Router::parse(apps(MOST_NAMES).as_bytes()).unwrap().table().len(), MOST_NAMES);
}
