//! The state that a plan would make, as far as paths depend on it.

use crate::model::{Observed, Seen, Surroundings, TargetState};
use crate::plan::effect::apply_effect;
use crate::plan::{Action, Plan, Ref};

/// Applies every step. What health says now is about what stands now, so it says nothing of the planned state.
pub fn apply(plan: &Plan, observed: &mut Observed, around: &mut Surroundings) {
    for step in &plan.steps {
        apply_effect(step, observed);
        match &step.action {
            Action::AuthorizeSecurityGroupIngress { group, .. } => {
                if let Some(Seen::Present(rules)) = around.ingress.get_mut(group) {
                    rules.extend(step.action.planned_ingress());
                }
            }
            Action::RevokeSecurityGroupIngress { group, rule, .. } => {
                if let Some(Seen::Present(rules)) = around.ingress.get_mut(group) {
                    rules.retain(|live| live.id != *rule);
                }
            }
            Action::ModifyTargetGroupAttributes { target_group: Ref::Known(arn), attributes } => {
                if let Some(Seen::Present(live)) = around.group_attributes.get_mut(arn) {
                    live.extend(attributes.clone());
                }
            }
            _ => {}
        }
    }
    if plan.steps.is_empty() {
        return;
    }
    let lists = observed.targets.values_mut().filter_map(|seen| match seen {
        Seen::Present(list) => Some(list),
        Seen::Absent | Seen::Unknown(_) => None,
    });
    for target in lists.flatten().filter(|target| target.health.state != TargetState::Draining) {
        target.health.state = TargetState::Initial;
        target.health.reason = None;
    }
}
