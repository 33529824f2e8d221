//! What a load balancer sends to the tasks of a port: requests, and health checks.

use crate::model::{
    DesiredPort, DesiredService, DesiredTargetGroup, Given, GroupId, HealthPort, LoadBalancerKind, ObjectRef,
    PortRange, Protocol, RuleSource, Seen, Transport,
};

use super::draft::{Drafts, Obstacle};
use super::field::Field;
use super::flow::Flow;
use super::health_port::{CheckedPort, checked_ports};
use super::node_addresses::NodeAddresses;
use super::resolve;

pub(super) fn flows_of_load_balancer(
    given: &Given<'_>,
    wanted: &DesiredService,
    (port, ports): (&DesiredPort, PortRange),
    group: &DesiredTargetGroup,
    reaches: &dyn Fn(u16) -> bool,
    drafts: &mut Drafts,
) -> Result<Vec<Flow>, Obstacle> {
    let Some(name) = &group.load_balancer else { return Ok(Vec::new()) };
    let balancer = resolve::load_balancer(given, name)?;
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
    let needs = needs_of(given, port, group, ports, reaches);
    // A network load balancer may show its clients' addresses instead of its own: its subnets alone prove nothing.
    let (homes, unread_homes) = match balancer.kind {
        LoadBalancerKind::Application => match resolve::homes(given.observed, balancer) {
            Seen::Present(homes) => (homes, None),
            Seen::Absent => (Vec::new(), None),
            Seen::Unknown(gap) => (Vec::new(), Some(gap)),
        },
        LoadBalancerKind::Network | LoadBalancerKind::Gateway => (Vec::new(), None),
    };
    let nodes = match balancer.kind {
        LoadBalancerKind::Network => Some(NodeAddresses::of(given, balancer, group)),
        LoadBalancerKind::Application | LoadBalancerKind::Gateway => None,
    };
    let flow = |source: &GroupId, &Need { transport, ports, sent, opens }: &Need| Flow {
        transport,
        ports,
        source: RuleSource::Group(source.clone()),
        homes: homes.clone(),
        unread_homes: unread_homes.clone(),
        description: Some(format!("{} from load balancer {}", sent.words(), balancer.name)),
        who: format!("load balancer {}, {}", balancer.name, sent.words()),
        field: Field::Ingress(port.name.clone()),
        opens,
        also: balancer.security_groups.iter().filter(|group| *group != source).cloned().collect(),
        nodes: nodes.clone().map(|nodes| match sent {
            Sent::Traffic => nodes,
            Sent::Checks => nodes.of_checks(),
        }),
    };
    Ok(balancer
        .security_groups
        .iter()
        .flat_map(|source| needs.iter().map(move |need| (source, need)))
        .map(|(source, need)| flow(source, need))
        .collect())
}

/// What is sent.
#[derive(Clone, Copy)]
enum Sent {
    Traffic,
    Checks,
}

impl Sent {
    fn words(self) -> &'static str {
        match self {
            Self::Traffic => "traffic",
            Self::Checks => "health checks",
        }
    }
}

/// What a load balancer sends to the tasks of a port.
struct Need {
    transport: Transport,
    ports: PortRange,
    sent: Sent,
    opens: bool,
}

/// Traffic, and health checks where they knock elsewhere; these are TCP even for UDP. A fixed port that no task can listen
/// on is not opened.
fn needs_of(
    given: &Given<'_>,
    port: &DesiredPort,
    group: &DesiredTargetGroup,
    ports: PortRange,
    reaches: &dyn Fn(u16) -> bool,
) -> Vec<Need> {
    let live = resolve::target_group(given, group).present();
    let protocol = group.protocol.as_ref().or(live.map(|live| &live.protocol));
    let traffic = |transport| Need { transport, ports, sent: Sent::Traffic, opens: true };
    let mut needs = vec![traffic(port.protocol)];
    if protocol == Some(&Protocol::TcpUdp) {
        needs = vec![traffic(Transport::Tcp), traffic(Transport::Udp)];
    }
    for CheckedPort { port: health, opens } in checked_ports(given, group) {
        let knocks_at = match health {
            HealthPort::Traffic => ports,
            // Why it does not help is said where the health check is planned.
            HealthPort::Fixed(port) if opens && !reaches(port) => continue,
            HealthPort::Fixed(port) => PortRange::one(port),
        };
        if !needs.iter().any(|need| need.transport == Transport::Tcp && need.ports.covers(knocks_at)) {
            needs.push(Need { transport: Transport::Tcp, ports: knocks_at, sent: Sent::Checks, opens });
        }
    }
    needs
}
