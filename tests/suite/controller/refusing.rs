//! A call that AWS refuses by its nature: it is sent once for a manifest and a live state.

use portolan::apply::ErrorKind;

use super::*;

/// A writer whose `UpdateService` is refused.
struct Refused<'a> {
    inner: &'a Writer,
    code: &'static str,
    /// How often it was sent.
    sent: RefCell<u32>,
}

impl Perform for Refused<'_> {
    async fn idle<'a>(&self, receivers: &'a Receivers) -> Result<Option<&'a BTreeSet<TargetGroupArn>>, AwsError> {
        self.inner.idle(receivers).await
    }

    async fn perform(&self, action: &Action, outputs: &Outputs) -> Result<Performed, AwsError> {
        if action.operation() != "UpdateService" {
            return self.inner.perform(action, outputs).await;
        }
        *self.sent.borrow_mut() += 1;
        Err(AwsError {
            call: "ecs:UpdateService".to_owned(),
            kind: ErrorKind::Invalid,
            code: self.code.to_owned(),
            message: "The count is not one that this test takes.".to_owned(),
            request_id: None,
        })
    }
}

/// How often the repair of a count is sent in ten minutes, after another manifest, and after another live state.
async fn sent(code: &'static str) -> [u32; 3] {
    let bed = Bed::new(sound());
    let clients = bed.clients();
    let inner = Writer::new(&clients);
    let writer = Refused { inner: &inner, code, sent: RefCell::default() };
    let counts = RefCell::new([0; 3]);
    let story = async {
        bed.call("ecs:UpdateService", &json!({"cluster": "prod", "service": "catalog", "desiredCount": 1}));
        seconds(600).await;
        counts.borrow_mut()[0] = *writer.sent.borrow();
        let shown = bed.passes.borrow().last().and_then(|pass| pass.ended.report().cloned()).unwrap();
        let blocked: Vec<String> = shown.plan.blocked.iter().map(|entry| entry.waiting_on.to_string()).collect();
        assert_eq!(blocked.iter().any(|why| why.contains("not one that this test takes")), counts.borrow()[0] == 1);

        *bed.manifest.0.lock().unwrap() =
            MANIFEST.replacen("healthCheck: {path: /healthz}", "healthCheck: {path: /}", 1);
        bed.reload.notify_one();
        seconds(300).await;
        counts.borrow_mut()[1] = *writer.sent.borrow();

        bed.call("ecs:UpdateService", &json!({"cluster": "prod", "service": "catalog", "desiredCount": 0}));
        seconds(300).await;
        counts.borrow_mut()[2] = *writer.sent.borrow();
    };
    Box::pin(bed.run(&Reader::new(&clients), Some(&writer), 1, story)).await;
    counts.take()
}

#[tokio::test(start_paused = true)]
async fn it_is_sent_once_for_each_manifest_and_live_state() {
    assert_eq!(sent("InvalidParameterException").await, [1, 2, 3]);
    let [first, ..] = sent("ServerException").await;
    assert!(first > 2, "what passes is tried again: {first}");
}
