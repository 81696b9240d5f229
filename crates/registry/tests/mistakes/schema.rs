//! The published JSON Schemas against the parser.

use std::sync::OnceLock;

use jsonschema::Validator;
use registry::{APP_SCHEMA, SETTINGS_SCHEMA};
use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::{SETTINGS, Schema, all_cases};

pub(super) struct Schemas {
    app: Validator,
    settings: Validator,
}

impl Schemas {
    /// Compiled once.
    pub(super) fn get() -> &'static Self {
        static SCHEMAS: OnceLock<Schemas> = OnceLock::new();
        SCHEMAS.get_or_init(Self::new)
    }

    fn new() -> Self {
        let compile = |text: &str| {
            let schema: Value = serde_json::from_str(text).unwrap();
            jsonschema::draft202012::meta::validate(&schema).unwrap();
            jsonschema::draft202012::new(&schema).unwrap()
        };
        Self { app: compile(APP_SCHEMA), settings: compile(SETTINGS_SCHEMA) }
    }

    /// Whether the file's schema takes it; `None` when it is not TOML.
    pub(super) fn take(&self, file: &str, text: &str) -> Option<bool> {
        let schema = if file == "meshbridge.toml" { &self.settings } else { &self.app };
        let value = json(&DeTable::parse(text).ok()?.into_inner());
        Some(schema.is_valid(&value))
    }
}

/// As editors see TOML.
fn json(table: &DeTable<'_>) -> Value {
    fn of(value: &DeValue<'_>) -> Value {
        match value {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Integer(number) => number.as_str().parse::<i64>().map_or(Value::Null, Value::from),
            DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::Datetime(date) => Value::String(date.to_string()),
            DeValue::Array(items) => items.iter().map(|item| of(item.get_ref())).collect(),
            DeValue::Table(table) => json(table),
        }
    }
    let fields = table.iter().map(|(key, value)| (key.get_ref().to_string(), of(value.get_ref())));
    Value::Object(fields.collect::<Map<_, _>>())
}

#[test]
fn an_editor_shows_what_a_schema_can_tell() {
    let schemas = Schemas::get();
    for case in all_cases() {
        let taken: Vec<Option<bool>> = case.files.iter().map(|(file, text)| schemas.take(file, text)).collect();
        let expected = match case.schema {
            Schema::Refuses => taken.contains(&Some(false)),
            Schema::CannotTell => taken.iter().all(|taken| *taken == Some(true)),
            Schema::NotToml => taken.contains(&None) && !taken.contains(&Some(false)),
        };
        assert!(expected, "{}: {:?}, but {taken:?}", case.what, case.schema);
    }
}

#[test]
fn the_settings_of_these_tests_are_taken() {
    assert_eq!(Schemas::get().take("meshbridge.toml", SETTINGS), Some(true));
}
