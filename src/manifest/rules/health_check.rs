//! Health checks: which fields go with which protocol, and the codes that count as healthy.

use crate::manifest::document::{HealthCheckSpec, TargetGroupSpec};
use crate::model::{Protocol, ProtocolVersion};
use crate::yaml::{At, Problems, quoted};

/// Longest path that ELBv2 takes.
const MOST_PATH: usize = 1_024;

pub(super) fn check(spec: &TargetGroupSpec, problems: &mut Problems<'_>) {
    let Some(check) = &spec.health_check else { return };
    check_protocol(check, spec, problems);
    if let Some(path) = &check.path
        && (!path.starts_with('/') || path.len() > MOST_PATH || path.contains(char::is_whitespace))
    {
        let message = format!("path: {} is not a valid health-check path", quoted(path));
        problems.add_hint(path.at, message, "start it with \"/\"; at most 1024 characters and no spaces");
    }
    if let (Some(timeout), Some(interval)) = (&check.timeout, &check.interval)
        && (timeout.0 > interval.0 || (timeout.0 == interval.0 && !is_of_network(check, spec)))
    {
        let message = format!("timeout {}s is not below interval {}s", timeout.0, interval.0);
        problems.add(timeout.at, message);
    }
    if let Some(matcher) = &check.matcher {
        check_matcher(matcher, spec, problems);
    }
}

/// Whether it is the check of a network load balancer: AWS made such target groups with a timeout equal to the interval
/// for years, and takes it. A TCP check tells it too.
fn is_of_network(check: &HealthCheckSpec, spec: &TargetGroupSpec) -> bool {
    let checks_tcp = || check.protocol.as_ref().is_some_and(|protocol| protocol.0 == Protocol::Tcp);
    spec.protocol.as_ref().map_or_else(checks_tcp, |protocol| !protocol.is_http())
}

/// What the check speaks: as declared, or what AWS takes for such a target group.
fn spoken(check: &HealthCheckSpec, spec: &TargetGroupSpec) -> Option<Protocol> {
    let declared = check.protocol.as_ref().map(|protocol| protocol.0.clone());
    let by_default = |protocol: &At<Protocol>| if protocol.is_http() { Protocol::Http } else { Protocol::Tcp };
    declared.or_else(|| spec.protocol.as_ref().map(by_default))
}

fn check_protocol(check: &HealthCheckSpec, spec: &TargetGroupSpec, problems: &mut Problems<'_>) {
    if let (Some(protocol), Some(group)) = (&check.protocol, &spec.protocol)
        && protocol.0 == Protocol::Tcp
        && group.is_http()
    {
        let message = format!("a TCP check on a target group of protocol {}", group.value);
        problems.add_hint(protocol.at, message, "application load balancers check with HTTP or HTTPS");
        return;
    }
    if spoken(check, spec) != Some(Protocol::Tcp) {
        return;
    }
    let hint = if check.protocol.is_some() {
        "remove it, or check with HTTP or HTTPS"
    } else {
        "such target groups are checked with TCP unless healthCheck.protocol says HTTP or HTTPS"
    };
    let fields = [("path", check.path.as_ref()), ("matcher", check.matcher.as_ref())];
    for (name, field) in fields {
        if let Some(field) = field {
            problems.add_hint(field.at, format!("{name}: not valid for a TCP check"), hint);
        }
    }
}

/// Which codes there are: name, lowest, highest.
fn codes(spec: &TargetGroupSpec) -> (&'static str, u32, u32) {
    if spec.protocol_version.as_ref().is_some_and(|version| version.value == ProtocolVersion::Grpc) {
        return ("gRPC codes", 0, 99);
    }
    match &spec.protocol {
        Some(protocol) if protocol.is_http() => ("HTTP codes", 200, 499),
        Some(_) | None => ("HTTP codes", 200, 599),
    }
}

fn check_matcher(matcher: &At<String>, spec: &TargetGroupSpec, problems: &mut Problems<'_>) {
    let (what, lowest, highest) = codes(spec);
    let code = |text: &str| -> Option<u32> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|code| digits && (lowest..=highest).contains(code))
    };
    let is_good = |part: &str| match part.split_once('-') {
        Some((from, to)) => matches!((code(from), code(to)), (Some(from), Some(to)) if from <= to),
        None => code(part).is_some(),
    };
    if !matcher.split(',').all(is_good) {
        let message = format!("matcher: expected {what} from {lowest} to {highest}, found {}", quoted(matcher));
        let example = if highest == 99 {
            "such as \"0\", \"0,12\" or \"0-99\""
        } else {
            "such as \"200\", \"200,202\" or \"200-299\""
        };
        problems.add_hint(matcher.at, message, example);
    }
}
