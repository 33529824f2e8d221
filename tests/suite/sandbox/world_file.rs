//! World files that are wrong.

use portolan::sandbox::world_file::load;

fn error(text: &str) -> String {
    match load("world.yaml", text) {
        Ok(_) => panic!("this loads:\n{text}"),
        Err(error) => error.to_string(),
    }
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
