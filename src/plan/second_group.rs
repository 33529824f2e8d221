//! A load balancer with several security groups: what a rule allows to one of them, its nodes may send.

use std::collections::BTreeSet;

use crate::model::{DesiredService, Given, GroupId, IngressRule, ObjectRef, Owner, Passage, Peer};

use super::allowed::flow_from;
use super::draft::Drafts;
use super::flow::Flow;

/// The other group of the same load balancer that a rule already allows. A rule of this fleet's own does not count: where
/// Portolan opens a port, it opens it for every group, so that the load balancer may lose one of them.
pub(super) fn already_allowed(given: &Given<'_>, groups: &BTreeSet<GroupId>, flow: &Flow) -> Option<GroupId> {
    let live: Vec<&IngressRule> =
        groups.iter().filter_map(|group| given.observed.ingress_of(group).present()).flatten().collect();
    let is_allowed = |rules: &[&IngressRule], peer: &Peer| {
        matches!(flow_from(given, rules.iter().copied(), flow, peer), Passage::Open(_))
    };
    if flow.peer().is_none_or(|peer| is_allowed(&live, &peer)) {
        return None;
    }
    let fleet = &given.desired.fleet.name;
    let is_own = |rule: &&IngressRule| matches!(Owner::of(&rule.tags, fleet), Owner::Ours(_));
    let of_others: Vec<&IngressRule> = live.into_iter().filter(|rule| !is_own(rule)).collect();
    flow.also.iter().find(|group| is_allowed(&of_others, &Peer::group(group, &flow.homes))).cloned()
}

/// A remark on a group that no rule allows, where another one of the same load balancer suffices.
pub(super) fn report(wanted: &DesiredService, flow: &Flow, other: &GroupId, drafts: &mut Drafts) {
    drafts.find(
        &ObjectRef::service(&wanted.key),
        format!(
            "{} {} is not opened for {} ({}): the load balancer also has {other}, which a rule already allows",
            flow.transport, flow.ports, flow.source, flow.who
        ),
    );
}
