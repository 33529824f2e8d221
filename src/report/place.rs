//! From what a plan says to the line of the manifest that it is about.

use std::collections::BTreeMap;

use crate::model::{Conditions, Desired, DesiredTargetGroup, ObjectKind, ObjectRef, Place, Places, Route};
use crate::plan::{Blocked, Change, Field, ListenerChange, Plan, Step, StepId};

/// One thing that a plan says, by its number in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// A step.
    Step(StepId),
    /// A difference that stays.
    Blocked(usize),
    /// Something that a later pass does.
    Planned(usize),
    /// Something that is left to others.
    Deferred(usize),
    /// A remark.
    Finding(usize),
    /// Something that could not be read.
    Gap(usize),
    /// A broken path that no step repairs.
    BrokenPath(usize),
    /// An object that is as declared.
    Unchanged(usize),
}

/// The place of everything that a plan says: of the field that differs where there is one, of the object otherwise.
/// What the manifest does not name, such as an orphaned target group, is the Fleet's.
pub fn locate(plan: &Plan, desired: &Desired, places: &Places) -> BTreeMap<Item, Place> {
    let map = Map { desired, places };
    let steps = plan.steps.iter().map(|step| (Item::Step(step.id), map.step(step)));
    let blocked = plan.blocked.iter().enumerate().map(|(n, entry)| (Item::Blocked(n), map.blocked(entry)));
    let planned = plan.planned.iter().enumerate().map(|(n, entry)| (Item::Planned(n), map.at(&entry.object, "")));
    let deferred = plan.deferred.iter().enumerate().map(|(n, entry)| (Item::Deferred(n), map.at(&entry.object, "")));
    let findings = plan.findings.iter().enumerate().map(|(n, entry)| (Item::Finding(n), map.at(&entry.object, "")));
    let gaps = plan.gaps.iter().enumerate().map(|(n, (name, _))| (Item::Gap(n), map.named(name)));
    let unchanged = plan.unchanged.iter().enumerate().map(|(n, object)| (Item::Unchanged(n), map.at(object, "")));
    let all = steps.chain(blocked).chain(planned).chain(deferred).chain(findings).chain(gaps).chain(unchanged);
    all.filter_map(|(item, place)| Some((item, place?))).collect()
}

/// The place of an object; of one that the manifest does not name, the Fleet's.
pub(super) fn place_of(object: &ObjectRef, desired: &Desired, places: &Places) -> Option<Place> {
    Map { desired, places }.at(object, "")
}

struct Map<'a> {
    desired: &'a Desired,
    places: &'a Places,
}

impl Map<'_> {
    fn at(&self, object: &ObjectRef, field: &str) -> Option<Place> {
        let fleet = || self.places.find(&ObjectRef::fleet(&self.desired.fleet.name), "");
        self.places.find(object, field).or_else(fleet)
    }

    /// What a gap names is an object of the manifest, or something of AWS.
    fn named(&self, name: &str) -> Option<Place> {
        let mut objects = self.places.0.keys();
        let fleet = ObjectRef::fleet(&self.desired.fleet.name);
        self.at(objects.find(|object| object.to_string() == name).unwrap_or(&fleet), "")
    }

    fn step(&self, step: &Step) -> Option<Place> {
        let group = || self.desired.target_groups.get(&step.object.key);
        let field = match step.action.on_listener() {
            Some(ListenerChange::CreateRule { conditions, priority, .. }) => {
                self.route(group(), Some(conditions), Some(priority))
            }
            Some(ListenerChange::ModifyRule { edit, expect, .. }) => {
                self.route(group(), Some(edit.conditions.as_ref().unwrap_or(&expect.conditions)), None)
            }
            Some(
                ListenerChange::SetRulePriorities { .. }
                | ListenerChange::DeleteRule { .. }
                | ListenerChange::ModifyListener { .. },
            )
            | None => return self.changes(&step.object, &step.changes),
        };
        self.at(&step.object, &field)
    }

    fn blocked(&self, entry: &Blocked) -> Option<Place> {
        self.changes(&entry.object, &entry.changes)
    }

    /// The place of the first field.
    fn changes(&self, object: &ObjectRef, changes: &[Change]) -> Option<Place> {
        let Some(first) = changes.first() else { return self.at(object, "") };
        let is_group = object.kind == ObjectKind::TargetGroup;
        let group = || self.desired.target_groups.get(&object.key);
        let priority = || {
            let is_it = |change: &&Change| matches!(change.field, Field::Priority | Field::PriorityOf(_));
            changes.iter().find(is_it)?.desired.as_deref()?.parse().ok()
        };
        match &first.field {
            Field::DefaultForward => self.at(object, &self.default_route(group())),
            Field::Priority | Field::Conditions | Field::Forward if is_group => {
                self.at(object, &self.route(group(), None, priority()))
            }
            // Several groups may move together: each field says whose it is.
            Field::PriorityOf(key) => {
                let route = self.route(self.desired.target_groups.get(key), None, priority());
                let field = if route == ROUTES { route } else { format!("{route}.priority") };
                self.at(&ObjectRef::target_group(key), &field)
            }
            Field::Ingress(port) => self.at(object, &format!("ports.{port}")),
            Field::Member(path) => self.at(object, &path.dotted()),
            field @ (Field::DesiredCount
            | Field::Subnets
            | Field::AssignPublicIp
            | Field::SecurityGroups
            | Field::LoadBalancers
            | Field::PortMapping(_)
            | Field::PortTargetGroups(_)
            | Field::AllowFrom(_)
            | Field::Protocol
            | Field::ProtocolVersion
            | Field::Port
            | Field::TargetType
            | Field::HealthCheck(_)
            | Field::Attribute(_)
            | Field::Tag(_)
            | Field::Targets
            | Field::Forward
            | Field::Conditions
            | Field::Priority
            | Field::TemporaryRule
            | Field::TemporaryForward) => self.at(object, &field.to_string()),
        }
    }

    /// The one route that has these conditions or this priority; the list where several could be it.
    fn route(
        &self,
        group: Option<&DesiredTargetGroup>,
        conditions: Option<&Conditions>,
        priority: Option<u32>,
    ) -> String {
        let fits = |route: &Route| {
            !route.default
                && conditions.is_none_or(|conditions| route.conditions == *conditions)
                && priority.is_none_or(|priority| route.priority == Some(priority))
        };
        only_route(group, fits)
    }

    fn default_route(&self, group: Option<&DesiredTargetGroup>) -> String {
        only_route(group, |route| route.default)
    }
}

const ROUTES: &str = "routes";

fn only_route(group: Option<&DesiredTargetGroup>, fits: impl Fn(&Route) -> bool) -> String {
    let routes = group.into_iter().flat_map(|group| group.routes.iter().flatten()).enumerate();
    let mut fitting = routes.filter(|(_, route)| fits(route)).map(|(number, _)| number);
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => format!("{ROUTES}.{only}"),
        _ => ROUTES.to_owned(),
    }
}
