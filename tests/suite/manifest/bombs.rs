//! Input that wants to hurt: refused, and by the budget rather than by luck. How long it takes is measured by hand.

use super::{load_text, render};

const FLEET: &str = "apiVersion: portolan.dev/v1alpha1\nkind: Fleet\nmetadata: {name: f}\nspec: {mode: enforce}\n---\n";

#[track_caller]
fn refused(text: &str, expected: &str) {
    let problems = render(&load_text(text).expect_err("a bomb was accepted"));
    assert!(problems.contains(expected), "expected {expected:?} in:\n{}", &problems[..problems.len().min(2_000)]);
}

#[test]
fn billion_laughs() {
    let mut text = "a0: &a0 [lol, lol]\n".to_owned();
    for level in 1..40 {
        let before = format!("*a{}", level - 1);
        text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![before; 9].join(", ")));
    }
    refused(&text, "aliases (*name) are not accepted");
    refused(&text, "anchors (&name) are not accepted");
}

#[test]
fn nested_in_flow_style() {
    refused(&"[".repeat(100_000), "nested deeper than 32 levels");
    refused(&"{a: ".repeat(100_000), "nested deeper than 32 levels");
    refused(&format!("{FLEET}{}{}", "[".repeat(33), "]".repeat(33)), "nested deeper than 32 levels");
}

#[test]
fn nested_in_block_style() {
    let steps: String = (0..1_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    refused(&steps, "nested deeper than 32 levels");
    refused(&"- ".repeat(100_000), "nested deeper than 32 levels");
    let block: String = (0..20).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    refused(&format!("{block}{}{}{}", " ".repeat(20), "[".repeat(20), "]".repeat(20)), "nested deeper than 32 levels");
}

#[test]
fn wide() {
    refused(&format!("[{}]", "a,".repeat(500_000)), "more than 10000 entries in one list or mapping");
    refused(&format!("[{}]", format!("[{}],", "a,".repeat(9_000)).repeat(50)), "more than 100000 values and keys");
    refused(&"a\n---\n".repeat(170_000), "more than 10000 documents in one file");
    let keys: String = (0..90_000).map(|key| format!("k{key}: 1\n")).collect();
    refused(&keys, "more than 10000 entries in one list or mapping");
}

#[test]
fn long() {
    refused(&format!("{FLEET}kind: {}", "x".repeat(17 << 10)), "a value longer than 16 KiB");
    refused(&"x".repeat((1 << 20) + 1), "larger than 1 MiB");
    refused(&format!("{FLEET}{}: 1", "x".repeat(2_000)), "not valid YAML");
}

#[test]
fn merge_keys() {
    refused(&format!("{FLEET}kind: Service\n<<: {{spec: {{}}}}\n"), "merge keys (<<) are not accepted");
    refused(&format!("{FLEET}a: &a {{}}\nb: {{<<: *a}}\n"), "merge keys (<<) are not accepted");
}

#[test]
fn other_encodings() {
    refused(&format!("\u{feff}{FLEET}"), "starts with a byte order mark");
    let wide: String = FLEET.chars().flat_map(|char| [char, '\0']).collect();
    refused(&wide, "error: ");
    refused("\"a\\0b\"", "a NUL character");
    refused("a: \"x\0y\"", "error: ");
}

#[test]
fn nothing() {
    for text in ["", "\n\n", "# only\n# comments\n", "---\n", "---\n---\n...\n", "~", "null"] {
        refused(text, "the manifest is empty");
    }
    let problems = portolan::manifest::load(&[]).expect_err("no source at all");
    assert!(render(&problems).contains("the manifest is empty"));
}

#[test]
fn same_key_many_times() {
    refused(&"a: 1\n".repeat(10_000), "the key \"a\" is written twice");
    refused(&"a: 1\n".repeat(10_000), "these are the first 1000 problems");
}

/// What the budget must leave room for.
#[test]
fn a_thousand_services_fit() {
    let mut services = String::new();
    let mut groups = FLEET.replace("mode: enforce", "mode: enforce, cluster: prod");
    for number in 0..1_000 {
        services.push_str(&format!(
            "---\napiVersion: portolan.dev/v1alpha1\nkind: Service\nmetadata:\n  name: service-{number}\nspec:\n  \
             desiredCount: 3\n  network:\n    mode: awsvpc\n    subnets: [private-a, private-b, private-c]\n    \
             securityGroups: [tasks-{number}]\n  ports:\n    - name: http\n      container: app\n      \
             containerPort: 8080\n      protocol: tcp\n      targetGroups: [group-{number}]\n      allowFrom:\n        \
             - securityGroup: bastion\n        - cidr: 10.20.0.0/16\n          description: office\n"
        ));
        groups.push_str(&format!(
            "apiVersion: portolan.dev/v1alpha1\nkind: TargetGroup\nmetadata:\n  name: group-{number}\nspec:\n  \
             loadBalancer: public-{}\n  protocol: HTTP\n  port: 8080\n  targetType: ip\n  healthCheck:\n    protocol: \
             HTTP\n    path: /healthz\n    port: traffic-port\n    matcher: \"200-299\"\n    interval: 15s\n    timeout: 5s\n    \
             healthyThreshold: 2\n    unhealthyThreshold: 3\n  attributes:\n    deregistration_delay.timeout_seconds: \
             \"30\"\n  routes:\n    - listener: 443\n      priority: {}\n      hosts: [service-{number}.example.com]\n      \
             paths: [\"/api/*\"]\n---\n",
            number / 100,
            number % 100 + 1,
        ));
    }
    let source = |name: &str, text: String| portolan::manifest::Source {
        name: name.to_owned(),
        text,
        files: Default::default(),
    };
    let loaded = portolan::manifest::load(&[source("services.yaml", services), source("groups.yaml", groups)]);
    let desired = loaded.unwrap_or_else(|problems| panic!("{}", render(&problems)));
    assert_eq!((desired.services.len(), desired.target_groups.len()), (1_000, 1_000));
}
