//! Health checks of target groups: defaults by family, and what may be written.

use serde_json::{Value, json};

use super::number;
use crate::input::Input;
use crate::refusal::Refusal;
use crate::state::{HealthCheck, TargetGroup};

/// What decides about the defaults and bounds of a check.
#[derive(Clone, Copy)]
pub struct Family<'a> {
    /// Protocol of the target group.
    pub protocol: &'a str,
    pub version: Option<&'a str>,
    pub target_type: &'a str,
}

impl<'a> Family<'a> {
    /// The family of a standing target group.
    pub fn of(group: &'a TargetGroup) -> Self {
        let version = group.protocol_version.as_deref();
        Self { protocol: &group.protocol, version, target_type: &group.target_type }
    }

    fn is_application(self) -> bool {
        matches!(self.protocol, "HTTP" | "HTTPS")
    }

    fn is_grpc(self) -> bool {
        self.version == Some("GRPC")
    }

    /// The check of a new group, where nothing is written about it but its protocol.
    fn default_check(self, protocol: &str) -> HealthCheck {
        let speaks_http = protocol != "TCP";
        let path = if self.is_grpc() { "/AWS.ALB/healthcheck" } else { "/" };
        let matcher = match (self.is_application(), self.is_grpc()) {
            (_, true) => "12",
            (true, false) => "200",
            (false, false) => "200-399",
        };
        let timeout = match (self.is_application(), protocol) {
            (true, _) => 5,
            (false, "HTTP") => 6,
            (false, _) => 10,
        };
        HealthCheck {
            protocol: protocol.to_owned(),
            port: "traffic-port".to_owned(),
            path: speaks_http.then(|| path.to_owned()),
            matcher: speaks_http.then(|| matcher.to_owned()),
            interval: 30,
            timeout,
            healthy_threshold: 5,
            unhealthy_threshold: 2,
        }
    }
}

/// The check that a call comes to: what it writes over the existing check, or over the defaults.
pub fn read(input: Input, family: Family, standing: Option<&HealthCheck>) -> Result<HealthCheck, Refusal> {
    check_enabled(input, family)?;
    let default_protocol = if family.is_application() { "HTTP" } else { "TCP" };
    let standing_protocol = standing.map_or(default_protocol, |check| check.protocol.as_str());
    let protocol = input.text("HealthCheckProtocol").unwrap_or(standing_protocol);
    check_protocol(protocol, family)?;
    let mut check = match standing {
        Some(standing) => standing.clone(),
        None => family.default_check(protocol),
    };
    if check.protocol != protocol {
        // Path and matcher follow the protocol; the rest stays as it was.
        let fresh = family.default_check(protocol);
        let has_http = check.path.is_some() && fresh.path.is_some();
        check.path = if has_http { check.path } else { fresh.path };
        check.matcher = if has_http { check.matcher } else { fresh.matcher };
        check.protocol = fresh.protocol;
    }
    write_http(input, family, &mut check)?;
    write_port(input, &mut check)?;
    write_numbers(input, family, &mut check)?;
    Ok(check)
}

fn check_enabled(input: Input, family: Family) -> Result<(), Refusal> {
    if input.has("HealthCheckEnabled") && input.flag("HealthCheckEnabled") != Some(true) {
        let message =
            format!("Health check enabled must be true for target groups with target type '{}'", family.target_type);
        return Err(Refusal::validation(message));
    }
    Ok(())
}

fn check_protocol(protocol: &str, family: Family) -> Result<(), Refusal> {
    match protocol {
        "HTTP" | "HTTPS" => Ok(()),
        "TCP" if !family.is_application() => Ok(()),
        _ => {
            let words = if family.is_application() { "HTTP, HTTPS" } else { "HTTP, HTTPS, TCP" };
            Err(Refusal::validation(format!("Health check protocol '{protocol}' must be one of '{words}'")))
        }
    }
}

fn write_http(input: Input, family: Family, check: &mut HealthCheck) -> Result<(), Refusal> {
    let matcher = input.get("Matcher").filter(|matcher| matcher.has("HttpCode") || matcher.has("GrpcCode"));
    let path = input.text("HealthCheckPath");
    if check.protocol == "TCP" {
        return match (matcher, path) {
            (Some(_), _) => Err(Refusal::validation("Health check matchers are not supported for TCP health checks")),
            (None, Some(_)) => Err(Refusal::validation("Health check paths are not supported for TCP health checks")),
            (None, None) => Ok(()),
        };
    }
    if let Some(path) = path {
        if !path.starts_with('/') || path.chars().count() > 1024 || path.chars().any(char::is_whitespace) {
            return Err(Refusal::validation(format!(
                "Health check path '{path}' is not valid: it must begin with '/'"
            )));
        }
        check.path = Some(path.to_owned());
    }
    if let Some(matcher) = matcher {
        check.matcher = Some(codes(matcher, family)?);
    }
    Ok(())
}

/// Codes such as `200`, `200,202` or `200-299`.
fn codes(matcher: Input, family: Family) -> Result<String, Refusal> {
    let (own, other) = if family.is_grpc() { ("GrpcCode", "HttpCode") } else { ("HttpCode", "GrpcCode") };
    if matcher.has(other) {
        let version = family.version.unwrap_or(family.protocol);
        return Err(Refusal::validation(format!("Matcher '{other}' is not supported with '{version}'")));
    }
    let range = match (family.is_grpc(), family.is_application()) {
        (true, _) => 0..=99,
        (false, true) => 200..=499,
        (false, false) => 200..=599,
    };
    let text = matcher.text(own).unwrap_or_default();
    let code = |text: &str| text.parse::<u32>().ok().filter(|code| range.contains(code));
    let part = |part: &str| match part.split_once('-') {
        Some((from, to)) => matches!((code(from), code(to)), (Some(from), Some(to)) if from <= to),
        None => code(part).is_some(),
    };
    if !text.split(',').all(part) {
        let message = format!("Health check matcher {own} '{text}' must be within '{}-{}'", range.start(), range.end());
        return Err(Refusal::validation(message));
    }
    Ok(text.to_owned())
}

fn write_port(input: Input, check: &mut HealthCheck) -> Result<(), Refusal> {
    if input.text("HealthCheckPort") == Some("traffic-port") {
        check.port = "traffic-port".to_owned();
    } else if let Some(port) = number::port(input, "HealthCheckPort")? {
        check.port = port.to_string();
    }
    Ok(())
}

fn write_numbers(input: Input, family: Family, check: &mut HealthCheck) -> Result<(), Refusal> {
    let threshold = |name: &str, standing: u32| {
        let given = number::within(input, name, 2..=10)?;
        Ok(given.and_then(|given| u32::try_from(given).ok()).unwrap_or(standing))
    };
    check.interval = number::within(input, "HealthCheckIntervalSeconds", 5..=300)?.unwrap_or(check.interval);
    check.timeout = number::within(input, "HealthCheckTimeoutSeconds", 2..=120)?.unwrap_or(check.timeout);
    check.healthy_threshold = threshold("HealthyThresholdCount", check.healthy_threshold)?;
    check.unhealthy_threshold = threshold("UnhealthyThresholdCount", check.unhealthy_threshold)?;
    // Network load balancers have always had checks each 10 seconds that wait 10 seconds.
    let longest = if family.is_application() { check.interval - 1 } else { check.interval };
    if check.timeout > longest {
        let message =
            format!("Health check timeout '{}' must be smaller than the interval '{}'", check.timeout, check.interval);
        return Err(Refusal::validation(message));
    }
    Ok(())
}

/// A matcher as it is described.
pub fn shown_matcher(group: &TargetGroup) -> Option<Value> {
    let code = if Family::of(group).is_grpc() { "GrpcCode" } else { "HttpCode" };
    group.health_check.matcher.as_ref().map(|codes| json!({code: codes}))
}
