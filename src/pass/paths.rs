//! A plan checked against the paths that it touches: which of its steps would break one that is not known to be broken
//! ([`super::losses`]), and which could break one at a hop that could not be examined ([`super::unread`]). Pure, and the
//! same for every mode.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{Desired, ObjectRef, Observed};
use crate::plan::{self, Plan, Policy, Reason, Step, StepId, Veto, WaitingOn, plan_without};
use crate::report::BrokenPath;
use crate::trace::{Path, Verdict, each_path};

use super::losses::{Loss, blame, losses};
use super::mends::mends;
use super::parking;
use super::unread::unread;
use super::view::{View, everything};

/// Sound paths that are named where a step breaks several.
const NAMED: usize = 2;

/// The broken paths of the objects that a run is about, if what was read shows them.
pub(super) fn broken(desired: &Desired, observed: &Observed, policy: &Policy, now: Timestamp) -> Vec<BrokenPath> {
    let is_chosen = |path: &Path| {
        let objects = [
            Some(ObjectRef::target_group(&path.name.target_group)),
            path.name.service.as_deref().map(ObjectRef::service),
        ];
        policy.only.as_ref().is_none_or(|only| objects.iter().flatten().any(|object| only.contains(object)))
    };
    let mut broken = Vec::new();
    each_path(desired, observed, &everything(), now, |path| {
        if path.verdict() == Verdict::Broken && is_chosen(&path) {
            broken.extend(BrokenPath::of(&path));
        }
    });
    broken
}

/// Takes the steps out of a plan that would break a sound path, and notes what the others repair. With `force` they stay, with
/// a note.
pub(super) fn weigh(desired: &Desired, observed: &Observed, policy: &Policy, now: Timestamp, mut plan: Plan) -> Plan {
    let view = View { desired, observed, now };
    let mut before = view.trace(&everything());
    let mut vetoes: Vec<Veto> = Vec::new();
    while !plan.steps.is_empty() {
        let after = view.trace_after(&plan.steps, &everything());
        let found = blame(&view, &plan, losses(&view, &before, &after));
        let mut new: Vec<Veto> = unread(&view, &plan, &before, &after);
        if policy.force {
            note(&mut plan, &found);
        } else {
            new.extend(found.into_iter().map(|(id, losses)| veto(&plan.steps[id.0], &losses)));
        }
        let known = vetoes.len();
        new.extend(parking::refused(&view, &plan));
        vetoes.extend(new.into_iter().filter(|veto| !vetoes.contains(veto)).collect::<Vec<_>>());
        if vetoes.len() == known {
            break;
        }
        plan = plan_without(desired, observed, policy, now, &vetoes);
    }
    plan.mends = mends(&view, &plan, &everything(), &mut before);
    plan.gaps_around = observed.gaps_around.iter().filter(|entry| !plan.gaps.contains(entry)).cloned().collect();
    plan.gaps.extend(plan.gaps_around.clone());
    plan.gaps.sort();
    plan
}

fn veto(step: &Step, losses: &[Loss]) -> Veto {
    let why = Reason::new(harm(losses), "correct the manifest, or use --force if that is intended");
    Veto { object: step.object.clone(), action: step.action.clone(), why: WaitingOn::Difference(why) }
}

/// Such as `it would break public:80 → shop → shop/http, which is sound now, at rule: M40 rule-shadowed (…)`.
fn harm(losses: &[Loss]) -> String {
    let told: Vec<String> = losses.iter().take(NAMED).map(Loss::words).collect();
    let told = told.join("; ");
    match losses.len().saturating_sub(NAMED) {
        0 => told,
        more => format!("{told}; and {more} more"),
    }
}

fn note(plan: &mut Plan, found: &BTreeMap<StepId, Vec<Loss>>) {
    for (id, losses) in found {
        let step = &plan.steps[id.0];
        plan.findings
            .push(plan::Finding { object: step.object.clone(), what: format!("{id} is forced: {}", harm(losses)) });
    }
    plan.findings.sort_by(|a, b| (&a.object, &a.what).cmp(&(&b.object, &b.what)));
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{GroupRuleId, IpProtocol, ObjectRef, PortRange, RuleSource};
    use std::collections::BTreeSet;

    use crate::model::GroupId;
    use crate::plan::Action;
    use crate::trace::fixture::{PORT, Stand, from_group, rule};

    /// A step of the one service.
    pub(crate) fn step(number: usize, action: Action) -> Step {
        Step {
            id: StepId(number),
            action,
            object: ObjectRef::service("shop"),
            target: "sg-tasks".to_owned(),
            summary: String::new(),
            reason: String::new(),
            changes: Vec::new(),
            after: BTreeSet::new(),
            redeploys: false,
            removes: false,
            receivers: Default::default(),
        }
    }

    pub(crate) fn revoke(number: usize, rule: &str) -> Step {
        let (group, rule) = (GroupId::from("sg-tasks"), GroupRuleId::from(rule));
        let revoke =
            Action::RevokeSecurityGroupIngress { group, rule, mark: BTreeMap::new(), carriers: BTreeSet::new() };
        Step { object: ObjectRef::fleet("harbour"), ..step(number, revoke) }
    }

    pub(crate) fn authorize(number: usize, port: u16, source: RuleSource) -> Step {
        let action = Action::AuthorizeSecurityGroupIngress {
            group: GroupId::from("sg-tasks"),
            protocol: IpProtocol::Tcp,
            ports: PortRange::one(port),
            source,
            description: None,
            tags: BTreeMap::new(),
        };
        step(number, action)
    }

    pub(crate) fn plan_of(steps: Vec<Step>) -> Plan {
        Plan { steps, ..Plan::default() }
    }

    pub(crate) fn view(stand: &Stand) -> View<'_> {
        let now = "2026-11-20T12:00:00Z".parse().expect("a time");
        View { desired: &stand.desired, observed: &stand.observed, now }
    }

    /// Two rules that each let the load balancer in.
    pub(crate) fn doubly_open() -> Stand {
        let mut stand = Stand::sound();
        let named = |name: &str| crate::model::IngressRule {
            id: GroupRuleId::from(name),
            ..rule("sg-tasks", Some(PortRange::one(PORT)), from_group("sg-lb"))
        };
        *stand.ingress("sg-tasks") = ["sgr-1", "sgr-2"].map(named).into();
        stand
    }

    fn blamed(stand: &Stand, plan: &Plan) -> Vec<usize> {
        let view = view(stand);
        let (before, after) = (view.trace(&everything()), view.trace_after(&plan.steps, &everything()));
        let found = blame(&view, plan, losses(&view, &before, &after));
        found.into_keys().map(|id| id.0).collect()
    }

    #[test]
    fn of_two_steps_that_close_a_port_the_second_is_to_blame() {
        let stand = doubly_open();
        assert_eq!(blamed(&stand, &plan_of(vec![revoke(0, "sgr-1"), revoke(1, "sgr-2")])), [1]);
        assert_eq!(blamed(&stand, &plan_of(vec![revoke(0, "sgr-2"), revoke(1, "sgr-3")])), [0; 0]);
        let again = authorize(2, PORT, from_group("sg-lb"));
        let plan = plan_of(vec![revoke(0, "sgr-1"), revoke(1, "sgr-2"), again]);
        assert_eq!(blamed(&stand, &plan), [0; 0], "in the end it is open");
    }

    #[test]
    fn what_a_step_breaks_is_told_before_what_can_be_done_about_it() {
        let stand = doubly_open();
        let plan = plan_of(vec![revoke(0, "sgr-1"), revoke(1, "sgr-2")]);
        let view = view(&stand);
        let (before, after) = (view.trace(&everything()), view.trace_after(&plan.steps, &everything()));
        let loss = losses(&view, &before, &after).remove(0);
        let why = veto(&plan.steps[1], &[loss.clone(), loss]).why;
        assert_eq!(why.because().matches("it would break ").count(), 2, "{why}");
        assert_eq!(why.to_unblock().as_deref(), Some("correct the manifest, or use --force if that is intended"));
    }

    #[test]
    fn a_path_that_is_known_to_be_broken_is_not_lost_and_one_that_is_not_known_is() {
        let both = plan_of(vec![revoke(0, "sgr-1"), revoke(1, "sgr-2")]);
        let mut stand = doubly_open();
        stand.observed.route_tables.clear();
        assert_eq!(blamed(&stand, &both), [1], "what another hop is nobody knows");
        let mut stand = doubly_open();
        stand.rules().clear();
        assert_eq!(blamed(&stand, &both), [0; 0], "broken before");
    }
}
