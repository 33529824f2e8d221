//! `--only kind/key`: a part of the fleet.

use std::collections::BTreeSet;

use super::failure::Failure;
use crate::model::{Desired, ObjectRef};

/// The chosen objects, a service with its target groups; `None` when nothing was chosen, which means all.
pub fn parse(chosen: &[String], desired: &Desired) -> Result<Option<BTreeSet<ObjectRef>>, Failure> {
    if chosen.is_empty() {
        return Ok(None);
    }
    let mut objects = BTreeSet::new();
    for text in chosen {
        let (kind, key) = text.split_once('/').ok_or_else(|| wrong(text, "must have the form kind/key"))?;
        match kind.to_ascii_lowercase().as_str() {
            "service" => {
                let service = desired.services.get(key).ok_or_else(|| missing(text, desired.services.keys()))?;
                let ports = service.ports.iter().flatten();
                let groups = ports.flat_map(|port| port.target_groups.iter().flatten());
                objects.extend(groups.map(|group| ObjectRef::target_group(group)));
                objects.insert(ObjectRef::service(key));
            }
            "targetgroup" | "target-group" => {
                if !desired.target_groups.contains_key(key) {
                    return Err(missing(text, desired.target_groups.keys()));
                }
                objects.insert(ObjectRef::target_group(key));
            }
            _ => return Err(wrong(text, "the kind must be service or targetgroup")),
        }
    }
    Ok(Some(objects))
}

fn wrong(text: &str, why: &str) -> Failure {
    Failure::new(format!("--only {text}: {why}"), Some("such as --only service/checkout".to_owned()))
}

fn missing<'a>(text: &str, keys: impl Iterator<Item = &'a String>) -> Failure {
    let known = keys.take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
    let hint = if known.is_empty() {
        "the manifest has no object of that kind".to_owned()
    } else {
        format!("the manifest has {known}")
    };
    Failure::new(format!("--only {text}: not found in the manifest"), Some(hint))
}
