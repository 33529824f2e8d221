//! Ingress: what the load balancers need is derived, what `allowFrom` names is added; any wider live rule satisfies it.
//! Nothing is ever opened to the world unless the YAML says so.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::model::security_group::{Visitor, admits};
use crate::model::{
    Desired, DesiredPort, DesiredService, DesiredTargetGroup, GroupId, GroupRuleId, HealthPort, IngressRule,
    IngressSource, IpProtocol, Mark, NetworkMode, ObjectRef, Observed, Placement, PortRange, Protocol, RuleSource,
    Seen, Transport, Vpc,
};

use super::action::Action;
use super::change::Change;
use super::draft::{Draft, Drafts, Obstacle, need};
use super::resolve;
use super::task_definition::{RealPort, real_port};

/// One thing that must be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) transport: Transport,
    pub(super) ports: PortRange,
    pub(super) source: RuleSource,
    /// Where the source is known to live.
    homes: Vec<IpNet>,
    description: Option<String>,
    /// For people: who comes in, and what for.
    who: String,
}

/// The group that gets a flow's rule, with the flow.
pub(super) type WantedFlows = Vec<(GroupId, Flow)>;

/// What prune must keep.
#[derive(Clone, Debug, Default)]
pub(super) struct WantedIngress {
    pub(super) flows: WantedFlows,
    /// `Service/key` of services whose needs are not known now: everything marked for them stays.
    pub(super) keep: BTreeSet<String>,
}

/// Plans the ingress of one service; answers every flow that the manifest wants, satisfied or not.
pub(super) fn plan_ingress(
    desired: &Desired,
    observed: &Observed,
    wanted: &DesiredService,
    drafts: &mut Drafts,
) -> Result<WantedFlows, Obstacle> {
    let object = ObjectRef::service(&wanted.key);
    let mut kept = WantedFlows::new();
    let mut flows = Vec::new();
    for port in wanted.ports.iter().flatten() {
        flows.extend(flows_of_port(desired, observed, wanted, port, drafts)?);
    }
    if flows.is_empty() {
        return Ok(kept);
    }
    let names = wanted.network.as_ref().and_then(|network| network.security_groups.as_ref());
    let Some(names) = names.filter(|names| !names.is_empty()) else {
        drafts.find(
            &object,
            "no ingress is derived: the service declares no securityGroups, so Portolan cannot tell which group its tasks have",
        );
        return Ok(kept);
    };
    let vpc = resolve::vpc_of_service(desired, observed, wanted)?;
    let groups = resolve::security_groups(observed, vpc, names)?;
    let ingress_group = wanted.network.as_ref().and_then(|network| network.ingress_group());
    let Some(ingress_group) = ingress_group else {
        return Err(Obstacle::difference("ingress", "several securityGroups are declared; name the ingressGroup"));
    };
    let ingress_group = resolve::security_group(observed, vpc, ingress_group)?.id.clone();
    check_instances(observed, wanted, &groups, drafts);
    for flow in flows {
        if let Err(obstacle) = open(desired, observed, wanted, &groups, &ingress_group, &flow, drafts) {
            obstacle.block(drafts, &object);
        }
        kept.push((ingress_group.clone(), flow));
    }
    Ok(kept)
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
                "tasks in bridge or host mode use their instance's groups, which Portolan only checks; correct the manifest or the instance",
            );
        }
    }
}

fn flows_of_port(
    desired: &Desired,
    observed: &Observed,
    wanted: &DesiredService,
    port: &DesiredPort,
    drafts: &mut Drafts,
) -> Result<Vec<Flow>, Obstacle> {
    let keys: Vec<_> = port.target_groups.iter().flatten().collect();
    let sources: Vec<_> = port.allow_from.iter().flatten().collect();
    if keys.is_empty() && sources.is_empty() {
        return Ok(Vec::new());
    }
    let mode = resolve::network_mode(observed, wanted)?;
    let definition = match (mode, port.host_port) {
        // Only a bridge port whose host port is not declared depends on the running revision.
        (NetworkMode::Bridge, None) => {
            let what = format!("host port of {}", port.name);
            Some(need(resolve::task_definition(observed, wanted), &what, || {
                format!("service {} does not exist", wanted.id)
            })?)
        }
        _ => None,
    };
    let ports = match real_port(port, mode, definition) {
        RealPort::Fixed(port) => PortRange::one(port),
        RealPort::Dynamic => desired.fleet.dynamic_ports,
    };
    let mut flows = Vec::new();
    for key in keys {
        let Some(group) = desired.target_groups.get(key) else { continue };
        flows.extend(flows_of_load_balancer(observed, wanted, port, group, ports, drafts)?);
    }
    if !sources.is_empty() {
        let vpc = resolve::vpc_of_service(desired, observed, wanted)?;
        for source in sources {
            flows.push(flow_of_source(observed, vpc, port, ports, source)?);
        }
    }
    Ok(flows)
}

fn flows_of_load_balancer(
    observed: &Observed,
    wanted: &DesiredService,
    port: &DesiredPort,
    group: &DesiredTargetGroup,
    ports: PortRange,
    drafts: &mut Drafts,
) -> Result<Vec<Flow>, Obstacle> {
    let Some(name) = &group.load_balancer else { return Ok(Vec::new()) };
    let balancer = resolve::load_balancer(observed, name)?;
    if balancer.security_groups.is_empty() {
        drafts.find(
            &ObjectRef::service(&wanted.key),
            format!(
                "no ingress is derived for load balancer {} of {}: it has no security groups; name its clients in allowFrom",
                balancer.name, group.key
            ),
        );
        return Ok(Vec::new());
    }
    let needs = needs_of(observed, port, group, ports);
    let homes = resolve::homes(observed, balancer);
    let flow = |source: &GroupId, (transport, ports, what): &(Transport, PortRange, &str)| Flow {
        transport: *transport,
        ports: *ports,
        source: RuleSource::Group(source.clone()),
        homes: homes.clone(),
        description: Some(format!("{what} from load balancer {}", balancer.name)),
        who: format!("load balancer {}, {what}", balancer.name),
    };
    Ok(balancer
        .security_groups
        .iter()
        .flat_map(|source| needs.iter().map(move |need| (source, need)))
        .map(|(source, need)| flow(source, need))
        .collect())
}

/// Traffic, and health checks where they knock elsewhere; these are TCP even for UDP.
fn needs_of(
    observed: &Observed,
    port: &DesiredPort,
    group: &DesiredTargetGroup,
    ports: PortRange,
) -> Vec<(Transport, PortRange, &'static str)> {
    let live = resolve::target_group(observed, group).present();
    let protocol = group.protocol.as_ref().or(live.map(|live| &live.protocol));
    let mut needs = vec![(port.protocol, ports, "traffic")];
    if protocol == Some(&Protocol::TcpUdp) {
        needs = vec![(Transport::Tcp, ports, "traffic"), (Transport::Udp, ports, "traffic")];
    }
    let health =
        group.health_check.port.or(live.and_then(|live| live.health_check.port)).unwrap_or(HealthPort::Traffic);
    let knocks_at = match health {
        HealthPort::Traffic => ports,
        HealthPort::Fixed(port) => PortRange::one(port),
    };
    if !needs.iter().any(|(transport, open, _)| *transport == Transport::Tcp && open.covers(knocks_at)) {
        needs.push((Transport::Tcp, knocks_at, "health checks"));
    }
    needs
}

fn flow_of_source(
    observed: &Observed,
    vpc: &Vpc,
    port: &DesiredPort,
    ports: PortRange,
    source: &IngressSource,
) -> Result<Flow, Obstacle> {
    let (rule_source, description, who) = match source {
        IngressSource::SecurityGroup { name, description } => {
            let group = resolve::security_group(observed, vpc, name)?;
            (RuleSource::Group(group.id.clone()), description, format!("security group {name}, declared in allowFrom"))
        }
        IngressSource::Cidr { cidr, description } => {
            (RuleSource::Cidr(*cidr), description, format!("{cidr}, declared in allowFrom"))
        }
    };
    let homes = Vec::new();
    Ok(Flow { transport: port.protocol, ports, source: rule_source, homes, description: description.clone(), who })
}

fn open(
    desired: &Desired,
    observed: &Observed,
    wanted: &DesiredService,
    groups: &BTreeSet<GroupId>,
    ingress_group: &GroupId,
    flow: &Flow,
    drafts: &mut Drafts,
) -> Result<(), Obstacle> {
    let mut gap = None;
    let mut rules: Vec<IngressRule> = planned_rules(drafts, groups);
    for group in groups {
        match observed.ingress_of(group) {
            Seen::Present(live) => rules.extend(live.iter().cloned()),
            Seen::Absent => {}
            Seen::Unknown(why) => gap = Some(why),
        }
    }
    let visitor = match &flow.source {
        RuleSource::Group(id) => Visitor::Group(id, &flow.homes),
        RuleSource::Cidr(cidr) => Visitor::Cidr(*cidr),
        RuleSource::PrefixList(_) | RuleSource::Unknown => return Ok(()),
    };
    if admits(&rules, flow.transport, flow.ports, &visitor) {
        return Ok(());
    }
    let what = format!("allow {} {} from {} ({})", flow.transport, flow.ports, flow.source, flow.who);
    if let Some(gap) = gap {
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
            tags: Mark { fleet: desired.fleet.name.clone(), object: object.clone() }.tags(),
        },
        object,
        also: BTreeSet::new(),
        target: ingress_group.to_string(),
        summary: what,
        reason: format!("no rule of the service's groups ({}) admits it", listed.join(", ")),
        changes: vec![Change {
            field: "ingress".to_owned(),
            live: None,
            desired: Some(format!("{} {} from {}", flow.transport, flow.ports, flow.source)),
        }],
        after: BTreeSet::new(),
        redeploys: false,
        removes: false,
    });
    Ok(())
}

/// Rules that this plan already adds to these groups, so that two ports ask for one rule only once.
fn planned_rules(drafts: &Drafts, groups: &BTreeSet<GroupId>) -> Vec<IngressRule> {
    let rule = |action: &Action| match action {
        Action::AuthorizeSecurityGroupIngress { group, protocol, ports, source, description, tags }
            if groups.contains(group) =>
        {
            Some(IngressRule {
                id: GroupRuleId::from("planned"),
                group: group.clone(),
                protocol: protocol.clone(),
                ports: Some(*ports),
                source: source.clone(),
                description: description.clone(),
                tags: tags.clone(),
            })
        }
        _ => None,
    };
    drafts.steps.iter().filter_map(|draft| rule(&draft.action)).collect()
}
