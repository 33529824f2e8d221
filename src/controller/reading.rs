//! Reading the manifest beside everything else: files that do not answer delay no pass and no shutdown.

use std::pin::Pin;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use super::declared::{Declare, Declared, Read};
use crate::manifest::Problem;
use crate::model::Desired;

/// Longest reading, all files together. The reader of files names the one that hangs, long before this.
const LIMIT: Duration = Duration::from_secs(60);

/// Readings, one after the other: at intervals, and on a signal.
pub(super) struct Readings<'a, D> {
    manifest: &'a D,
    check: Interval,
    under_way: Option<UnderWay<'a>>,
}

struct UnderWay<'a> {
    /// A signal asked for it.
    is_asked: bool,
    /// A signal came since it began: what it reads may be older than the signal.
    is_overtaken: bool,
    reading: Pin<Box<dyn Future<Output = Read> + 'a>>,
}

impl<'a, D: Declare> Readings<'a, D> {
    /// Nothing is read yet; the first reading begins immediately.
    pub(super) fn new(manifest: &'a D, period: Duration) -> Self {
        let mut check = interval(period);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { manifest, check, under_way: None }
    }

    /// The next reading, and whether a signal asked for it. A caller that stops waiting loses nothing.
    pub(super) async fn next(&mut self, reload: &Notify) -> (Read, bool) {
        loop {
            let Self { under_way, check, .. } = self;
            let is_idle = under_way.is_none();
            let reading = async {
                match under_way {
                    Some(under_way) => under_way.reading.as_mut().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = reload.notified() => match &mut self.under_way {
                    Some(under_way) => under_way.is_overtaken = true,
                    None => self.start(true),
                },
                read = reading => match self.under_way.take() {
                    Some(UnderWay { is_overtaken: true, .. }) => self.start(true),
                    Some(UnderWay { is_asked, .. }) => return (read, is_asked),
                    None => {}
                },
                _ = check.tick(), if is_idle => self.start(false),
            }
        }
    }

    fn start(&mut self, is_asked: bool) {
        let manifest = self.manifest;
        let reading = Box::pin(async move {
            timeout(LIMIT, manifest.read()).await.unwrap_or_else(|_| {
                let message = format!("cannot be read within {} seconds", LIMIT.as_secs());
                Err(vec![Problem::of_file("the manifest", message, Some("check the file system that it is on"))])
            })
        });
        self.under_way = Some(UnderWay { is_asked, is_overtaken: false, reading });
    }
}

/// Waits for another manifest to count, and returns what was read of it. What counts and is no other manifest, such as one that
/// cannot be used, is kept in `other` for the end of the pass, with whether a signal asked for it.
pub(super) async fn replaced<D: Declare>(
    readings: &mut Readings<'_, D>,
    declared: &mut Declared,
    current: &Desired,
    reload: &Notify,
    other: &mut Option<(Read, bool)>,
) -> Read {
    loop {
        let (read, is_asked) = readings.next(reload).await;
        if !is_asked && !declared.has_settled(&read) {
            continue;
        }
        if declared.replaces(&read, current) {
            return read;
        }
        let was_asked = other.as_ref().is_some_and(|(_, was_asked)| *was_asked);
        *other = Some((read, is_asked || was_asked));
    }
}
