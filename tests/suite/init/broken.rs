//! Questions that have no answer, and accounts that tell only a part.

use std::path::Path;

use portolan::aws::Reader;
use portolan::init::{Attributes, Options, write, write_with};
use portolan::model::{Observed, Scope};
use portolan::pass::take_stock;
use portolan::sandbox::Shared;
use portolan::survey::Depth;

use super::worlds::{clients, load, load_folder, scope, stock};
use super::{enforced, left, now, read_back};

fn fargate(denied: &[&str]) -> Shared {
    let mut world = load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/init/fargate/world.yaml"));
    world.settings.denied = denied.iter().map(|call| (*call).to_owned()).collect();
    Shared::still(world)
}

async fn refused(shared: &Shared, scope: &Scope) -> String {
    let clients = clients(shared);
    let taken = take_stock(&Reader::new(&clients), scope, clients.region(), Depth::Manifest).await;
    let errors = taken.map(|_| ()).expect_err("it cannot be read");
    errors.iter().map(|error| format!("{} ({})", error.message, error.hint)).collect::<Vec<_>>().join("\n")
}

#[tokio::test(start_paused = true)]
async fn what_does_not_exist_is_named_with_what_does() {
    let elsewhere = Scope { clusters: ["staging".to_owned()].into(), ..Scope::default() };
    let said = refused(&fargate(&[]), &elsewhere).await;
    assert_eq!(said, "no active cluster \"staging\" found in eu-west-1 (clusters: prod)");
    let said = refused(&fargate(&["ecs:ListClusters"]), &elsewhere).await;
    assert!(said.ends_with("(correct the name, the region or the credentials)"), "{said}");
    let said = refused(&fargate(&[]), &scope(&["webfront"])).await;
    assert_eq!(said, "service \"webfront\" not found in prod (services: Web_Front, api, worker)");
}

#[tokio::test(start_paused = true)]
async fn services_that_cannot_be_listed_can_be_named() {
    let denied = fargate(&["ecs:ListServices"]);
    let said = refused(&denied, &scope(&[])).await;
    assert!(said.starts_with("cannot list the services of cluster prod (ecs:ListServices: "), "{said}");
    let (outline, observed) = stock(&denied, &scope(&["api"])).await;
    let text = write(&outline, &observed, None, now()).text();
    assert!(text.contains("# Could not be read: ecs:ListServices of prod (AccessDenied"), "{text}");
    assert!(text.contains("kind: Service\nmetadata:\n  name: api\n"), "{text}");
    read_back(&text);
}

#[tokio::test(start_paused = true)]
async fn each_call_that_is_denied_leaves_a_manifest_with_the_gap_named_and_nothing_made_up() {
    for call in [
        "application-autoscaling:DescribeScalableTargets",
        "ec2:DescribeSecurityGroupRules",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "ecs:DescribeServices",
        "ecs:DescribeTaskDefinition",
        "ecs:DescribeTasks",
        "ecs:ListTasks",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeRules",
        "elasticloadbalancing:DescribeTags",
        "elasticloadbalancing:DescribeTargetGroupAttributes",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
        "sts:GetCallerIdentity",
    ] {
        let (outline, observed) = stock(&fargate(&[call]), &scope(&[])).await;
        let text = write(&outline, &observed, None, now()).text();
        assert!(text.contains(&format!("# Could not be read: {call}")), "{call}\n{text}");
        let plan = enforced(read_back(&text), &observed);
        assert!(plan.steps.is_empty(), "{call}\n{text}\n{:#?}", plan.steps);
        assert!(!text.contains("The manifest format does not accept this"), "{call}\n{text}");
    }
}

async fn written_of(world: &str) -> (String, Observed) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worlds").join(world);
    let (outline, observed) = stock(&Shared::still(load_folder(&path)), &scope(&[])).await;
    let text = write(&outline, &observed, None, now()).text();
    (text, observed)
}

#[tokio::test(start_paused = true)]
async fn what_tracing_calls_another_services_or_nobodys_is_not_declared() {
    for (world, why) in [
        ("m27-exporter-of-the-node", "it is the address of a task of service prod/metrics"),
        ("m27-address-of-another-service", "it is the address of a task of service prod/tickets"),
        ("m29-debug-port-of-our-own-task", "it is another port of a task of service prod/berths"),
        ("m28-dead-address", "no network interface has its address"),
    ] {
        let (text, observed) = written_of(world).await;
        let unwrapped = text.replace("\n  # ", " ");
        assert!(unwrapped.contains(why) && text.contains("is registered and not written"), "{world}\n{text}");
        let declared = read_back(&text);
        assert!(declared.target_groups.values().all(|group| group.targets.is_none()), "{world}\n{text}");
        let goes = enforced(declared, &observed).steps.iter().any(|step| step.removes);
        assert_eq!(goes, text.contains("# Not in sync: "), "{world}\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_groups_of_a_service_stay_where_without_them_a_break_would_not_show() {
    for world in ["m03-health-port-closed", "m01-task-group-closed", "m04-dynamic-ports-closed"] {
        let (text, observed) = written_of(world).await;
        assert!(text.contains("\n    securityGroups: ["), "{world}\n{text}");
        assert!(!text.contains("are healthy without it"), "{world}\n{text}");
        let plan = enforced(read_back(&text), &observed);
        let opens = |action: &str| action == "AuthorizeSecurityGroupIngress";
        assert!(plan.steps.iter().any(|step| opens(step.action.operation())), "{world}\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn attributes_at_their_defaults_are_comments_or_all_are_written() {
    let (outline, observed) = stock(&fargate(&[]), &scope(&[])).await;
    let with = |attributes| write_with(&outline, &observed, Options { attributes, ..Options::default() }, now()).text();
    let (some, all) = (with(Attributes::Changed), with(Attributes::All));
    assert!(some.contains("# load_balancing.algorithm.type: \"round_robin\"\n"), "{some}");
    assert!(some.contains("init --attributes all"), "{some}");
    assert!(all.contains("\n    load_balancing.algorithm.type: \"round_robin\"\n"), "{all}");
    assert!(!all.contains("--attributes all"), "{all}");
    for text in [some, all] {
        assert_eq!(left(&enforced(read_back(&text), &observed)), [""; 0], "{text}");
    }
}
