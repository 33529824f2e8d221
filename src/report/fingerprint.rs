//! Fingerprints of differences, by which code scanning knows an alert again in the next run.
//!
//! Texts may change from version to version, so no sentence is part of a fingerprint: otherwise every alert would close and
//! open again on an upgrade. Names of fields are the only words in a plan that a fingerprint needs, and a field's name may
//! change as well. [`FIELDS`] therefore states what a renamed field was called in `difference/v1`.

use std::collections::BTreeMap;

use crate::plan::Change;

use super::entry::Entry;

/// A field of a plan that is not a field of the manifest, or that was renamed.
struct Field {
    /// Its name in a plan. A leading `*` stands for the name of an object.
    now: &'static str,
    /// Its name in `difference/v1`: what the first version called it. Never change it.
    v1: &'static str,
    /// Its name in `difference/v2`: an identifier, not a phrase. Never change it.
    v2: &'static str,
}

/// To rename a field in a plan, write its new name under `now` and leave the other two alone; a field that has no row gets
/// one, with the old name under `v1` and `v2`. A test refuses names in plans that are neither here nor fields of the manifest.
const FIELDS: [Field; 4] = [
    Field { now: "default forward", v1: "default forward", v2: "defaultActions" },
    Field { now: "temporary rule", v1: "temporary rule", v2: "temporaryRule.priority" },
    Field { now: "temporary forward", v1: "temporary forward", v2: "temporaryRule.forward" },
    Field { now: "* priority", v1: "* priority", v2: "priorities.*" },
];

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
        let fields_of_v1 = fields(entry.changes, |field| field.v1);
        // An absent part leaves its space, as in the first version.
        let v1 =
            [entry.object.as_str(), entry.operation.unwrap_or_default(), &fields_of_v1].join(" ").trim().to_owned();
        let action = entry.action.or(entry.operation).unwrap_or(entry.kind.id());
        // An error is about no object; the file that it is in is the same in the next run, its line may not be.
        let file = entry.at.filter(|_| entry.object.is_empty()).map_or("", |at| at.file);
        let v2 = words([&entry.object, file, action, &fields(entry.changes, |field| field.v2)]);
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

fn fields(changes: &[Change], name: fn(&Field) -> &'static str) -> String {
    let names: Vec<String> = changes.iter().map(|change| named(&change.field, name)).collect();
    names.join(",")
}

/// A field's name in a fingerprint; a field of the manifest keeps its own.
fn named(field: &str, name: fn(&Field) -> &'static str) -> String {
    let of_row = |row: &Field| {
        if row.now == field {
            return Some(name(row).to_owned());
        }
        let object = field.strip_suffix(row.now.strip_prefix('*')?)?;
        Some(name(row).replace('*', object))
    };
    FIELDS.iter().find_map(of_row).unwrap_or_else(|| field.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_an_identifier_and_its_first_name() {
        let both = |field: &str| (named(field, |row| row.v1), named(field, |row| row.v2));
        let owned = |v1: &str, v2: &str| (v1.to_owned(), v2.to_owned());
        assert_eq!(both("healthCheck.path"), owned("healthCheck.path", "healthCheck.path"));
        assert_eq!(both("default forward"), owned("default forward", "defaultActions"));
        assert_eq!(both("checkout-http priority"), owned("checkout-http priority", "priorities.checkout-http"));
        assert_eq!(both("priority"), owned("priority", "priority"));
    }

    #[test]
    fn every_identifier_is_one_word() {
        for Field { now: _, v1, v2 } in &FIELDS {
            assert!(!v2.contains(' ') && !v1.is_empty(), "{v2}");
        }
    }
}
