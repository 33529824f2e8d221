//! A target port on which security groups block requests or health checks: the cause and the fix.

use std::collections::BTreeSet;

use crate::model::{IngressRule, Lookup, Passage, RuleSource, Transport};

use super::catalogue::{Code, codes};
use super::end::End;
use super::finding::{Finding, list};
use super::private_link;
use super::receiver::Receiver;
use super::way::Way;

/// Requests are blocked: the finding with its code.
pub(super) fn to_requests(receiver: &Receiver<'_, '_>, transport: Transport) -> Finding {
    let Receiver { way, balancer, end, keeps, .. } = receiver;
    let opened: Vec<&IngressRule> = receiver.opened(transport, end.port).collect();
    let (port, groups) = (end.port, end.group_list());
    let what = format!("no ingress rule of {groups} allows {} on {transport} {port} at {}", who(receiver), end.name);
    let is_open_to_nodes = matches!(receiver.passage_of_nodes(transport, port), Passage::Open(_));
    if *keeps && is_open_to_nodes {
        return only_nodes(receiver, transport, &opened);
    }
    if is_default_group(way, end) {
        return Finding::of(codes::DEFAULT_SECURITY_GROUP, format!("{what}; this is the VPC's default security group"));
    }
    let by_group = opened.iter().find(|rule| matches!(rule.source, RuleSource::Group(_)));
    if let (true, Some(rule)) = (balancer.security_groups.is_empty(), by_group) {
        let what = format!("{} has no security group, and {} allows only {}", balancer.name, rule.id, rule.source);
        return Finding::of(codes::LOAD_BALANCER_WITHOUT_SECURITY_GROUPS, what);
    }
    let fix = opens_it(receiver, transport, &port.to_string());
    if let Some(carrier) = end.carrier.as_ref().filter(|carrier| would_be_allowed(receiver, carrier, transport)) {
        let what = format!("{what}; the security groups of its instance do ({})", list(carrier));
        return with_own_fix(receiver, Finding::of(codes::RULE_IN_WRONG_SECURITY_GROUP, what), fix);
    }
    if is_dynamic(way) {
        let opened = list(&opened_ports(receiver, transport));
        let opened = if opened.is_empty() { "nothing".to_owned() } else { opened };
        let what = format!("{what}, a dynamic host port; allowed: {opened}");
        let range = way.given.desired.fleet.dynamic_ports.to_string();
        return with_own_fix(
            receiver,
            Finding::of(codes::DYNAMIC_HOST_PORTS_BLOCKED, what),
            opens_it(receiver, transport, &range),
        );
    }
    with_own_fix(receiver, Finding::of(codes::TARGET_SECURITY_GROUP_BLOCKS_LOAD_BALANCER, what), fix)
}

/// Health checks are blocked.
pub(super) fn to_checks(receiver: &Receiver<'_, '_>, code: Code) -> Finding {
    let Receiver { balancer, end, .. } = receiver;
    let what = format!(
        "no ingress rule of {} allows health checks from {} on tcp {} at {}",
        end.group_list(),
        balancer.name,
        end.health_port,
        end.name
    );
    let fix = format!("allow tcp {} from {} in {}", end.health_port, nodes(receiver), end.group_list());
    with_own_fix(receiver, Finding::of(code, what), fix)
}

/// M12: the nodes are allowed, so health checks may pass, but the clients are not.
fn only_nodes(receiver: &Receiver<'_, '_>, transport: Transport, opened: &[&IngressRule]) -> Finding {
    let Receiver { way, balancer, end, .. } = receiver;
    let (name, port, groups) = (&balancer.name, end.port, end.group_list());
    let sources: BTreeSet<String> = opened.iter().map(|rule| rule.source.to_string()).collect();
    let of_private_link = private_link::services(way, balancer).ok().filter(|services| !services.is_empty());
    let clients = match (way.asked.client, of_private_link) {
        (Some(client), _) => format!("which does not include {client}"),
        (None, Some(services)) => format!(
            "which includes no client except {}, who come from the load balancer",
            private_link::words(&services)
        ),
        (None, None) if balancer.internal => "which includes no client".to_owned(),
        (None, None) => "which includes no internet client".to_owned(),
    };
    let what = format!(
        "{name} preserves client IP addresses, but {groups} allows only {} on {transport} {port}, {clients}",
        list(&sources)
    );
    let always = way.live_group().is_ok_and(|group| group.always_keeps_client_addresses());
    let allow = opens_it(receiver, transport, &port.to_string());
    let fix = if always {
        format!("{allow}; AWS always preserves client IP addresses for UDP")
    } else {
        format!("{allow}, or set preserve_client_ip.enabled to false")
    };
    Finding::of(codes::PRESERVED_CLIENT_IP_BLOCKED, what).with_fix(fix)
}

/// Clients of AWS PrivateLink are blocked, others are allowed.
pub(super) fn to_private_link(
    receiver: &Receiver<'_, '_>,
    transport: Transport,
    services: &BTreeSet<String>,
) -> Finding {
    let Receiver { balancer, end, .. } = receiver;
    let (groups, port) = (end.group_list(), end.port);
    let what = format!(
        "{} come from the addresses of {}, and no ingress rule of {groups} allows these on {transport} {port} at {}",
        private_link::words(services),
        balancer.name,
        end.name
    );
    Finding::of(codes::PRESERVED_CLIENT_IP_BLOCKED, what)
        .with_fix(format!("allow {transport} {port} from {} in {groups}", nodes(receiver)))
}

/// Only clients of AWS PrivateLink are allowed, and others may exist.
pub(super) fn to_all_but_private_link(
    receiver: &Receiver<'_, '_>,
    transport: Transport,
    services: &BTreeSet<String>,
) -> Finding {
    let Receiver { balancer, end, .. } = receiver;
    let (groups, port) = (end.group_list(), end.port);
    let what = format!(
        "{groups} allows {} on {transport} {port}, who come from the addresses of {}, and no client that connects to it \
         directly; whether there are such clients is unknown",
        private_link::words(services),
        balancer.name
    );
    let fix = format!("if clients connect to it directly, {}", opens_it(receiver, transport, &port.to_string()));
    Finding::of(codes::PRESERVED_CLIENT_IP_BLOCKED, what).with_fix(fix)
}

/// The catalogue's fix names the load balancer's security group; a load balancer without one needs another fix.
fn with_own_fix(receiver: &Receiver<'_, '_>, finding: Finding, fix: String) -> Finding {
    if receiver.balancer.security_groups.is_empty() { finding.with_fix(fix) } else { finding }
}

/// The rule that would allow requests.
fn opens_it(receiver: &Receiver<'_, '_>, transport: Transport, ports: &str) -> String {
    let Receiver { balancer, end, keeps, .. } = receiver;
    let sources = match (balancer.security_groups.is_empty(), keeps) {
        (false, _) => format!("{} of load balancer {}", list(&balancer.security_groups), balancer.name),
        (true, true) if transport == Transport::Tcp => format!("the clients' addresses and from {}", nodes(receiver)),
        (true, true) => "the clients' addresses".to_owned(),
        (true, false) => nodes(receiver),
    };
    format!("allow {transport} {ports} from {sources} in {}", end.group_list())
}

/// The source of a rule for the nodes.
fn nodes(receiver: &Receiver<'_, '_>) -> String {
    let Receiver { way, balancer, .. } = receiver;
    if !balancer.security_groups.is_empty() {
        return list(&balancer.security_groups);
    }
    let homes: BTreeSet<_> = way.homes(balancer).into_iter().collect();
    if homes.is_empty() { format!("the subnets of {}", balancer.name) } else { list(&homes) }
}

fn who(receiver: &Receiver<'_, '_>) -> String {
    let Receiver { balancer, keeps, .. } = receiver;
    match (balancer.security_groups.is_empty(), keeps) {
        (false, _) => format!("{} of load balancer {}", list(&balancer.security_groups), balancer.name),
        (true, true) => format!("clients of load balancer {}", balancer.name),
        (true, false) => format!("load balancer {} ({})", balancer.name, nodes(receiver)),
    }
}

fn opened_ports(receiver: &Receiver<'_, '_>, transport: Transport) -> BTreeSet<String> {
    let rules = receiver.rules.iter().filter(|rule| rule.opens_any(transport));
    rules.filter_map(|rule| rule.ports.map(|ports| format!("{ports} from {}", rule.source))).collect()
}

/// Whether the service sets no security groups, so its tasks use the one with the name `default`.
fn is_default_group(way: &Way<'_>, end: &End) -> bool {
    let Ok(service) = way.live_service() else { return false };
    if !service.network.as_ref().is_some_and(|network| network.security_groups.is_empty()) {
        return false;
    }
    let vpc = way.live_group().ok().and_then(|group| group.vpc.as_ref());
    let default = vpc.and_then(|vpc| way.given.security_group(vpc, "default").present());
    matches!((default, &end.groups), (Some(Lookup::One(group)), Ok(groups)) if groups.contains(&group.id))
}

/// Whether these security groups would allow requests to the receiver.
fn would_be_allowed(
    receiver: &Receiver<'_, '_>,
    groups: &BTreeSet<crate::model::GroupId>,
    transport: Transport,
) -> bool {
    let Receiver { way, balancer, end, keeps, .. } = receiver;
    let other = Receiver::behind(way, balancer, end, *keeps, groups);
    other.is_ok_and(|other| matches!(other.requests(transport), Ok(Passage::Open(_))))
}

/// Whether Docker assigns the host port.
fn is_dynamic(way: &Way<'_>) -> bool {
    let (Some((container, port)), Ok(definition)) = (way.container_port(), way.definition()) else { return false };
    let mapping = definition
        .containers
        .get(container)
        .and_then(|container| container.ports.iter().find(|mapping| mapping.container_port == port));
    mapping.is_some_and(|mapping| mapping.host_port == Some(0))
}
