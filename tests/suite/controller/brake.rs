//! Another manifest that is read while a pass carries out its plan stops the pass: the call in transit is the last one.

use std::cell::Cell;

use super::*;

/// Seconds that a call takes here, in which the service reads the manifest.
const TRANSIT: u64 = 12;

/// A writer that has the manifest replaced while its first call is in transit.
struct Overtaken<'a> {
    inner: Writer,
    bed: &'a Bed,
    /// What the manifest says from the first call on; `None` leaves it as it is.
    then: Option<String>,
    /// Whether SIGHUP says so.
    is_signalled: bool,
    sent: RefCell<Vec<&'static str>>,
}

impl Perform for Overtaken<'_> {
    async fn idle<'a>(&self, receivers: &'a Receivers) -> Result<Option<&'a BTreeSet<TargetGroupArn>>, AwsError> {
        self.inner.idle(receivers).await
    }

    async fn perform(&self, action: &Action, outputs: &Outputs) -> Result<Performed, AwsError> {
        let is_first = self.sent.borrow().is_empty();
        self.sent.borrow_mut().push(action.operation());
        if let Some(text) = self.then.as_ref().filter(|_| is_first) {
            self.bed.manifest.0.lock().unwrap().clone_from(text);
            if self.is_signalled {
                self.bed.reload.notify_one();
            }
        }
        seconds(TRANSIT).await;
        self.inner.perform(action, outputs).await
    }
}

/// The calls that a pass sends when the manifest becomes `then` during the first one.
async fn sent(then: Option<&str>, is_signalled: bool) -> (Vec<&'static str>, Vec<&'static str>) {
    let bed = Bed::new(sound());
    let manifest = format!("{MANIFEST}{FURTHER}");
    bed.manifest.0.lock().unwrap().clone_from(&manifest);
    let clients = bed.clients();
    let (sent, then) = (RefCell::default(), then.map(|mode| manifest.replacen("mode: enforce", mode, 1)));
    assert_ne!(then.as_ref(), Some(&manifest));
    let writer = Overtaken { inner: Writer::new(&clients), bed: &bed, then, is_signalled, sent };
    Box::pin(bed.run(&Reader::new(&clients), Some(&writer), 1, seconds(200))).await;
    (writer.sent.take(), bed.words())
}

#[tokio::test(start_paused = true)]
async fn a_pass_sends_nothing_more_once_a_manifest_that_says_observe_is_read() {
    let (all, _) = sent(None, false).await;
    assert!(
        all.len() >= 3 && all[0] == "CreateTargetGroup",
        "the repair takes several calls, one after the other: {all:?}"
    );
    for is_signalled in [true, false] {
        let (calls, words) = sent(Some("mode: observe"), is_signalled).await;
        assert_eq!(calls, ["CreateTargetGroup"], "signalled {is_signalled}: {words:?}");
        assert!(words.len() > 2 && words[2..].iter().all(|word| *word == "blocked"), "{words:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_only_observed_from_now_on_gets_no_further_call_either() {
    let bed = Bed::new(sound());
    let manifest = format!("{MANIFEST}{FURTHER}");
    bed.manifest.0.lock().unwrap().clone_from(&manifest);
    let watched = manifest.replacen(
        "metadata: {name: further}\nspec:\n",
        "metadata: {name: further}\nspec:\n  mode: observe\n",
        1,
    );
    assert_ne!(watched, manifest);
    let clients = bed.clients();
    let writer = Overtaken {
        inner: Writer::new(&clients),
        bed: &bed,
        then: Some(watched),
        is_signalled: true,
        sent: RefCell::default(),
    };
    Box::pin(bed.run(&Reader::new(&clients), Some(&writer), 1, seconds(200))).await;
    assert_eq!(writer.sent.take(), ["CreateTargetGroup"], "{:?}", bed.words());
}

/// The calls for another way in to a service, whose target group is still to be made, where the service gets these words in its
/// manifest during the first one.
async fn sent_for_the_catalogue(then: Option<&str>) -> Vec<&'static str> {
    let bed = Bed::new(sound());
    let port = "      targetGroups: [catalog]\n";
    let second =
        "    - {name: further, container: app, containerPort: 8080, targetGroups: [further], registrar: portolan}\n";
    let (group, rest) = FURTHER.split_once("  targets:\n").unwrap();
    let (_, routes) = rest.split_once("  routes:").unwrap();
    let manifest = format!("{}{group}  routes:{routes}", MANIFEST.replacen(port, &format!("{port}{second}"), 1));
    bed.manifest.0.lock().unwrap().clone_from(&manifest);
    let spec = "kind: Service\nmetadata:\n  name: catalog\nspec:\n";
    let then = then.map(|words| manifest.replacen(spec, &format!("{spec}  {words}\n"), 1));
    assert_ne!(then.as_ref(), Some(&manifest));
    let clients = bed.clients();
    let writer =
        Overtaken { inner: Writer::new(&clients), bed: &bed, then, is_signalled: true, sent: RefCell::default() };
    Box::pin(bed.run(&Reader::new(&clients), Some(&writer), 1, seconds(200))).await;
    writer.sent.take()
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_suspended_during_a_pass_gets_no_further_call() {
    let all = sent_for_the_catalogue(None).await;
    assert!(all.len() >= 3 && all[0] == "CreateTargetGroup", "several calls, one after the other: {all:?}");
    let calls = sent_for_the_catalogue(Some("suspend: {until: 2099-01-01T00:00:00Z, reason: incident}")).await;
    assert_eq!(calls, ["CreateTargetGroup"], "a target group is repaired for its service, so that waits too");
}

/// Eyes whose first reading takes so long that the manifest changes meanwhile.
struct Slow<'a> {
    reader: &'a Reader,
    is_reading: Notify,
    looks: Cell<u32>,
}

impl Read for Slow<'_> {
    fn region(&self) -> &str {
        self.reader.region()
    }

    fn balancing_calls(&self) -> u64 {
        self.reader.balancing_calls()
    }

    fn read<'r>(&'r self, queries: Queries, known: &Observed) -> Answers<'r> {
        let is_first = queries == Queries::Account;
        let answers = self.reader.read(queries, known);
        if !is_first {
            return answers;
        }
        self.looks.set(self.looks.get() + 1);
        self.is_reading.notify_one();
        slowly(answers, 15)
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_signal_a_manifest_counts_before_the_first_call_of_a_slow_pass() {
    let bed = Bed::new(sound());
    bed.call("ecs:UpdateService", &json!({"cluster": "prod", "service": "catalog", "desiredCount": 0}));
    let clients = bed.clients();
    let reader = Reader::new(&clients);
    let slow = Slow { reader: &reader, is_reading: Notify::new(), looks: Cell::new(0) };
    let story = async {
        slow.is_reading.notified().await;
        *bed.manifest.0.lock().unwrap() = MANIFEST.replace("mode: enforce", "mode: observe");
        seconds(100).await;
    };
    Box::pin(bed.run(&slow, Some(&Writer::new(&clients)), 1, story)).await;
    assert_eq!(bed.count("catalog"), 0, "{:?}", bed.words());
    assert!(slow.looks.get() >= 2, "it goes on looking");
}
