//! What the steps of a plan repair: findings of a trace that are gone in the planned state, each with the step without which it
//! would still stand.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::{Desired, ObjectKind, Observed};
use crate::plan::{Action, Mend, Plan, Step, StepId};
use crate::trace::{Asked, Finding, HopId, Path, Trace};

use super::view::{View, beside};

/// Names, in every finding of a trace, the step of the plan that repairs it.
pub fn link(desired: &Desired, observed: &Observed, plan: &Plan, asked: &Asked, now: Timestamp, traced: &mut Trace) {
    let _ = mends(&View { desired, observed, now }, plan, asked, traced);
}

/// As [`link`]; answers the findings by their steps.
pub(super) fn mends(view: &View<'_>, plan: &Plan, asked: &Asked, traced: &mut Trace) -> BTreeMap<StepId, Vec<Mend>> {
    let mut mends: BTreeMap<StepId, Vec<Mend>> = BTreeMap::new();
    let is_concerned =
        |path: &&Path| path.findings().any(|finding| plan.steps.iter().any(|step| may_mend(step, path, finding)));
    if !traced.paths.iter().any(|path| is_concerned(&path)) {
        return mends;
    }
    let planned = view.trace_after(&plan.steps, asked);
    for path in &mut traced.paths {
        let whole = path.clone();
        for hop in &mut path.hops {
            for finding in &mut hop.findings {
                let Some(id) = mender(view, plan, &planned, &whole, hop.id, finding) else { continue };
                finding.step = Some(id.to_string());
                record(mends.entry(id).or_default(), hop.id, finding, &whole);
            }
        }
    }
    mends
}

/// A step with an operation that the finding's codes name, of the same service or target group. Rules of one listener take
/// requests from each other, so there a step of another one may do it.
fn may_mend(step: &Step, path: &Path, finding: &Finding) -> bool {
    // No request matches a parked rule yet: it only prepares what a later pass does.
    if matches!(&step.action, Action::CreateRule { conditions, .. } if conditions.is_parked()) {
        return false;
    }
    let is_shared = matches!(step.action, Action::SetRulePriorities { .. } | Action::ModifyRule { .. });
    (is_shared || is_of(step, path)) && finding.repaired_by().contains(&step.action.operation())
}

fn is_of(step: &Step, path: &Path) -> bool {
    match step.object.kind {
        ObjectKind::Fleet => false,
        ObjectKind::TargetGroup => step.object.key == path.name.target_group,
        ObjectKind::Service => path.name.service.as_ref() == Some(&step.object.key),
    }
}

fn still_stands(traced: &Trace, path: &Path, at: HopId, finding: &Finding) -> bool {
    let same = traced.paths.iter().filter(|other| other.is_same(path));
    let hops = same.flat_map(|other| &other.hops).filter(|hop| hop.id == at);
    hops.flat_map(|hop| &hop.findings).any(|other| other.codes == finding.codes && other.name == finding.name)
}

/// The step without which a finding would still stand.
fn mender(view: &View<'_>, plan: &Plan, planned: &Trace, path: &Path, at: HopId, finding: &Finding) -> Option<StepId> {
    let candidates: Vec<&Step> = plan.steps.iter().filter(|step| may_mend(step, path, finding)).collect();
    if candidates.is_empty() || still_stands(planned, path, at, finding) {
        return None;
    }
    let own: Vec<&&Step> = candidates.iter().filter(|step| is_of(step, path)).collect();
    if let ([only], 1) = (own.as_slice(), candidates.len()) {
        return Some(only.id);
    }
    let is_needed = |step: &&&Step| {
        let others = plan.steps.iter().filter(|other| other.id != step.id);
        still_stands(&view.trace_after(others, &beside(path)), path, at, finding)
    };
    // Where each of several is enough, the first that is its own.
    candidates.iter().find(is_needed).copied().or(own.first().map(|step| **step)).map(|step| step.id)
}

fn record(mends: &mut Vec<Mend>, hop: HopId, finding: &Finding, path: &Path) {
    let name = path.name.clone();
    let is_it = |known: &&mut Mend| {
        known.hop == hop.as_str() && known.name == finding.name && known.evidence == finding.evidence
    };
    match mends.iter_mut().find(is_it) {
        Some(known) => {
            known.paths.insert(name);
        }
        None => mends.push(Mend {
            codes: finding.codes.iter().map(ToString::to_string).collect(),
            name: finding.name.to_owned(),
            hop: hop.as_str().to_owned(),
            evidence: finding.evidence.clone(),
            paths: BTreeSet::from([name]),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::paths::tests::{authorize, plan_of, view};
    use super::super::view::everything;
    use super::*;
    use crate::model::HealthPort;
    use crate::trace::fixture::{PORT, Stand, from_group};

    #[test]
    fn each_finding_is_told_with_the_step_that_mends_it_among_several_of_one_kind() {
        let mut stand = Stand::sound();
        stand.group().health_check.port = Some(HealthPort::Fixed(9090));
        stand.ingress("sg-tasks").clear();
        let bastion = authorize(0, 22, from_group("sg-bastion"));
        let steps = vec![bastion, authorize(1, 9090, from_group("sg-lb")), authorize(2, PORT, from_group("sg-lb"))];
        let view = view(&stand);
        let told = mends(&view, &plan_of(steps), &everything(), &mut view.trace(&everything()));
        let told: Vec<(usize, Vec<&str>)> =
            told.iter().map(|(id, mends)| (id.0, mends.iter().map(|mend| mend.codes[0].as_str()).collect())).collect();
        assert_eq!(told, [(1, vec!["M03"]), (2, vec!["M01"])]);
    }

    #[test]
    fn a_step_of_the_right_kind_that_mends_nothing_is_not_named() {
        let mut stand = Stand::sound();
        stand.ingress("sg-tasks").clear();
        let view = view(&stand);
        let mut traced = view.trace(&everything());
        let plan = plan_of(vec![authorize(0, 22, from_group("sg-bastion"))]);
        assert_eq!(mends(&view, &plan, &everything(), &mut traced), BTreeMap::new());
        assert!(traced.paths[0].findings().all(|finding| finding.step.is_none()));
    }

    #[test]
    fn one_finding_on_two_paths_is_told_once() {
        let mut stand = Stand::sound();
        let mut second = stand.wanted().routes.as_ref().expect("routes")[0].clone();
        second.priority = Some(20);
        stand.wanted().routes.as_mut().expect("routes").push(second);
        stand.ingress("sg-tasks").clear();
        let view = view(&stand);
        let plan = plan_of(vec![authorize(0, PORT, from_group("sg-lb"))]);
        let told = mends(&view, &plan, &everything(), &mut view.trace(&everything()));
        assert_eq!(told[&StepId(0)].len(), 1);
        assert_eq!(told[&StepId(0)][0].paths.len(), 1, "both routes are on one listener");
    }
}
