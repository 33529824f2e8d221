//! Names for what could not be read: every unknown of a reading, with the object it was for.

use std::collections::BTreeSet;

use crate::model::{Desired, Gap, ObjectRef, Observed, Seen, ServiceId, TargetGroup};

use super::NOT_ASKED;

/// Notes every gap of the reading in `observed.gaps`. What was not asked for is none.
pub(super) fn note(desired: &Desired, observed: &mut Observed) {
    let mut notes = Notes { desired, found: BTreeSet::new() };
    notes.of_the_region(observed);
    notes.of_services(observed);
    notes.of_balancing(observed);
    notes.of_ec2(observed);
    let found = notes.found;
    observed.gaps.extend(found);
}

struct Notes<'a> {
    desired: &'a Desired,
    found: BTreeSet<(String, Gap)>,
}

/// The gap of what was asked and not answered.
fn gap_of<T>(seen: &Seen<T>) -> Option<&Gap> {
    seen.gap().filter(|gap| gap.why != NOT_ASKED)
}

impl Notes<'_> {
    /// Names are looked up for gaps alone: most looks have none, and a fleet may be large.
    fn add<T, N: Into<String>>(&mut self, name: impl FnOnce(&Self) -> N, seen: &Seen<T>) {
        if let Some(gap) = gap_of(seen) {
            let name = name(self).into();
            self.found.insert((name, gap.clone()));
        }
    }

    fn fleet(&self) -> String {
        ObjectRef::fleet(&self.desired.fleet.name).to_string()
    }

    fn service(&self, id: &ServiceId) -> String {
        let found = self.desired.services.values().find(|service| service.id == *id);
        found.map_or_else(|| id.to_string(), |service| ObjectRef::service(&service.key).to_string())
    }

    fn target_group(&self, group: &TargetGroup) -> String {
        let mut all = self.desired.target_groups.values();
        let found = all.find(|wanted| wanted.name == group.name || wanted.name == group.arn.as_str());
        found.map_or_else(|| group.name.clone(), |wanted| ObjectRef::target_group(&wanted.key).to_string())
    }

    fn of_the_region(&mut self, observed: &Observed) {
        let fleet = self.fleet();
        self.add(|_| fleet.as_str(), &observed.account);
        self.add(|_| fleet.as_str(), &observed.vpcs);
        self.add(|_| fleet.as_str(), &observed.subnets);
        self.add(|_| fleet.as_str(), &observed.security_groups);
        self.add(|_| fleet.as_str(), &observed.marked_ingress);
        self.add(|_| fleet.as_str(), &observed.load_balancers);
        self.add(|_| fleet.as_str(), &observed.target_groups);
        self.add(|_| fleet.as_str(), &observed.limits);
        for (name, seen) in &observed.clusters {
            self.add(|_| name.as_str(), seen);
        }
        for (name, seen) in &observed.named_target_groups {
            self.add(|_| name.as_str(), seen);
        }
    }

    fn of_services(&mut self, observed: &Observed) {
        for (id, seen) in &observed.services {
            self.add(|notes| notes.service(id), seen);
        }
        for (id, seen) in &observed.tasks {
            self.add(|notes| notes.service(id), seen);
        }
        for (id, seen) in &observed.past_deployments {
            self.add(|notes| notes.service(id), seen);
        }
        for (id, seen) in &observed.revisions {
            self.add(|notes| notes.service(id), seen);
        }
        for (id, seen) in &observed.under_way {
            self.add(|notes| notes.service(id), seen);
        }
        for (id, seen) in &observed.scalable_targets {
            self.add(|notes| notes.service(id), seen);
        }
        for (arn, seen) in observed.task_definitions.iter().filter(|(_, seen)| gap_of(seen).is_some()) {
            let services = observed.services.iter().filter(|(_, service)| {
                let service = service.as_ref().present();
                service.is_some_and(|service| service.task_definition == *arn)
            });
            let users: Vec<String> = services.map(|(id, _)| self.service(id)).collect();
            for user in &users {
                self.add(|_| user.as_str(), seen);
            }
            if users.is_empty() {
                self.add(|_| arn.as_str(), seen);
            }
        }
    }

    fn of_balancing(&mut self, observed: &Observed) {
        let balancers: Vec<_> = observed.load_balancers.as_ref().present().into_iter().flatten().collect();
        let groups: Vec<_> = observed.target_groups.as_ref().present().into_iter().flatten().collect();
        for (arn, seen) in &observed.listeners {
            let find = || balancers.iter().find(|balancer| balancer.arn == *arn);
            self.add(|_| find().map_or(arn.as_str(), |balancer| &balancer.name), seen);
        }
        for (arn, seen) in &observed.rules {
            self.add(|_| arn.as_str(), seen);
            for rule in seen.as_ref().present().into_iter().flatten() {
                self.add(|_| arn.as_str(), &rule.tags);
            }
        }
        for group in &groups {
            self.add(|notes| notes.target_group(group), &group.tags);
            if let Some(seen) = observed.attributes.get(&group.arn) {
                self.add(|notes| notes.target_group(group), seen);
            }
            if let Some(seen) = observed.targets.get(&group.arn) {
                self.add(|notes| notes.target_group(group), seen);
            }
        }
    }

    fn of_ec2(&mut self, observed: &Observed) {
        for (id, seen) in &observed.routes {
            self.add(|_| id.as_str(), seen);
        }
        for (id, seen) in &observed.prefix_lists {
            self.add(|_| id.as_str(), seen);
        }
        for (arn, seen) in &observed.nodes {
            self.add(|_| arn.name(), seen);
        }
        for (id, seen) in &observed.ingress {
            self.add(|_| id.as_str(), seen);
        }
        for (id, seen) in &observed.hosts {
            self.add(|_| id.as_str(), seen);
        }
        for (id, seen) in &observed.group_addresses {
            self.add(|_| id.as_str(), seen);
        }
        for (address, seen) in &observed.address_owners {
            self.add(|_| address.to_string(), seen);
        }
    }
}
