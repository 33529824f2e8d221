//! Manifests that shrink, and tagged resources that change without the service.

use std::cell::Cell;

use super::reading::Share;
use super::*;

/// The harbour with the further way in, and with pruning.
fn further() -> String {
    let text = MANIFEST.replacen("mode: enforce", "mode: enforce\n  removal: {prune: true, serving: allow}", 1);
    assert_ne!(text, MANIFEST);
    format!("{text}{FURTHER}")
}

/// The same without the further way in.
fn lost() -> String {
    further().replacen(FURTHER, "", 1)
}

fn has_rule(bed: &Bed) -> bool {
    rules(bed).iter().any(|rule| rule["Priority"] == "85")
}

/// Waits until something holds, for at most so many seconds; how many it took.
async fn until(most: u64, what: &str, holds: impl Fn() -> bool) -> u64 {
    for waited in 0..most {
        if holds() {
            return waited;
        }
        seconds(1).await;
    }
    panic!("not within {most} seconds: {what}")
}

async fn run(bed: &Bed, manifest: &impl Declare, story: impl Future) {
    let clients = bed.clients();
    let (reader, writer) = (Reader::new(&clients), Writer::new(&clients));
    let settings = Settings { interval: INTERVAL, deadline: PASS_DEADLINE, share: SHARE, seed: 1 };
    let now = || bed.shared.world().now();
    let mut controller = Controller::new(&reader, Some(&writer), manifest, now, settings, desired());
    let mut hear = |event: Event<'_>| bed.hear(event);
    let telling = async {
        story.await;
        bed.stop.cancel();
    };
    tokio::join!(Box::pin(controller.run(&bed.reload, &bed.stop, &mut hear)), Box::pin(telling));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_leaves_the_manifest_stays_for_a_minute_however_short_its_delay_is() {
    let bed = Bed::new(sound());
    *bed.manifest.0.lock().unwrap() = further();
    run(&bed, &bed.manifest, async {
        let gone = "10.0.10.77".to_owned();
        until(100, "it is registered", || bed.addresses_if_any("further").contains(&gone)).await;
        seconds(200).await;
        *bed.manifest.0.lock().unwrap() = further().replacen("    - {address: 10.0.10.77, port: 8080}\n", "", 1);
        bed.reload.notify_one();
        let before = bed.told.borrow().len();
        until(2, "it counts", || bed.told.borrow().len() > before).await;
        let waited = until(200, "it is deregistered", || !bed.addresses("further").contains(&gone)).await;
        assert!((60..100).contains(&waited), "{waited}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_pruned_while_no_second_reading_agrees() {
    let bed = Bed::new(sound());
    *bed.manifest.0.lock().unwrap() = further();
    let share = Share { text: &bed.manifest, hangs: Cell::new(false) };
    run(&bed, &share, async {
        until(400, "it is made", || has_rule(&bed)).await;
        seconds(200).await;
        *bed.manifest.0.lock().unwrap() = lost();
        bed.reload.notify_one();
        let before = bed.told.borrow().len();
        until(2, "it counts", || bed.told.borrow().len() > before).await;
        // It was read, and now the disk fails.
        share.hangs.set(true);
        seconds(600).await;
        assert!(has_rule(&bed), "one reading says so, and no other");
        let passes = bed.passes.borrow().last().unwrap().clone();
        let held = &passes.ended.report().unwrap().plan.blocked;
        let words =
            |entry: &&portolan::plan::Blocked| entry.waiting_on.to_string().contains("two reads of the manifest");
        assert!(held.iter().find(words).is_some_and(|entry| entry.what.contains("rule 85")), "{held:?}");
        share.hangs.set(false);
        until(200, "it is pruned", || !has_rule(&bed)).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_does_to_tagged_resources_is_told_and_what_the_service_does_is_not() {
    let bed = Bed::new(sound());
    *bed.manifest.0.lock().unwrap() = further();
    run(&bed, &bed.manifest, async {
        until(400, "it is made", || has_rule(&bed)).await;
        seconds(100).await;
        assert_eq!(*bed.foreign.borrow(), [""; 0], "the service made all of it");

        let told = |words: &str| bed.foreign.borrow().iter().filter(|what| what.contains(words)).count();
        let rule = || rules(&bed).into_iter().find(|rule| rule["Priority"] == "85").unwrap()["RuleArn"].clone();
        let group = bed.target_group("further")["TargetGroupArn"].clone();
        let conditions = json!([{"Field": "path-pattern", "Values": ["/other/*"]}]);
        bed.call("elasticloadbalancing:ModifyRule", &json!({"RuleArn": rule(), "Conditions": conditions}));
        bed.call("elasticloadbalancing:ModifyTargetGroup", &json!({"TargetGroupArn": group, "HealthCheckPath": "/no"}));
        until(40, "both are told", || told("conditions changed") == 1 && told("health check changed") == 1).await;
        assert!(bed.foreign.borrow().iter().all(|what| what.contains("(TargetGroup/further)")));
        seconds(100).await;
        assert_eq!(bed.foreign.borrow().len(), 2, "the repair is the service's own: {:?}", bed.foreign.borrow());

        bed.call("elasticloadbalancing:DeleteRule", &json!({"RuleArn": rule()}));
        until(40, "it is told", || told("rule 85") == 2 && told("was deleted") == 1).await;
        until(200, "it is made again", || has_rule(&bed)).await;
        seconds(100).await;
        assert_eq!(bed.foreign.borrow().len(), 3, "{:?}", bed.foreign.borrow());

        // Another manifest under the same name has made something.
        let listener = rules(&bed)[0]["RuleArn"].as_str().unwrap().replacen(":listener-rule/", ":listener/", 1);
        let listener = listener.rsplit_once('/').unwrap().0.to_owned();
        let tags = json!([
            {"Key": "portolan.dev/fleet", "Value": "harbour"},
            {"Key": "portolan.dev/object", "Value": "TargetGroup/elsewhere"},
        ]);
        let actions = json!([{"Type": "forward", "TargetGroupArn": group}]);
        let conditions = json!([{"Field": "path-pattern", "Values": ["/elsewhere/*"]}]);
        let new = json!({"ListenerArn": listener, "Priority": 99, "Conditions": conditions, "Actions": actions, "Tags": tags});
        bed.call("elasticloadbalancing:CreateRule", &new);
        until(40, "it is told", || told("rule 99") == 1).await;
        let last = bed.foreign.borrow().last().cloned().unwrap();
        assert!(last.contains("(TargetGroup/elsewhere) was created"), "{last}");

        let rewrites = json!([{"Regex": "^/further", "Replace": "/"}]);
        let transforms = json!([{"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": rewrites}}]);
        bed.call("elasticloadbalancing:ModifyRule", &json!({"RuleArn": rule(), "Transforms": transforms}));
        until(40, "it is told", || told("transforms changed") == 1).await;
    })
    .await;
}
