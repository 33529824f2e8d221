//! A health check that changes together with what it checks: it acts on the running tasks as soon as it is sent, and stays after a
//! rollback. So the definition is deployed first, as long as the check in place finds healthy tasks.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{DesiredService, Given, ObjectRef, Seen, TargetState};

use super::action::Action;
use super::change::{Planned, WaitingOn};
use super::draft::{DraftId, Drafts};
use super::reason::Reason;
use super::{definition, resolve};

/// Puts off changes of health checks of the target groups whose service is being moved to another definition.
pub(super) fn put_off(
    given: &Given<'_>,
    drafts: &Drafts,
    held: &mut BTreeMap<DraftId, WaitingOn>,
    later: &mut BTreeMap<DraftId, Planned>,
) {
    let moved: BTreeSet<&ObjectRef> = drafts
        .steps
        .iter()
        .filter(|draft| matches!(&draft.action, Action::UpdateService { task_definition: Some(_), .. }))
        .map(|draft| &draft.object)
        .collect();
    for (id, draft) in drafts.steps.iter().enumerate() {
        let Action::ModifyTargetGroup { .. } = &draft.action else { continue };
        let key = &draft.object.key;
        let mut users =
            given.ports_of(key).map(|(service, _)| service).filter(|service| service.task_definition.is_some());
        let Some(service) =
            users.find(|service| moved.contains(&ObjectRef::service(&service.key)) || is_other(given, service))
        else {
            continue;
        };
        if held.contains_key(&id) || !has_healthy_target(given, key) {
            continue;
        }
        let because = format!(
            "it would act on the tasks of service {} as soon as it is sent, and they do not all run the declared task definition",
            service.key
        );
        let is_coming = moved.contains(&ObjectRef::service(&service.key)) || is_deploying(given, service);
        if is_coming {
            later.insert(
                id,
                Planned { object: draft.object.clone(), what: draft.summary.clone(), because: because.clone() },
            );
        }
        let hint = "see what holds the deployment of the service back";
        held.insert(id, WaitingOn::difference(Reason::new(because, hint)));
    }
}

/// Whether the running tasks are not, or not all, of the declared definition: it differs, perhaps because its deployment failed, or
/// a deployment is in progress.
fn is_other(given: &Given<'_>, service: &DesiredService) -> bool {
    let Seen::Present(live) = given.observed.service(&service.id) else { return false };
    let Seen::Present(running) = given.observed.task_definition(&live.task_definition) else { return false };
    is_deploying(given, service)
        || definition::target(given, service, live, running).map_or(true, |target| !target.changes.is_empty())
}

fn is_deploying(given: &Given<'_>, service: &DesiredService) -> bool {
    given.observed.service(&service.id).present().is_some_and(|live| live.is_deploying())
}

/// The check in place finds a healthy target. Where it finds none, nothing is lost by another one.
fn has_healthy_target(given: &Given<'_>, key: &str) -> bool {
    let targets = resolve::stand_ins(given, key);
    let mut targets = targets.iter().filter_map(|arn| given.observed.targets_of(arn).present()).flatten();
    targets.any(|target| target.health.state == TargetState::Healthy)
}
