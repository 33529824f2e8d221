//! One route: its form and its conditions.

use super::{check_cidr, check_once};
use crate::manifest::document::{RouteSpec, TargetGroupSpec};
use crate::manifest::lower;
use crate::manifest::scalar::NonEmpty;
use crate::model::ProtocolVersion;
use crate::yaml::{At, Problems, quoted};

/// What a rule takes: values in all its conditions, wildcards in all its values, characters in each.
const MOST_VALUES: usize = 5;
const MOST_WILDCARDS: usize = 5;
const MOST_VALUE_CHARS: usize = 128;
const MOST_METHOD_CHARS: usize = 40;
const MOST_HEADER_CHARS: usize = 40;

pub(super) fn check(spec: &At<TargetGroupSpec>, problems: &mut Problems<'_>) {
    let Some(routes) = &spec.routes else { return };
    if !routes.is_empty() && spec.load_balancer.is_none() && !spec.flawed {
        problems.add_hint(routes.at, "routes without a loadBalancer", "name the load balancer that has the listener");
    }
    for route in &routes.value {
        check_form(route, spec, problems);
        check_counts(route, problems);
        check_values(route, problems);
    }
}

fn is_default(route: &RouteSpec) -> bool {
    route.default.as_ref().is_some_and(|default| default.value)
}

fn has_conditions(route: &RouteSpec) -> bool {
    let RouteSpec { hosts, paths, methods, headers, query_strings, source_ips, .. } = route;
    [hosts, paths, methods, source_ips].into_iter().any(Option::is_some) || headers.is_some() || query_strings.is_some()
}

fn check_form(route: &At<RouteSpec>, spec: &TargetGroupSpec, problems: &mut Problems<'_>) {
    let network = spec.protocol.as_ref().filter(|protocol| !protocol.is_http());
    if is_default(route) {
        if has_conditions(route) {
            problems.add_hint(route.at, "a default route has no conditions", "remove them, or default: true");
        }
        if let Some(priority) = &route.priority {
            problems.add_hint(priority.at, "a default route has no priority", "remove it, or default: true");
        }
    } else if let Some(protocol) = network {
        let message = format!("a route of a {} target group must be the listener's default", protocol.value);
        problems.add_hint(route.at, message, format!("write {{listener: {}, default: true}}", route.listener.0));
    } else if !has_conditions(route) && !route.flawed {
        let hint = "add hosts, paths or another condition, or default: true for the listener's default action";
        problems.add_hint(route.at, "a route needs at least one condition", hint);
    }
    let Some(login) = &route.authenticate else { return };
    if let Some(protocol) = network {
        problems.add(login.at, format!("authenticate: not possible for {} target groups", protocol.value));
    }
    if let Some(version) = &spec.protocol_version
        && matches!(version.value, ProtocolVersion::Http2 | ProtocolVersion::Grpc)
    {
        let message =
            format!("authenticate: not possible for {} target groups; their rules can only forward", version.as_str());
        problems.add(login.at, message);
    }
}

fn check_counts(route: &At<RouteSpec>, problems: &mut Problems<'_>) {
    let conditions = lower::conditions(route);
    let count = conditions.value_count();
    if count > MOST_VALUES {
        let hint = "split it into several routes; any of them may match";
        problems.add_hint(
            route.at,
            format!("{count} values in the conditions of one route, at most {MOST_VALUES}"),
            hint,
        );
    }
    let wildcards = |text: &str| text.chars().filter(|char| matches!(char, '*' | '?')).count();
    let headers = conditions.headers.iter().flat_map(|header| &header.values);
    let queries = conditions.queries.iter().flat_map(|query| &query.pairs);
    let queries = queries.map(|(key, value)| key.as_deref().map_or(0, wildcards) + wildcards(value));
    let texts = conditions.hosts.iter().chain(&conditions.paths).chain(headers);
    let count = texts.map(|text| wildcards(text)).sum::<usize>() + queries.sum::<usize>();
    if count > MOST_WILDCARDS {
        let message = format!("{count} wildcards (* and ?) in one route, at most {MOST_WILDCARDS}");
        problems.add(route.at, message);
    }
}

fn list(values: &Option<At<NonEmpty<String>>>) -> &[At<String>] {
    values.as_ref().map_or(&[], |values| &values.0)
}

fn check_values(route: &RouteSpec, problems: &mut Problems<'_>) {
    for (name, values) in [
        ("hosts", &route.hosts),
        ("paths", &route.paths),
        ("methods", &route.methods),
        ("sourceIps", &route.source_ips),
    ] {
        check_once(list(values), name, problems);
    }
    list(&route.hosts).iter().for_each(|host| check_host(host, problems));
    list(&route.paths).iter().for_each(|path| check_path(path, problems));
    list(&route.methods).iter().for_each(|method| check_method(method, problems));
    list(&route.source_ips).iter().for_each(|net| check_cidr(net, "sourceIps", problems));
    for header in route.headers.iter().flat_map(|headers| &headers.0) {
        check_header_name(&header.name, problems);
        check_once(&header.values.0, "values", problems);
        header.values.0.iter().for_each(|value| check_text(value, "values", problems));
    }
    for query in route.query_strings.iter().flat_map(|queries| &queries.0) {
        query.key.iter().for_each(|key| check_text(key, "key", problems));
        check_text(&query.value.value, "value", problems);
    }
}

fn check_host(host: &At<String>, problems: &mut Problems<'_>) {
    let alphabet = host.chars().all(|char| char.is_ascii_alphanumeric() || "-._*?".contains(char));
    let ending = host.rsplit_once('.').map(|(_, ending)| ending);
    let good_ending =
        ending.is_some_and(|ending| !ending.is_empty() && ending.bytes().all(|byte| byte.is_ascii_alphabetic()));
    if host.len() > MOST_VALUE_CHARS || !alphabet || !good_ending {
        let message = format!("hosts: {} is not valid in a listener rule", quoted(host));
        let hint = if host.contains("://") || host.contains('/') || host.contains(':') {
            "write only the host name, without scheme, port and path"
        } else {
            "letters, digits, - . * ?, at most 128; letters alone after the last dot"
        };
        problems.add_hint(host.at, message, hint);
    }
}

fn check_path(path: &At<String>, problems: &mut Problems<'_>) {
    if !path.starts_with(['/', '*']) {
        let hint = format!("write {}", quoted(&format!("/{}", path.value)));
        problems.add_hint(path.at, format!("paths: {} must begin with \"/\" or \"*\"", quoted(path)), hint);
        return;
    }
    let alphabet = path.chars().all(|char| char.is_ascii_alphanumeric() || "_-.$/~\"'@:+&*?".contains(char));
    if path.len() > MOST_VALUE_CHARS || !alphabet {
        let message = format!("paths: {} is not valid in a listener rule", quoted(path));
        let hint = "letters, digits and _-.$/~\"'@:+&*?, at most 128; the query is not part of it";
        problems.add_hint(path.at, message, hint);
    }
}

fn check_method(method: &At<String>, problems: &mut Problems<'_>) {
    let alphabet = method.bytes().all(|byte| byte.is_ascii_uppercase() || b"-_".contains(&byte));
    if method.len() > MOST_METHOD_CHARS || !alphabet {
        let message = format!("methods: {} is not valid in a listener rule", quoted(method));
        let upper = method.to_ascii_uppercase();
        let hint = if upper != method.value { format!("write {}", quoted(&upper)) } else { "such as GET".to_owned() };
        problems.add_hint(method.at, message, hint);
    }
}

fn check_header_name(name: &At<String>, problems: &mut Problems<'_>) {
    let alphabet = name.chars().all(|char| char.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(char));
    if name.len() > MOST_HEADER_CHARS || !alphabet {
        let message = format!("headers: {} is not a valid header name", quoted(name));
        problems.add_hint(name.at, message, "at most 40 letters, digits and hyphens; wildcards have no meaning here");
    } else if name.eq_ignore_ascii_case("host") {
        problems.add_hint(name.at, "headers: a rule cannot match Host as a header", "write hosts: [name]");
    }
}

fn check_text(text: &At<String>, name: &str, problems: &mut Problems<'_>) {
    let alphabet = text.chars().all(|char| char.is_ascii_graphic() || char == ' ');
    if text.len() > MOST_VALUE_CHARS || !alphabet {
        let message = format!("{name}: {} is not valid in a listener rule", quoted(text));
        problems.add_hint(text.at, message, "at most 128 printable ASCII characters");
    }
}
