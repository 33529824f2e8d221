//! `portolan trace` as its user runs it. Moto starts no tasks by itself and knows no health, so its other hops are unknown;
//! what is asked here is whether the code is among the findings, and whether the step that mends it says so.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_elasticloadbalancingv2::types as elb;
use serde_json::Value;

use super::desk::{Desk, Place};
use super::run::Run;
use super::{NAMES, set};
use crate::emulator::on_each_emulator;
use crate::moto::seed::{self, Fleet};

on_each_emulator! {
    on_the_sandbox: crate::emulator::Served::start;
    and_without_a_wire;
    what_was_broken_by_hand_is_named_with_the_step_that_mends_it,
    a_service_that_names_no_target_group_is_named,
    a_listener_that_is_gone_is_named,
    a_sound_fleet_has_no_finding,
    a_broken_path_shows_in_a_fleet_that_is_in_sync,
}

/// The codes of all findings, by service.
fn codes(run: &Run) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in run.json()["paths"].as_array().expect("paths") {
        let service = path["service"].as_str().expect("a service").to_owned();
        let all = found.entry(service).or_default();
        all.extend(findings(path).flat_map(|finding| words(&finding["codes"])));
    }
    found
}

fn findings(path: &Value) -> impl Iterator<Item = &Value> {
    let hops = path["hops"].as_array().expect("hops").iter();
    hops.flat_map(|hop| hop["findings"].as_array().expect("findings"))
}

fn words(list: &Value) -> Vec<String> {
    list.as_array().expect("a list").iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The codes that the steps of a dry run mend, by operation.
fn mended(run: &Run) -> BTreeSet<(String, String)> {
    let json = run.json();
    let steps = json["steps"].as_array().expect("steps").iter();
    let of_step = |step: &Value| {
        let action = step["action"].as_str().expect("an action").to_owned();
        let mends = step["mends"].as_array().expect("what it mends").clone();
        mends.into_iter().flat_map(move |mend| {
            let action = action.clone();
            words(&mend["codes"]).into_iter().map(move |code| (action.clone(), code))
        })
    };
    steps.flat_map(of_step).collect()
}

/// A target group of instances under another name, and the manifest that names it.
async fn with_odd_group(fleet: &Fleet, name: &str) -> String {
    let (_, elb, _) = fleet.sdk();
    let request = elb.create_target_group().name("odd").vpc_id(&fleet.vpc).protocol(elb::ProtocolEnum::Http).port(80);
    request.target_type(elb::TargetTypeEnum::Instance).send().await.expect("a target group");
    let kind = format!("kind: TargetGroup\nmetadata: {{name: {name}}}\nspec:\n");
    fleet.manifest().replace(&kind, &format!("{kind}  name: odd\n"))
}

async fn what_was_broken_by_hand_is_named_with_the_step_that_mends_it(on: &impl Place) {
    let fleet = seed::sound_fleet(on, &NAMES).await;
    let [cart, catalog, checkout, search] = fleet.services.as_slice() else { panic!("four services") };
    fleet.revoke_ingress(cart).await;
    fleet.delete_rule(catalog).await;
    fleet.change_rule_path(search, "/elsewhere/*").await;
    let desk = on.desk(&with_odd_group(&fleet, &checkout.name).await);

    let run = desk.portolan("trace -o json").await;
    run.is("broken", 1);
    assert_eq!(run.mutations(), BTreeMap::new());
    let found = codes(&run);
    for (service, code) in [("cart", "M01"), ("catalog", "M37"), ("checkout", "M36"), ("search", "M41")] {
        assert!(found[service].contains(code), "{code} of {service}: {found:?}");
    }
    let shown = mended(&desk.portolan("reconcile --dry-run -o json").await);
    let wanted = [("AuthorizeSecurityGroupIngress", "M01"), ("CreateRule", "M37"), ("ModifyRule", "M41")];
    let wanted = wanted.map(|(action, code)| (action.to_owned(), code.to_owned()));
    assert!(wanted.iter().all(|pair| shown.contains(pair)), "{shown:?}");
    let text = desk.portolan("drift").await.stdout;
    assert!(text.contains("repairs  M01 target-security-group-blocks-load-balancer: "), "{text}");
    let one = desk.portolan("trace cart/http -o json").await;
    assert_eq!(codes(&one).keys().collect::<Vec<_>>(), ["cart"]);
}

async fn a_service_that_names_no_target_group_is_named(on: &impl Place) {
    let fleet = seed::bare(on, &["cart"]).await;
    let desk = on.desk(&fleet.manifest());
    desk.portolan("reconcile --yes --only targetgroup/cart -o json").await.is("applied", 0);
    let run = desk.portolan("trace -o json").await;
    run.is("broken", 1);
    assert!(codes(&run)["cart"].contains("M32"), "{}", run.stdout);
    let shown = mended(&desk.portolan("drift -o json").await);
    assert!(shown.contains(&("UpdateService".to_owned(), "M32".to_owned())), "{shown:?}");
}

async fn a_listener_that_is_gone_is_named(on: &impl Place) {
    let fleet = seed::sound_fleet(on, &["cart"]).await;
    let (_, elb, _) = fleet.sdk();
    elb.delete_listener().listener_arn(&fleet.listener).send().await.expect("it goes");
    let run = on.desk(&fleet.manifest()).portolan("trace -o json").await;
    run.is("broken", 1);
    assert!(codes(&run)["cart"].contains("M45"), "{}", run.stdout);
    assert_eq!(run.json()["paths"][0]["brokenHop"], "listener");
}

async fn a_sound_fleet_has_no_finding(on: &impl Place) {
    let fleet = seed::sound_fleet(on, &NAMES).await;
    let run = on.desk(&fleet.manifest()).portolan("trace -o json").await;
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert_eq!(codes(&run).into_keys().collect::<BTreeSet<_>>(), set(&NAMES));
    assert!(codes(&run).into_values().all(|codes| codes.is_empty()), "{}", run.stdout);
}

async fn a_broken_path_shows_in_a_fleet_that_is_in_sync(on: &impl Place) {
    let fleet = seed::sound_fleet(on, &NAMES).await;
    let desk = on.desk(&fleet.manifest());
    let sound = desk.portolan("drift -o json").await;
    sound.is_silent();
    assert_eq!(sound.json()["brokenPaths"], 0);
    // Somebody else's rule, which takes what belongs to one service: no difference, and not for this manifest to change.
    let (_, elb, _) = fleet.sdk();
    let answer = elb::FixedResponseActionConfig::builder().status_code("503").build();
    let answer = elb::Action::builder().r#type(elb::ActionTypeEnum::FixedResponse).fixed_response_config(answer);
    let paths = elb::PathPatternConditionConfig::builder().values("/cart*").build();
    let paths = elb::RuleCondition::builder().field("path-pattern").path_pattern_config(paths).build();
    let rule = elb.create_rule().listener_arn(&fleet.listener).priority(1).conditions(paths).actions(answer.build());
    rule.send().await.expect("a rule");

    for command in ["drift", "reconcile --dry-run", "reconcile --yes"] {
        let run = desk.portolan(&format!("{command} -o json")).await;
        run.is_silent();
        assert_eq!(run.json()["brokenPaths"], 1, "{command}: {}", run.stdout);
        let text = desk.portolan(command).await;
        assert_eq!(text.code, 0);
        assert!(text.stdout.ends_with("\n1 path is broken; run portolan trace.\n"), "{command}: {}", text.stdout);
    }
}
