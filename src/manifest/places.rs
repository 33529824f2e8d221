//! The places of a manifest, for those who show differences beside its lines.

use std::collections::BTreeMap;

use super::Source;
use super::format::Manifest;
use crate::model::{ObjectKind, ObjectPlaces, ObjectRef, Places};
use crate::yaml::{self, Node, Problems, Value};

/// Where each object and each of its fields stands. What cannot be read has no place: [`super::load`] says what is wrong
/// with it.
pub fn places(sources: &[Source]) -> Places {
    let mut found = Places::default();
    for (index, source) in sources.iter().enumerate() {
        for document in yaml::read(index, &source.text, &mut Problems::new(sources, &Manifest)).documents {
            if let Some(object) = identity(&document) {
                let mut fields = BTreeMap::new();
                if let Some(spec) = field(&document, "spec") {
                    walk("", spec, &mut fields);
                }
                let at = (document.at.line, document.at.column);
                found.0.entry(object).or_insert(ObjectPlaces { file: source.shown_name().to_owned(), at, fields });
            }
        }
    }
    found
}

fn identity(document: &Node) -> Option<ObjectRef> {
    let kind = text(field(document, "kind")?)?;
    let kinds = [ObjectKind::Fleet, ObjectKind::Service, ObjectKind::TargetGroup];
    let kind = kinds.into_iter().find(|known| known.as_str() == kind)?;
    let key = text(field(field(document, "metadata")?, "name")?)?;
    Some(ObjectRef { kind, key: key.to_owned() })
}

fn field<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    match &node.value {
        Value::Mapping(entries) => entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value),
        Value::Scalar(_) | Value::Sequence(_) | Value::Broken => None,
    }
}

fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Scalar(scalar) => Some(&scalar.text),
        Value::Sequence(_) | Value::Mapping(_) | Value::Broken => None,
    }
}

fn walk(path: &str, node: &Node, fields: &mut BTreeMap<String, (usize, usize)>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match &node.value {
        Value::Mapping(entries) => {
            for entry in entries {
                let path = below(&entry.key);
                walk(&path, &entry.value, fields);
                fields.entry(path).or_insert((entry.key_at.line, entry.key_at.column));
            }
        }
        Value::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                let name = field(item, "name").and_then(text).map_or_else(|| index.to_string(), str::to_owned);
                let path = below(&name);
                walk(&path, item, fields);
                fields.entry(path).or_insert((item.at.line, item.at.column));
            }
        }
        Value::Scalar(_) | Value::Broken => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Place;

    const FLEET: &str = "\
kind: Fleet
metadata: {name: shop}
spec: {mode: enforce}
---
# The front.
kind: Service
metadata:
  name: front
spec:
  desiredCount: 2
  ports:
    - name: http
      container: app
      containerPort: 8080
    - {name: admin, container: app, containerPort: 9}
---
kind: TargetGroup
metadata: {name: front}
spec:
  attributes:
    deregistration_delay.timeout_seconds: \"30\"
  routes:
    - {listener: 80, priority: 1}
    - listener: 443
      priority: 2
";

    fn at(object: &ObjectRef, field: &str) -> Option<String> {
        let sources = [Source { name: "-".to_owned(), text: FLEET.to_owned(), files: Default::default() }];
        places(&sources).find(object, field).map(|Place { file, line, column }| format!("{file}:{line}:{column}"))
    }

    #[test]
    fn of_fields_are_those_of_their_keys() {
        let (service, group) = (ObjectRef::service("front"), ObjectRef::target_group("front"));
        let cases = [
            (&service, "desiredCount", "<stdin>:10:3"),
            (&service, "ports.http.containerPort", "<stdin>:14:7"),
            (&service, "ports.admin.containerPort", "<stdin>:15:37"),
            (&service, "ports.http", "<stdin>:12:7"),
            (&group, "attributes.deregistration_delay.timeout_seconds", "<stdin>:21:5"),
            (&group, "routes.0.priority", "<stdin>:23:22"),
            (&group, "routes.1.priority", "<stdin>:25:7"),
        ];
        for (object, field, expected) in cases {
            assert_eq!(at(object, field).as_deref(), Some(expected), "{object} {field}");
        }
    }

    #[test]
    fn of_what_is_not_written_are_those_of_the_nearest_thing_around_it() {
        let service = ObjectRef::service("front");
        assert_eq!(at(&service, "ports.http.mapping").as_deref(), Some("<stdin>:12:7"));
        assert_eq!(at(&service, "ports.other.mapping").as_deref(), Some("<stdin>:11:3"));
        assert_eq!(at(&service, "network.subnets").as_deref(), Some("<stdin>:6:1"));
        assert_eq!(at(&service, "").as_deref(), Some("<stdin>:6:1"));
        assert_eq!(at(&ObjectRef::service("back"), "desiredCount"), None);
    }

    #[test]
    fn of_what_cannot_be_read_are_none() {
        let broken = [Source {
            name: "a.yaml".to_owned(),
            text: "kind: Service\nmetadata: {name: a\nspec: [".to_owned(),
            files: Default::default(),
        }];
        assert_eq!(places(&broken), Places::default());
    }
}
