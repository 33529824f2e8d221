//! The JSON Schema of members with AWS's names, from their rows.

use serde_json::{Map, Value, json};

use crate::shape::{Kind, Member, Structure};

/// The properties of a block. Nested blocks are written out in place.
pub(super) fn properties(structure: &Structure) -> Map<String, Value> {
    structure.members.iter().map(|member| (member.name.to_owned(), property(member))).collect()
}

fn property(member: &Member) -> Value {
    if member.is_output {
        return json!({"description": member.help});
    }
    let mut schema = of_kind(&member.kind);
    if let Value::Object(schema) = &mut schema {
        schema.insert("description".to_owned(), member.help.into());
        if matches!(member.kind, Kind::List(..)) && !member.may_be_empty {
            schema.insert("minItems".to_owned(), 1.into());
        }
    }
    schema
}

fn of_kind(kind: &Kind) -> Value {
    match kind {
        Kind::Text(text) => json!({"type": "string", "maxLength": text.most}),
        Kind::Number { from, to } => json!({"anyOf": [
            {"type": "integer", "minimum": from, "maximum": to},
            {"type": "string", "pattern": "^[0-9]+$"},
        ]}),
        Kind::Decimal { from, to } => {
            json!({"type": "number", "minimum": *from as f64 / 10.0, "maximum": *to as f64 / 10.0})
        }
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Word(words) => json!({"type": "string", "enum": words}),
        Kind::Cpu | Kind::Memory => json!({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]}),
        Kind::Map => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        Kind::Structure(structure) => of_structure(structure),
        Kind::List(of, _) => json!({"type": "array", "items": of_kind(of)}),
        Kind::Anything => json!({}),
    }
}

/// The schema of a block.
pub(super) fn of_structure(structure: &Structure) -> Value {
    let required: Vec<&str> =
        structure.members.iter().filter(|member| member.is_required).map(|member| member.name).collect();
    let mut schema = json!({
        "type": "object",
        "properties": properties(structure),
        "additionalProperties": false,
    });
    if let (Value::Object(schema), false) = (&mut schema, required.is_empty()) {
        schema.insert("required".to_owned(), required.into());
    }
    schema
}
