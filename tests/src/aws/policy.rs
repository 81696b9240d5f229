//! The part of IAM's policy language that the double understands, and enforces: Effect, Action, Resource.

use serde_json::Value;

/// A list of statements.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    statements: Vec<Statement>,
}

/// What a policy says about one action on one resource.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allow,
    /// A statement denies it: nothing can allow it any more.
    Deny,
    /// No statement speaks of it.
    Silent,
}

#[derive(Clone, Debug)]
struct Statement {
    effect: Effect,
    actions: Vec<String>,
    resources: Vec<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Effect {
    Allow,
    Deny,
}

impl Policy {
    /// Allows nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Allows these actions on these resources; both may have `*` and `?`.
    #[must_use]
    pub fn allow(actions: &[&str], resources: &[&str]) -> Self {
        Self::default().and(Effect::Allow, actions, resources)
    }

    /// Allows these too.
    #[must_use]
    pub fn and_allow(self, actions: &[&str], resources: &[&str]) -> Self {
        self.and(Effect::Allow, actions, resources)
    }

    /// Denies these, whatever else is allowed.
    #[must_use]
    pub fn and_deny(self, actions: &[&str], resources: &[&str]) -> Self {
        self.and(Effect::Deny, actions, resources)
    }

    /// Reads a policy document. The error is what STS would put into MalformedPolicyDocument.
    pub fn parse(document: &str) -> Result<Self, String> {
        let document: Value = serde_json::from_str(document).map_err(|error| format!("not JSON: {error}"))?;
        let Value::Object(fields) = &document else {
            return Err("not a JSON object".to_owned());
        };
        if let Some(unknown) = fields.keys().find(|key| !matches!(key.as_str(), "Version" | "Id" | "Statement")) {
            return Err(format!("unknown field {unknown}"));
        }
        if let Some(version) = fields.get("Version")
            && !matches!(version.as_str(), Some("2012-10-17" | "2008-10-17"))
        {
            return Err("the policy version must be 2012-10-17 or 2008-10-17".to_owned());
        }
        let statements = match fields.get("Statement") {
            Some(Value::Array(list)) if !list.is_empty() => {
                list.iter().map(Statement::parse).collect::<Result<_, _>>()?
            }
            Some(one @ Value::Object(_)) => vec![Statement::parse(one)?],
            _ => return Err("no statements".to_owned()),
        };
        Ok(Self { statements })
    }

    /// What it says about an action on a resource.
    #[must_use]
    pub fn decide(&self, action: &str, resource: &str) -> Decision {
        let mut decision = Decision::Silent;
        for statement in self.statements.iter().filter(|statement| statement.speaks_of(action, resource)) {
            match statement.effect {
                Effect::Deny => return Decision::Deny,
                Effect::Allow => decision = Decision::Allow,
            }
        }
        decision
    }

    fn and(mut self, effect: Effect, actions: &[&str], resources: &[&str]) -> Self {
        let own = |list: &[&str]| list.iter().map(|item| (*item).to_owned()).collect();
        self.statements.push(Statement { effect, actions: own(actions), resources: own(resources) });
        self
    }
}

impl Statement {
    fn parse(value: &Value) -> Result<Self, String> {
        let Value::Object(fields) = value else {
            return Err("a statement is not an object".to_owned());
        };
        // NotAction, Condition, Principal and the like would change the meaning, so they are refused, not ignored.
        if let Some(unknown) =
            fields.keys().find(|key| !matches!(key.as_str(), "Sid" | "Effect" | "Action" | "Resource"))
        {
            return Err(format!("this double does not understand {unknown} in a statement"));
        }
        let effect = match fields.get("Effect").and_then(Value::as_str) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => return Err("Effect must be Allow or Deny".to_owned()),
        };
        let actions = strings(fields.get("Action")).ok_or("Action must be a string or a list of strings")?;
        if let Some(action) = actions.iter().find(|action| *action != "*" && !action.contains(':')) {
            return Err(format!("actions must be prefaced by a vendor: {action}"));
        }
        let resources = strings(fields.get("Resource")).ok_or("Resource must be a string or a list of strings")?;
        if let Some(resource) = resources.iter().find(|resource| *resource != "*" && !resource.starts_with("arn:")) {
            return Err(format!("resource {resource} must be in ARN format or \"*\""));
        }
        Ok(Self { effect, actions, resources })
    }

    fn speaks_of(&self, action: &str, resource: &str) -> bool {
        let action = action.to_ascii_lowercase();
        self.actions.iter().any(|pattern| matches(pattern.to_ascii_lowercase().as_bytes(), action.as_bytes()))
            && self.resources.iter().any(|pattern| matches(pattern.as_bytes(), resource.as_bytes()))
    }
}

fn strings(value: Option<&Value>) -> Option<Vec<String>> {
    match value? {
        Value::String(one) => Some(vec![one.clone()]),
        Value::Array(list) if !list.is_empty() => list.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// `*` stands for any run of characters, `?` for any one.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|skip| matches(rest, &text[skip..])),
        Some((b'?', rest)) => !text.is_empty() && matches(rest, &text[1..]),
        Some((byte, rest)) => text.first() == Some(byte) && matches(rest, &text[1..]),
    }
}
