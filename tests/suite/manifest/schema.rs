//! The JSON Schema and the decoder say the same.

use serde_json::{Value, json};

use super::{examples, load_text, render, yaml_files};
use portolan::manifest::{find_sources, schema};

fn validator() -> jsonschema::Validator {
    jsonschema::draft202012::new(&schema()).expect("a valid schema")
}

/// Documents as an editor sees them; empty ones left out.
fn documents(text: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).expect("YAML");
    documents.into_iter().filter(|document| !document.is_null()).collect()
}

#[test]
fn examples_fit_the_schema() {
    let validator = validator();
    let folders = examples().into_iter().map(|folder| folder.display().to_string());
    let mut sources = find_sources(&folders.collect::<Vec<_>>(), false, None).expect("examples");
    let good = yaml_files("tests/manifests/good").into_iter().map(|path| path.display().to_string());
    sources.extend(find_sources(&good.collect::<Vec<_>>(), false, None).expect("good manifests"));
    for source in sources {
        for document in documents(&source.text) {
            let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:#?}\n{document:#}", source.name);
        }
    }
}

#[test]
fn the_schema_is_of_draft_2020_12() {
    let schema = schema();
    assert!(jsonschema::meta::is_valid(&schema));
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["oneOf"].as_array().map(Vec::len), Some(3));
}

/// What the schema refuses by itself must be refused by the decoder, too: fields, shapes and words.
#[test]
fn bad_field_names_fail_in_the_schema() {
    let validator = validator();
    for name in [
        "field-unknown-with-a-slip",
        "field-under-the-wrong-object",
        "field-beside-spec",
        "field-null",
        "field-is-a-number-not-text",
        "field-is-text-not-a-number",
        "field-is-not-a-list",
        "field-is-not-a-mapping",
        "kubernetes-deployment",
        "kubernetes-ingress",
        "kubernetes-service",
        "list-empty-where-it-says-nothing",
        "port-missing-fields",
        "route-kubernetes-words",
        "wrong-word",
        "wrong-case-of-words",
        "service-suspend",
        "health-check-ranges",
        "attribute-is-a-number",
    ] {
        let path = format!("{}/tests/manifests/bad/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("a bad manifest");
        let refused = documents(&text).iter().filter(|document| !validator.is_valid(document)).count();
        assert!(refused > 0, "{name} fits the schema");
    }
}

/// Resolves `$ref`.
fn resolved<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => resolved(root, root.pointer(reference.trim_start_matches('#')).expect("a definition")),
        None => schema,
    }
}

/// A mapping's alternatives, through `anyOf` and list items.
fn mappings<'s>(root: &'s Value, schema: &'s Value) -> Vec<&'s Value> {
    let schema = resolved(root, schema);
    let choices = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    let items = schema.get("items").into_iter();
    let mut found: Vec<&Value> = choices.chain(items).flat_map(|inner| mappings(root, inner)).collect();
    if schema.get("properties").is_some() {
        found.push(schema);
    }
    found
}

/// Wraps the value for a field back into the document, list by list.
fn paths(root: &Value, schema: &Value, path: &[(String, bool)], found: &mut Vec<Vec<(String, bool)>>) {
    for mapping in mappings(root, schema) {
        assert_eq!(mapping["additionalProperties"], json!(false), "open mapping at {path:?}");
        for (name, property) in mapping["properties"].as_object().expect("properties") {
            assert!(resolved(root, property).get("description").is_some() || property.get("description").is_some());
            let list = resolved(root, property).get("items").is_some();
            let longer = [path, &[(name.clone(), list)]].concat();
            paths(root, property, &longer, found);
            found.push(longer);
        }
    }
}

/// A document of that kind which has this one path, with a value that no field takes.
fn document(kind: &str, path: &[(String, bool)]) -> Value {
    let mut value = json!({"the field": "is known"});
    for (depth, (name, list)) in path.iter().enumerate().rev() {
        let inner = if *list && depth + 1 < path.len() { json!([value]) } else { value };
        value = json!({ name: inner });
    }
    if path[0].0 != "kind" {
        value["kind"] = json!(kind);
    }
    value
}

#[test]
fn every_property_of_the_schema_is_a_field_of_the_decoder() {
    let schema = schema();
    for kind in ["Fleet", "Service", "TargetGroup"] {
        let root = resolved(&schema, &schema["$defs"][format!("{kind}Document")]);
        let mut found = Vec::new();
        paths(&schema, root, &[], &mut found);
        assert!(!found.is_empty(), "{kind} has no property");
        for path in found {
            let text = serde_json::to_string(&document(kind, &path)).expect("JSON, which is YAML");
            let problems = render(&load_text(&text).expect_err("a value that no field takes"));
            let name = &path.last().expect("a name").0;
            assert!(!problems.contains(&format!("unknown field \"{name}\"")), "{kind} {path:?}\n{problems}");
        }
    }
}
