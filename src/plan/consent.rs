//! Removals that take away a way in: a rule that gives requests to healthy targets goes only with a consent of its own. One
//! file that was left out of `-f` looks just like a route that is no longer wanted.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Given, Rule, RuleArn, Seen, Serve, TargetGroupArn, TargetState};

use super::action::Action;
use super::by_resource::ListenerChange;
use super::change::WaitingOn;
use super::draft::{DraftId, Drafts};
use super::reason::Reason;
use super::serving::{self, Serving, serves};
use super::{Policy, resolve};

/// Says of each rule that goes whether it serves, and holds it back without consent. Not even `--force` lifts this.
pub(super) fn hold_without_consent(
    given: &Given<'_>,
    policy: &Policy,
    drafts: &mut Drafts,
    held: &mut BTreeMap<DraftId, WaitingOn>,
) {
    let going: BTreeSet<RuleArn> = drafts.steps.iter().filter_map(|draft| deleted(&draft.action)).cloned().collect();
    for (id, draft) in drafts.steps.iter_mut().enumerate() {
        let Some((rule, others)) = deleted(&draft.action).and_then(|arn| live_rule(given, arn)) else { continue };
        // No request matches a parked rule, so nothing is taken from anybody.
        if rule.conditions.is_parked() {
            continue;
        }
        let staying: Vec<&Rule> = others.iter().filter(|other| !going.contains(&other.arn)).collect();
        if staying.iter().any(|other| takes_over(given, rule, other) && nothing_between(&staying, rule, other)) {
            continue;
        }
        match serves(given, &given.desired.fleet.name, &rule.actions) {
            Serving::No => {}
            // Whether it serves was not to be seen: no consent covers that.
            Serving::Unknown(gap) => _ = held.entry(id).or_insert(WaitingOn::Gap(gap)),
            Serving::Yes(_) => {
                let served = receives(given, rule);
                draft.reason = format!("{}; it takes requests away {served}", draft.reason);
                if !policy.prune_serving {
                    held.entry(id).or_insert(WaitingOn::difference(Reason::new(
                        format!("it takes requests away {served}"),
                        "if these requests may go unanswered, answer yes at the prompt of `portolan reconcile` or use \
                         --prune-serving; for `portolan run` write removal.serving: allow in the Fleet. If not, a \
                         file is missing from -f, or another manifest uses this fleet's name",
                    )));
                }
            }
        }
    }
}

fn deleted(action: &Action) -> Option<&RuleArn> {
    match action.on_listener()? {
        ListenerChange::DeleteRule { rule, .. } => Some(rule),
        ListenerChange::CreateRule { .. }
        | ListenerChange::ModifyRule { .. }
        | ListenerChange::SetRulePriorities { .. }
        | ListenerChange::ModifyListener { .. } => None,
    }
}

/// A rule, and all rules of its listener.
fn live_rule<'a>(given: &Given<'a>, arn: &RuleArn) -> Option<(&'a Rule, &'a [Rule])> {
    let mut lists = given.observed.rules.values().filter_map(|seen| seen.as_ref().present());
    lists.find_map(|rules| Some((rules.iter().find(|rule| rule.arn == *arn)?, rules.as_slice())))
}

/// Whether no rule gets requests of the one that goes before the other can.
fn nothing_between(staying: &[&Rule], rule: &Rule, other: &Rule) -> bool {
    let is_between = |third: &&&Rule| rule.priority < third.priority && third.priority < other.priority;
    !staying.iter().filter(is_between).any(|third| third.conditions.may_overlap(&rule.conditions))
}

/// Whether the requests of a rule that goes reach the same targets by another rule, or the manifest has moved exactly
/// these requests to another declared group that is healthy.
fn takes_over(given: &Given<'_>, rule: &Rule, other: &Rule) -> bool {
    let (Serve::Forward(old), Serve::Forward(new)) = (&rule.actions.serve, &other.actions.serve) else { return false };
    let old: BTreeSet<&TargetGroupArn> = old.receivers().collect();
    let new: BTreeSet<&TargetGroupArn> = new.receivers().collect();
    if new.is_empty() {
        return false;
    }
    let leads_to_same = new.is_subset(&old);
    let is_healthy = |arn: &TargetGroupArn| serving::has_healthy_target(given.observed, arn) == Seen::Present(true);
    let is_declared = |arn: &TargetGroupArn| {
        given.desired.target_groups.keys().any(|key| resolve::stand_ins(given, key).contains(arn))
    };
    (leads_to_same && other.conditions.covers(&rule.conditions))
        || (other.conditions == rule.conditions && new.into_iter().all(|arn| is_declared(arn) && is_healthy(arn)))
}

/// Such as `from 2 healthy targets of checkout-http`, for people.
fn receives(given: &Given<'_>, rule: &Rule) -> String {
    let Serve::Forward(forward) = &rule.actions.serve else { return "from what answers them now".to_owned() };
    let healthy = |arn: &TargetGroupArn| {
        let targets = given.observed.targets_of(arn).present().into_iter().flatten();
        targets.filter(|target| target.health.state == TargetState::Healthy).count()
    };
    let groups = forward.receivers().map(|arn| (arn.name(), healthy(arn))).filter(|(_, healthy)| *healthy > 0);
    let groups: Vec<String> = groups
        .map(|(name, healthy)| {
            format!("{healthy} healthy {} of {name}", if healthy == 1 { "target" } else { "targets" })
        })
        .collect();
    if groups.is_empty() { "from another fleet".to_owned() } else { format!("from {}", groups.join(" and ")) }
}
