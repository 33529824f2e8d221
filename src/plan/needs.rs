//! What planning needs to know, given what is known so far. Asking for more would cost calls, asking for less would leave
//! blocked entries. Pure.

mod structure;

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::Timestamp;

use crate::model::{
    Behind, DeploymentController, Desired, DesiredPort, DesiredService, Given, GroupId, InstanceId, Kind,
    LoadBalancerArn, LoadBalancerEntry, Lookup, Observed, OnTimeout, Owner, Placement, Query, Registrar, Seen, Serve,
    ServiceId, Strategy, TargetGroup, TargetGroupArn, TargetKey, TargetState, Task,
};

use super::ingress_reads;
use super::resolve::stand_ins;
use super::rule_match::{Match, RoutedListener, forwards_only_to, routed_listeners};
pub use super::target::Unknown;
use super::{handover, left_over, new_service, overdue, parked, redeployment, resolve, target};
use structure::Structure;

/// What planning a manifest needs to know, given what is known so far: in stages, each of which follows from the answers to the one
/// before. A stage is derived once, however often it is asked for while its answers arrive.
#[derive(Debug)]
pub struct PlanNeeds<'d> {
    desired: &'d Desired,
    structure: Structure,
    /// The structure is known, except for the health of target groups.
    has_structure: bool,
    /// What of the second stage is open; `None` before it was derived.
    further: Option<BTreeSet<Query>>,
    /// What explains registrations and allows flows, answered or open; it may grow with its answers.
    last: BTreeSet<Query>,
    open_last: BTreeSet<Query>,
    is_complete: bool,
}

impl<'d> PlanNeeds<'d> {
    /// Nothing is known yet.
    pub fn new(desired: &'d Desired) -> Self {
        Self {
            desired,
            structure: Structure::default(),
            has_structure: false,
            further: None,
            last: BTreeSet::new(),
            open_last: BTreeSet::new(),
            is_complete: false,
        }
    }

    /// Takes note of what is known now. Answers of the kinds `arrived` have come since the last time.
    pub fn update(&mut self, observed: &Observed, arrived: &BTreeSet<Kind>) {
        self.structure.update(self.desired, observed, arrived);
        // The health of all target groups takes longest, and nothing of the next stage depends on it.
        self.has_structure = self.structure.open().all(|query| query.kind() == Kind::Health);
        if !self.has_structure {
            return;
        }
        match &mut self.further {
            Some(open) => retain_open(open, observed, arrived),
            None => {
                let needs = further(&Given::new(self.desired, observed));
                self.further = Some(needs.difference(&observed.answered).cloned().collect());
            }
        }
        let is_answered = self.structure.open().chain(self.further.iter().flatten()).next().is_none();
        if !self.is_complete && is_answered && self.last.is_subset(&observed.answered) {
            let before = self.last.len();
            self.last.extend(last(&Given::new(self.desired, observed)));
            self.is_complete = self.last.len() == before;
        }
        self.open_last = self.last.difference(&observed.answered).cloned().collect();
    }

    /// Every question whose answer is needed and was not there at the last update; some more than once.
    pub fn open(&self) -> impl Iterator<Item = &Query> {
        let stages = self.further.iter().flatten().chain(&self.open_last);
        self.structure.open().chain(stages.filter(|_| self.has_structure))
    }
}

/// Drops the questions that have been answered, as answers of some kinds have arrived.
fn retain_open(open: &mut BTreeSet<Query>, observed: &Observed, arrived: &BTreeSet<Kind>) {
    open.retain(|query| !arrived.contains(&query.kind()) || !observed.answered.contains(query));
}

/// What may explain registrations and allow flows by address; and once that is known, what is behind older tasks.
fn last(given: &Given<'_>) -> BTreeSet<Query> {
    let mut needs = explaining(given);
    needs.extend(allowing(given));
    needs.extend(left_over::needs(given));
    if needs.is_subset(&given.observed.answered) {
        needs.extend(services_with_older_tasks(given).into_iter().map(Query::Revisions));
    }
    needs
}

/// What planning needs in addition to the services, the chain of load balancing and the network: all that is known.
fn further(given: &Given<'_>) -> BTreeSet<Query> {
    let listeners = routed_listeners(given);
    let losing = who_may_lose_requests(given, &listeners);
    let may_park = parked::may_park(given, &listeners);
    let young = may_park.keys.iter().flat_map(|key| stand_ins(given, key));
    let look_back = services_to_look_back(given);
    let mut needs = BTreeSet::new();
    needs.extend(groups_to_read(given).into_iter().map(Query::SecurityGroupRules));
    needs.extend(losing.iter().filter(|arn| is_untagged(given, arn)).map(|arn| Query::Tags(arn.to_string())));
    needs.extend(look_back.iter().filter(|id| is_rolling(given, id)).cloned().map(Query::UnderWay));
    needs.extend(look_back.into_iter().map(Query::PastDeployments));
    needs.extend(services_to_stop(given).map(Query::ServiceDeployments));
    needs.extend(groups_to_look_around(given).into_iter().map(Query::GroupAddresses));
    needs.extend(clusters_to_list(given).into_iter().map(Query::ClusterServices));
    needs.extend(young.cloned().chain(handover::kept(given)).map(Query::Attributes));
    needs.extend(may_park.vpcs.into_iter().map(Query::Routes));
    needs.extend(target_groups_to_check(given, losing).into_iter().map(Query::Health));
    needs
}

/// The services whose deployment in progress is stopped if it takes too long.
fn services_to_stop(given: &Given<'_>) -> impl Iterator<Item = ServiceId> {
    let limited = given.desired.services.values().filter(|wanted| wanted.rollout.on_timeout == OnTimeout::Stop);
    let under_way = limited.filter(|wanted| {
        let live = given.observed.service(&wanted.id).present();
        live.is_some_and(|live| overdue::limited(live, wanted).is_some())
    });
    under_way.map(|wanted| wanted.id.clone())
}

/// Whether a rolling deployment of a service is in progress.
fn is_rolling(given: &Given<'_>, id: &ServiceId) -> bool {
    given.observed.service(id).present().is_some_and(|live| {
        live.controller == DeploymentController::Ecs && live.strategy == Strategy::Rolling && live.is_deploying()
    })
}

/// What may explain registrations that nothing explains so far.
fn explaining(given: &Given<'_>) -> BTreeSet<Query> {
    needs_of(given, &unexplained_targets(given))
}

fn needs_of(given: &Given<'_>, unexplained: &Unexplained) -> BTreeSet<Query> {
    let mut needs = BTreeSet::new();
    if !unexplained.keys.is_empty() {
        needs.extend(given.observed.tasks.keys().map(|service| Query::StoppingTasks(service.cluster.clone())));
        needs.extend(unexplained.addresses.iter().copied().map(Query::AddressOwner));
        needs.extend(unexplained.instances.iter().cloned().map(Query::Host));
    }
    needs
}

/// Forgets the tasks of services outside the manifest whose places nothing needs to explain: a cluster may have thousands.
pub fn forget_explained(desired: &Desired, observed: &mut Observed) {
    if observed.other_tasks().next().is_none() {
        return;
    }
    let given = Given::new(desired, observed);
    let groups = desired.target_groups.keys().flat_map(|key| stand_ins(&given, key));
    let targets = groups.collect::<BTreeSet<_>>().into_iter();
    let targets = targets.filter_map(|arn| given.observed.targets_of(arn).present()).flatten();
    let registered: BTreeSet<TargetKey> = targets.map(|target| target.key.clone()).collect();
    let ids: BTreeSet<String> = registered.iter().map(|key| key.id.clone()).collect();
    let is_registered = |task: &Task| match &task.placement {
        Placement::Address(address) => ids.contains(&address.to_string()),
        Placement::Instance { instance, bindings } => bindings
            .iter()
            .any(|binding| registered.contains(&TargetKey { id: instance.to_string(), port: binding.host_port })),
        Placement::Unknown => false,
    };
    for seen in observed.other_tasks.values_mut() {
        if let Seen::Present(tasks) = seen {
            tasks.retain(is_registered);
        }
    }
}

/// What may explain any registration at all, whether the manifest manages it or not: `init` describes them.
pub fn explaining_all(desired: &Desired, observed: &Observed) -> BTreeSet<Query> {
    let given = Given::new(desired, observed);
    let all = desired.target_groups.values().flat_map(|group| target::unregistered_targets(&given, group));
    needs_of(&given, &Unexplained::of(all))
}

/// What may allow flows by address: the nodes of network load balancers, and the entries of prefix lists.
fn allowing(given: &Given<'_>) -> BTreeSet<Query> {
    let mut needs = BTreeSet::new();
    let nodes = ingress_reads::nodes_to_read(given);
    let is_known = |arn: &LoadBalancerArn| given.observed.nodes.contains_key(arn);
    if nodes.balancers.iter().any(|arn| !is_known(arn)) {
        needs.extend(nodes.attributes.into_iter().map(Query::Attributes));
    }
    needs.extend(nodes.balancers.into_iter().map(Query::Nodes));
    if needs.is_subset(&given.observed.answered) {
        needs.extend(ingress_reads::prefix_lists_to_read(given).into_iter().map(Query::PrefixList));
    }
    needs
}

/// The security groups whose ingress rules planning compares.
fn groups_to_read(given: &Given<'_>) -> BTreeSet<GroupId> {
    let mut groups = BTreeSet::new();
    for service in given.desired.services.values() {
        let names = service.network.iter().flat_map(|network| network.security_groups.iter().flatten());
        let Ok(vpc) = resolve::vpc_of_service(given, service) else { continue };
        for name in names {
            if let Seen::Present(Lookup::One(group)) = given.security_group(&vpc.id, name) {
                groups.insert(group.id.clone());
            }
        }
    }
    groups
}

/// The target groups whose health planning needs: the manifest's own with the others of their blue/green pairs, marked
/// left-overs with prune, and those that would lose requests to a rule that has to be made or changed (R2a).
fn target_groups_to_check(given: &Given<'_>, losing: BTreeSet<TargetGroupArn>) -> BTreeSet<TargetGroupArn> {
    let mut arns: BTreeSet<TargetGroupArn> =
        given.desired.target_groups.keys().flat_map(|key| stand_ins(given, key)).cloned().collect();
    if given.desired.fleet.removal.prune {
        arns.extend(left_over::target_groups(given).map(|group| group.arn.clone()));
    }
    arns.extend(losing);
    arns.extend(sharing(given, &arns));
    arns.extend(swung_by_code_deploy(given).cloned());
    arns
}

/// The target groups that get a share of the requests together with one of these.
fn sharing(given: &Given<'_>, arns: &BTreeSet<TargetGroupArn>) -> BTreeSet<TargetGroupArn> {
    let rules = given.observed.rules.values().filter_map(|seen| seen.as_ref().present()).flatten();
    let listeners = given.observed.listeners.values().filter_map(|seen| seen.as_ref().present()).flatten();
    let all = rules.map(|rule| &rule.actions).chain(listeners.map(|listener| &listener.default_actions));
    let forwards = all.filter_map(|actions| match &actions.serve {
        Serve::Forward(forward) if forward.weights.keys().any(|arn| arns.contains(arn)) => Some(forward),
        Serve::Forward(_) | Serve::Redirect(_) | Serve::FixedResponse(_) | Serve::Other(_) => None,
    });
    forwards.flat_map(|forward| forward.receivers().cloned()).collect()
}

/// The target groups between which CodeDeploy moves the traffic of the manifest's services: one counts as the other.
fn swung_by_code_deploy<'a>(given: &Given<'a>) -> impl Iterator<Item = &'a TargetGroupArn> {
    let live = given.desired.services.values().filter_map(|service| given.observed.service(&service.id).present());
    live.filter(|live| live.controller == DeploymentController::CodeDeploy).flat_map(|live| live.target_groups())
}

fn is_untagged(given: &Given<'_>, arn: &TargetGroupArn) -> bool {
    given.target_group(arn.as_str()).present().is_some_and(|group| group.tags.gap().is_some())
}

/// The groups whose carriers planning needs, with prune: those with marked ingress.
fn groups_to_look_around(given: &Given<'_>) -> BTreeSet<GroupId> {
    if !given.desired.fleet.removal.prune {
        return BTreeSet::new();
    }
    let marked = given.observed.marked_ingress.as_ref().present().into_iter().flatten();
    marked.map(|rule| rule.group.clone()).collect()
}

/// The clusters of which every service has to be known: with prune some target group may have to go, and one without a
/// mark is replaced only where services of the manifest alone name it. Those of a service that would be created are looked at for
/// one that looks like it.
fn clusters_to_list(given: &Given<'_>) -> BTreeSet<String> {
    let fleet = &given.desired.fleet.name;
    let is_ours = |group: &TargetGroup| {
        matches!(group.tags.as_ref().present().map(|tags| Owner::of(tags, fleet)), Some(Owner::Ours(_)))
    };
    let may_go = given.desired.fleet.removal.prune && left_over::target_groups(given).next().is_some();
    if may_go || left_over::may_services_go(given) || handover::replaced(given).into_iter().any(|group| !is_ours(group))
    {
        return given.desired.clusters();
    }
    let services = given.desired.services.values();
    let to_create = services.filter(|wanted| new_service::is_consented(given, wanted));
    to_create.map(|wanted| wanted.id.cluster.clone()).collect()
}

/// On every listener where some route has no live rule that is exactly it, all groups that the listener forwards to.
fn who_may_lose_requests(given: &Given<'_>, listeners: &[RoutedListener<'_>]) -> BTreeSet<TargetGroupArn> {
    let mut arns = BTreeSet::new();
    for RoutedListener { live, rules, defaults, others } in listeners {
        let Seen::Present(rules) = rules else { continue };
        let exact = others.iter().all(|(wanted, found)| match found {
            Match::Rule(rule) => {
                rule.conditions == wanted.route.conditions
                    && wanted.route.priority.is_none_or(|priority| priority == rule.priority)
                    && forwards_only_to(&rule.actions, stand_ins(given, wanted.key))
            }
            Match::None | Match::Tie(_) | Match::Unknown(_) => false,
        });
        let default_exact = defaults.iter().all(|wanted| {
            let arns = stand_ins(given, wanted.key);
            forwards_only_to(&live.default_actions, arns)
        });
        if exact && default_exact {
            continue;
        }
        let all = rules.iter().map(|rule| &rule.actions).chain([&live.default_actions]);
        for actions in all {
            if let Serve::Forward(forward) = &actions.serve {
                arns.extend(forward.receivers().cloned());
            }
        }
    }
    arns
}

/// Registrations that no known task and no declared target explains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Unexplained {
    /// The registrations.
    keys: BTreeSet<TargetKey>,
    /// Addresses to look for among network interfaces.
    addresses: BTreeSet<IpAddr>,
    /// Instances to look for.
    instances: BTreeSet<InstanceId>,
}

/// What registrations have to be proven stale or alive. Needs: target health, tasks, services.
fn unexplained_targets(given: &Given<'_>) -> Unexplained {
    let groups = given.desired.target_groups.values();
    Unexplained::of(groups.flat_map(|group| target::unknown_targets(given, group)))
}

impl Unexplained {
    fn of<'a>(unknown: impl Iterator<Item = Unknown<'a>>) -> Self {
        let mut unexplained = Self::default();
        for one in unknown {
            let key = &one.target.key;
            match key.id.parse::<IpAddr>() {
                Ok(address) => {
                    unexplained.addresses.insert(address);
                }
                Err(_) => {
                    unexplained.instances.insert(InstanceId::from(key.id.as_str()));
                }
            }
            unexplained.keys.insert(key.clone());
        }
        unexplained
    }
}

/// The services whose revisions have to be known: an older deployment of theirs started a task with a registration that the
/// live wiring does not explain. Needs what [`unexplained_targets`] needs.
fn services_with_older_tasks(given: &Given<'_>) -> BTreeSet<ServiceId> {
    let mut services = BTreeSet::new();
    // In most passes there is no such task, and no registration has to be matched with one.
    if !given.observed.all_tasks().any(|(id, task)| given.is_older(id, task)) {
        return services;
    }
    for wanted in given.desired.target_groups.values() {
        let arns = stand_ins(given, &wanted.key);
        let registrants = given.registrants(wanted, arns);
        let targets = arns.iter().filter_map(|arn| given.observed.targets_of(arn).present()).flatten();
        for target in targets.filter(|target| target.health.state != TargetState::Draining) {
            if let Behind::OlderTask(id) = registrants.behind(&target.key) {
                services.insert(id.clone());
            }
        }
    }
    services
}

/// The registrations of a target group that no task and no declared target explains, and who is behind each; `None` where
/// that cannot be told. Needs target health, tasks and services.
pub fn unexplained_in<'a>(given: &Given<'a>, key: &str) -> Option<Vec<Unknown<'a>>> {
    let wanted = given.desired.target_groups.get(key)?;
    let live = resolve::target_group(given, wanted).present()?;
    given.observed.targets_of(&live.arn).present()?;
    target::unregistered_in(given, wanted, live)
}

/// The services whose last deployments have to be known: those for which a repair would start one (R7a), and those that are
/// wired otherwise than declared.
fn services_to_look_back(given: &Given<'_>) -> BTreeSet<ServiceId> {
    let loses_a_group = |wanted: &DesiredService| {
        let live = given.observed.service(&wanted.id).present();
        live.is_some_and(|live| !handover::leaving(given, live, Timestamp::MAX).is_empty())
    };
    let would_redeploy = |wanted: &&DesiredService| {
        loses_a_group(wanted) || redeployment::redeployment(given, wanted, Timestamp::MAX, &mut Vec::new()).is_some()
    };
    let asked = |wanted: &&DesiredService| would_redeploy(wanted) || is_wired_otherwise(given, wanted);
    given.desired.services.values().filter(asked).map(|service| service.id.clone()).collect()
}

/// Whether a live service is wired to another container or port than declared: a deployment of what is declared may have
/// failed, also where no repair is possible.
fn is_wired_otherwise(given: &Given<'_>, wanted: &DesiredService) -> bool {
    let Seen::Present(live) = given.observed.service(&wanted.id) else { return false };
    let ports = wanted.ports.iter().flatten().filter(|port| port.registrar == Registrar::Ecs);
    let groups = |port: &DesiredPort| {
        let keys = port.target_groups.iter().flatten();
        let declared = keys.filter_map(|key| given.desired.target_groups.get(key));
        declared
            .filter_map(|group| given.target_group(&group.name).present())
            .map(|group| &group.arn)
            .collect::<Vec<_>>()
    };
    let differs = |port: &DesiredPort| {
        let is_it = |entry: &&LoadBalancerEntry| {
            entry.container == port.container && entry.container_port == port.container_port
        };
        groups(port).iter().any(|arn| !live.entries_behind(arn).any(|entry| is_it(&entry)))
    };
    ports.into_iter().any(differs)
}
