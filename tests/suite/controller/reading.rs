//! Files that do not answer.

use std::cell::Cell;

use super::*;

/// A manifest that can be read, or hangs.
pub(super) struct Share<'a> {
    pub(super) text: &'a Text,
    pub(super) hangs: Cell<bool>,
}

impl Declare for Share<'_> {
    async fn read(&self) -> Result<Vec<Source>, Vec<Problem>> {
        if self.hangs.get() {
            std::future::pending::<()>().await;
        }
        self.text.read().await
    }
}

/// Runs a service on such a manifest until the story ends; how many seconds it went on after that.
async fn run(bed: &Bed, share: &Share<'_>, story: impl Future) -> u64 {
    let clients = bed.clients();
    let (reader, writer) = (Reader::new(&clients), Writer::new(&clients));
    let settings = Settings { interval: INTERVAL, deadline: PASS_DEADLINE, share: SHARE, seed: 1 };
    let now = || bed.shared.world().now();
    let mut controller = Controller::new(&reader, Some(&writer), share, now, settings, desired());
    let mut hear = |event: Event<'_>| bed.hear(event);
    let stopped = Cell::new(tokio::time::Instant::now());
    let telling = async {
        story.await;
        stopped.set(tokio::time::Instant::now());
        bed.stop.cancel();
    };
    tokio::join!(Box::pin(controller.run(&bed.reload, &bed.stop, &mut hear)), Box::pin(telling));
    stopped.get().elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_read_that_hangs_stops_no_pass_and_no_shutdown_and_is_told() {
    let bed = Bed::new(sound());
    let share = Share { text: &bed.manifest, hangs: Cell::new(false) };
    let story = async {
        seconds(40).await;
        share.hangs.set(true);
        seconds(10).await;
        let before = bed.passes.borrow().len();
        bed.call("ecs:UpdateService", &json!({"cluster": "prod", "service": "catalog", "desiredCount": 0}));
        seconds(35).await;
        assert_eq!(bed.count("catalog"), 2, "by the last good manifest");
        assert!(bed.passes.borrow().len() > before, "passes go on");
        seconds(100).await;
        let told = bed.told.borrow().clone();
        assert_eq!(told, ["reloaded", "refused: cannot be read within 60 seconds"], "once");
        share.hangs.set(false);
        seconds(75).await;
        assert_eq!(bed.told.borrow().last().map(String::as_str), Some("reloaded"), "it can be read again");
        share.hangs.set(true);
        seconds(12).await;
    };
    assert_eq!(run(&bed, &share, story).await, 0, "a shutdown does not wait for it");
    assert!(bed.words().iter().all(|word| ["in-sync", "applied", "interrupted"].contains(word)), "{:?}", bed.words());
}

#[tokio::test(start_paused = true)]
async fn a_signal_while_files_are_read_makes_them_be_read_once_more() {
    let bed = Bed::new(sound());
    let share = Share { text: &bed.manifest, hangs: Cell::new(false) };
    let story = async {
        seconds(41).await;
        share.hangs.set(true);
        seconds(5).await;
        *bed.manifest.0.lock().unwrap() = MANIFEST.replacen("desiredCount: 2", "desiredCount: 3", 1);
        bed.reload.notify_one();
        share.hangs.set(false);
        seconds(60).await;
        assert_eq!(bed.count("cart"), 3, "at the end of the reading that hung");
    };
    run(&bed, &share, story).await;
}
