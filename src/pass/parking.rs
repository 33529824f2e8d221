//! Which rules must not be made even parked. Health checks begin with the rule, and ECS stops tasks that fail them: a target
//! group is attached only when every hop from the load balancer to its targets is known to be open.

use crate::model::owner::MOVED_TAG;
use crate::model::{Given, ObjectKind, Registrar};
use crate::plan::{Action, Plan, Step, Veto, WaitingOn};
use crate::trace::{Hop, HopId, Path, State};

use super::view::{View, everything};

/// Whether health checks pass this hop on their way to a target. Exhaustive, so that a new hop is judged.
fn is_on_the_way(hop: HopId) -> bool {
    match hop {
        HopId::TargetGroup
        | HopId::AvailabilityZone
        | HopId::LoadBalancerEgress
        | HopId::NetworkAcl
        | HopId::TargetSecurityGroup
        | HopId::PortBinding => true,
        HopId::LoadBalancer
        | HopId::Listener
        | HopId::Rule
        | HopId::ServiceWiring
        | HopId::Registration
        | HopId::Application => false,
    }
}

/// The steps that make a parked rule, or attach a target group with weight 0, whose targets health checks may not reach.
pub(super) fn refused(view: &View<'_>, plan: &Plan) -> Vec<Veto> {
    let makes: Vec<&Step> = plan.steps.iter().filter(|step| parks(step)).collect();
    if makes.is_empty() {
        return Vec::new();
    }
    let paths = view.trace_after(&plan.steps, &everything()).paths;
    let given = Given::new(view.desired, view.observed);
    let refuse = |step: &&Step| {
        // ECS stops no task for the checks of a target group that its service does not name.
        given.ports_of(&step.object.key).find(|(_, port)| port.registrar == Registrar::Ecs)?;
        let why = paths.iter().filter(|path| path.name.target_group == step.object.key).find_map(obstacle)?;
        Some(Veto { object: step.object.clone(), action: step.action.clone(), why })
    };
    makes.iter().filter_map(refuse).collect()
}

/// Makes a parked rule to a target group whose checks have not begun. That of a handover after its move leads to the old one.
fn parks(step: &Step) -> bool {
    // A default action that keeps its receiver and names another target group starts checks of that one.
    if matches!(&step.action, Action::ModifyListener { idle: Some(_), .. }) {
        return step.action.keeps_receiver();
    }
    let Action::CreateRule { conditions, tags, .. } = &step.action else { return false };
    step.object.kind == ObjectKind::TargetGroup && conditions.is_parked() && !tags.contains_key(MOVED_TAG)
}

/// The first hop that is not known to be open. One that was not read is a gap: the step goes once it can be.
fn obstacle(path: &Path) -> Option<WaitingOn> {
    let why = |hop: &Hop| match &hop.state {
        State::Ok | State::Starting(_) | State::Skipped(_) => None,
        State::Broken => {
            let finding = hop.findings.first();
            let said =
                finding.map_or_else(|| hop.evidence.clone(), |found| format!("{} ({})", found.name, found.evidence));
            let hop = hop.id.as_str();
            Some(WaitingOn::difference(format!(
                "health checks would begin, and ECS stops tasks that fail them: {hop} is broken: {said}"
            )))
        }
        State::Unknown(gap) => Some(WaitingOn::Gap(gap.clone())),
    };
    path.hops.iter().filter(|hop| is_on_the_way(hop.id)).find_map(why)
}
