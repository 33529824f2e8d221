//! Who is behind a registration in a target group. Tracing, planning and `init` all ask here, so that they agree.

use std::collections::{BTreeMap, BTreeSet};

use super::arn::last_part;
use super::desired::{DesiredService, DesiredTargetGroup};
use super::given::Given;
use super::id::{ServiceId, TargetGroupArn};
use super::seen::{Gap, Seen};
use super::service::Service;
use super::target::{Placement, TargetKey, Task};

/// Who is behind a registration, as far as the manifest and the tasks tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behind<'a> {
    /// A declared target, or a live task at a port that its revision of the service names for the target group.
    Expected,
    /// A live task that an older deployment of its service started, whose revision is not known: ECS may have registered it
    /// by that. It counts as expected.
    OlderTask(&'a ServiceId),
    /// A live task of a service that feeds the target group, at a port that no revision of it names for the group.
    OtherPort(&'a ServiceId),
    /// A live task that does not feed the target group: its address, or its host port on an instance.
    OtherTask(&'a ServiceId, &'a Task),
    /// No known task has it.
    NoTask,
}

/// The gap that is left where a service counts tasks and none is listed: an emulator, or a list that lags.
pub fn unlisted(counted: u32, listed: &[Task]) -> Option<Gap> {
    let why = format!("{counted} tasks are counted, and none is listed");
    (counted > 0 && listed.is_empty()).then(|| Gap { call: "ecs:ListTasks".to_owned(), why })
}

/// A container and its port.
type Port<'a> = (&'a str, u16);

/// What a target group should hold.
#[derive(Debug)]
pub struct Registrants<'a, 'g> {
    given: &'g Given<'a>,
    arns: &'g BTreeSet<TargetGroupArn>,
    declared: BTreeSet<&'g TargetKey>,
    /// Services that feed the group by declaration or by their live wiring, with the ports that they feed it from.
    services: BTreeMap<&'a ServiceId, BTreeSet<Port<'a>>>,
    endpoints: BTreeSet<TargetKey>,
    /// Some task that may be behind the group has no known address.
    pub has_unknown_address: bool,
    /// What could not be read of the services and tasks that may be behind the group.
    pub gap: Option<Gap>,
}

impl<'a> Given<'a> {
    /// What a declared target group should hold; `arns` are the live groups that stand for it.
    pub fn registrants<'g>(
        &'g self,
        wanted: &'g DesiredTargetGroup,
        arns: &'g BTreeSet<TargetGroupArn>,
    ) -> Registrants<'a, 'g> {
        let mut found = Registrants {
            given: self,
            arns,
            declared: wanted.targets.iter().flatten().map(|target| &target.key).collect(),
            services: BTreeMap::new(),
            endpoints: BTreeSet::new(),
            has_unknown_address: false,
            gap: None,
        };
        // By the services' keys: of several that could not be read, the first is reported.
        for (id, ports) in found.feeding(wanted).into_values() {
            found.add(id, &ports);
            found.services.insert(id, ports);
        }
        found
    }

    /// Whether an older deployment than the live one started a task. Where ECS does not say which one, a task may be an
    /// older one for as long as a deployment is in progress.
    pub fn is_older(&self, id: &ServiceId, task: &Task) -> bool {
        let live = self.observed.service(id).present();
        let primary = live.and_then(|live| live.deployments.iter().find(|deployment| deployment.primary));
        match (primary, &task.started_by) {
            (Some(primary), Some(id)) => *id != primary.id,
            _ => live.is_some_and(Service::is_deploying),
        }
    }

    /// The ports that a task's own revision names for these target groups; `None` where that is not known.
    fn ports_of_revision(
        &self,
        id: &ServiceId,
        task: &Task,
        arns: &BTreeSet<TargetGroupArn>,
    ) -> Option<BTreeSet<Port<'a>>> {
        let revisions = self.observed.revisions_of(id).present()?;
        let number = last_part(task.started_by.as_deref()?);
        let revision = revisions.iter().find(|revision| revision.number == number)?;
        let names = |arn: &TargetGroupArn| arns.contains(arn);
        let entries = revision.load_balancers.iter().filter(|entry| entry.target_groups().any(names));
        Some(entries.map(|entry| (entry.container.as_str(), entry.container_port)).collect())
    }

    /// The ports that a task of a service feeds these target groups from; `None` where that is not known. `current` are those
    /// of the live wiring.
    pub fn ports_of_task(
        &self,
        id: &ServiceId,
        task: &Task,
        arns: &BTreeSet<TargetGroupArn>,
        current: &BTreeSet<Port<'a>>,
    ) -> Option<BTreeSet<Port<'a>>> {
        if self.is_older(id, task) { self.ports_of_revision(id, task, arns) } else { Some(current.clone()) }
    }
}

impl<'a> Registrants<'a, '_> {
    /// Services by their keys, with the ports that they feed the group from.
    fn feeding(&self, wanted: &DesiredTargetGroup) -> BTreeMap<&'a str, (&'a ServiceId, BTreeSet<Port<'a>>)> {
        let mut all: BTreeMap<&str, (&ServiceId, BTreeSet<Port<'_>>)> = BTreeMap::new();
        for (service, port) in self.given.ports_of(&wanted.key) {
            let (_, ports) = all.entry(&service.key).or_insert((&service.id, BTreeSet::new()));
            ports.insert((&port.container, port.container_port));
        }
        for live in self.arns.iter().flat_map(|arn| self.given.services_feeding(arn)) {
            let Some(service): Option<&'a DesiredService> = self.given.declared_service(&live.id) else { continue };
            let (_, ports) = all.entry(&service.key).or_insert((&service.id, BTreeSet::new()));
            let entries = self.arns.iter().flat_map(|arn| live.entries_behind(arn));
            ports.extend(entries.map(|entry| (entry.container.as_str(), entry.container_port)));
        }
        all
    }

    fn add(&mut self, id: &'a ServiceId, ports: &BTreeSet<Port<'a>>) {
        // A service that is gone has no tasks.
        if matches!(self.given.observed.service(id), Seen::Absent) {
            return;
        }
        let tasks = match self.given.observed.tasks_of(id) {
            Seen::Present(tasks) => tasks,
            Seen::Absent => return,
            Seen::Unknown(gap) => {
                self.gap.get_or_insert(gap);
                return;
            }
        };
        for task in tasks {
            let keys: Vec<TargetKey> = task.endpoints(ports).collect();
            // All bindings of a task that runs are known; one that starts may get more.
            let may_bind = keys.is_empty() && !ports.is_empty() && task.status != "RUNNING";
            self.has_unknown_address |= task.placement == Placement::Unknown || may_bind;
            self.endpoints.extend(keys);
        }
    }

    /// The services that feed the group.
    pub fn services(&self) -> impl Iterator<Item = &'a ServiceId> {
        self.services.keys().copied()
    }

    /// Where running tasks are not listed, it is not known who has which address.
    pub fn uncounted(&self) -> Option<Gap> {
        self.services.keys().find_map(|id| {
            let running = self.given.observed.service(id).present()?.running_count;
            unlisted(running, self.given.observed.tasks_of(id).present()?)
        })
    }

    /// Who is behind a registration of the group.
    pub fn behind(&self, key: &TargetKey) -> Behind<'a> {
        if self.declared.contains(key) || self.endpoints.contains(key) {
            return Behind::Expected;
        }
        let mut found = Behind::NoTask;
        for (id, task) in self.given.observed.all_tasks().filter(|(_, task)| task.has(key)) {
            let none = BTreeSet::new();
            let current = self.services.get(id);
            match self.given.ports_of_task(id, task, self.arns, current.unwrap_or(&none)) {
                None => return Behind::OlderTask(id),
                Some(ports) => {
                    if task.endpoints(&ports).any(|endpoint| endpoint == *key) {
                        return Behind::Expected;
                    }
                }
            }
            found = if current.is_some() { Behind::OtherPort(id) } else { Behind::OtherTask(id, task) };
        }
        found
    }
}
