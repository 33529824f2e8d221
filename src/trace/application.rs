//! What health checks show about the app, after excluding results that the network explains.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use crate::model::{Matcher, Protocol, Service, Target, TargetKey, TargetState};

use super::catalogue::{Code, codes, named};
use super::finding::{self, Finding};
use super::health::healthy_of;
use super::hop::{Examined, Hop, HopId, State, is_broken};
use super::kill_loop;
use super::serving::Serving;
use super::way::{Lack, Way};

pub(super) fn examine(way: &Way<'_>, hops: &[Hop]) -> Examined {
    if let Err(lack) = way.targets() {
        return lack.skip();
    }
    let targets: Vec<&Target> = way.serving_targets().into_iter().filter(|target| is_expected(way, target)).collect();
    if way.unanswerable_check().is_some() {
        return Examined::skipped(
            "health checks go to a port where no task listens, so they show nothing about the app",
        );
    }
    let has = |state: TargetState| targets.iter().any(|target| target.health.state == state);
    if let (Err(Lack::Unknown(gap)), true, true) =
        (way.live_service(), has(TargetState::Healthy), has(TargetState::Unhealthy))
    {
        // A deployment may be in progress; ECS then checks the new tasks itself.
        return Examined::unknown(gap);
    }
    if let Some(why) = judged_before_the_change(way, &targets) {
        return Examined::starting(why);
    }
    let network = Network::of(hops);
    let healthy = targets.iter().filter(|target| target.health.state == TargetState::Healthy).count();
    let mut findings = stopped(way, hops, &targets, &network);
    for finding in unhealthy(way, &targets, &network, &findings) {
        finding::add(&mut findings, finding);
    }
    findings.extend(container_check(way, &targets));
    if !network.drops_requests {
        findings.extend(fails_open(way, &targets, findings.is_empty() && !network.is_broken));
    }
    if network.is_broken && findings.is_empty() {
        return Examined::skipped("requests do not reach the app, so its state is unknown");
    }
    if findings.is_empty() && healthy == 0 {
        return Examined::skipped("no target has a health result yet");
    }
    Examined::of(findings, None, healthy_of(healthy, targets.len()))
}

/// No target is healthy, and none can be yet, because too few health checks have run since the last change.
fn judged_before_the_change(way: &Way<'_>, targets: &[&Target]) -> Option<String> {
    let at = *way.asked.changed.get(&way.group.key)?;
    let has = |state: TargetState| targets.iter().any(|target| target.health.state == state);
    let until = at + recovery(way)?;
    let is_open = !has(TargetState::Healthy) && has(TargetState::Unhealthy) && way.now < until;
    is_open.then(|| {
        format!(
            "the health results are older than the change at {at:.0}; wait until {until:.0} (interval × healthy threshold)"
        )
    })
}

/// What the service's events show about tasks that ECS stopped as unhealthy: repeated stops and, while no target is in use
/// between two tasks, why the last one was stopped.
fn stopped(way: &Way<'_>, hops: &[Hop], targets: &[&Target], network: &Network) -> Vec<Finding> {
    let is_registrable = !is_broken(hops, HopId::TargetGroup) && !is_broken(hops, HopId::ServiceWiring);
    let Some(service) = way.live_service().ok().filter(|_| is_registrable) else { return Vec::new() };
    if let Some(finding) = kill_loop::for_another(way, service) {
        return vec![finding];
    }
    let kills = kill_loop::kills(way);
    let Some(newest) = kills.newest.filter(|_| !network.is_broken) else { return Vec::new() };
    let of = |state: TargetState| targets.iter().filter(|target| target.health.state == state).count();
    let (healthy, unhealthy) = (of(TargetState::Healthy), of(TargetState::Unhealthy));
    // Enough targets are healthy: ECS has replaced the stopped tasks.
    let is_over = healthy > 0 && !lacks_tasks(service) && healthy == targets.len();
    let is_between = healthy == 0 && unhealthy == 0;
    let complaint = Complaint::of_event(newest);
    if is_over || (kills.times < kill_loop::LOOP && !is_between) {
        return Vec::new();
    }
    let early = kill_loop::early(way, service).filter(|_| complaint.may_be_early());
    let usual = complaint.codes(way, network);
    let finding = match early {
        Some(early) if early.is_proven => Some(Finding::of(codes::KILLED_DURING_STARTUP, early.what)),
        Some(early) => {
            Some(Finding::among_all([codes::KILLED_DURING_STARTUP].into_iter().chain(usual).collect(), early.what))
        }
        None if kills.times < kill_loop::LOOP || unhealthy == 0 => {
            let times = if kills.times == 1 { "once".to_owned() } else { format!("{} times", kills.times) };
            let what = format!("ECS stopped tasks as unhealthy ({times}): {newest}");
            Some(complaint.finding(way, what.clone(), network).unwrap_or_else(|| {
                let fix = "fix the error that the app reports";
                Finding::unnumbered(&named::APP_REPORTS_UNHEALTHY, what, fix)
            }))
        }
        // The targets' own health results are more specific.
        None => None,
    };
    finding.map(Finding::about_missing).into_iter().collect()
}

fn lacks_tasks(service: &Service) -> bool {
    service.is_deploying() || service.running_count < service.desired_count
}

/// A finding for each unhealthy target.
fn unhealthy(way: &Way<'_>, targets: &[&Target], network: &Network, known: &[Finding]) -> Vec<Finding> {
    let explains_refusals = known.iter().any(|finding| finding.codes.contains(&codes::KILLED_DURING_STARTUP));
    // During a deployment the old tasks serve, and ECS checks the new ones itself.
    let healthy = targets.iter().any(|target| target.health.state == TargetState::Healthy);
    let is_rolling = healthy && way.live_service().is_ok_and(Service::is_deploying);
    let all = targets.iter().filter(|target| target.health.state == TargetState::Unhealthy && !is_rolling);
    let all = all.filter(|target| !network.closed.contains(&target.key));
    let all = all.filter(|target| !explains_refusals || reason(target) == "Target.ResponseCodeMismatch");
    all.filter_map(|target| Some(cause(way, target, network)?.about([target.key.clone()]))).collect()
}

/// Whether a target belongs to this app; unknown targets show nothing about it.
fn is_expected(way: &Way<'_>, target: &Target) -> bool {
    let Ok(ends) = &way.ends else { return false };
    target.health.state != TargetState::Draining && ends.iter().any(|end| end.key.as_ref() == Some(&target.key))
}

fn reason(target: &Target) -> &str {
    target.health.reason.as_deref().unwrap_or_default()
}

/// The codes of what blocks health checks alone.
const OF_CHECKS: [Code; 2] = [codes::HEALTH_CHECK_PORT_BLOCKED, codes::HEALTH_CHECK_EGRESS_BLOCKED];

/// What the earlier hops show about the network.
struct Network {
    is_broken: bool,
    /// Requests are blocked, not only health checks.
    drops_requests: bool,
    /// The codes that a hop with a failed read could have reported.
    open: Vec<Code>,
    /// Targets that a hop blocks while others are reachable.
    closed: BTreeSet<TargetKey>,
}

impl Network {
    fn of(hops: &[Hop]) -> Self {
        let mut network = Self { is_broken: false, drops_requests: false, open: Vec::new(), closed: BTreeSet::new() };
        for hop in hops {
            let possible: &[Code] = match hop.id {
                HopId::LoadBalancerEgress => &[codes::LOAD_BALANCER_EGRESS_BLOCKED, codes::HEALTH_CHECK_EGRESS_BLOCKED],
                HopId::NetworkAcl => &[codes::TARGET_NETWORK_ACL_DENIES, codes::LOAD_BALANCER_NETWORK_ACL_DENIES],
                HopId::TargetSecurityGroup => {
                    &[codes::TARGET_SECURITY_GROUP_BLOCKS_LOAD_BALANCER, codes::HEALTH_CHECK_PORT_BLOCKED]
                }
                HopId::LoadBalancer
                | HopId::Listener
                | HopId::Rule
                | HopId::TargetGroup
                | HopId::ServiceWiring
                | HopId::Registration
                | HopId::AvailabilityZone
                | HopId::PortBinding
                | HopId::Application => continue,
            };
            network.closed.extend(hop.findings.iter().filter_map(|finding| finding.only.clone()).flatten());
            match hop.state {
                State::Broken => {
                    network.is_broken = true;
                    let only_checks = |finding: &Finding| finding.codes.iter().all(|code| OF_CHECKS.contains(code));
                    network.drops_requests |= !hop.findings.iter().all(only_checks);
                }
                State::Unknown(_) => network.open.extend(possible),
                State::Ok | State::Starting(_) | State::Skipped(_) => {}
            }
        }
        network
    }
}

/// Why health checks fail, as AWS reports it.
enum Complaint<'a> {
    /// The app answered with other codes; the description that names them.
    Codes(&'a str),
    Timeout,
    /// Any other failure of the target.
    Failed,
    /// An internal error of the load balancer.
    Internal,
    /// A reason that shows nothing about the app.
    Other,
}

impl<'a> Complaint<'a> {
    fn of_target(target: &'a Target) -> Self {
        match reason(target) {
            "Target.ResponseCodeMismatch" => Self::Codes(target.health.description.as_deref().unwrap_or_default()),
            "Target.Timeout" => Self::Timeout,
            "Target.FailedHealthChecks" => Self::Failed,
            "Elb.InternalError" => Self::Internal,
            _ => Self::Other,
        }
    }

    /// From a service event, such as `… due to (reason Health checks failed with these codes: [404])`.
    fn of_event(event: &'a str) -> Self {
        let said = event.split_once("(reason ").map_or(event, |(_, said)| said);
        if said.contains("these codes") {
            Self::Codes(said)
        } else if said.contains("timed out") {
            Self::Timeout
        } else {
            Self::Failed
        }
    }

    /// Whether an app that is still starting could cause it.
    fn may_be_early(&self) -> bool {
        matches!(self, Self::Timeout | Self::Failed)
    }

    /// The codes that it leaves open, without those that only the description can tell apart.
    fn codes(&self, way: &Way<'_>, network: &Network) -> Vec<Code> {
        match self {
            // Network load balancers report one reason for every failure.
            Self::Failed if way.is_network() => {
                let by_http = way.live_group().ok().and_then(|group| group.health_check.protocol.as_ref());
                let of_http: &[Code] = if by_http.is_some_and(Protocol::is_http) {
                    &[codes::HEALTH_CHECK_PATH_OR_MATCHER, codes::PROTOCOL_MISMATCH]
                } else {
                    &[]
                };
                [codes::APP_ON_ANOTHER_PORT, codes::APP_ON_LOOPBACK, codes::HEALTH_CHECK_TIMEOUT]
                    .iter()
                    .chain(of_http)
                    .chain(&network.open)
                    .copied()
                    .collect()
            }
            Self::Failed => vec![codes::APP_ON_ANOTHER_PORT, codes::APP_ON_LOOPBACK, codes::PROTOCOL_MISMATCH],
            Self::Timeout => network.open.iter().copied().chain([codes::HEALTH_CHECK_TIMEOUT]).collect(),
            Self::Codes(_) | Self::Internal | Self::Other => Vec::new(),
        }
    }

    fn finding(&self, way: &Way<'_>, what: String, network: &Network) -> Option<Finding> {
        match self {
            Self::Codes(said) => mismatch(way, said, what),
            Self::Timeout | Self::Failed
                if network.is_broken && (way.is_network() || matches!(self, Self::Timeout)) =>
            {
                None
            }
            Self::Timeout | Self::Failed => Some(Finding::among_all(self.codes(way, network), what)),
            Self::Internal => Some(Finding::unnumbered(
                &named::LOAD_BALANCER_ERROR,
                what,
                "wait; if it persists, contact AWS Support",
            )),
            Self::Other => None,
        }
    }
}

/// The finding for the reason of an unhealthy target.
fn cause(way: &Way<'_>, target: &Target, network: &Network) -> Option<Finding> {
    let said = target.health.description.as_deref().unwrap_or_default();
    let what = format!("{} is unhealthy: {} {said}", target.key, reason(target));
    let complaint = Complaint::of_target(target);
    let mut finding = complaint.finding(way, what, network)?;
    if let (true, Some(time)) = (complaint.may_be_early(), recovery(way)) {
        finding.fix.push_str(&format!(
            "; if this path changed in the last {}s, wait for the next health checks first",
            time.as_secs()
        ));
    }
    Some(finding)
}

/// How long targets take to become healthy once their checks pass.
fn recovery(way: &Way<'_>) -> Option<SignedDuration> {
    let check = &way.live_group().ok()?.health_check;
    let (interval, threshold) = (check.interval?, check.healthy_threshold?);
    Some(SignedDuration::from_secs(i64::from(interval) * i64::from(threshold)))
}

/// The app answered with an unexpected code, so the network works.
fn mismatch(way: &Way<'_>, said: &str, what: String) -> Option<Finding> {
    let group = way.live_group().ok()?;
    if matches!(group.health_check.matcher, Some(Matcher::Grpc(_))) {
        return Some(Finding::of(codes::GRPC_HEALTH_CHECK_CODE, what));
    }
    let path = group.health_check.path.as_deref().unwrap_or("/");
    let wanted = group.health_check.matcher.as_ref().map(ToString::to_string).unwrap_or_default();
    let what = format!("{what}; the health check requests {path} and expects {wanted}");
    let code = said.split(['[', ']']).nth(1).and_then(|code| code.split(',').next()?.trim().parse::<u16>().ok());
    match code {
        // The app itself reports an error.
        Some(500..=599) => None,
        Some(400 | 404) => {
            Some(Finding::among([codes::HEALTH_CHECK_PATH_OR_MATCHER, codes::HOST_HEADER_REJECTED], what))
        }
        Some(_) | None => Some(Finding::of(codes::HEALTH_CHECK_PATH_OR_MATCHER, what)),
    }
}

/// M20: the container health check fails while the load balancer's health check passes.
fn container_check(way: &Way<'_>, targets: &[&Target]) -> Option<Finding> {
    let unhealthy = way.tasks().ok()?.iter().filter(|task| task.healthy == Some(false));
    let mut keys = unhealthy.filter_map(|task| way.endpoint_of(task));
    let key = keys
        .find(|key| targets.iter().any(|target| target.key == *key && target.health.state == TargetState::Healthy))?;
    let what = format!("{key} is healthy, but the container health check of its task reports UNHEALTHY");
    Some(Finding::of(codes::CONTAINER_HEALTH_CHECK_FAILS, what).about_missing())
}

/// M55: no target is healthy, so requests go to all of them. If no other fault is known, any one target is enough.
fn fails_open(way: &Way<'_>, targets: &[&Target], is_alone: bool) -> Option<Finding> {
    let unhealthy =
        |targets: &[&Target]| targets.iter().filter(|target| target.health.state == TargetState::Unhealthy).count();
    let all = way.serving_targets();
    let (expected, of_all) = (unhealthy(targets), unhealthy(&all));
    let is_whole = expected > 0 && expected == targets.len();
    let fails_open_alone = is_alone && of_all > 0 && way.serving() == Serving::FailsOpen;
    if !(is_whole || fails_open_alone) {
        return None;
    }
    let said = targets.first().or(all.first()).and_then(|target| target.health.description.clone()).unwrap_or_default();
    let lead = match is_whole {
        true if expected == 1 => "the only target is unhealthy".to_owned(),
        true => format!("all {expected} targets are unhealthy"),
        false => format!("no target is healthy (unhealthy: {of_all})"),
    };
    let what = format!("{lead} ({said}), so the load balancer sends requests to every registered target");
    let finding = Finding::of(codes::FAILS_OPEN, what);
    Some(if is_alone { finding.with_fix("fix the cause of the failed health checks in the app") } else { finding })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::fixture::{PORT, Stand, gap, id, target};
    use crate::model::{Conduct, LoadBalancerEntry, Matcher, Protocol, Rollout, Seen, TargetState};
    use crate::trace::{HopId, Verdict};

    const HOP: HopId = HopId::Application;
    const TIMEOUT: &str = "Target.Timeout";
    const FAILED: &str = "Target.FailedHealthChecks";
    const MISMATCH: &str = "Target.ResponseCodeMismatch";

    fn ill(reason: &str, said: &str) -> Stand {
        let mut stand = Stand::sound();
        stand.all_are(TargetState::Unhealthy, reason, said);
        stand
    }

    fn stopped(arn: &str) -> String {
        format!("(service shop) (port 8080) is unhealthy in (target-group {arn}) due to (reason Health checks failed)")
    }

    #[test]
    fn healthy_targets_are_counted_and_strangers_are_not() {
        let mut stand = Stand::sound();
        stand.targets().push(target("10.0.10.77", PORT));
        assert_eq!(stand.hop(HOP).evidence, "2 of 2 targets are healthy");
    }

    #[test]
    fn health_from_before_a_change_is_not_blamed_on_the_app() {
        let mut stand = ill(TIMEOUT, "Request timed out");
        let (interval, threshold) = (30, 5);
        stand.group().health_check.interval = Some(interval);
        stand.group().health_check.healthy_threshold = Some(threshold);
        let changed = |at: &str| [("shop".to_owned(), at.parse().expect("a time"))].into();
        // It is 12:00: 150 seconds are over at 11:57:30.
        stand.asked.changed = changed("2026-11-20T11:57:31Z");
        assert_eq!((stand.state(HOP), stand.path().is_starting()), ("unknown", true));
        let evidence = stand.hop(HOP).evidence;
        assert!(evidence.contains("wait until 2026-11-20T12:00:01Z"), "{evidence}");
        stand.asked.changed = changed("2026-11-20T11:57:30Z");
        assert_eq!(stand.found(HOP), ["M25", "M55"]);
        stand.asked.changed = changed("2026-11-20T11:57:31Z");
        stand.ingress("sg-tasks").clear();
        assert_eq!(stand.path().verdict(), Verdict::Broken, "the way is closed now");
    }

    #[test]
    fn an_answer_with_another_code_proves_the_network_and_blames_the_check() {
        let said = |code: &str| format!("Health checks failed with these codes: [{code}]");
        assert_eq!(ill(MISMATCH, &said("404")).found(HOP), ["M16|M17", "M55"]);
        assert_eq!(ill(MISMATCH, &said("301")).found(HOP), ["M16", "M55"]);
        assert_eq!(ill(MISMATCH, &said("503")).found(HOP), ["M55"], "the app itself says that it is ill");
        let evidence = ill(MISMATCH, &said("404")).hop(HOP).evidence;
        assert!(evidence.ends_with("the health check requests /healthz and expects 200"), "{evidence}");
        let mut stand = ill(MISMATCH, &said("12"));
        stand.group().health_check.matcher = Some(Matcher::Grpc("0".to_owned()));
        assert_eq!(stand.found(HOP), ["M23", "M55"]);
    }

    #[test]
    fn a_refusal_leaves_the_port_the_interface_and_the_protocol() {
        assert_eq!(ill(FAILED, "Health checks failed").found(HOP), ["M18|M19|M21", "M55"]);
        assert_eq!(ill("Elb.InternalError", "").found(HOP), ["load-balancer-error", "M55"]);
    }

    #[test]
    fn a_timeout_is_the_apps_only_where_nothing_on_the_way_can_be_it() {
        let mut stand = ill(TIMEOUT, "Request timed out");
        assert_eq!(stand.found(HOP), ["M25", "M55"]);
        stand.observed.network_acls.clear();
        assert_eq!(stand.found(HOP), ["M07|M08|M25", "M55"], "what was not read may be it");
        stand.ingress("sg-tasks").clear();
        assert_eq!(stand.state(HOP), "skipped", "a closed group is");
    }

    #[test]
    fn a_network_load_balancer_has_one_reason_for_everything() {
        let mut stand = Stand::behind_network();
        stand.all_are(TargetState::Unhealthy, FAILED, "");
        assert_eq!(stand.found(HOP), ["M18|M19|M25", "M55"]);
        stand.group().health_check.protocol = Some(Protocol::Http);
        assert_eq!(stand.found(HOP), ["M16|M18|M19|M21|M25", "M55"]);
        stand.ingress("sg-tasks").clear();
        assert_eq!(stand.state(HOP), "skipped");
    }

    #[test]
    fn one_ill_target_of_two_is_told_without_failing_open() {
        let mut stand = ill(TIMEOUT, "");
        stand.targets()[0].health.state = TargetState::Healthy;
        assert_eq!(stand.found(HOP), ["M25"]);
        stand.service().deployments[0].rollout = Some(Rollout::InProgress);
        assert_eq!(stand.state(HOP), "ok", "a deployment brings new ones up");
        stand.observed.services.insert(id(), Seen::Unknown(gap("ecs:DescribeServices")));
        assert_eq!(stand.state(HOP), "unknown", "there may be a deployment");
    }

    #[test]
    fn checks_that_alone_are_kept_out_let_requests_through_to_all() {
        let mut stand = ill(TIMEOUT, "");
        stand.group().health_check.port = Some(crate::model::HealthPort::Fixed(9090));
        assert_eq!(stand.found(HopId::TargetSecurityGroup), ["M03"]);
        assert_eq!(stand.found(HOP), ["M55"]);
        assert_eq!(stand.path().verdict(), Verdict::Broken);
    }

    #[test]
    fn the_containers_own_check_may_say_otherwise() {
        let mut stand = Stand::sound();
        stand.tasks()[0].healthy = Some(false);
        assert_eq!(stand.found(HOP), ["M20"]);
        stand.tasks()[0].healthy = Some(true);
        assert_eq!(stand.state(HOP), "ok");
    }

    #[test]
    fn tasks_that_are_stopped_again_and_again_had_no_time() {
        let mut stand = ill(FAILED, "");
        *stand.service().conduct = Conduct { events: vec![stopped("targetgroup/shop/1"); 2], ..Conduct::default() };
        assert_eq!(stand.found(HOP), ["M18|M19|M21|M24", "M55"], "its image tag may name another app today");
        let containers = Arc::make_mut(&mut stand.definition().containers);
        containers.values_mut().for_each(|container| container.is_pinned = true);
        assert_eq!(stand.found(HOP), ["M24", "M55"], "the same revision was healthy before");
        stand.service().deployments[0].rollout = Some(Rollout::InProgress);
        assert_eq!(stand.found(HOP), ["M18|M19|M21|M24", "M55"]);
        stand.service().conduct.grace = 3600;
        assert_eq!(stand.found(HOP), ["M18|M19|M21", "M55"], "there was time enough");
        stand.service().conduct.grace = 0;
        stand.service().conduct.events.insert(0, "(service shop) has reached a steady state.".to_owned());
        assert_eq!(stand.found(HOP), ["M18|M19|M21", "M55"], "that is over");
    }

    #[test]
    fn tasks_of_two_groups_are_stopped_for_the_other_one() {
        let mut stand = Stand::sound();
        let other =
            LoadBalancerEntry { target_group: Some("targetgroup/inner/1".into()), ..LoadBalancerEntry::default() };
        stand.service().load_balancers.push(other);
        *stand.service().conduct = Conduct { events: vec![stopped("targetgroup/inner/1"); 2], ..Conduct::default() };
        assert_eq!(stand.found(HOP), ["M26"]);
        assert!(stand.hop(HOP).evidence.contains("because of"), "{}", stand.hop(HOP).evidence);
    }

    #[test]
    fn silence_says_nothing() {
        let mut stand = Stand::sound();
        stand.all_are(TargetState::Initial, "Elb.RegistrationInProgress", "");
        assert_eq!(stand.state(HOP), "skipped");
        stand
            .observed
            .targets
            .insert("targetgroup/shop/1".into(), Seen::Unknown(gap("elasticloadbalancing:DescribeTargetHealth")));
        assert_eq!(stand.state(HOP), "unknown");
    }
}
