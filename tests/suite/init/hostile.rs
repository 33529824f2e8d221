//! What strangers write into tags and descriptions: it steers no terminal, and no manifest is made unreadable by it.

use std::path::Path;

use portolan::aws::Reader;
use portolan::init::write;
use portolan::pass;
use portolan::report::text::{Paint, render, render_trace};
use portolan::sandbox::{Shared, World};
use portolan::status::{self, table};
use portolan::trace::{Asked, trace};
use serde_json::{Value, json};

use super::worlds::{clients, load, scope, stock};
use super::{enforced, now, read_back};

const HOSTILE: &str = "a\u{1b}[2Jb\u{2028}c\u{202e}d\u{200b}e\u{2066}f\u{feff}g";
const HIDDEN: [char; 6] = ['\u{1b}', '\u{2028}', '\u{202e}', '\u{200b}', '\u{2066}', '\u{feff}'];

fn fargate() -> World {
    load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/init/fargate/world.yaml"))
}

fn members(world: &mut World, call: &str, list: &str, id: &str) -> Vec<Value> {
    let answer = world.call(call, &json!({})).unwrap_or_else(|refusal| panic!("{refusal}"));
    answer[list].as_array().into_iter().flatten().map(|thing| thing[id].clone()).collect()
}

fn called(world: &mut World, call: &str, input: &Value) {
    world.call(call, input).unwrap_or_else(|refusal| panic!("{call}: {refusal}"));
}

/// Marks every target group as a fleet of this name would, for an object of that one.
fn mark(world: &mut World, fleet: &str, object: &str) {
    let groups = members(world, "elasticloadbalancing:DescribeTargetGroups", "TargetGroups", "TargetGroupArn");
    let tags = json!([{"Key": "portolan.dev/fleet", "Value": fleet}, {"Key": "portolan.dev/object", "Value": object}]);
    called(world, "elasticloadbalancing:AddTags", &json!({"ResourceArns": groups, "Tags": tags}));
}

/// Names everything in EC2 like this.
fn name(world: &mut World, name: &str) {
    let mut ids = members(world, "ec2:DescribeSecurityGroups", "securityGroupInfo", "groupId");
    ids.extend(members(world, "ec2:DescribeSubnets", "subnetSet", "subnetId"));
    ids.extend(members(world, "ec2:DescribeVpcs", "vpcSet", "vpcId"));
    called(world, "ec2:CreateTags", &json!({"ResourceId": ids, "Tag": [{"Key": "Name", "Value": name}]}));
}

fn shows_nothing_hidden(what: &str, text: &str) {
    let left: Vec<char> = HIDDEN.into_iter().filter(|hidden| text.contains(*hidden)).collect();
    assert!(left.is_empty(), "{what} shows {left:?}:\n{text}");
}

#[tokio::test(start_paused = true)]
async fn a_mark_that_is_no_key_leaves_a_manifest_that_can_be_read() {
    for fleet in ["My Fleet", "Shop", "-: /=+@", "a_b", "", &"x".repeat(200)] {
        for object in ["TargetGroup/no key", "a: @b", "nothing", ""] {
            let mut world = fargate();
            mark(&mut world, fleet, object);
            let (outline, observed) = stock(&Shared::still(world), &scope(&[])).await;
            let written = write(&outline, &observed, None, now());
            assert_eq!(written.problems, [""; 0], "{fleet:?} {object:?}");
            let text = written.text();
            let plan = enforced(read_back(&text), &observed);
            // What is said of it is what is so.
            assert_eq!(plan.steps.len() + plan.blocked.len(), written.plan.steps.len() + written.plan.blocked.len());
            shows_nothing_hidden("init", &text);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn names_that_hide_something_are_spelled_out_in_every_text() {
    let mut world = fargate();
    name(&mut world, HOSTILE);
    // Elastic Load Balancing takes letters, numbers, spaces and a few signs in tags; EC2 takes everything.
    mark(&mut world, "My Fleet", "no key");
    let shared = Shared::still(world);
    let (outline, observed) = stock(&shared, &scope(&[])).await;
    let written = write(&outline, &observed, None, now()).text();
    shows_nothing_hidden("init", &written);
    shows_nothing_hidden("status", &status::text::render(&table(&outline, &observed, None), Paint::Off));

    let desired = read_back(&written.replace("mode: observe", "mode: enforce"));
    let clients = clients(&shared);
    let reader = Reader::new(&clients);
    let looked = pass::look_around(&desired, &reader, &Default::default(), now()).await;
    let look = looked.unwrap_or_else(|errors| panic!("{errors:?}"));
    let asked = Asked { is_manifest: true, ..Asked::default() };
    let traced = trace(&desired, &look.observed, &asked, now());
    shows_nothing_hidden("trace", &render_trace(&traced, &look.observed.gaps_around, Paint::Off));
    let report = look.into_report(&desired, None, Default::default());
    shows_nothing_hidden("plan", &render(&report, Paint::Off));
}
