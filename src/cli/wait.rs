//! `--wait`: looks again until deployments are complete and targets healthy.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::run::Run;
use crate::model::ObjectRef;
use crate::pass::{self, unsettled};

/// Between two looks at first; ECS and health checks do not move faster.
const PERIOD: Duration = Duration::from_secs(5);
/// Between two looks in the end. A look costs a call for each target group, out of what the whole account may send.
pub const LONGEST_PERIOD: Duration = Duration::from_secs(20);

/// How a wait ended.
pub enum Waited {
    /// Everything is there.
    Settled,
    /// A signal came first.
    Interrupted,
    /// This was still missing.
    TimedOut(Vec<String>),
}

/// Waits. After a change the first look comes a period later, because ECS may not show the deployment at once.
pub async fn wait(run: &Run<'_>, awaited: &BTreeSet<ObjectRef>, timeout: Duration, has_changed: bool) -> Waited {
    let mut period = PERIOD;
    let mut next = if has_changed { Instant::now() + period } else { Instant::now() };
    let deadline = sleep(timeout);
    tokio::pin!(deadline);
    let mut missing = vec!["nothing has been read yet".to_owned()];
    loop {
        let look = async {
            sleep_until(next).await;
            pass::observe(&run.desired, &run.reader).await
        };
        tokio::select! {
            biased;
            () = run.signals.token().cancelled() => return Waited::Interrupted,
            observed = look => {
                let now_missing = unsettled(&run.desired, &observed, awaited);
                if now_missing.is_empty() {
                    return Waited::Settled;
                }
                if now_missing != missing {
                    run.terminal.progress(&format!("portolan: waiting for {}", now_missing.join("; ")));
                    missing = now_missing;
                }
                next = Instant::now() + period;
                period = (period * 2).min(LONGEST_PERIOD);
            }
            () = &mut deadline => return Waited::TimedOut(missing),
        }
    }
}
