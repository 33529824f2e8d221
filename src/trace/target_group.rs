//! Whether the target group exists, and fits the load balancer and the tasks.

use crate::model::{NetworkMode, Placement, TargetGroup, TargetState, VpcId};

use super::catalogue::{codes, named};
use super::check_proof::{Proof, proof};
use super::end::is_up;
use super::finding::Finding;
use super::hop::{Examined, Hop};
use super::way::{Lack, Way};

pub(super) fn examine(way: &Way<'_>, _: &[Hop]) -> Examined {
    let live = match way.live_group() {
        Ok(live) => live,
        Err(Lack::Unknown(gap)) => return Examined::unknown(gap),
        Err(Lack::Missing(why)) => return Examined::broken(absent(way, why)),
    };
    let findings = [
        wrong_type(way, live),
        wrong_vpc(way, live),
        wrong_protocol(way, live),
        wrong_balancer(way, live),
        unanswerable_check(way, live),
    ];
    let findings: Vec<Finding> = findings.into_iter().flatten().collect();
    let version = live.protocol_version.as_ref().map(|version| format!(" {}", version.as_str())).unwrap_or_default();
    let kind = live.target_type.as_str();
    Examined::of(findings, None, format!("{} is {}{version}, target type {kind}", live.name, live.protocol))
}

/// A service that still refers to the target group proves that it existed.
fn absent(way: &Way<'_>, why: String) -> Finding {
    let named = way.live_service().ok().and_then(|service| {
        let mut arns = service.target_groups();
        arns.find(|arn| arn.name() == way.group.name || arn.as_str() == way.group.name)
    });
    match named {
        Some(arn) => Finding::of(codes::TARGET_GROUP_DELETED, format!("{why}, but the service refers to {arn}")),
        None => Finding::unnumbered(
            &named::NO_TARGET_GROUP,
            why,
            "run portolan reconcile to create it, if the manifest declares it",
        ),
    }
}

fn wrong_type(way: &Way<'_>, live: &TargetGroup) -> Option<Finding> {
    let mode = way.mode().filter(|mode| *mode != NetworkMode::None)?;
    let wanted = mode.target_type();
    let what = format!(
        "{} has target type {}, but network mode {mode} needs {}",
        live.name,
        live.target_type.as_str(),
        wanted.as_str()
    );
    (live.target_type != wanted).then(|| Finding::of(codes::TARGET_TYPE_MISMATCH, what))
}

fn wrong_vpc(way: &Way<'_>, live: &TargetGroup) -> Option<Finding> {
    let own = live.vpc.as_ref()?;
    let elsewhere = |vpc: &&VpcId| *vpc != own;
    let service = way.live_service().ok()?;
    let configured = service.network.iter().flat_map(|network| &network.subnets);
    let by_subnet = configured.filter_map(|subnet| way.vpc_of(subnet)).find(elsewhere);
    let found = by_subnet.or_else(|| {
        let hosts = way.tasks().ok()?.iter().filter(|task| is_up(task)).filter_map(|task| match &task.placement {
            Placement::Instance { instance, .. } => Some(instance),
            Placement::Address(_) | Placement::Unknown => None,
        });
        let hosts = hosts.filter_map(|instance| way.given.observed.host(instance).present()?.subnet.as_ref());
        hosts.filter_map(|subnet| way.vpc_of(subnet)).find(elsewhere)
    })?;
    Some(Finding::of(
        codes::TARGET_GROUP_IN_ANOTHER_VPC,
        format!("{} is in {own}, but the tasks are in {found}", live.name),
    ))
}

/// A protocol that differs from the declared one, if nothing proves that the live one works.
fn wrong_protocol(way: &Way<'_>, live: &TargetGroup) -> Option<Finding> {
    if let Some(wanted) =
        way.group.protocol_version.as_ref().filter(|wanted| Some(*wanted) != live.protocol_version.as_ref())
    {
        let current = live.protocol_version.as_ref().map_or("no version", |version| version.as_str());
        let what = format!("the manifest declares {} for {}, which has {current}", wanted.as_str(), live.name);
        return Some(Finding::of(codes::PROTOCOL_VERSION_MISMATCH, what));
    }
    let targets = way.given.observed.targets_of(&live.arn).present().into_iter().flatten();
    let healthy = targets.filter(|target| target.health.state == TargetState::Healthy);
    let proofs: Vec<Proof> = healthy.map(|target| proof(live, target.key.port)).collect();
    let spoken = proofs.iter().find_map(|proof| match proof {
        Proof::Speaks(protocol) => Some(*protocol),
        Proof::Answers | Proof::Nothing => None,
    });
    if let Some(spoken) = spoken {
        let (name, protocol) = (&live.name, &live.protocol);
        let what = format!(
            "{name} sends {protocol} to the targets, but the app speaks {spoken} on that port: health checks over {spoken} pass"
        );
        return Some(Finding::of(codes::PROTOCOL_MISMATCH, what));
    }
    let wanted = way.group.protocol.as_ref().filter(|wanted| **wanted != live.protocol)?;
    let what = format!("the manifest declares {wanted} for {}, which has {}", live.name, live.protocol);
    (!proofs.contains(&Proof::Answers)).then(|| Finding::of(codes::PROTOCOL_MISMATCH, what))
}

/// A target group belongs to one load balancer, here not to the declared one.
fn wrong_balancer(way: &Way<'_>, live: &TargetGroup) -> Option<Finding> {
    let balancer = way.balancer().ok()?;
    let other = live.load_balancers.iter().find(|arn| **arn != balancer.arn)?;
    if live.load_balancers.contains(&balancer.arn) {
        return None;
    }
    let what = format!("{} belongs to load balancer {}, not to {}", live.name, other.name(), balancer.name);
    let fix = "a target group can belong to only one load balancer: declare another target group for this one";
    Some(Finding::unnumbered(&named::TARGET_GROUP_OF_ANOTHER_LOAD_BALANCER, what, fix))
}

/// A fixed health-check port, and tasks on dynamic host ports.
fn unanswerable_check(way: &Way<'_>, live: &TargetGroup) -> Option<Finding> {
    let port = way.unanswerable_check()?;
    let what = format!(
        "health checks of {} go to port {port} of the instances, but no task listens there: the tasks use dynamic host ports",
        live.name
    );
    let fix = "set the health-check port to traffic-port";
    Some(Finding::unnumbered(&named::FIXED_HEALTH_PORT_WITH_DYNAMIC_HOST_PORTS, what, fix))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Stand, from_block, gap, rule};
    use crate::model::{LoadBalancerArn, Protocol, ProtocolVersion, Seen, SubnetId, TargetState, TargetType, VpcId};
    use crate::trace::HopId;

    const HOP: HopId = HopId::TargetGroup;

    #[test]
    fn it_is_told_with_what_never_changes() {
        assert_eq!(Stand::sound().hop(HOP).evidence, "shop is HTTP HTTP1, target type ip");
    }

    #[test]
    fn one_that_is_gone_is_missed_by_the_service_or_was_never_there() {
        let mut stand = Stand::sound();
        stand.observed.target_groups = Seen::Present(Vec::new());
        stand.service().load_balancers[0].target_group = Some("arn:aws:…:targetgroup/shop/1".into());
        assert_eq!(stand.found(HOP), ["M34"]);
        stand.service().load_balancers.clear();
        assert_eq!(stand.found(HOP), ["no-target-group"]);
        stand.observed.target_groups = Seen::Unknown(gap("elasticloadbalancing:DescribeTargetGroups"));
        assert_eq!(stand.state(HOP), "unknown");
    }

    #[test]
    fn its_type_must_fit_the_network_mode() {
        let mut stand = Stand::sound();
        stand.group().target_type = TargetType::Instance;
        assert_eq!(stand.found(HOP), ["M36"]);
        let mut stand = Stand::on_instances();
        assert_eq!(stand.state(HOP), "ok");
        stand.group().target_type = TargetType::Ip;
        assert_eq!(stand.found(HOP), ["M36"]);
    }

    #[test]
    fn it_must_be_in_the_vpc_of_the_tasks() {
        let mut stand = Stand::sound();
        stand.group().vpc = Some(VpcId::from("vpc-2"));
        assert_eq!(stand.found(HOP), ["M35"]);
        let mut stand = Stand::on_instances();
        stand.group().vpc = Some(VpcId::from("vpc-2"));
        assert_eq!(stand.found(HOP), ["M35"], "the instances tell");
        stand.observed.hosts.clear();
        assert_eq!(stand.state(HOP), "ok", "nothing is known of where they are");
        let mut stand = Stand::sound();
        let network = stand.service().network.as_mut().expect("a network");
        network.subnets = [SubnetId::from("subnet-nobody-knows")].into();
        assert_eq!(stand.state(HOP), "ok");
    }

    #[test]
    fn another_protocol_than_declared_is_wrong_unless_it_works() {
        let mut stand = Stand::sound();
        stand.wanted().protocol = Some(Protocol::Https);
        assert_eq!(stand.state(HOP), "ok", "a target is healthy");
        stand.all_are(TargetState::Unhealthy, "Target.ResponseCodeMismatch", "");
        assert_eq!(stand.found(HOP), ["M21"]);
        let mut stand = Stand::sound();
        stand.wanted().protocol = Some(Protocol::Https);
        stand.group().health_check.port = Some(crate::model::HealthPort::Fixed(9090));
        assert_eq!(stand.found(HOP), ["M21"], "healthy on another port says nothing");
        let mut stand = Stand::sound();
        stand.wanted().protocol_version = Some(ProtocolVersion::Grpc);
        assert_eq!(stand.found(HOP), ["M22"]);
    }

    #[test]
    fn a_check_by_another_protocol_that_passes_proves_what_the_app_speaks() {
        let mut stand = Stand::sound();
        stand.group().protocol = Protocol::Https;
        stand.wanted().protocol = Some(Protocol::Https);
        assert_eq!(stand.found(HOP), ["M21"], "plain HTTP passes");
        assert!(stand.hop(HOP).evidence.contains("the app speaks HTTP on that port"), "{}", stand.hop(HOP).evidence);
        stand.group().health_check.protocol = Some(Protocol::Https);
        assert_eq!(stand.state(HOP), "ok");
        stand.group().protocol = Protocol::Http;
        stand.wanted().protocol = None;
        assert_eq!(stand.found(HOP), ["M21"]);
        stand.all_are(TargetState::Unhealthy, "Target.FailedHealthChecks", "");
        assert_eq!(stand.state(HOP), "ok", "a check that fails proves neither");
    }

    #[test]
    fn a_fixed_health_port_does_not_go_with_dynamic_host_ports() {
        use crate::model::HealthPort;
        let mut stand = Stand::on_instances();
        stand.group().health_check.port = Some(HealthPort::Fixed(3000));
        assert_eq!(stand.state(HOP), "ok", "something answers");
        stand.all_are(TargetState::Unhealthy, "Target.FailedHealthChecks", "Health checks failed");
        assert_eq!(stand.found(HOP), ["fixed-health-port-with-dynamic-host-ports"]);
        assert_eq!(stand.state(HopId::TargetSecurityGroup), "ok", "to open the port would not help");
        assert_eq!(stand.state(HopId::Application), "skipped", "the checks say nothing of the app");
        stand.group().health_check.port = Some(HealthPort::Traffic);
        assert_eq!(stand.state(HOP), "ok");
    }

    #[test]
    fn it_serves_one_load_balancer() {
        let mut stand = Stand::sound();
        stand.group().load_balancers = [LoadBalancerArn::from("lb/other")].into();
        assert_eq!(stand.found(HOP), ["target-group-of-another-load-balancer"]);
        stand.group().load_balancers.clear();
        assert_eq!(stand.state(HOP), "ok", "that nothing leads to it is the rule's to say");
        // Nothing here depends on groups.
        *stand.ingress("sg-tasks") = vec![rule("sg-tasks", None, from_block("0.0.0.0/0"))];
        assert_eq!(stand.state(HOP), "ok");
    }
}
