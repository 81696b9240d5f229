//! What processes see of their environment, and what they do not.

use std::collections::BTreeMap;
use std::path::Path;

use e2e::lambda::{Options, Runtime, write_program};

use crate::support::{Starting, patient, site, text_of};

fn variables(file: &Path) -> BTreeMap<String, String> {
    let text = text_of(file);
    text.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.into(), value.into())).collect()
}

/// Tells who it is, writes its variables, and moves them to where the test looks.
fn telling(name: &str) -> String {
    format!(": >\"$TMPDIR/pid.$$\"; env >\"$TMPDIR/{name}.beside\"; mv \"$TMPDIR/{name}.beside\" \"$TMPDIR/{name}\"")
}

#[test]
fn an_extension_sees_the_functions_variables_and_not_those_of_the_runtime_or_of_the_test() {
    let site = site(&[]);
    let api = "printf %s \"$AWS_LAMBDA_RUNTIME_API\" >\"$TMPDIR/api\"";
    site.install_script("seer", &format!("#!/bin/sh\n{}\n{api}\nexec sleep 600\n", telling("extension"))).unwrap();
    let script = format!("{}; exec sleep 600", telling("runtime"));
    let runtime = Runtime::Program(vec!["/bin/sh".into(), "-c".into(), script]);
    let options = Options { runtime, variables: vec![("STAGE".into(), "staging".into())], ..patient() };
    let starting = Starting::begin(site, options);
    let mut puppet = starting.puppet("seer");
    puppet.register(&[]);
    let runtime = variables(&starting.temporary.join("runtime"));
    let extension = variables(&starting.temporary.join("extension"));
    for seen in [&runtime, &extension] {
        assert_eq!(seen["STAGE"], "staging");
        assert_eq!(seen["AWS_REGION"], "us-west-2");
        assert_eq!(seen["AWS_LAMBDA_FUNCTION_NAME"], "reports");
        assert_eq!(seen["AWS_LAMBDA_INITIALIZATION_TYPE"], "on-demand");
        assert!(!seen.contains_key("CARGO_MANIFEST_DIR"), "the test's own variables leak");
        assert!(!seen.contains_key("HOME"), "the test's own variables leak");
    }
    for name in ["_HANDLER", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME"]
    {
        assert!(runtime.contains_key(name), "the runtime has no {name}");
        assert!(!extension.contains_key(name), "the extension sees {name}");
    }
}

#[test]
fn a_wrapper_is_started_with_the_runtime_as_its_arguments() {
    let site = site(&[]);
    let wrapper = site.opt().join("wrapper");
    write_program(&wrapper, "#!/bin/sh\nWRAPPED=yes; export WRAPPED; exec \"$@\"\n").unwrap();
    let script = format!("{}; exec sleep 600", telling("wrapped"));
    let runtime = Runtime::Program(vec!["/bin/sh".into(), "-c".into(), script]);
    let wrapper = wrapper.to_str().unwrap().to_owned();
    let options = Options { runtime, variables: vec![("AWS_LAMBDA_EXEC_WRAPPER".into(), wrapper)], ..patient() };
    let starting = Starting::begin(site, options);
    assert_eq!(variables(&starting.temporary.join("wrapped"))["WRAPPED"], "yes");
}
