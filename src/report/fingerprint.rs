//! Fingerprints of differences, by which code scanning knows an alert again in the next run.
//!
//! Texts may change from version to version, so no text is part of a fingerprint: otherwise every alert would close and open
//! again on an upgrade. Both fingerprints name fields by a `match` of their own and not by how a plan shows them.

use std::collections::BTreeMap;

use crate::plan::{Field, HealthCheckField};

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
        // An absent part leaves its space, as in the first version.
        let broken = entry.path.as_ref().map(|path| format!("{path} is broken: portolan trace")).unwrap_or_default();
        let operation = entry.operation.unwrap_or_default();
        let v1 = [entry.object.as_str(), operation, &fields(entry, first_name), &broken].join(" ").trim().to_owned();
        let action = entry.action.or(entry.operation).unwrap_or(entry.kind.id());
        // An error is about no object; the file that it is in is the same in the next run, its line may not be.
        let file = entry.at.filter(|_| entry.object.is_empty()).map_or("", |at| at.file);
        let path = entry.path.as_deref().unwrap_or_default();
        let parts = [&entry.object, file, action, &fields(entry, identifier), path];
        let v2 = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        let number = seen.entry(v2.clone()).or_default();
        *number += 1;
        let v2 = if *number == 1 { v2 } else { format!("{v2} #{number}") };
        Fingerprint { v1, v2 }
    };
    entries.iter().map(of_one).collect()
}

fn fields(entry: &Entry<'_>, name: fn(&Field) -> String) -> String {
    entry.changes.iter().map(|change| name(&change.field)).collect::<Vec<_>>().join(",")
}

/// What the first version called a field. A field that is shown by another name from now on gets the old one here; a new
/// field has no first name to keep, and takes its identifier.
fn first_name(field: &Field) -> String {
    if let Field::PriorityOf(key) = field {
        return format!("{key} priority");
    }
    let others = [
        (matches!(field, Field::AllowFrom(_) | Field::Ingress(_)), "ingress"),
        (matches!(field, Field::DefaultForward), "default forward"),
        (matches!(field, Field::TemporaryRule), "temporary rule"),
        (matches!(field, Field::TemporaryForward), "temporary forward"),
    ];
    let own = others.into_iter().find(|(is_it, _)| *is_it).map(|(_, name)| name.to_owned());
    own.unwrap_or_else(|| identifier(field))
}

/// A field's path in the manifest or in AWS. It is part of `difference/v2`: no arm may change.
fn identifier(field: &Field) -> String {
    let text = match field {
        Field::DesiredCount => "desiredCount",
        Field::Member(path) => return path.to_string(),
        Field::Subnets => "network.subnets",
        Field::AssignPublicIp => "network.assignPublicIp",
        Field::SecurityGroups => "network.securityGroups",
        Field::LoadBalancers => "loadBalancers",
        Field::PortMapping(port) => return format!("ports.{port}.mapping"),
        Field::PortTargetGroups(port) => return format!("ports.{port}.targetGroups"),
        Field::Ingress(port) => return format!("ports.{port}.ingress"),
        Field::AllowFrom(port) => return format!("ports.{port}.allowFrom"),
        Field::Protocol => "protocol",
        Field::ProtocolVersion => "protocolVersion",
        Field::Port => "port",
        Field::TargetType => "targetType",
        Field::HealthCheck(field) => return format!("healthCheck.{}", health_check(*field)),
        Field::Attribute(key) => return format!("attributes.{key}"),
        Field::Tag(key) => return format!("tags.{key}"),
        Field::Targets => "targets",
        Field::Forward => "forward",
        Field::Conditions => "conditions",
        Field::Priority => "priority",
        Field::PriorityOf(key) => return format!("priorities.{key}"),
        Field::DefaultForward => "defaultActions",
        Field::TemporaryRule => "temporaryRule.priority",
        Field::TemporaryForward => "temporaryRule.forward",
    };
    text.to_owned()
}

fn health_check(field: HealthCheckField) -> &'static str {
    match field {
        HealthCheckField::Protocol => "protocol",
        HealthCheckField::Port => "port",
        HealthCheckField::Path => "path",
        HealthCheckField::Matcher => "matcher",
        HealthCheckField::Interval => "interval",
        HealthCheckField::Timeout => "timeout",
        HealthCheckField::HealthyThreshold => "healthyThreshold",
        HealthCheckField::UnhealthyThreshold => "unhealthyThreshold",
    }
}
