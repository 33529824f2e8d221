//! `init --ecspresso`: `tests/ecspresso/good`, folders with the files of ecspresso and the manifest that is written beside them, and
//! `tests/ecspresso/bad`, each with exactly what is said (`UPDATE_EXPECT=1 cargo test` writes both: read what it wrote).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use portolan::manifest::{find_sources, load};
use portolan::model::{Observed, Seen, ServiceId};
use portolan::sandbox::Shared;
use serde_json::json;
use tempfile::TempDir;

use super::cli::{Desk, fargate, root};
use super::worlds::{scope, stock};

fn folders(of: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("tests/ecspresso").join(of)).expect("a folder");
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    folders.sort();
    folders
}

/// Runs `init` in a folder, without credentials and without a network that it could use.
fn init(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
    command.arg("init").args(args).current_dir(folder).env_clear().env("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    let output = command.output().expect("the binary");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn is_as_expected(path: &Path, found: &str, differing: &mut Vec<String>) {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, found).expect("writing an expectation");
    }
    if fs::read_to_string(path).unwrap_or_default() != found {
        differing.push(format!("{}:\n{found}", path.display()));
    }
}

#[test]
fn files_of_ecspresso_stay_and_a_manifest_is_written_beside_them() {
    let mut differing = Vec::new();
    for folder in folders("good") {
        let (code, text, error) = init(&folder, &["--ecspresso", "ecspresso.yml"]);
        assert_eq!(code, Some(0), "{}: {error}", folder.display());
        is_as_expected(&folder.join("portolan.yaml"), &text, &mut differing);
        let path = folder.join("portolan.yaml").display().to_string();
        let sources = find_sources(&[path], false, None).unwrap_or_else(|problems| panic!("{problems:?}"));
        load(&sources).unwrap_or_else(|problems| panic!("{}: {problems:?}", folder.display()));
    }
    assert!(differing.is_empty(), "UPDATE_EXPECT=1 accepts these:\n{}", differing.join("\n"));
}

#[test]
fn what_is_wrong_with_files_of_ecspresso_is_said_at_its_place() {
    let mut differing = Vec::new();
    let all = folders("bad");
    assert!(all.len() >= 14, "{}", all.len());
    for folder in all {
        let jsonnet = folder.join("ecspresso.jsonnet");
        let file = if jsonnet.exists() { "ecspresso.jsonnet" } else { "ecspresso.yml" };
        let (code, text, error) = init(&folder, &["--ecspresso", file]);
        assert_eq!((code, text.as_str()), (Some(2), ""), "{}: {error}", folder.display());
        is_as_expected(&folder.join("expected.txt"), &error, &mut differing);
    }
    assert!(differing.is_empty(), "UPDATE_EXPECT=1 accepts these:\n{}", differing.join("\n"));
}

/// Paths are relative to where the manifest goes: the working folder, or that of `--split`.
#[test]
fn several_services_in_folders_of_their_own_are_one_fleet() {
    let home = TempDir::new().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    let task = |family: &str| {
        json!({"family": family, "containerDefinitions": [{"name": "app", "image": "shop:1", "memory": 128}]})
            .to_string()
    };
    for (name, cluster) in [("cart", "prod"), ("api", "other")] {
        let text = format!(
            "region: eu-west-1\ncluster: {cluster}\nservice: {name}\ntask_definition: task.json\nservice_definition: service.json\n"
        );
        write(&format!("deploy/{name}/ecspresso.yml"), &text);
        write(&format!("deploy/{name}/task.json"), &task(name));
        write(&format!("deploy/{name}/service.json"), &json!({"desiredCount": 2}).to_string());
    }
    let both = ["--ecspresso", "deploy/cart/ecspresso.yml", "--ecspresso", "deploy/api/ecspresso.yml"];
    let (code, text, error) = init(home.path(), &both);
    assert_eq!(code, Some(0), "{error}");
    assert!(error.ends_with("wrote 3 documents; AWS was not asked (exit 0)\n"), "{error}");
    assert!(text.contains("file: deploy/cart/task.json") && text.contains("  cluster: other\n"), "{text}");
    let split = [&both[..], &["--split", "manifests", "--name", "shop"]].concat();
    let (code, text, error) = init(home.path(), &split);
    assert_eq!(
        (code, text.as_str()),
        (Some(0), "manifests/api.yaml\nmanifests/cart.yaml\nmanifests/fleet.yaml\n"),
        "{error}"
    );
    let cart = fs::read_to_string(home.path().join("manifests/cart.yaml")).expect("a file");
    assert!(cart.contains("file: \"../deploy/cart/task.json\""), "{cart}");
    let (code, _, error) = init(home.path(), &split);
    assert_eq!(code, Some(2), "nothing is overwritten: {error}");
    let (_, json, _) = init(home.path(), &[&both[..], &["-o", "json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        (json["documents"].as_array().map(Vec::len), json["calls"].as_object().map(serde_json::Map::len)),
        (Some(3), Some(0))
    );
    // A manifest in another place cannot name them.
    let (code, _, error) = init(&home.path().join("deploy/api"), &["--ecspresso", "../cart/ecspresso.yml"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("../cart/task.json: error: lies outside of "), "{error}");
    write("deploy/cart/ecspresso.yml", "region: us-east-1\nservice: cart\ntask_definition: task.json\n");
    let (code, _, error) = init(home.path(), &both);
    assert_eq!(code, Some(2));
    assert!(error.contains("deploy/api/ecspresso.yml:1:9: error: region eu-west-1 differs from us-east-1"), "{error}");
}

#[test]
fn options_of_a_live_cluster_do_not_go_with_files_of_ecspresso() {
    let home = TempDir::new().expect("a folder");
    for option in
        ["--cluster=prod", "--service=x", "--definitions=inline", "--images", "--environment", "--attributes=all"]
    {
        let (code, _, error) = init(home.path(), &["--ecspresso", "ecspresso.yml", option]);
        assert_eq!(code, Some(2), "{option}: {error}");
        assert!(error.contains("cannot be used with"), "{option}: {error}");
    }
}

/// What is written beside the files of a service that runs as they say is in sync with it.
#[tokio::test]
async fn a_dry_run_of_what_was_written_is_silent() {
    let (_, observed) = stock(&Shared::still(fargate()), &scope(&[])).await;
    let desk = Desk::new(fargate()).await;
    for name in ["Web_Front", "api", "worker"] {
        project(&observed, name, &desk.home.path().join(name));
    }
    let said = desk.run("portolan init --ecspresso Web_Front/ecspresso.yml --ecspresso api/ecspresso.yml --ecspresso worker/ecspresso.yml > portolan.yaml").await;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let said = desk.run("portolan reconcile -f portolan.yaml --dry-run --strict").await;
    // The address of a machine beside the tasks is registered: a note, no difference.
    assert!(said.stdout.ends_with("\nIn sync. Checked 6 objects; no changes needed.\n"), "{}", said.stdout);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
}

/// The files of ecspresso for a service as it runs.
pub(super) fn project(observed: &Observed, name: &str, folder: &Path) {
    let id = ServiceId { cluster: "prod".to_owned(), name: name.to_owned() };
    let Seen::Present(live) = observed.service(&id) else { panic!("{name}") };
    let Seen::Present(definition) = observed.task_definition(&live.task_definition) else { panic!("{name}") };
    let network = live.network.as_ref().expect("a network");
    let subnets: Vec<String> = network.subnets.iter().map(ToString::to_string).collect();
    let groups: Vec<String> = network.security_groups.iter().map(ToString::to_string).collect();
    let wired = live.load_balancers.iter().map(|entry| {
        let arn = entry.target_group.as_ref().map(ToString::to_string);
        json!({"targetGroupArn": arn, "containerName": entry.container, "containerPort": entry.container_port})
    });
    let awsvpc = json!({"subnets": subnets, "securityGroups": groups, "assignPublicIp": "DISABLED"});
    let service = json!({
        "desiredCount": live.desired_count,
        "launchType": "FARGATE",
        "platformVersion": "LATEST",
        "propagateTags": "NONE",
        "placementStrategy": [],
        "deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 200},
        "networkConfiguration": {"awsvpcConfiguration": awsvpc},
        "loadBalancers": wired.collect::<Vec<_>>(),
    });
    let task = serde_json::Value::Object(definition.content.members().clone());
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join("ecs-service-def.json"), service.to_string()).expect("a file");
    fs::write(folder.join("ecs-task-def.json"), task.to_string()).expect("a file");
    let text = format!(
        "region: eu-west-1\ncluster: prod\nservice: {name}\nservice_definition: ecs-service-def.json\n\
         task_definition: ecs-task-def.json\ntimeout: 10m0s\n"
    );
    fs::write(folder.join("ecspresso.yml"), text).expect("a file");
}
