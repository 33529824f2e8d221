//! Tasks that are stopped for their health, again and again: what the service's events say of it, also between two tasks.

use crate::model::{Rollout, Service};

use super::catalogue::Code;
use super::finding::Finding;
use super::way::Way;

/// So many times are no accident.
pub(super) const LOOP: usize = 2;

/// How often tasks were stopped for their health in the path's own target group since the service was last steady.
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

/// Whether tasks of the service were stopped for their health in any target group: then that is why others are missing.
pub(super) fn any(way: &Way<'_>) -> bool {
    way.live_service().is_ok_and(|service| fresh(service).next().is_some())
}

/// M26: tasks that serve this target group too are stopped because of another one.
pub(super) fn for_another(way: &Way<'_>, service: &Service) -> Option<Finding> {
    let about = |arn: &str| fresh(service).filter(|event| event.contains(arn)).count();
    let worst = service.target_groups().max_by_key(|arn| about(arn.as_str()))?;
    let times = about(worst.as_str());
    let own = about(way.live_group().ok()?.arn.as_str());
    let is_one_of_several = service.target_groups().any(|arn| about(arn.as_str()) == 0) || own == 0;
    if times < LOOP || service.target_groups().count() < 2 || !is_one_of_several {
        return None;
    }
    let what = format!("tasks were stopped {times} times because of {}, and serve others too", worst.name());
    Some(Finding::of(Code(26), what))
}

/// M24: whether tasks may be stopped before they are up, and how that shows.
pub(super) struct Early {
    /// Every start is the same, and one was healthy before: nothing else can be the cause.
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
        "stopped {times} times for its health, with a grace period of {grace} s and {takes} s to fail: {newest}"
    );
    if was_sound {
        what.push_str("; the same revision was healthy before");
        if !is_same {
            what.push_str(", but what its image tag, secrets and environment files name may have changed since");
        }
    }
    Some(Early { is_proven: was_sound && is_same, what })
}
