//! Deployments that a run has followed.

use super::line::Block;
use super::{Style, Tone};
use crate::report::{Rollout, RolloutState};

/// The section of the deployments, if there are any.
pub(super) fn render(rollouts: &[Rollout], style: Style) -> Option<String> {
    if rollouts.is_empty() {
        return None;
    }
    let mut block = Block::new(style);
    block.line(0, &style.paint.tone(Tone::Heading, "Deployments"));
    for rollout in rollouts {
        let (symbol, tone) = match rollout.state {
            RolloutState::Ended(_) if rollout.has_failed() => ("!", Tone::Bad),
            RolloutState::Ended(_) => ("=", Tone::Quiet),
            RolloutState::InProgress | RolloutState::Superseded | RolloutState::Unknown => ("…", Tone::Quiet),
        };
        let what = match rollout.state {
            RolloutState::Superseded => format!("{}; a newer deployment took its place", rollout.name()),
            RolloutState::InProgress | RolloutState::Ended(_) | RolloutState::Unknown => rollout.name(),
        };
        block.marked(symbol, tone, &format!("{}:", rollout.state.as_str()), &what);
        if let Some(reason) = &rollout.reason {
            block.labelled(4, "because", reason, Tone::Plain);
        }
        for failure in rollout.failures() {
            block.labelled(4, "failed ", &failure, Tone::Plain);
        }
        if let Some(why) = &rollout.by_rollout_state {
            block.labelled(4, "judged by", &format!("rolloutState, because {why}"), Tone::Plain);
        }
    }
    Some(block.into_text())
}
