//! The Fleet document: where, whose, and as timid as can be; with what lies on the load balancers besides.

use std::collections::BTreeSet;

use crate::model::{Listener, LoadBalancer, LoadBalancerKind, ObjectRef, RuleActions, Seen, Serve, TargetGroupArn};

use super::page::{Entry, Page};
use super::{Scene, names, page_of};

/// Names in a comment; of many, the number says more.
const NAMED: usize = 12;

pub(super) fn page(scene: &Scene<'_>) -> Page {
    let object = ObjectRef::fleet(&scene.fleet);
    let mut notes = vec![
        "The live state, as `portolan init` read it. Nothing was changed.\n\
         \n\
         Portolan manages only what is written here; remove what it must not manage. Portolan derives ingress from load \
         balancers, so it is not written. A dry run shows differences:\n\
         \x20 portolan reconcile -f FILE --dry-run\n\
         To have differences repaired, change mode to enforce, here or first in a single object."
            .to_owned(),
    ];
    notes.extend(around(scene));
    notes.extend(gaps(scene));
    let mut spec = vec![Entry::text("region", &scene.observed.region)];
    if let Seen::Present(account) = &scene.observed.account {
        spec.push(Entry::word("account", super::scalar::quoted(account)));
    }
    if let Some(cluster) = &scene.outline.fleet.cluster {
        spec.push(Entry::text("cluster", cluster));
    }
    if let Some(vpc) = scene.vpc {
        spec.push(Entry::text("vpc", &names::vpc(scene.observed, vpc)));
    }
    spec.push(Entry::word("mode", "observe").with_note("observe: report differences; enforce: also repair them"));
    spec.push(Entry::word("redeploy", "deny").with_note("deny: no repair starts an ECS deployment"));
    page_of(&object, notes, spec)
}

/// What could not be read and is of no single object.
fn gaps(scene: &Scene<'_>) -> Vec<String> {
    let is_of_object = |of: &str| {
        let services = scene.outline.services.keys().any(|key| ObjectRef::service(key).to_string() == of);
        services || scene.outline.target_groups.keys().any(|key| ObjectRef::target_group(key).to_string() == of)
    };
    let general = scene.observed.gaps.iter().filter(|(of, _)| !is_of_object(of));
    let sentences: BTreeSet<String> = general
        .map(|(of, gap)| match of.strip_prefix("Fleet/") {
            Some(_) => {
                format!("Could not be read: {} ({}). Settings that depend on it are left out.", gap.call, gap.why)
            }
            None => format!(
                "Could not be read: {} of {of} ({}). Settings that depend on it are left out.",
                gap.call, gap.why
            ),
        })
        .collect();
    sentences.into_iter().collect()
}

/// What is on the load balancers of the fleet and in none of its documents.
fn around(scene: &Scene<'_>) -> Vec<String> {
    let groups = scene.outline.target_groups.keys().filter_map(|key| scene.live(key));
    let arns: BTreeSet<_> = groups.flat_map(|group| &group.load_balancers).collect();
    let all = scene.observed.load_balancers.as_ref().present().into_iter().flatten();
    all.filter(|balancer| arns.contains(&balancer.arn)).map(|balancer| describe(scene, balancer)).collect()
}

fn describe(scene: &Scene<'_>, balancer: &LoadBalancer) -> String {
    let kind = match balancer.kind {
        LoadBalancerKind::Application => "application",
        LoadBalancerKind::Network => "network",
        LoadBalancerKind::Gateway => "gateway",
    };
    let listeners = scene.observed.listeners_of(&balancer.arn).present();
    let listeners: Vec<String> =
        listeners.into_iter().flatten().map(|listener| describe_listener(scene, listener)).collect();
    let mut sentence = format!("\n{} ({kind} load balancer)", balancer.name);
    if !listeners.is_empty() {
        sentence.push_str(": ");
        sentence.push_str(&listeners.join("; "));
    }
    sentence.push('.');
    let others = others(scene, balancer);
    if !others.is_empty() {
        let named = others.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        let more = others.len().saturating_sub(NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        sentence.push_str(&format!(
            " No service here registers targets in its target groups {named}{more}; they are not written."
        ));
    }
    sentence
}

fn describe_listener(scene: &Scene<'_>, listener: &Listener) -> String {
    let rules = scene.observed.rules_of(&listener.arn).present();
    let foreign = rules.into_iter().flatten().filter(|rule| !is_written(scene, &rule.actions)).count();
    let rules = match foreign {
        0 => String::new(),
        1 => ", and 1 rule that is not written".to_owned(),
        number => format!(", and {number} rules that are not written"),
    };
    format!("listener {} {} by default{rules}", listener.port, default_action(&listener.default_actions))
}

fn default_action(actions: &RuleActions) -> String {
    let login = if actions.login { "authenticates users and " } else { "" };
    match &actions.serve {
        Serve::Forward(forward) => {
            let names: Vec<&str> = forward.weights.keys().map(TargetGroupArn::name).collect();
            format!("{login}forwards to {}", names.join(", "))
        }
        Serve::Redirect(to) => format!("{login}redirects to {to}"),
        Serve::FixedResponse(code) => format!("{login}returns {code}"),
        Serve::Other(kind) => format!("{login}does {kind}"),
    }
}

/// Whether a rule leads to something that has a document.
fn is_written(scene: &Scene<'_>, actions: &RuleActions) -> bool {
    let Serve::Forward(forward) = &actions.serve else { return false };
    let written = |arn: &TargetGroupArn| {
        let mut keys = scene.outline.target_groups.keys();
        keys.any(|key| scene.live(key).is_some_and(|live| live.arn == *arn))
    };
    forward.weights.keys().any(written)
}

/// Target groups of a load balancer that no service here feeds.
fn others<'a>(scene: &Scene<'a>, balancer: &LoadBalancer) -> Vec<&'a str> {
    let all = scene.observed.target_groups.as_ref().present().into_iter().flatten();
    let here = all.filter(|group| group.load_balancers.contains(&balancer.arn));
    here.filter(|group| scene.given.services_feeding(&group.arn).is_empty()).map(|group| group.name.as_str()).collect()
}
