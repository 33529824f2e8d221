//! `init` and `status` as people type them: the binary against a sandbox behind a port.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use portolan::sandbox::server::Server;
use portolan::sandbox::{Shared, World};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::worlds::{load, scope, stock};

pub(super) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn fargate() -> World {
    load(&root().join("tests/init/fargate/world.yaml"))
}

/// What one command said.
pub(super) struct Said {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Said {
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    pub(super) fn last(&self) -> &str {
        self.stderr.lines().last().unwrap_or_default()
    }
}

/// A folder, and a world behind a port for as long as this stands.
pub(super) struct Desk {
    pub(super) home: TempDir,
    endpoint: String,
    _stop: oneshot::Sender<()>,
}

impl Desk {
    pub(super) async fn new(world: World) -> Self {
        let server = Server::bind(0, world, 0.0).await.expect("a free port");
        let endpoint = format!("http://{}", server.address().expect("an address"));
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(server.serve(async move {
            let _ = stopped.await;
        }));
        Self { home: TempDir::new().expect("a folder"), endpoint, _stop: stop }
    }

    /// Runs a line of a page, pipes and redirections included.
    pub(super) async fn run(&self, line: &str) -> Said {
        let binary = Path::new(env!("CARGO_BIN_EXE_portolan")).parent().expect("a folder").to_owned();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", line]).current_dir(self.home.path()).env_clear().envs([
            ("PATH", format!("{}:/usr/bin:/bin", binary.display())),
            ("HOME", self.home.path().display().to_string()),
            ("AWS_ENDPOINT_URL", self.endpoint.clone()),
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]);
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("a thread").expect("a shell");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Said { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    #[track_caller]
    pub(super) fn files(&self, folder: &str) -> Vec<String> {
        let list = fs::read_dir(self.home.path().join(folder)).expect("a folder");
        let mut names: Vec<String> =
            list.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

#[tokio::test]
async fn every_command_of_the_page_on_adopting_does_what_it_says() {
    let desk = Desk::new(fargate()).await;
    let (_, observed) = stock(&Shared::still(fargate()), &scope(&[])).await;
    super::ecspresso::project(&observed, "worker", desk.home.path());
    let page = fs::read_to_string(root().join("docs/adopting.md")).expect("the page");
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let lines = |text: &str| -> Vec<String> {
        text.lines()
            .filter_map(|line| line.strip_prefix("$ portolan "))
            .map(|rest| format!("portolan {rest}"))
            .collect()
    };
    let adoption = readme.split("## Adopt an existing cluster").nth(1).expect("the README shows adoption");
    let adoption = lines(adoption.split("\n## ").next().unwrap_or_default());
    assert_eq!(adoption.len(), 2, "two lines");
    let commands = lines(&page);
    assert!(commands.len() >= 6, "{commands:?}");
    for command in adoption.iter().chain(&commands) {
        let said = desk.run(command).await;
        assert_eq!(said.code, Some(0), "$ {command}\n{}\n{}", said.stdout, said.stderr);
    }
}

#[tokio::test]
async fn init_writes_what_a_dry_run_finds_in_sync() {
    let desk = Desk::new(fargate()).await;
    let said = desk.run("portolan init --cluster prod > fleet.yaml").await;
    assert_eq!((said.code, said.last()), (Some(0), "portolan: wrote 7 documents; in sync (exit 0)"));
    let said = desk.run("portolan reconcile -f fleet.yaml --dry-run --strict").await;
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), "In sync. Checked 6 objects; no changes needed.\n"));
    let json = desk.run("portolan init --cluster prod -o json").await.json();
    let text = fs::read_to_string(desk.home.path().join("fleet.yaml")).expect("the manifest");
    assert_eq!((json["schemaVersion"].as_u64(), json["manifest"].as_str()), (Some(1), Some(text.as_str())));
    assert_eq!((json["left"].as_array().map(Vec::len), json["gaps"].as_array().map(Vec::len)), (Some(0), Some(0)));
    let changing = |call: &String| !["Describe", "List", "Get"].iter().any(|word| call.contains(word));
    let calls = json["calls"].as_object().expect("calls");
    assert_eq!(calls.keys().filter(|call| changing(call)).count(), 0, "init only reads");
}

#[tokio::test]
async fn a_folder_gets_a_file_for_each_service_and_keeps_what_it_has() {
    let desk = Desk::new(fargate()).await;
    let said = desk.run("portolan init --cluster prod --split fleet").await;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let names = ["api.yaml", "fleet.yaml", "web-front.yaml", "worker.yaml"];
    assert_eq!(desk.files("fleet"), names);
    assert_eq!(said.stdout.lines().collect::<Vec<_>>(), names.map(|name| format!("fleet/{name}")));
    assert_eq!(desk.run("portolan drift -f fleet --strict").await.code, Some(0));

    fs::remove_file(desk.home.path().join("fleet/api.yaml")).expect("it goes");
    let said = desk.run("portolan init --cluster prod --split fleet").await;
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("exist already"), "{}", said.stderr);
    assert_eq!(desk.files("fleet"), names[1..], "and nothing is made beside them");
}

#[tokio::test]
async fn whole_definitions_are_in_sync_inline_and_in_files() {
    let desk = Desk::new(fargate()).await;
    let said = desk.run("portolan init --cluster prod --definitions inline --images --environment > fleet.yaml").await;
    assert_eq!((said.code, said.last()), (Some(0), "portolan: wrote 7 documents; in sync (exit 0)"));
    let text = fs::read_to_string(desk.home.path().join("fleet.yaml")).expect("the manifest");
    assert!(text.contains("\n    containerDefinitions:\n"), "{text}");
    assert_eq!(desk.run("portolan drift -f fleet.yaml --strict").await.code, Some(0));

    let said = desk.run("portolan init --cluster prod --definitions files --split fleet").await;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let names = [
        "api.task-definition.json",
        "api.yaml",
        "fleet.yaml",
        "web-front.task-definition.json",
        "web-front.yaml",
        "worker.task-definition.json",
        "worker.yaml",
    ];
    assert_eq!(desk.files("fleet"), names);
    assert_eq!(desk.run("portolan drift -f fleet --strict").await.code, Some(0));
    let said = desk
        .run("sed -i 's/\"family\"/\"ephemeralStorage\": {\"sizeInGiB\": 50}, &/' fleet/api.task-definition.json")
        .await;
    assert_eq!(said.code, Some(0));
    let said = desk.run("portolan drift -f fleet").await;
    assert_eq!(said.code, Some(1), "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("taskDefinition.ephemeralStorage.sizeInGiB"), "{}", said.stdout);
}

#[tokio::test]
async fn gaps_are_named_and_strict_makes_an_exit_code_of_them() {
    let mut world = fargate();
    world.settings.denied = ["elasticloadbalancing:DescribeRules".to_owned()].into();
    let desk = Desk::new(world).await;
    for (options, code) in [("", 0), ("--strict", 3)] {
        let said = desk.run(&format!("portolan init --cluster prod {options}")).await;
        assert_eq!(said.code, Some(code), "{}", said.stderr);
        assert!(said.last().starts_with("portolan: incomplete: wrote 7 documents; "), "{}", said.last());
        assert!(said.stdout.contains("# Could not be read: elasticloadbalancing:DescribeRules"), "{}", said.stdout);
        let said = desk.run(&format!("portolan status --cluster prod {options}")).await;
        assert_eq!(said.code, Some(code), "{}", said.stderr);
        let traced = desk.run(&format!("portolan trace --cluster prod {options}")).await;
        assert_eq!(traced.code, Some(code), "what was not read breaks nothing: {}", traced.stdout);
        assert!(
            said.stdout.contains("Could not be read:\n  ? elasticloadbalancing:DescribeRules of "),
            "{}",
            said.stdout
        );
    }
}

#[tokio::test]
async fn status_needs_no_file_and_with_one_it_compares() {
    let desk = Desk::new(fargate()).await;
    let said = desk.run("portolan status --cluster prod").await;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    insta::assert_snapshot!("status_by_cluster", said.stdout);
    desk.run("portolan init --cluster prod > fleet.yaml").await;
    let said = desk.run("portolan status -f fleet.yaml -o json").await;
    assert_eq!((said.code, said.last()), (Some(0), "portolan: in-sync: 3 of 3 (exit 0)"));
    let json = said.json();
    assert_eq!((json["schemaVersion"].as_u64(), json["verdict"].as_str()), (Some(1), Some("in-sync")));
    let first = &json["services"][0];
    assert_eq!(
        (first["name"].as_str(), first["inSync"].as_str(), first["reachable"].as_str()),
        (Some("prod/Web_Front"), Some("yes"), Some("yes"))
    );
    desk.run("sed -i 's/desiredCount: 2/desiredCount: 5/' fleet.yaml").await;
    let said = desk.run("portolan status -f fleet.yaml").await;
    assert_eq!(said.code, Some(1), "{}", said.stdout);
    assert!(said.stdout.contains("prod/Web_Front  no "), "{}", said.stdout);
    let said = desk.run("portolan status --cluster prod -o json").await;
    assert_eq!((said.code, said.json()["verdict"].is_null()), (Some(0), true));
}

#[tokio::test]
async fn questions_without_an_answer_are_errors() {
    let desk = Desk::new(fargate()).await;
    for (line, words) in [
        ("portolan init --cluster staging", "clusters: prod"),
        ("portolan init --cluster prod --service nobody", "services: Web_Front, api, worker"),
        ("portolan init --cluster prod -f fleet.yaml", "-f"),
        ("portolan init", "--cluster"),
        ("portolan init --cluster prod --service test/api", "that no --cluster names"),
        ("portolan init --cluster prod --images", "add --definitions inline"),
        ("portolan init --cluster prod --environment", "add --definitions inline"),
        ("portolan init --cluster prod --definitions files", "add --split DIR"),
        ("portolan init --cluster prod --definitions whole", "inline"),
        ("portolan status", "status --cluster prod"),
        ("portolan status --cluster staging", "clusters: prod"),
        ("portolan -f . status --cluster prod", "-f and --cluster cannot be combined"),
    ] {
        let said = desk.run(line).await;
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "$ {line}\n{}", said.stderr);
        assert!(said.stderr.contains(words), "$ {line}\n{}", said.stderr);
    }
}
