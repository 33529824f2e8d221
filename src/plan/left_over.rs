//! What this fleet created and the manifest no longer names, as far as it was read.

use std::collections::BTreeSet;

use crate::model::{Autoscaling, Given, Owner, Query, ServiceOutline, ServiceRemoval, TargetGroup};

/// Target groups that bear this fleet's mark and that the manifest does not name.
pub(super) fn target_groups<'a>(given: &Given<'a>) -> impl Iterator<Item = &'a TargetGroup> + use<'a> {
    let declared: BTreeSet<&str> = given.desired.target_groups.values().map(|group| group.name.as_str()).collect();
    let all = given.observed.target_groups.as_ref().present().into_iter().flatten();
    let fleet = &given.desired.fleet.name;
    all.filter(move |group| {
        let owner = group.tags.as_ref().present().map(|tags| Owner::of(tags, fleet));
        let named = declared.contains(group.name.as_str()) || declared.contains(group.arn.as_str());
        matches!(owner, Some(Owner::Ours(_))) && !named
    })
}

/// Services that this fleet created and the manifest does not name, each with the object in its tags.
pub(super) fn services<'a>(given: &Given<'a>) -> Vec<(&'a ServiceOutline, String)> {
    let fleet = &given.desired.fleet.name;
    let all = given.observed.cluster_services.values().filter_map(|seen| seen.as_ref().present()).flatten();
    let undeclared = all.filter(|service| given.declared_service(&service.id).is_none());
    let ours = undeclared.filter_map(|service| match Owner::of(&service.tags, fleet) {
        Owner::Ours(object) => Some((service, object)),
        Owner::Unmarked | Owner::AnotherFleet(_) => None,
    });
    ours.collect()
}

/// Whether the manifest allows that services go.
pub(super) fn may_services_go(given: &Given<'_>) -> bool {
    let removal = &given.desired.fleet.removal;
    removal.prune && removal.services == ServiceRemoval::Allow
}

/// What has to be known of services that may go.
pub(super) fn needs(given: &Given<'_>) -> BTreeSet<Query> {
    let mut needs = BTreeSet::new();
    if !may_services_go(given) {
        return needs;
    }
    for (service, _) in services(given) {
        needs.insert(Query::Service(service.id.clone()));
        if given.desired.fleet.autoscaling == Autoscaling::Check {
            needs.insert(Query::ScalableTarget(service.id.clone()));
        }
        needs.extend(service.target_groups.iter().cloned().map(Query::Health));
    }
    needs
}
