//! Health checks of target groups: which declared fields differ from the live ones.

use crate::model::HealthCheck;

use super::change::Change;
use super::field::{Field, HealthCheckField};

/// The declared fields that differ, as they are sent, and as people read them.
pub(super) fn differing(wanted: &HealthCheck, live: &HealthCheck) -> (HealthCheck, Vec<Change>) {
    let HealthCheck { protocol, port, path, matcher, interval, timeout, healthy_threshold, unhealthy_threshold } =
        wanted;
    let mut changes = Vec::new();
    let edit = HealthCheck {
        protocol: field(HealthCheckField::Protocol, protocol, &live.protocol, ToString::to_string, &mut changes),
        port: field(HealthCheckField::Port, port, &live.port, ToString::to_string, &mut changes),
        path: field(HealthCheckField::Path, path, &live.path, Clone::clone, &mut changes),
        matcher: field(HealthCheckField::Matcher, matcher, &live.matcher, ToString::to_string, &mut changes),
        interval: field(HealthCheckField::Interval, interval, &live.interval, seconds, &mut changes),
        timeout: field(HealthCheckField::Timeout, timeout, &live.timeout, seconds, &mut changes),
        healthy_threshold: field(
            HealthCheckField::HealthyThreshold,
            healthy_threshold,
            &live.healthy_threshold,
            u32::to_string,
            &mut changes,
        ),
        unhealthy_threshold: field(
            HealthCheckField::UnhealthyThreshold,
            unhealthy_threshold,
            &live.unhealthy_threshold,
            u32::to_string,
            &mut changes,
        ),
    };
    (edit, changes)
}

fn seconds(value: &u32) -> String {
    format!("{value}s")
}

fn field<T: Clone + PartialEq>(
    name: HealthCheckField,
    wanted: &Option<T>,
    live: &Option<T>,
    show: impl Fn(&T) -> String,
    changes: &mut Vec<Change>,
) -> Option<T> {
    let value = wanted.as_ref().filter(|value| live.as_ref() != Some(value))?;
    changes.push(Change::of(Field::HealthCheck(name), live.as_ref().map(&show), Some(show(value))));
    Some(value.clone())
}
