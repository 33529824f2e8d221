//! `--wait`: looks again until deployments have ended and targets are healthy.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::follow::Rollouts;
use super::run::Run;
use crate::model::ObjectRef;
use crate::pass::{self, unsettled};

/// Between two looks at first; ECS and health checks do not move faster.
const PERIOD: Duration = Duration::from_secs(5);
/// Between two looks in the end. A look costs a call for each target group, out of what the whole account may send.
pub const LONGEST_PERIOD: Duration = Duration::from_secs(20);

/// How a wait ended.
pub enum Waited {
    /// Everything is there, or a deployment did not succeed and none is in progress.
    Settled,
    /// A signal came first.
    Interrupted,
    /// This was still missing.
    TimedOut(Vec<String>),
}

/// Waits. After a change the first look comes a period later, because ECS may not show the deployment at once.
pub async fn wait(
    run: &Run<'_>,
    awaited: &BTreeSet<ObjectRef>,
    rollouts: &mut Rollouts,
    timeout: Duration,
    has_changed: bool,
) -> Waited {
    let mut period = PERIOD;
    let mut next = if has_changed { Instant::now() + period } else { Instant::now() };
    let deadline = sleep(timeout);
    tokio::pin!(deadline);
    let mut missing = vec!["nothing has been read yet".to_owned()];
    loop {
        let look = async {
            sleep_until(next).await;
            let observed = pass::observe(&run.desired, &run.reader).await;
            rollouts.look(run, &observed, awaited).await;
            observed
        };
        tokio::select! {
            biased;
            () = run.signals.token().cancelled() => return Waited::Interrupted,
            observed = look => {
                let now_missing = unsettled(&run.desired, &observed, awaited);
                if rollouts.have_ended() && (now_missing.is_empty() || rollouts.have_failed()) {
                    return Waited::Settled;
                }
                let others = |missing: &[String]| rollouts.without_followed(missing);
                if others(&now_missing) != others(&missing) && !others(&now_missing).is_empty() {
                    run.terminal.progress(&format!("portolan: waiting for {}", others(&now_missing).join("; ")));
                }
                missing = now_missing;
                if missing.is_empty() {
                    missing = rollouts.unfinished();
                }
                rollouts.show(run);
                next = Instant::now() + period;
                period = (period * 2).min(LONGEST_PERIOD);
            }
            () = &mut deadline => return Waited::TimedOut(missing),
        }
    }
}
