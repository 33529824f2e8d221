//! The main job as its users do it: a manifest, and AWS's answers from moto and from the sandbox. The same stories are told of the
//! binary over HTTP, and of the library in this process, where the clock does not run.

mod desk;
mod in_process;
mod run;
mod tracing;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types as ec2;
use aws_sdk_elasticloadbalancingv2::types as elb;

use crate::emulator::on_each_emulator;
use crate::moto::REGION;
use crate::moto::seed::{self, Fleet};

use desk::{Desk, Folder, Place};
use run::Run;

const NAMES: [&str; 4] = ["cart", "catalog", "checkout", "search"];

on_each_emulator! {
    on_the_sandbox: crate::emulator::Served::start;
    and_without_a_wire;
    a_sound_fleet_is_silent,
    four_faults_are_named_mended_and_gone,
    a_way_in_is_made_from_nothing,
    nothing_foreign_is_touched_and_prune_takes_only_its_own,
    another_teams_rule_at_our_priority_is_blocked_and_named,
    without_objects_or_in_the_wrong_place_nothing_is_sent,
    what_cannot_be_read_is_a_gap,
    a_steady_pass_over_fifty_services_asks_in_batches,
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

async fn a_sound_fleet_is_silent(on: &impl Place) {
    let fleet = seed::sound_fleet(on, &NAMES).await;
    let desk = on.desk(&fleet.manifest());
    for words in
        ["reconcile --dry-run -o json", "drift -o json", "reconcile --yes -o json", "reconcile --yes --strict -o json"]
    {
        desk.portolan(words).await.is_silent();
    }
    let text = desk.portolan("reconcile --dry-run").await;
    assert_eq!((text.code, text.stdout.as_str()), (0, "In sync. Checked 8 objects; no changes needed.\n"));
}

async fn four_faults_are_named_mended_and_gone(on: &impl Place) {
    let fleet = seed::sound_fleet(on, &NAMES).await;
    let [cart, catalog, checkout, search] = fleet.services.as_slice() else { panic!("four services") };
    fleet.revoke_ingress(cart).await;
    fleet.set_count(catalog, 0).await;
    fleet.change_health_path(checkout, "/wrong").await;
    fleet.change_rule_path(search, "/elsewhere/*").await;
    let desk = on.desk(&fleet.manifest());
    let expected = set(&["AuthorizeSecurityGroupIngress", "UpdateService", "ModifyTargetGroup", "ModifyRule"]);

    for words in ["reconcile --dry-run -o json", "drift -o json", "reconcile -o json"] {
        let run = desk.portolan(words).await;
        run.is("pending", 1);
        assert_eq!(run.actions().into_iter().collect::<BTreeSet<_>>(), expected);
        assert_eq!((run.actions().len(), run.mutations()), (4, BTreeMap::new()));
    }
    let run = desk.portolan("reconcile --yes -o json").await;
    run.is("applied", 0);
    let sent: BTreeSet<_> = run.mutations().into_keys().collect();
    let named = set(&[
        "ec2:AuthorizeSecurityGroupIngress",
        "ecs:UpdateService",
        "elasticloadbalancing:ModifyTargetGroup",
        "elasticloadbalancing:ModifyRule",
    ]);
    assert_eq!((sent, run.mutations().values().sum::<u64>()), (named, 4));
    desk.portolan("reconcile --yes -o json").await.is_silent();
    desk.portolan("drift -o json").await.is_silent();
}

async fn a_way_in_is_made_from_nothing(on: &impl Place) {
    let fleet = seed::bare(on, &NAMES).await;
    let outside = "  targets: [{address: 10.0.1.200, port: 8080}]\n";
    let desk = on.desk(&fleet.manifest().replace("  healthCheck:", &format!("{outside}  healthCheck:")));
    let run = desk.portolan("reconcile --yes -o json").await;
    run.is("applied", 0);
    assert_eq!(
        run.mutations(),
        BTreeMap::from([
            ("ec2:AuthorizeSecurityGroupIngress".to_owned(), 4),
            ("ecs:UpdateService".to_owned(), 4),
            ("elasticloadbalancing:CreateRule".to_owned(), 4),
            ("elasticloadbalancing:CreateTargetGroup".to_owned(), 4),
            ("elasticloadbalancing:RegisterTargets".to_owned(), 4),
        ])
    );
    let json = run.json();
    let steps = json["steps"].as_array().expect("steps");
    for service in steps.iter().filter(|step| step["action"] == "UpdateService") {
        let before = service["after"].as_array().expect("after");
        let rules = steps.iter().filter(|step| step["action"] == "CreateRule");
        assert!(rules.filter(|rule| before.contains(&rule["id"])).count() == 1, "each rule before its service");
    }
    is_marked(&fleet).await;
    desk.portolan("reconcile --yes -o json").await.is_silent();
}

/// Everything that was made bears the mark, and ingress is exact: group to group, one port.
async fn is_marked(fleet: &Fleet) {
    let (_, elb, ec2) = fleet.sdk();
    let filter = ec2::Filter::builder().name("group-id").values(&fleet.task_group).build();
    let rules = ec2.describe_security_group_rules().filters(filter).send().await.expect("rules");
    let ingress = rules.security_group_rules().iter().filter(|rule| rule.is_egress() == Some(false));
    let ports: BTreeSet<_> = ingress
        .map(|rule| {
            let source = rule.referenced_group_info().and_then(|group| group.group_id());
            assert_eq!((source, rule.from_port()), (Some(fleet.lb_group.as_str()), rule.to_port()));
            let tags: BTreeSet<_> = rule.tags().iter().filter_map(|tag| tag.value()).collect();
            assert!(tags.contains("harbour"), "{tags:?}");
            rule.from_port()
        })
        .collect();
    assert_eq!(ports, (8080..8084).map(Some).collect());
    for group in elb.describe_target_groups().send().await.expect("groups").target_groups() {
        let arn = group.target_group_arn().expect("an ARN");
        let tags = elb.describe_tags().resource_arns(arn).send().await.expect("tags");
        let tags: BTreeMap<_, _> =
            tags.tag_descriptions()[0].tags().iter().map(|tag| (tag.key().unwrap_or_default(), tag.value())).collect();
        let name = group.target_group_name().expect("a name");
        assert_eq!(tags.get("portolan.dev/fleet"), Some(&Some("harbour")));
        assert_eq!(tags.get("portolan.dev/object"), Some(&Some(format!("TargetGroup/{name}").as_str())));
    }
}

async fn nothing_foreign_is_touched_and_prune_takes_only_its_own(on: &impl Place) {
    let fleet = seed::sound_fleet(on, &NAMES).await;
    let checkout = &fleet.services[2];
    strangers(&fleet).await;
    fleet.register(checkout, "10.9.9.9").await;
    let left_over = make_rule(&fleet, 900, "/gone/*", Some(("harbour", "TargetGroup/gone"))).await;
    left_overs(&fleet).await;
    let prune =
        fleet.manifest().replace("  redeploy: allow\n", "  redeploy: allow\n  removal: {prune: true, budget: 100%}\n");

    let mut desk = on.desk(&fleet.manifest());
    desk.portolan("reconcile --yes -o json").await.is("in-sync", 0);
    desk.write(&prune);
    let run = desk.portolan("reconcile --yes -o json").await;
    run.is("applied", 0);
    assert_eq!(
        run.mutations(),
        BTreeMap::from([
            ("ec2:RevokeSecurityGroupIngress".to_owned(), 1),
            ("elasticloadbalancing:DeleteRule".to_owned(), 1),
            ("elasticloadbalancing:DeleteTargetGroup".to_owned(), 1),
        ])
    );
    assert_eq!(run.json()["steps"][0]["target"], left_over.as_str());
    desk.portolan("reconcile --yes -o json").await.is("in-sync", 0);
}

/// Ingress and rules of others, one of them marked by another fleet.
async fn strangers(fleet: &Fleet) {
    let (_, _, ec2) = fleet.sdk();
    let range = ec2::IpRange::builder().cidr_ip("0.0.0.0/0").build();
    let permission = ec2::IpPermission::builder().ip_protocol("tcp").from_port(22).to_port(22).ip_ranges(range).build();
    let request = ec2.authorize_security_group_ingress().group_id(&fleet.task_group).ip_permissions(permission);
    request.send().await.expect("foreign ingress");
    make_rule(fleet, 50, "/foreign/*", None).await;
    make_rule(fleet, 51, "/theirs/*", Some(("other-team", "TargetGroup/theirs"))).await;
}

/// A target group and an ingress rule that this fleet made, and that the manifest does not name.
async fn left_overs(fleet: &Fleet) {
    let (_, elb, ec2) = fleet.sdk();
    let tag = |key: &str, value: &str| elb::Tag::builder().key(key).value(value).build();
    let request = elb.create_target_group().name("gone").vpc_id(&fleet.vpc).protocol(elb::ProtocolEnum::Http).port(80);
    let request = request.target_type(elb::TargetTypeEnum::Ip);
    let request =
        request.tags(tag("portolan.dev/fleet", "harbour")).tags(tag("portolan.dev/object", "TargetGroup/gone"));
    request.send().await.expect("a left-over target group");
    let tag = |key: &str, value: &str| ec2::Tag::builder().key(key).value(value).build();
    let mark = ec2::TagSpecification::builder()
        .resource_type(ec2::ResourceType::SecurityGroupRule)
        .tags(tag("portolan.dev/fleet", "harbour"))
        .tags(tag("portolan.dev/object", "Service/gone"))
        .build();
    let range = ec2::IpRange::builder().cidr_ip("10.9.0.0/16").build();
    let permission =
        ec2::IpPermission::builder().ip_protocol("tcp").from_port(9090).to_port(9090).ip_ranges(range).build();
    let request = ec2.authorize_security_group_ingress().group_id(&fleet.task_group).ip_permissions(permission);
    request.tag_specifications(mark).send().await.expect("left-over ingress");
}

async fn make_rule(fleet: &Fleet, priority: i32, path: &str, mark: Option<(&str, &str)>) -> String {
    let (_, elb, _) = fleet.sdk();
    let response = elb::FixedResponseActionConfig::builder().status_code("200").build();
    let action =
        elb::Action::builder().r#type(elb::ActionTypeEnum::FixedResponse).fixed_response_config(response).build();
    let paths = elb::PathPatternConditionConfig::builder().values(path).build();
    let condition = elb::RuleCondition::builder().field("path-pattern").path_pattern_config(paths).build();
    let tag = |key: &str, value: &str| elb::Tag::builder().key(key).value(value).build();
    let tags = mark.map(|(fleet, object)| vec![tag("portolan.dev/fleet", fleet), tag("portolan.dev/object", object)]);
    let request = elb.create_rule().listener_arn(&fleet.listener).priority(priority).conditions(condition);
    let made = request.actions(action).set_tags(tags).send().await.expect("a rule");
    made.rules()[0].rule_arn().expect("an ARN").to_owned()
}

async fn another_teams_rule_at_our_priority_is_blocked_and_named(on: &impl Place) {
    let fleet = seed::sound_fleet(on, &NAMES).await;
    let checkout = &fleet.services[2];
    fleet.delete_rule(checkout).await;
    let theirs = make_rule(&fleet, checkout.priority, "/theirs/*", Some(("other-team", "TargetGroup/theirs"))).await;
    let desk = on.desk(&fleet.manifest());
    let run = desk.portolan("reconcile --yes -o json").await;
    run.is("blocked", 1);
    assert_eq!(run.mutations(), BTreeMap::new());
    let waiting = run.json()["blocked"][0]["waitingOn"].as_str().expect("a reason").to_owned();
    assert!(waiting.contains(&theirs), "{waiting}");
}

async fn without_objects_or_in_the_wrong_place_nothing_is_sent(on: &impl Place) {
    let fleet = seed::sound_fleet(on, &["cart"]).await;
    fleet.set_count(&fleet.services[0], 0).await;
    let manifest = fleet.manifest();
    let alone = manifest.split("---").next().expect("the Fleet").replace("redeploy: allow", "removal: {prune: true}");
    let mut desk = on.desk(&alone);
    desk.portolan("reconcile --yes -o json").await.is_silent();

    for (text, words, code) in [
        ("", "reconcile --yes -o json", 2),
        (manifest.as_str(), "reconcile --yes -o json --region us-east-1", 2),
        (&manifest.replace("123456789012", "999999999999"), "reconcile --yes -o json", 2),
        (&manifest.replace("cluster: prod", "cluster: nowhere"), "reconcile --yes -o json", 2),
        (&manifest.replace("vpc: main", "vpc: nowhere"), "reconcile --yes -o json", 2),
    ] {
        desk.write(text);
        let run = desk.portolan(words).await;
        run.is("failed", code);
        assert!(!run.json()["errors"].as_array().expect("errors").is_empty());
        let sent = run.json()["calls"].as_object().map_or(0, |calls| {
            calls.keys().filter(|name| !["Describe", "List", "Get"].iter().any(|word| name.contains(word))).count()
        });
        assert_eq!(sent, 0, "{}", run.stdout);
    }
}

async fn what_cannot_be_read_is_a_gap(on: &impl Place) {
    let fleet = seed::sound_fleet(on, &["cart"]).await;
    fleet.set_count(&fleet.services[0], 0).await;
    for (refused, call) in [
        ("DescribeServices", "ecs:DescribeServices"),
        ("DescribeTargetGroups", "elasticloadbalancing:DescribeTargetGroups"),
        ("DescribeScalableTargets", "application-autoscaling:DescribeScalableTargets"),
    ] {
        let desk = on.refusing(refused, &fleet.manifest());
        let run = desk.portolan("reconcile --dry-run -o json").await;
        let gaps = run.json()["gaps"].as_array().expect("gaps").clone();
        assert!(gaps.iter().any(|gap| gap["call"] == call), "{refused}: {}", run.stdout);
        assert!(!run.actions().iter().any(|action| action.starts_with("Create") || action.starts_with("Delete")));
    }
    let desk = on.refusing("DescribeServices", &fleet.manifest());
    desk.portolan("reconcile --yes -o json").await.is("incomplete", 0);
    let strict = desk.portolan("reconcile --yes --strict -o json").await;
    strict.is("incomplete", 3);
    assert_eq!(strict.mutations(), BTreeMap::new());
    assert_eq!(desk.portolan("drift --strict -o json").await.code, 3);
}

async fn a_steady_pass_over_fifty_services_asks_in_batches(on: &impl Place) {
    let names: Vec<String> = (0..50).map(|number| format!("s{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let fleet = seed::sound_fleet(on, &names).await;
    let desk = on.desk(&fleet.manifest());
    let most = |call: &str| match call {
        "ecs:DescribeServices" => 5,
        // One a revision and one a target group: AWS takes no more in a call.
        "ecs:DescribeTaskDefinition" | "elasticloadbalancing:DescribeTargetHealth" => 50,
        // By twenties: fifty target groups and fifty rules.
        "elasticloadbalancing:DescribeTags" => 6,
        _ => 2,
    };
    let excess = |run: &Run| run.calls().into_iter().find(|(call, sent)| *sent > most(call));
    let mut run = desk.portolan("drift -o json").await;
    // A connection that an emulator drops is made again, and the call counted twice. What is wrong with the batches is wrong
    // each time.
    if excess(&run).is_some() {
        run = desk.portolan("drift -o json").await;
    }
    assert_eq!(excess(&run), None, "sent too often\n{}\n{}", run.stdout, run.stderr);
    run.is_silent();
}

#[tokio::test]
async fn another_region_than_the_fleets_is_an_error() {
    let desk = Folder::new(
        "http://127.0.0.1:1",
        &format!(
            "apiVersion: portolan.dev/v1alpha1\nkind: Fleet\nmetadata: {{name: harbour}}\nspec: {{region: {REGION}, mode: enforce}}\n"
        ),
    );
    let run = desk.portolan("drift -o json --region us-east-1").await;
    run.is("failed", 2);
    let message = run.json()["errors"][0]["message"].as_str().expect("a message").to_owned();
    assert!(message.contains(REGION) && message.contains("us-east-1"), "{message}");
}
