//! Target health in turn, between the passes.

use portolan::aws::{Reader, Writer};
use serde_json::json;

use super::{Bed, seconds, sound};

const HEALTH: &str = "elasticloadbalancing:DescribeTargetHealth";
/// Target groups of the harbour.
const GROUPS: u64 = 8;

#[tokio::test(start_paused = true)]
async fn health_is_asked_evenly_and_not_by_the_passes() {
    let bed = Bed::new(sound());
    let clients = bed.clients();
    let asked = || clients.calls().snapshot().get(HEALTH).copied().unwrap_or_default();
    let story = async {
        // Between the ticks, so that each second holds one.
        tokio::time::sleep(std::time::Duration::from_millis(61_500)).await;
        let (begun, mut before) = (asked(), asked());
        for second in 0..300 {
            seconds(1).await;
            let now = asked();
            assert!(now - before <= 4, "{} calls in second {second}", now - before);
            before = now;
        }
        let all = before - begun;
        assert!((8 * GROUPS..=11 * GROUPS).contains(&all), "{all} calls in ten intervals");
    };
    Box::pin(bed.run(&Reader::new(&clients), Some(&Writer::new(&clients)), 1, story)).await;
    assert!(bed.words().iter().all(|word| *word == "in-sync"), "{:?}", bed.words());
}

#[tokio::test(start_paused = true)]
async fn a_target_that_comes_makes_a_pass_of_its_own() {
    let bed = Bed::new(sound());
    let story = async {
        seconds(70).await;
        let passes = bed.passes.borrow().len();
        let group = bed.target_group("cart")["TargetGroupArn"].clone();
        let stray = json!({"TargetGroupArn": group, "Targets": [{"Id": "10.0.10.200", "Port": 8080}]});
        bed.call("elasticloadbalancing:RegisterTargets", &stray);
        seconds(60).await;
        let words = bed.words();
        // Two by the clock and the one that it was seen for.
        assert_eq!(words.len() - passes, 3, "{words:?}");
        assert_eq!(words.last(), Some(&"blocked"), "it waits for its second sighting");
    };
    Box::pin(bed.tell(story)).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_in_turn_while_passes_end_badly() {
    let bed = Bed::new(sound());
    let clients = bed.clients();
    let asked = || clients.calls().snapshot().get(HEALTH).copied().unwrap_or_default();
    let story = async {
        seconds(61).await;
        let denied = [
            "ec2:DescribeVpcs",
            "ecs:DescribeClusters",
            "ecs:DescribeServices",
            "elasticloadbalancing:DescribeLoadBalancers",
            "elasticloadbalancing:DescribeTargetGroups",
            HEALTH,
            "sts:GetCallerIdentity",
        ];
        bed.shared.world().settings.denied.extend(denied.map(str::to_owned));
        seconds(60).await;
        let silent = asked();
        seconds(600).await;
        assert_eq!(asked() - silent, 0, "no look came as far as to ask, and no turn did");
    };
    Box::pin(bed.run(&Reader::new(&clients), Some(&Writer::new(&clients)), 1, story)).await;
    assert_eq!(bed.words().last(), Some(&"failed"));
}
