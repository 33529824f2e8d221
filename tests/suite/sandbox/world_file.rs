//! World files that are wrong.

use portolan::sandbox::world_file::load;

fn error(text: &str) -> String {
    match load("world.yaml", text) {
        Ok(_) => panic!("this loads:\n{text}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn everything_that_can_be_seen_without_making_it_is_told_at_once() {
    let network = super::fleet::text(&["cart"]);
    let fields = "
seed: -1
ingress: []
settings: {lag: long, denied: ecs:ListTasks}
hosts: {somewhere: {listens: [{port: 70000, speaks: http3}]}}
vpcs: [{name: main, subnets: {a: b}, securityGroups: [{name: web, ingress: [{ports: 10-9x}, 80], egress: {ports: all}}]}]
clusters: prod
settle:
";
    let names = network
        .replace("subnets: [private-a, private-b]", "subnets: [private-a, privat-b]")
        .replace("vpc: main", "vpc: mian")
        .replace("from: lb}", "from: lb}, {ports: 81, from: everybody}")
        .replace("taskDefinition: cart", "taskDefinition: kart:1")
        .replace("action: {forward: cart}", "action: {forward: {cart: 1, kart: 1}}");
    let names = format!(
        "{names}scalableTargets: [{{service: prod/kart, min: 1, max: 2}}]\n\
         settings: {{denied: [ecs:Explode], refused: {{ListTasks: ServerException}}}}\n"
    );
    let ways = network
        .replace("from: lb}", "from: lb, to: lb}")
        .replace("action: {forward: cart}", "action: {forward: cart, redirect: HTTPS}, rewrite: [a]");
    let deeds = format!("{network}then: [{{}}, {{with: {{task: a}}}}, {{advance: 1}}]\n");
    let told = [
        ("what is not in its form", error(fields)),
        ("what says too much or too little", error(&ways)),
        ("what names nothing", error(&names)),
        ("what does nothing", error(&deeds)),
        ("two worlds", error("seed: 1\n---\nseed: 2\n")),
        ("what is no YAML", error("clusters: [prod]\nvpcs: [{name: main\n")),
        ("what could grow", error("clusters: &all [prod]\nvpcs: *all\n")),
    ];
    let told: Vec<String> = told.iter().map(|(what, message)| format!("== {what}\n{message}")).collect();
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let network = super::fleet::text(&["cart"]);
    let told = [
        ("an unknown field", error("seed: 1\nvpc: []\n")),
        ("a field of a wrong kind", error("clusters: [prod]\nseed: many\n")),
        ("a name of nothing", error(&network.replace("securityGroups: [lb]", "securityGroups: [lbs]"))),
        ("what AWS refuses", error(&network.replace("priority: 1,", "priority: 0,"))),
        (
            "what AWS refuses of a service",
            error(&network.replace("container: app, port: 8080", "container: app, port: 81")),
        ),
        ("ports that are none", error(&network.replace("ports: 8080", "ports: eighty"))),
        ("an action of no kind", error(&network.replace("{fixedResponse: 404}", "{}"))),
        (
            "a reference to nothing",
            error(&format!("{network}then: [{{call: ecs:StopTask, with: {{task: $task/prod/cart/9}}}}]\n")),
        ),
        ("a call that does not exist", error("then: [{call: ecs:Explode}]\n")),
    ];
    let told: Vec<String> = told.iter().map(|(what, message)| format!("{what}:\n  {message}")).collect();
    insta::assert_snapshot!(told.join("\n"));
}
