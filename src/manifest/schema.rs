//! The JSON Schema of one document, for editors. It comes from the same declarations as the decoder.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::document::{FleetDocument, ServiceDocument, TargetGroupDocument};

/// The JSON Schema (draft 2020-12) of one document of a manifest.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12();
    let mut generator = settings.into_generator();
    let kinds = [
        generator.subschema_for::<FleetDocument>(),
        generator.subschema_for::<ServiceDocument>(),
        generator.subschema_for::<TargetGroupDocument>(),
    ];
    let definitions = generator.take_definitions(true);
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Portolan manifest",
        "description": "One document of a fleet's manifest.",
        "oneOf": kinds,
        "$defs": definitions,
    });
    forbid_nothing(&mut schema);
    schema
}

/// `Option` allows `null` in the derived schema; in a manifest a field has a value or is absent.
fn forbid_nothing(value: &mut Value) {
    match value {
        Value::Object(object) => {
            drop_null(object);
            object.values_mut().for_each(forbid_nothing);
        }
        Value::Array(items) => items.iter_mut().for_each(forbid_nothing),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn drop_null(object: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(words)) = object.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| *choice != json!({"type": "null"}));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            object.remove("anyOf");
            only.into_iter().for_each(|(key, value)| {
                object.entry(key).or_insert(value);
            });
        }
    }
}
