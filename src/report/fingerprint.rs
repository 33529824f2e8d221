//! Fingerprints of differences, by which code scanning knows an alert again in the next run.
//!
//! Texts may change from version to version, so no sentence is part of a fingerprint: otherwise every alert would close and
//! open again on an upgrade. Fields are typed, and what each is called in a fingerprint is stated here once.

use std::collections::BTreeMap;

use crate::plan::{Change, Field};

use super::entry::Entry;

/// The two fingerprints of an entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fingerprint {
    /// The object, the operation of a step or the call that failed, and the fields as they were called first.
    pub(super) v1: String,
    /// The object, the operation (of a blocked step too) or else the kind of entry, and identifiers of fields. Equal ones of
    /// a log are numbered from the second on, so that no two alerts are taken for one.
    pub(super) v2: String,
}

/// The fingerprints of entries, in their order.
pub(super) fn fingerprints(entries: &[&Entry<'_>]) -> Vec<Fingerprint> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let of_one = |entry: &&Entry<'_>| {
        let path = entry.path.as_deref().unwrap_or_default();
        let fields_of_v1 = fields(entry.changes, v1);
        // An absent part leaves its space, as in the first version.
        let v1 = [entry.object.as_str(), entry.operation.unwrap_or_default(), &fields_of_v1, path]
            .join(" ")
            .trim()
            .to_owned();
        let action = entry.action.or(entry.operation).unwrap_or(entry.kind.id());
        // An error is about no object; the file that it is in is the same in the next run, its line may not be.
        let file = entry.at.filter(|_| entry.object.is_empty()).map_or("", |at| at.file);
        let v2 = words([&entry.object, file, action, &fields(entry.changes, v2), path]);
        let number = seen.entry(v2.clone()).or_default();
        *number += 1;
        let v2 = if *number == 1 { v2 } else { format!("{v2} #{number}") };
        Fingerprint { v1, v2 }
    };
    entries.iter().map(of_one).collect()
}

fn words<const N: usize>(parts: [&str; N]) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn fields(changes: &[Change], name: fn(&Field) -> String) -> String {
    changes.iter().map(|change| name(&change.field)).collect::<Vec<_>>().join(",")
}

/// What the first version called a field in `difference/v1`. A row here never changes.
fn v1(field: &Field) -> String {
    match field {
        Field::AllowFrom(_) => "ingress".to_owned(),
        field => field.to_string(),
    }
}

/// What `difference/v2` calls a field: a path without spaces. A row here never changes.
fn v2(field: &Field) -> String {
    match field {
        Field::DefaultForward => "defaultActions".to_owned(),
        Field::TemporaryRule => "temporaryRule.priority".to_owned(),
        Field::TemporaryForward => "temporaryRule.forward".to_owned(),
        Field::PriorityOf(key) => format!("priorities.{key}"),
        Field::Ingress(port) => format!("ports.{port}.ingress"),
        field => field.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::HealthCheckField;

    #[test]
    fn a_field_has_its_first_name_and_an_identifier() {
        let both = |field: &Field| (v1(field), v2(field));
        let owned = |v1: &str, v2: &str| (v1.to_owned(), v2.to_owned());
        let path = Field::HealthCheck(HealthCheckField::Path);
        assert_eq!(both(&path), owned("healthCheck.path", "healthCheck.path"));
        assert_eq!(both(&Field::DefaultForward), owned("default forward", "defaultActions"));
        let moved = Field::PriorityOf("checkout-http".to_owned());
        assert_eq!(both(&moved), owned("checkout-http priority", "priorities.checkout-http"));
        assert_eq!(both(&Field::AllowFrom("http".to_owned())), owned("ingress", "ports.http.allowFrom"));
        assert_eq!(both(&Field::Ingress("http".to_owned())), owned("ingress", "ports.http.ingress"));
    }
}
