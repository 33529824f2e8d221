//! Health checks: each one goes the way that a request from the load balancer's nodes would go.

use std::net::Ipv4Addr;

use jiff::SignedDuration;

use super::due::Due;
use super::filter::{End, Traffic};
use super::path::{self, Reached};
use super::registration::{balancer_of, initial, said, unused};
use super::state::{Health, HealthCheck, Listen, LoadBalancer, Speaks, State, Target, TargetGroup};

/// Something may have changed: checks that would have found what they found before are due again.
pub fn wake(state: &mut State) {
    for due in state.queue.wake() {
        let Due::Check(group, id, port) = &due else { continue };
        let found = state.target_groups.get(group);
        let Some(target) = found.and_then(|group| group.targets.get(&(id.clone(), *port))) else { continue };
        let interval = found.map_or(30, |group| group.health_check.interval).max(1) * 1000;
        // Checks keep their rhythm, whenever they were last needed.
        let since = state.now.duration_since(target.registered).as_millis() as i64;
        let first = 5000;
        let at = first + ((since - first).max(-1) / interval + 1) * interval;
        let at = target.registered + SignedDuration::from_millis(at);
        state.queue.push(at, due);
    }
}

/// Checks one target.
pub fn check(state: &mut State, group: &str, id: &str, port: u16) {
    let key = (id.to_owned(), port);
    let Some(target_group) = state.target_groups.get(group) else { return };
    let Some(target) = target_group.targets.get(&key) else { return };
    if target.draining_until.is_some() {
        return;
    }
    let due = Due::Check(group.to_owned(), id.to_owned(), port);
    let interval = target_group.health_check.interval;
    let mut next = target.clone();
    match unused(state, target_group, target) {
        Some(_) => {
            (next.passed, next.failed, next.was_healthy) = (0, 0, false);
            next.health = initial();
        }
        None => note_result(&mut next, &target_group.health_check, probe(state, target_group, target)),
    }
    let is_same = (next.passed, next.failed, &next.health) == (target.passed, target.failed, &target.health);
    if is_same {
        state.queue.sleep(due);
        return;
    }
    let has_turned = next.health.state != target.health.state;
    if has_turned {
        let reason = next.health.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        let line = format!("{}: {id}:{port} {}{reason}", target_group.name, next.health.state);
        state.note(&line);
        if let Some(service) = &next.by_service {
            state.after(1, Due::Service(service.clone()));
        }
    }
    if let Some(target) = state.target_groups.get_mut(group).and_then(|group| group.targets.get_mut(&key)) {
        *target = next;
    }
    state.after(interval, due);
}

/// Takes a result into account: a new target needs one success, one that was healthy before needs the threshold.
fn note_result(target: &mut Target, check: &HealthCheck, failure: Option<Health>) {
    match failure {
        None => {
            (target.passed, target.failed) = ((target.passed + 1).min(check.healthy_threshold), 0);
            if !target.was_healthy || target.passed >= check.healthy_threshold {
                target.health = Health { state: "healthy", reason: None, description: None };
                target.was_healthy = true;
            }
        }
        Some(failure) => {
            (target.passed, target.failed) = (0, (target.failed + 1).min(check.unhealthy_threshold));
            if target.failed >= check.unhealthy_threshold {
                target.health = failure;
            }
        }
    }
}

/// One check: `None` when it passes.
fn probe(state: &State, group: &TargetGroup, target: &Target) -> Option<Health> {
    let balancer = balancer_of(state, &group.arn)?;
    let port = group.health_check.port.parse().unwrap_or(target.port);
    let results = nodes(state, balancer).into_iter().map(|node| {
        let address = address_of(state, target)?;
        let reached = path::follow(state, &node, address, Traffic { is_udp: false, port });
        judge(&group.health_check, group, &reached)
    });
    // Each node checks for itself; the worst result is what people see.
    let failure = results.flatten().next();
    failure.map(|failure| if balancer.is_application() { failure } else { failed() })
}

/// The nodes of a load balancer, as ends of connections. One without groups filters no outgoing traffic.
pub fn nodes(state: &State, balancer: &LoadBalancer) -> Vec<End> {
    let interfaces = balancer.interfaces.values().filter_map(|id| state.interfaces.get(id));
    let node = |interface| {
        let end = path::end_of(interface);
        if balancer.groups.is_empty() { End { groups: Default::default(), ..end } } else { end }
    };
    interfaces.map(node).collect()
}

/// Where a target is.
pub fn address_of(state: &State, target: &Target) -> Option<Ipv4Addr> {
    match state.instances.get(&target.id) {
        Some(instance) => Some(instance.address),
        None => target.id.parse().ok(),
    }
}

fn judge(check: &HealthCheck, group: &TargetGroup, reached: &Reached) -> Option<Health> {
    let open = match reached {
        Reached::Dropped(_) => return Some(timeout()),
        Reached::Refused => return Some(failed()),
        Reached::Open(open) => open,
    };
    if open.listen.latency > check.timeout * 1000 {
        return Some(timeout());
    }
    if check.protocol == "TCP" {
        return None;
    }
    match answer(&open.listen, &check.protocol, group.protocol_version.as_deref(), check.path.as_deref()) {
        None => Some(failed()),
        Some(code) => (!matches(check.matcher.as_deref().unwrap_or("200"), code)).then(|| mismatch(code)),
    }
}

/// What a port answers to a client that speaks this protocol; `None` where they do not understand each other.
pub fn answer(listen: &Listen, protocol: &str, version: Option<&str>, path: Option<&str>) -> Option<u16> {
    let understood = match listen.speaks {
        Speaks::Http => protocol == "HTTP" && version != Some("GRPC"),
        Speaks::Https => protocol == "HTTPS" && version != Some("GRPC"),
        Speaks::Grpc => version == Some("GRPC"),
        Speaks::Tcp => false,
    };
    understood.then(|| listen.code_of(path.unwrap_or("/")))
}

/// Codes as a matcher lists them: `200`, `200,302`, `200-299`.
fn matches(matcher: &str, code: u16) -> bool {
    matcher.split(',').any(|part| match part.trim().split_once('-') {
        Some((low, high)) => {
            let bounds = (low.trim().parse::<u16>(), high.trim().parse::<u16>());
            matches!(bounds, (Ok(low), Ok(high)) if (low..=high).contains(&code))
        }
        None => part.trim().parse() == Ok(code),
    })
}

fn timeout() -> Health {
    said("unhealthy", "Target.Timeout", "Request timed out")
}

fn failed() -> Health {
    said("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
}

fn mismatch(code: u16) -> Health {
    said("unhealthy", "Target.ResponseCodeMismatch", &format!("Health checks failed with these codes: [{code}]"))
}
