//! What the routes of different target groups must not share: a rule, a priority, a default action, a load balancer.

use std::collections::BTreeMap;

use super::{Scene, name};
use crate::manifest::document::{RouteSpec, TargetGroupSpec};
use crate::manifest::lower;
use crate::model::Conditions;
use crate::yaml::{At, Position, Problems, quoted};

/// A listener: load balancer and port.
type Listener<'d> = (&'d str, u32);

#[derive(Default)]
struct Taken<'d> {
    priorities: BTreeMap<(Listener<'d>, u32), Position>,
    defaults: BTreeMap<Listener<'d>, Position>,
    rules: BTreeMap<(Listener<'d>, Conditions), Position>,
    /// Whether a load balancer serves HTTP, and who says so.
    families: BTreeMap<&'d str, (bool, Position)>,
}

pub(super) fn check(scene: &Scene<'_>, problems: &mut Problems<'_>) {
    let mut taken = Taken::default();
    for group in &scene.documents.target_groups {
        let Some(balancer) = &group.spec.load_balancer else { continue };
        let balancer = name::bare(balancer);
        check_family(balancer, &group.spec, &mut taken, problems);
        for route in group.spec.routes.iter().flat_map(|routes| &routes.value) {
            check_route((balancer, route.listener.0), route, &mut taken, problems);
        }
    }
}

fn check_family<'d>(balancer: &'d str, spec: &TargetGroupSpec, taken: &mut Taken<'d>, problems: &mut Problems<'_>) {
    let Some(protocol) = &spec.protocol else { return };
    match taken.families.get(balancer) {
        Some((http, first)) if *http != protocol.is_http() => {
            let (of, other) = if *http { ("an application", "a network") } else { ("a network", "an application") };
            let message = format!(
                "protocol {} needs {other} load balancer, but {} is {of} one",
                protocol.value,
                quoted(balancer)
            );
            problems.add_hint(protocol.at, message, format!("by the protocol at {}", problems.place(*first)));
        }
        Some(_) => {}
        None => {
            taken.families.insert(balancer, (protocol.is_http(), protocol.at));
        }
    }
}

fn check_route<'d>(listener: Listener<'d>, route: &At<RouteSpec>, taken: &mut Taken<'d>, problems: &mut Problems<'_>) {
    let (balancer, port) = listener;
    let of = format!("of listener {port} on {}", quoted(balancer));
    let mut report = |at: Position, what: String, first: Position| {
        problems.add_hint(at, format!("{what} {of} is declared twice"), format!("first at {}", problems.place(first)));
    };
    if route.default.as_ref().is_some_and(|default| default.value) {
        if let Some(first) = taken.defaults.insert(listener, route.at) {
            report(route.at, "the default action".to_owned(), first);
        }
        return;
    }
    if let Some(priority) = &route.priority
        && let Some(first) = taken.priorities.insert((listener, priority.0), priority.at)
    {
        report(priority.at, format!("priority {}", priority.0), first);
    }
    let conditions = lower::conditions(route);
    if conditions != Conditions::default()
        && let Some(first) = taken.rules.insert((listener, conditions), route.at)
    {
        report(route.at, "a rule with these conditions".to_owned(), first);
    }
}
