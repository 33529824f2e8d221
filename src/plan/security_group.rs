//! Ingress: what the load balancers need is derived, what `allowFrom` names is added; any wider live rule satisfies it.
//! Nothing is ever opened to the world unless the YAML says so.

use std::collections::BTreeSet;

use crate::model::{
    Desired, DesiredPort, DesiredService, Given, GroupId, IngressRule, IngressSource, IpProtocol, NetworkMode,
    ObjectRef, Observed, Passage, Placement, PortRange, Redeploy, RuleSource, Seen, TaskDefinition, Vpc,
};

use super::action::Action;
use super::allowed::{Allowed, by_address, flow_from, may_allow_addresses, report_addresses};
use super::change::Change;
use super::draft::{Draft, Drafts, Obstacle, need};
use super::field::Field;
use super::flow::Flow;
use super::from_load_balancer::flows_of_load_balancer;
use super::health_port::is_out_of_reach;
use super::reason::Reason;
use super::second_group;
use super::task_definition::{RealPort, mapping_of, real_port};
use super::{new_service, resolve};

/// A flow that the manifest wants, satisfied or not.
#[derive(Clone, Debug)]
pub(super) struct WantedFlow {
    /// The group that gets its rule.
    pub(super) ingress_group: GroupId,
    /// All groups of the service: their union must allow it.
    pub(super) groups: BTreeSet<GroupId>,
    pub(super) flow: Flow,
}

/// What is wanted of one service.
#[derive(Clone, Debug, Default)]
pub(super) struct ServiceIngress {
    pub(super) flows: Vec<WantedFlow>,
    /// All groups of the service, where they are declared.
    pub(super) groups: BTreeSet<GroupId>,
    /// Something that is wanted could not be planned.
    pub(super) is_blocked: bool,
    /// The manifest does not say which groups the tasks have: what was opened for them stays.
    pub(super) is_unmanaged: bool,
}

/// What prune must keep.
#[derive(Clone, Debug, Default)]
pub(super) struct WantedIngress {
    pub(super) flows: Vec<WantedFlow>,
    /// `Service/key` of services whose needs are not known now: everything marked for them stays.
    pub(super) keep: BTreeSet<String>,
}

/// Plans the ingress of one service.
pub(super) fn plan_ingress(
    given: &Given<'_>,
    wanted: &DesiredService,
    drafts: &mut Drafts,
) -> Result<ServiceIngress, Obstacle> {
    let object = ObjectRef::service(&wanted.key);
    let names = wanted.network.as_ref().and_then(|network| network.security_groups.as_ref());
    let mut planned = ServiceIngress { is_unmanaged: names.is_none(), ..ServiceIngress::default() };
    let flows = flows_of_service(given, wanted, drafts)?;
    if flows.is_empty() {
        return Ok(planned);
    }
    let Some(names) = names.filter(|names| !names.is_empty()) else {
        drafts.find(
            &object,
            "no ingress is derived: the service declares no securityGroups, so Portolan cannot tell which group its \
             tasks have",
        );
        return Ok(planned);
    };
    let vpc = resolve::vpc_of_service(given, wanted)?;
    planned.groups = resolve::security_groups(given, vpc, names)?;
    let ingress_group = wanted.network.as_ref().and_then(|network| network.ingress_group());
    let Some(ingress_group) = ingress_group else {
        return Err(Obstacle::difference(
            "ingress",
            Reason::new("several securityGroups are declared", "name the ingressGroup"),
        ));
    };
    let ingress_group = resolve::security_group(given, vpc, ingress_group)?.id.clone();
    check_instances(given.observed, wanted, &planned.groups, drafts);
    for flow in flows {
        let flow = WantedFlow { ingress_group: ingress_group.clone(), groups: planned.groups.clone(), flow };
        if let Err(obstacle) = plan_flow(given, wanted, &flow, drafts) {
            planned.is_blocked = true;
            obstacle.block(drafts, &object);
        }
        planned.flows.push(flow);
    }
    report_full_group(given, wanted, &ingress_group, drafts);
    Ok(planned)
}

fn plan_flow(
    given: &Given<'_>,
    wanted: &DesiredService,
    wanted_flow: &WantedFlow,
    drafts: &mut Drafts,
) -> Result<(), Obstacle> {
    let WantedFlow { groups, flow, .. } = wanted_flow;
    if let Some(other) = second_group::already_allowed(given, groups, flow) {
        second_group::report(wanted, flow, &other, drafts);
        return Ok(());
    }
    match by_address(given, groups, flow) {
        Allowed::No if flow.opens => open(given, wanted, wanted_flow, drafts),
        Allowed::No => {
            report_unopened(given, wanted, wanted_flow, drafts);
            Ok(())
        }
        Allowed::ForNodes(addresses) => {
            report_addresses(wanted, flow, &addresses, drafts);
            Ok(())
        }
        Allowed::Unknown(gap) if flow.opens => Err(Obstacle::gap(flow.words(), gap)),
        Allowed::ForAll | Allowed::Unknown(_) => Ok(()),
    }
}

/// EC2's default quota of inbound rules in a security group (IPv4 and IPv6 are counted apart). No API tells the account's.
const RULES_OF_A_GROUP: usize = 60;

/// A remark on a group that is as full as the default quota allows, or will be.
fn report_full_group(given: &Given<'_>, wanted: &DesiredService, group: &GroupId, drafts: &mut Drafts) {
    let Seen::Present(live) = given.observed.ingress_of(group) else { return };
    let rules = live.len() + planned_rules(drafts, &BTreeSet::from([group.clone()])).len();
    if rules >= RULES_OF_A_GROUP {
        drafts.find(
            &ObjectRef::service(&wanted.key),
            format!(
                "security group {group} has {rules} inbound rules with those of this plan; AWS refuses more than \
                 {RULES_OF_A_GROUP} unless the quota was raised"
            ),
        );
    }
}

/// A remark on checks that go to a port which is closed and not declared.
fn report_unopened(given: &Given<'_>, wanted: &DesiredService, wanted_flow: &WantedFlow, drafts: &mut Drafts) {
    let WantedFlow { groups, flow, .. } = wanted_flow;
    let live = groups.iter().filter_map(|group| given.observed.ingress_of(group).present()).flatten();
    let is_known = groups.iter().all(|group| !matches!(given.observed.ingress_of(group), Seen::Unknown(_)));
    let is_closed = flow.peer().is_some_and(|peer| flow_from(given, live, flow, &peer) == Passage::Closed);
    if is_known && is_closed {
        drafts.find(
            &ObjectRef::service(&wanted.key),
            format!(
                "{} {} is not opened for {}: the manifest does not declare it",
                flow.transport, flow.ports, flow.who
            ),
        );
    }
}

/// bridge and host: the declared groups are the instances', and only checked.
fn check_instances(observed: &Observed, wanted: &DesiredService, groups: &BTreeSet<GroupId>, drafts: &mut Drafts) {
    let Seen::Present(tasks) = observed.tasks_of(&wanted.id) else { return };
    let instances: BTreeSet<_> = tasks
        .iter()
        .filter_map(|task| match &task.placement {
            Placement::Instance { instance, .. } => Some(instance),
            Placement::Address(_) | Placement::Unknown => None,
        })
        .collect();
    for instance in instances {
        let Seen::Present(host) = observed.host(instance) else { continue };
        let missing: Vec<_> = groups.difference(&host.security_groups).map(ToString::to_string).collect();
        if !missing.is_empty() {
            drafts.block_on(
                &ObjectRef::service(&wanted.key),
                format!("instance {instance} does not have {}", missing.join(", ")),
                Reason::new(
                    "tasks in bridge or host mode use their instance's groups, which Portolan only checks",
                    "correct the manifest or the instance",
                ),
            );
        }
    }
}

/// Every flow that the manifest wants, with the security groups that must allow it, as far as these can be found.
pub(super) fn flows_of_fleet(given: &Given<'_>) -> Vec<(BTreeSet<GroupId>, Flow)> {
    let mut all = Vec::new();
    for service in given.desired.services.values() {
        let names = service.network.as_ref().and_then(|network| network.security_groups.as_ref());
        let (Some(names), Ok(vpc)) = (names, resolve::vpc_of_service(given, service)) else { continue };
        let groups = resolve::security_groups(given, vpc, names);
        let flows = flows_of_service(given, service, &mut Drafts::default());
        let (Ok(groups), Ok(flows)) = (groups, flows) else { continue };
        all.extend(flows.into_iter().map(|flow| (groups.clone(), flow)));
    }
    all
}

/// Every flow that the security groups of a service must allow.
fn flows_of_service(given: &Given<'_>, wanted: &DesiredService, drafts: &mut Drafts) -> Result<Vec<Flow>, Obstacle> {
    let mut flows = Vec::new();
    for port in wanted.ports.iter().flatten() {
        flows.extend(flows_of_port(given, wanted, port, drafts)?);
    }
    Ok(flows)
}

fn flows_of_port(
    given: &Given<'_>,
    wanted: &DesiredService,
    port: &DesiredPort,
    drafts: &mut Drafts,
) -> Result<Vec<Flow>, Obstacle> {
    let keys: Vec<_> = port.target_groups.iter().flatten().collect();
    let sources: Vec<_> = port.allow_from.iter().flatten().collect();
    if keys.is_empty() && sources.is_empty() {
        return Ok(Vec::new());
    }
    let mode = resolve::network_mode(given.observed, wanted)?;
    let definition = match mode {
        // Only a bridge port depends on the running revision.
        NetworkMode::Bridge if new_service::is_declared_anew(given, wanted) => None,
        NetworkMode::Bridge => {
            let what = || format!("host port of {}", port.name);
            let absent = || format!("service {} does not exist", wanted.id);
            Some(need(resolve::task_definition(given.observed, wanted), what, absent)?)
        }
        NetworkMode::Awsvpc | NetworkMode::Host | NetworkMode::None => None,
    };
    let mut flows = Vec::new();
    for ports in real_ports(given.desired, wanted.redeploy, port, mode, definition) {
        for key in &keys {
            let Some(group) = given.desired.target_groups.get(*key) else { continue };
            let reach = |number| !is_out_of_reach(wanted, port, mode, definition, number);
            flows.extend(flows_of_load_balancer(given, wanted, (port, ports), group, &reach, drafts)?);
        }
        if !sources.is_empty() {
            let vpc = resolve::vpc_of_service(given, wanted)?;
            for source in &sources {
                flows.push(flow_of_source(given, vpc, port, ports, source)?);
            }
        }
    }
    Ok(flows)
}

/// Where traffic arrives now, and where it will once a declared host port is deployed, if that may happen.
fn real_ports(
    desired: &Desired,
    redeploy: Redeploy,
    port: &DesiredPort,
    mode: NetworkMode,
    definition: Option<&TaskDefinition>,
) -> BTreeSet<PortRange> {
    let range = |real: RealPort| match real {
        RealPort::Fixed(port) => PortRange::one(port),
        RealPort::Dynamic => desired.fleet.dynamic_ports,
    };
    let declared = range(real_port(port, mode, definition));
    let undeclared = DesiredPort { host_port: None, ..port.clone() };
    let container = definition.and_then(|definition| definition.containers.get(&port.container));
    let is_mapped = container.is_some_and(|container| mapping_of(container, port.container_port).is_some());
    let live = if is_mapped { range(real_port(&undeclared, mode, definition)) } else { declared };
    match redeploy {
        Redeploy::Allow => BTreeSet::from([live, declared]),
        Redeploy::Deny => BTreeSet::from([live]),
    }
}

fn flow_of_source(
    given: &Given<'_>,
    vpc: &Vpc,
    port: &DesiredPort,
    ports: PortRange,
    source: &IngressSource,
) -> Result<Flow, Obstacle> {
    let (rule_source, description, who) = match source {
        IngressSource::SecurityGroup { name, description } => {
            let group = resolve::security_group(given, vpc, name)?;
            (RuleSource::Group(group.id.clone()), description, format!("security group {name}, declared in allowFrom"))
        }
        IngressSource::Cidr { cidr, description } => {
            (RuleSource::Cidr(*cidr), description, format!("{cidr}, declared in allowFrom"))
        }
    };
    let homes = Vec::new();
    Ok(Flow {
        transport: port.protocol,
        ports,
        source: rule_source,
        homes,
        unread_homes: None,
        description: description.clone(),
        who,
        field: Field::AllowFrom(port.name.clone()),
        opens: true,
        also: BTreeSet::new(),
        nodes: None,
    })
}

fn open(
    given: &Given<'_>,
    wanted: &DesiredService,
    WantedFlow { ingress_group, groups, flow }: &WantedFlow,
    drafts: &mut Drafts,
) -> Result<(), Obstacle> {
    let mut gap = None;
    let mut rules: Vec<IngressRule> = planned_rules(drafts, groups);
    for group in groups {
        match given.observed.ingress_of(group) {
            Seen::Present(live) => rules.extend(live.iter().cloned()),
            Seen::Absent => {}
            Seen::Unknown(why) => gap = Some(why),
        }
    }
    let Some(peer) = flow.peer() else { return Ok(()) };
    let unread_list = match flow_from(given, &rules, flow, &peer) {
        Passage::Open(_) => return Ok(()),
        Passage::Closed => None,
        Passage::Unknown(gap) => Some(gap),
    };
    let what = flow.words();
    let unread_homes = || flow.unread_homes.clone().filter(|_| may_allow_addresses(given, &rules, flow, &[]));
    if let Some(gap) = gap.or(unread_list).or_else(unread_homes) {
        return Err(Obstacle::gap(what, gap));
    }
    let object = ObjectRef::service(&wanted.key);
    let listed: Vec<_> = groups.iter().map(ToString::to_string).collect();
    drafts.push(Draft {
        action: Action::AuthorizeSecurityGroupIngress {
            group: ingress_group.clone(),
            protocol: IpProtocol::from(flow.transport),
            ports: flow.ports,
            source: flow.source.clone(),
            description: flow.description.clone(),
            tags: given.desired.fleet.tags_for(&object),
        },
        object,
        also: BTreeSet::new(),
        target: ingress_group.to_string(),
        summary: what,
        reason: format!("no rule of the service's groups ({}) allows it", listed.join(", ")),
        changes: vec![Change {
            field: flow.field.clone(),
            live: None,
            desired: Some(format!("{} {} from {}", flow.transport, flow.ports, flow.source)),
        }],
        after: BTreeSet::new(),
        redeploys: false,
        removes: false,
        held: None,
        receivers: Default::default(),
    });
    Ok(())
}

/// Rules that this plan already adds to these groups, so that two ports ask for one rule only once.
fn planned_rules(drafts: &Drafts, groups: &BTreeSet<GroupId>) -> Vec<IngressRule> {
    let is_of = |action: &&Action| matches!(action, Action::AuthorizeSecurityGroupIngress { group, .. } if groups.contains(group));
    let planned = drafts.steps.iter().map(|draft| &draft.action).filter(is_of);
    planned.filter_map(Action::planned_ingress).collect()
}
