//! Three hundred services in one `init`: what can be batched is, and nothing is asked twice but who the services are.

use std::collections::BTreeMap;
use std::fmt::Write;

use portolan::aws::Reader;
use portolan::init::write;
use portolan::pass::take_stock;
use portolan::sandbox::{Shared, world_file};
use portolan::survey::Depth;

use super::worlds::{clients, scope};
use super::{enforced, left, now, read_back};

const SERVICES: usize = 300;
const BALANCERS: usize = 4;

/// A world of services behind four load balancers.
fn world() -> String {
    let mut text = String::from(
        "about: a fleet\nseed: 3\nvpcs:\n  - name: main\n    cidr: 10.0.0.0/16\n    subnets:\n      - {name: private-a, cidr: \
         10.0.16.0/20, zone: a}\n      - {name: private-b, cidr: 10.0.32.0/20, zone: b}\n    securityGroups:\n      - {name: lb}\n      \
         - {name: tasks, ingress: [{ports: 8080, from: lb}]}\nclusters: [prod]\n",
    );
    let mut list = |title: &str, line: &dyn Fn(usize) -> String| {
        writeln!(text, "{title}:").expect("a text takes text");
        (0..SERVICES).for_each(|number| text.push_str(&line(number)));
    };
    list("taskDefinitions", &|n| {
        format!("  - {{family: s{n}, containers: [{{name: app, image: \"app:1\", ports: [{{port: 8080}}]}}]}}\n")
    });
    list("targetGroups", &|n| format!("  - {{name: s{n}, vpc: main, protocol: HTTP, port: 8080}}\n"));
    list("services", &|n| {
        format!(
            "  - {{name: s{n}, cluster: prod, taskDefinition: s{n}, subnets: [private-a, private-b], securityGroups: [tasks], \
             loadBalancers: [{{targetGroup: s{n}, container: app, port: 8080}}]}}\n"
        )
    });
    text.push_str("loadBalancers:\n");
    for balancer in 0..BALANCERS {
        write!(
            text,
            "  - name: lb-{balancer}\n    scheme: internal\n    subnets: [private-a, private-b]\n    securityGroups: [lb]\n    \
             listeners:\n      - port: 80\n        default: {{fixedResponse: 404}}\n        rules:\n"
        )
        .expect("a text takes text");
        for number in (balancer..SERVICES).step_by(BALANCERS) {
            let priority = number + 1;
            writeln!(
                text,
                "          - {{priority: {priority}, paths: [\"/s{number}/*\"], action: {{forward: s{number}}}}}"
            )
            .expect("a text takes text");
        }
    }
    text.push_str("apps: {\"app:1\": {listens: [{port: 8080}]}}\nsettle: 600\n");
    text
}

#[tokio::test(start_paused = true)]
async fn three_hundred_services_are_read_in_batches() {
    let world = world_file::load("a fleet", &world()).unwrap_or_else(|error| panic!("{error}"));
    let shared = Shared::still(world);
    let clients = clients(&shared);
    let reader = Reader::new(&clients);
    let (outline, observed) =
        take_stock(&reader, &scope(&[]), clients.region(), Depth::Manifest).await.unwrap_or_else(|e| panic!("{e:?}"));
    let calls: BTreeMap<String, u64> = clients.calls().snapshot();
    let formula = [
        ("application-autoscaling:DescribeScalableTargets", 6),
        ("ec2:DescribeSecurityGroupRules", 1),
        ("ec2:DescribeSecurityGroups", 1),
        ("ec2:DescribeSubnets", 1),
        ("ec2:DescribeVpcs", 1),
        ("ecs:DescribeClusters", 1),
        ("ecs:DescribeServices", 30),
        ("ecs:DescribeTaskDefinition", 300),
        ("ecs:DescribeTasks", 3),
        ("ecs:ListServices", 3),
        ("ecs:ListTasks", 3),
        ("elasticloadbalancing:DescribeAccountLimits", 1),
        ("elasticloadbalancing:DescribeListeners", 4),
        ("elasticloadbalancing:DescribeLoadBalancers", 1),
        ("elasticloadbalancing:DescribeRules", 4),
        ("elasticloadbalancing:DescribeTags", 30),
        ("elasticloadbalancing:DescribeTargetGroupAttributes", 300),
        ("elasticloadbalancing:DescribeTargetGroups", 1),
        ("elasticloadbalancing:DescribeTargetHealth", 300),
        ("sts:GetCallerIdentity", 1),
    ];
    assert_eq!(calls, formula.map(|(call, number)| (call.to_owned(), number)).into());

    let written = write(&outline, &observed, None, now());
    assert_eq!(written.documents.len(), 1 + 2 * SERVICES);
    let text = written.text();
    assert!(text.len() < 1 << 20, "{} bytes: more than one file may have", text.len());
    assert_eq!(left(&enforced(read_back(&text), &observed)), [""; 0]);
}
