//! Which rules must not be made even parked. Health checks begin with the rule, and ECS stops tasks that fail them: a target
//! group is attached only when every hop from the load balancer to its targets is known to be open.

use crate::model::ObjectKind;
use crate::model::owner::REPLACES_TAG;
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

/// The steps that make a parked rule whose targets health checks may not reach.
pub(super) fn refused(view: &View<'_>, plan: &Plan) -> Vec<Veto> {
    let makes: Vec<&Step> = plan.steps.iter().filter(|step| parks(step)).collect();
    if makes.is_empty() {
        return Vec::new();
    }
    let paths = view.trace_after(&plan.steps, &everything()).paths;
    let refuse = |step: &&Step| {
        let why = paths.iter().filter(|path| path.name.target_group == step.object.key).find_map(obstacle)?;
        Some(Veto { object: step.object.clone(), action: step.action.clone(), why })
    };
    makes.iter().filter_map(refuse).collect()
}

fn parks(step: &Step) -> bool {
    let Action::CreateRule { conditions, tags, .. } = &step.action else { return false };
    step.object.kind == ObjectKind::TargetGroup && conditions.is_parked() && !tags.contains_key(REPLACES_TAG)
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
            Some(WaitingOn::Difference(format!(
                "health checks would begin, and ECS stops tasks that fail them: {hop} is broken: {said}"
            )))
        }
        State::Unknown(gap) => Some(WaitingOn::Gap(gap.clone())),
    };
    path.hops.iter().filter(|hop| is_on_the_way(hop.id)).find_map(why)
}
