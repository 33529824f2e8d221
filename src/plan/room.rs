//! Whether a deployment can replace tasks: it needs room between the fewest and the most tasks that may run (M50).

use serde_json::Value;

use crate::model::{DeploymentController, DesiredCount, DesiredService, Seen, Service, Strategy};
use crate::shape::{SERVICE, overlay};

use super::reason::Reason;

/// The block that has them, and their names in it.
const BLOCK: &str = "deploymentConfiguration";
pub(super) const PERCENTAGES: [&str; 2] = ["minimumHealthyPercent", "maximumPercent"];

/// Why no deployment could replace a task of a service, given the percentages that it has or that the manifest declares.
pub(super) fn missing(wanted: &DesiredService, live: &Service) -> Option<Reason> {
    if live.controller != DeploymentController::Ecs || live.strategy != Strategy::Rolling {
        return None;
    }
    let count = u64::from(match wanted.desired_count {
        Some(DesiredCount::Exact(count)) => count,
        Some(DesiredCount::Band { min, max }) => live.desired_count.clamp(min, max),
        None => live.desired_count,
    });
    let (minimum, maximum) = percentages(wanted, live);
    let (fewest, most) = ((count * minimum).div_ceil(100), count * maximum / 100);
    (count > 0 && fewest >= most).then(|| {
        Reason::new(
            format!(
                "with desiredCount {count}, minimumHealthyPercent {minimum} keeps at least {fewest} and maximumPercent {maximum} allows \
                 at most {most}, so no deployment could replace one"
            ),
            "raise maximumPercent, or lower minimumHealthyPercent",
        )
    })
}

/// The live percentages with the declared ones over them; AWS's defaults where nobody wrote any.
fn percentages(wanted: &DesiredService, live: &Service) -> (u64, u64) {
    let members = match &*live.members {
        Seen::Present(known) => overlay(&SERVICE, known.members(), wanted.members.members()),
        Seen::Absent | Seen::Unknown(_) => wanted.members.members().clone(),
    };
    let [minimum, maximum] = PERCENTAGES.map(|name| members.get(BLOCK)?.get(name).and_then(Value::as_u64));
    let [lowest, highest] =
        [live.conduct.minimum_percent, live.conduct.maximum_percent].map(|percent| percent.map(u64::from));
    (minimum.or(lowest).unwrap_or(100), maximum.or(highest).unwrap_or(200))
}
