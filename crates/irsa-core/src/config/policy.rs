//! The inline session policy: only its shape is checked here, IAM judges the rest.

use alloc::string::String;
use core::fmt::Display;

use super::json::Json;
use super::reader::Report;

/// STS API reference, `AssumeRoleWithWebIdentity`: at most 2,048 characters.
const MAX_CHARS: usize = 2048;

/// Reads a policy that was written as an object and gives it back as compact text.
pub(super) fn read(json: &Json, field: &dyn Display, report: &mut Report) -> Option<String> {
    const REMEDY: &str = "write the policy as an object with Version and Statement";
    let Json::Object(fields) = json else {
        let hint =
            if matches!(json, Json::Text(_)) { "write the policy as an object, not inside a text" } else { REMEDY };
        report.add(field, format_args!("is {}, not an object", json.kind()), &hint);
        return None;
    };
    if !fields.iter().any(|(name, _)| name == "Statement") {
        report.add(field, format_args!("has no Statement"), &REMEDY);
        return None;
    }
    if has_duplicate(json) {
        report.add(field, format_args!("has a name that stands twice in one object"), &"keep one of them");
        return None;
    }
    let mut text = String::new();
    if json.write(&mut text).is_none() {
        report.add(
            field,
            format_args!("has a number that is not a whole one"),
            &"write such numbers between double quotes",
        );
        return None;
    }
    if text.chars().count() > MAX_CHARS {
        let chars = text.chars().count();
        let problem = format_args!("has {chars} characters without white space; STS takes {MAX_CHARS}");
        report.add(field, problem, &"say less here, and more in the role's own policy");
        return None;
    }
    Some(text)
}

fn has_duplicate(json: &Json) -> bool {
    match json {
        Json::Object(fields) => fields.iter().enumerate().any(|(index, (name, value))| {
            fields.iter().skip(index + 1).any(|(other, _)| other == name) || has_duplicate(value)
        }),
        Json::List(items) => items.iter().any(has_duplicate),
        _ => false,
    }
}
