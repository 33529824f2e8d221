//! Whole task definitions, inline and in files: those that people keep (`tests/definitions/tasks`), as AWS reads them back.

use std::fs;
use std::path::Path;

use portolan::init::{Definitions, Options, Written};
use portolan::model::{Definition, Observed, Seen, TaskDefinition};
use portolan::plan::is_same_content;
use portolan::shape::Tree;
use serde_json::{Value, json};

use super::{all_options, enforced, left, reloaded, written_with};
use crate::cases::{folders, load};

/// A sound fleet whose one service runs a definition and is behind no load balancer.
fn running(content: &Value) -> Observed {
    let mut observed = load(&folders().into_iter().find(|path| path.ends_with("in-sync")).expect("a case")).observed;
    let Value::Object(members) = content else { panic!("{content}") };
    for service in observed.services.values_mut() {
        let Seen::Present(service) = service else { continue };
        service.load_balancers.clear();
        service.network = None;
        let arn = service.task_definition.clone();
        let definition = TaskDefinition::new(arn.clone(), true, Default::default(), Tree::new(members.clone()));
        observed.task_definitions.insert(arn, Seen::Present(definition));
    }
    observed
}

fn readbacks() -> Vec<(String, Value)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/definitions/tasks");
    let entries = fs::read_dir(root).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = entries.filter(|path| path.display().to_string().ends_with(".readback.json")).collect();
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).expect("a file");
        (path.display().to_string(), serde_json::from_str(&text).expect("JSON"))
    };
    files.iter().map(read).collect()
}

fn declared(written: &Written) -> Tree {
    let desired = reloaded(written);
    let Some(Definition::Content { members, .. }) = &desired.services["checkout"].task_definition else {
        panic!("{}", written.text())
    };
    members.clone()
}

#[test]
fn every_definition_is_written_and_changes_nothing() {
    let mut wrong = Vec::new();
    let all = readbacks();
    assert!(all.len() >= 42, "{}", all.len());
    for (name, mut content) in all {
        // A reference is to the family that the service runs.
        content["family"] = "checkout".into();
        let observed = running(&content);
        for options in all_options() {
            let written = written_with(&observed, options);
            let plan = enforced(reloaded(&written), &observed);
            let left: Vec<String> = left(&plan).into_iter().filter(|line| line.starts_with("Service/")).collect();
            // No manifest declares what such a volume needs of the service: it stays unmanaged.
            let is_at_launch = name.contains("16-ebs-at-launch");
            let refused = written.text().contains("does not accept") && !is_at_launch;
            let text = || format!("{name} {options:?}\n{left:#?}\n{}", written.text());
            if !left.is_empty() || refused {
                wrong.push(text());
                continue;
            }
            if !is_at_launch && options.definitions != Definitions::Reference && options.images && options.environment {
                let Value::Object(live) = &content else { panic!("{name}") };
                let live = portolan::shape::without_outputs(&portolan::shape::TASK_DEFINITION, live);
                let mut live = Tree::new(live);
                live.members_mut().remove("tags");
                if !is_same_content(&declared(&written), &live) {
                    wrong.push(format!("not whole: {}", text()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

/// Values of variables appear only if they are asked for; secrets are references and are always written.
#[test]
fn values_of_variables_are_written_only_on_request() {
    let content = json!({"family": "checkout", "networkMode": "awsvpc", "containerDefinitions": [{
        "name": "app", "image": "shop:1", "essential": true, "cpu": 0, "memory": 512,
        "portMappings": [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}],
        "environment": [{"name": "TOKEN", "value": "hunter2"}, {"name": "LEVEL", "value": "info"}],
        "secrets": [{"name": "DATABASE_URL", "valueFrom": "arn:aws:ssm:eu-west-1:123456789012:parameter/db"}],
        "dockerLabels": {"on": "yes", "com.example: x": "1"},
    }]});
    let observed = running(&content);
    for definitions in [Definitions::Inline, Definitions::Files] {
        let all = |environment: bool| {
            let options = Options { definitions, environment, ..Options::default() };
            let written = written_with(&observed, options);
            let files: String = written.files().into_values().collect();
            (written, files)
        };
        let (written, files) = all(false);
        assert!(!files.contains("hunter2") && files.contains("parameter/db"), "{files}");
        let note = "environment is left out: TOKEN, LEVEL. Values may be secrets;";
        assert!(files.contains(note), "{files}");
        assert!(declared(&written).members()["containerDefinitions"][0].get("environment").is_none());
        let (written, files) = all(true);
        assert!(files.contains("hunter2") && !files.contains("is left out: TOKEN"), "{files}");
        assert_eq!(declared(&written).members()["containerDefinitions"][0]["environment"][0]["value"], "hunter2");
    }
}

/// What the format does not accept stays unmanaged, as a whole member: leaving out an entry of a list would remove it.
#[test]
fn what_the_format_does_not_accept_stays_as_it_is() {
    let content = json!({"family": "checkout", "newMember": {"a": 1}, "containerDefinitions": [{
        "name": "app", "image": "shop:${TAG}", "memory": 512, "newInContainer": true,
        "ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": 2}, {"name": "brand-new", "softLimit": 1, "hardLimit": 2}],
    }]});
    let observed = running(&content);
    let with = |definitions| written_with(&observed, Options { definitions, images: true, ..Options::default() });
    let inline = with(Definitions::Inline);
    let of_service = |plan: &portolan::plan::Plan| -> Vec<String> {
        left(plan).into_iter().filter(|line| line.starts_with("Service/")).collect()
    };
    assert_eq!(of_service(&enforced(reloaded(&inline), &observed)), [""; 0], "{}", inline.text());
    insta::assert_snapshot!("what_the_format_does_not_accept_inline", service_of(&inline));
    let files = with(Definitions::Files);
    assert_eq!(of_service(&enforced(reloaded(&files), &observed)), [""; 0], "{}", files.text());
    assert!(files.documents.iter().all(|document| document.files.is_empty()), "a reference in its place");
    insta::assert_snapshot!("what_the_format_does_not_accept_in_a_file", service_of(&files));
}

fn service_of(written: &Written) -> String {
    let is_service = |text: &&portolan::init::Document| text.object.to_string() == "Service/checkout";
    written.documents.iter().find(is_service).expect("the service").text.clone()
}

/// A port that the running revision does not map may be added to a copy; a reference would rule that out.
#[test]
fn a_definition_that_lacks_a_wired_port_is_not_referred_to() {
    let case = load(&folders().into_iter().find(|path| path.ends_with("port-mapping-missing")).expect("a case"));
    let written = written_with(&case.observed, Options::default());
    let text = service_of(&written);
    assert!(text.contains("# taskDefinition is left out: without it, Portolan may add the port mapping"), "{text}");
    assert!(reloaded(&written).services["checkout"].task_definition.is_none());
}

/// The revisions of these controllers are theirs.
#[test]
fn what_another_controller_deploys_is_not_referred_to() {
    use portolan::model::DeploymentController::{CodeDeploy, External};
    for controller in [CodeDeploy, External] {
        let mut observed =
            running(&json!({"family": "checkout", "containerDefinitions": [{"name": "app", "image": "x:1"}]}));
        for service in observed.services.values_mut() {
            let Seen::Present(service) = service else { continue };
            service.controller = controller;
        }
        for options in all_options() {
            let written = written_with(&observed, options);
            assert!(reloaded(&written).services["checkout"].task_definition.is_none(), "{controller:?} {options:?}");
        }
    }
}
