//! Tasks that ECS stops as unhealthy repeatedly, as the service's events show, also while no task runs.

use crate::model::{Rollout, Service};

use super::catalogue::codes;
use super::finding::Finding;
use super::way::Way;

/// This number of stops counts as a loop.
pub(super) const LOOP: usize = 2;

/// How often ECS stopped tasks as unhealthy in the path's own target group since the service was last steady.
pub(super) struct Kills<'a> {
    pub(super) times: usize,
    /// The newest of these events.
    pub(super) newest: Option<&'a str>,
}

pub(super) fn kills<'a>(way: &Way<'a>) -> Kills<'a> {
    let fresh = way.live_service().ok().into_iter().flat_map(fresh);
    let own: Vec<&str> = fresh.filter(|event| way.stand_ins.iter().any(|arn| event.contains(arn.as_str()))).collect();
    Kills { times: own.len(), newest: own.first().copied() }
}

fn fresh(service: &Service) -> impl Iterator<Item = &str> {
    service.conduct.fresh_events().map(String::as_str).filter(|event| event.contains("is unhealthy in"))
}

/// Whether ECS stopped tasks of the service as unhealthy in any target group; that explains missing tasks.
pub(super) fn any(way: &Way<'_>) -> bool {
    way.live_service().is_ok_and(|service| fresh(service).next().is_some())
}

/// M26: ECS stops tasks of this target group because another one finds them unhealthy.
pub(super) fn for_another(way: &Way<'_>, service: &Service) -> Option<Finding> {
    let about = |arn: &str| fresh(service).filter(|event| event.contains(arn)).count();
    let worst = service.target_groups().max_by_key(|arn| about(arn.as_str()))?;
    let times = about(worst.as_str());
    let own = about(way.live_group().ok()?.arn.as_str());
    let is_one_of_several = service.target_groups().any(|arn| about(arn.as_str()) == 0) || own == 0;
    if times < LOOP || service.target_groups().count() < 2 || !is_one_of_several {
        return None;
    }
    let what = format!(
        "ECS stopped tasks {times} times because of failed health checks of {}; they serve other target groups too",
        worst.name()
    );
    Some(Finding::of(codes::STOPPED_FOR_ANOTHER_TARGET_GROUP, what))
}

/// M24: whether ECS may stop tasks during startup, with the evidence.
pub(super) struct Early {
    /// Every start is identical and an earlier one was healthy, so there is no other cause.
    pub(super) is_proven: bool,
    pub(super) what: String,
}

pub(super) fn early(way: &Way<'_>, service: &Service) -> Option<Early> {
    let Kills { times, newest } = kills(way);
    let newest = newest.filter(|_| times >= LOOP)?;
    let check = &way.live_group().ok()?.health_check;
    let takes = check.interval.unwrap_or(30) * check.unhealthy_threshold.unwrap_or(2);
    let grace = service.conduct.grace;
    if grace > 2 * takes {
        return None;
    }
    let is_same = way.definition().is_ok_and(|definition| {
        !definition.containers.is_empty() && definition.containers.values().all(|container| container.is_pinned)
    });
    let was_sound = service.primary().is_some_and(|primary| primary.rollout == Some(Rollout::Completed));
    let mut what = format!(
        "ECS stopped tasks as unhealthy {times} times; the grace period is {grace}s and a target fails after {takes}s: {newest}"
    );
    if was_sound {
        what.push_str("; the same revision was healthy before");
        if !is_same {
            what.push_str(", but its image, secrets or environment files may have changed since");
        }
    }
    Some(Early { is_proven: was_sound && is_same, what })
}
