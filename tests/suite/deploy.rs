//! The files of `docs/deploy` are what their readers take: every command line parses, units, task definitions and
//! dashboards are sound, and nothing in them runs with more rights than it needs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod metrics;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use clap::Parser;
use portolan::cli::args::{Cli, Verb};
use serde_json::Value;
use tempfile::TempDir;

use crate::moto;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn folder() -> PathBuf {
    root().join("docs/deploy")
}

/// All files, those of the events left out: `events.rs` holds them.
fn files() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.is_dir() {
                true if entry.ends_with("events") => {}
                true => walk(&entry, found),
                false => found.push(entry),
            }
        }
    }
    let mut found = Vec::new();
    walk(&folder(), &mut found);
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documents of a YAML or JSON file; none of any other.
fn documents(path: &Path) -> Vec<Value> {
    let text = read(path);
    let wrong = |error: String| -> Vec<Value> { panic!("{}: {error}", path.display()) };
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => vec![serde_json::from_str(&text).unwrap_or_else(|error| wrong(error.to_string()).remove(0))],
        Some("yaml") => serde_saphyr::from_multiple(&text).unwrap_or_else(|error| wrong(error.to_string())),
        _ => Vec::new(),
    }
}

fn of(name: &str) -> Value {
    documents(&folder().join(name)).remove(0)
}

/// Runs a script of `tests/deploy` in the environment of the tests.
fn python(script: &str, words: &[&str], input: &str) -> Output {
    let mut command = Command::new(moto::environment().join("bin/python"));
    command.arg(root().join("tests/deploy").join(script)).args(words).env("PYTHONDONTWRITEBYTECODE", "1");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// What the script says; it must be content.
#[track_caller]
fn agrees(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn every_file_parses() {
    let is_data = |path: &PathBuf| path.extension().is_some_and(|end| end == "yaml" || end == "json");
    let empty: Vec<_> = files().into_iter().filter(is_data).filter(|path| documents(path).is_empty()).collect();
    assert!(empty.is_empty(), "nothing is in {empty:?}");
}

/// Words as a shell would split them, up to a pipe or a redirection.
fn words(line: &str) -> Vec<String> {
    let words = line.split_whitespace().take_while(|word| !word.contains(['|', '>']));
    words.map(|word| word.trim_matches('"').to_owned()).collect()
}

/// Command lines in a line of text: what begins with the binary, by its path or by its name.
fn commands_in(line: &str) -> Option<Vec<String>> {
    let at = line.find("portolan drift ").or_else(|| line.find("portolan run "))?;
    (!line.trim_start().starts_with('#')).then(|| words(&line[at..]))
}

/// Command lines of containers: `command` on ECS, `args` on Kubernetes, beside an image of Portolan.
fn commands_of(value: &Value, found: &mut Vec<Vec<String>>) {
    if value["image"].as_str().is_some_and(|image| image.starts_with("REGISTRY/portolan")) {
        let words = value["command"].as_array().or(value["args"].as_array()).expect("a command");
        let words = words.iter().map(|word| word.as_str().unwrap().to_owned());
        found.push(std::iter::once("portolan".to_owned()).chain(words).collect());
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| commands_of(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| commands_of(field, found)),
        _ => {}
    }
}

#[test]
fn every_command_line_is_one_that_portolan_takes() {
    let mut found: Vec<(PathBuf, Vec<String>)> = Vec::new();
    for path in files() {
        let text = read(&path);
        let lines = text.lines().map(|line| line.strip_prefix("$ ").unwrap_or(line));
        let is_page = path.extension().is_some_and(|extension| extension == "md");
        let lines = lines.filter(|line| !is_page || text.contains(&format!("$ {line}")));
        found.extend(lines.filter_map(commands_in).map(|words| (path.clone(), words)));
        let mut of_containers = Vec::new();
        documents(&path).iter().for_each(|document| commands_of(document, &mut of_containers));
        found.extend(of_containers.into_iter().map(|words| (path.clone(), words)));
    }
    let mut verbs = (0, 0);
    for (path, words) in &found {
        let parsed =
            Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{}: {words:?}\n{error}", path.display()));
        match parsed.verb {
            Verb::Drift(_) => verbs.0 += 1,
            Verb::Run(_) => verbs.1 += 1,
            other => panic!("{}: {other:?}", path.display()),
        }
    }
    // cron, systemd, ECS, Kubernetes and three steps of GitHub Actions; systemd, ECS and Kubernetes.
    assert!(verbs.0 >= 7 && verbs.1 >= 3, "{verbs:?}: {found:#?}");
}

#[test]
#[expect(clippy::print_stderr, reason = "what is skipped is said")]
fn units_are_sound_and_locked_up() {
    let home = TempDir::new().unwrap();
    let binary = env!("CARGO_BIN_EXE_portolan");
    let mut units = Vec::new();
    for path in files().into_iter().filter(|path| path.parent().is_some_and(|parent| parent.ends_with("systemd"))) {
        let unit = home.path().join(path.file_name().unwrap());
        // The binary has to be there, or that is all that is said.
        fs::write(&unit, read(&path).replace("/usr/local/bin/portolan", binary)).unwrap();
        units.push(unit);
    }
    assert_eq!(units.len(), 3);
    let analyze = |words: &[&str], units: &[PathBuf]| Command::new("systemd-analyze").args(words).args(units).output();
    let Ok(verified) = analyze(&["verify", "--man=no"], &units) else {
        eprintln!("skipped: systemd-analyze is not installed");
        return;
    };
    assert_eq!((verified.status.code(), agrees(&verified).as_str()), (Some(0), ""));
    assert_eq!(String::from_utf8_lossy(&verified.stderr), "");
    let services: Vec<_> =
        units.into_iter().filter(|unit| unit.extension().is_some_and(|kind| kind == "service")).collect();
    let exposed = analyze(&["security", "--offline=true", "--threshold=20"], &services).unwrap();
    let told = String::from_utf8_lossy(&exposed.stdout).into_owned();
    assert!(exposed.status.success(), "more exposed than 2.0 of 10:\n{told}");
}

#[test]
fn the_service_unit_gives_it_the_time_that_it_needs_to_stop() {
    let unit = read(&folder().join("systemd/portolan.service"));
    for line in
        ["TimeoutStopSec=40", "SuccessExitStatus=130 143", "ExecReload=/bin/kill -HUP $MAINPID", "Restart=always"]
    {
        assert!(unit.lines().any(|found| found == line), "{line}");
    }
}

#[test]
fn aws_takes_the_task_definitions_the_service_and_the_schedule() {
    let path = |name: &str| folder().join("ecs").join(name).display().to_string();
    let given = [
        ("ecs", "RegisterTaskDefinition", path("drift-task-definition.json")),
        ("ecs", "RegisterTaskDefinition", path("service-task-definition.json")),
        ("ecs", "CreateService", path("service.json")),
        ("scheduler", "CreateSchedule", path("drift-schedule.json")),
    ];
    let words: Vec<_> =
        given.iter().flat_map(|(service, operation, path)| [*service, *operation, path.as_str()]).collect();
    agrees(&python("parameters.py", &words, ""));
    // And the script is one that refuses.
    let wrong = python("parameters.py", &["ecs", "CreateCluster", &given[2].2], "");
    assert!(!wrong.status.success());
}

#[test]
fn tasks_run_as_a_plain_user_on_a_read_only_root_and_never_twice() {
    for name in ["ecs/drift-task-definition.json", "ecs/service-task-definition.json"] {
        let container = &of(name)["containerDefinitions"][0];
        assert_eq!(container["user"], "65532:65532", "{name}");
        assert_eq!(container["readonlyRootFilesystem"], true, "{name}");
        assert_eq!(container["linuxParameters"]["capabilities"]["drop"][0], "ALL", "{name}");
        assert!(container["environment"].is_null(), "{name}: what is secret belongs into secrets");
    }
    let container = &of("ecs/service-task-definition.json")["containerDefinitions"][0];
    assert!(container["stopTimeout"].as_u64().unwrap() > 30);
    let probe = container["healthCheck"]["command"].as_array().unwrap();
    assert!(probe.iter().any(|word| word == "http://127.0.0.1:9797/healthz"));
    let service = of("ecs/service.json");
    let deployment = &service["deploymentConfiguration"];
    assert_eq!((&deployment["minimumHealthyPercent"], &deployment["maximumPercent"]), (&0.into(), &100.into()));
    assert_eq!(service["desiredCount"], 1);
    assert_eq!(
        service["availabilityZoneRebalancing"], "DISABLED",
        "it would start the second before it stops the first"
    );
}

#[test]
fn pods_run_as_a_plain_user_on_a_read_only_root_and_never_twice() {
    let mut pods = 0;
    for name in ["kubernetes/drift-cronjob.yaml", "kubernetes/service.yaml"] {
        for document in documents(&folder().join(name)) {
            assert!(document["apiVersion"].is_string() && document["metadata"]["name"].is_string());
            let pod = match document["kind"].as_str().unwrap() {
                "CronJob" => {
                    assert_eq!(document["spec"]["concurrencyPolicy"], "Forbid");
                    &document["spec"]["jobTemplate"]["spec"]["template"]["spec"]
                }
                "Deployment" => {
                    assert_eq!(document["spec"]["strategy"]["type"], "Recreate");
                    assert_eq!(document["spec"]["replicas"], 1);
                    let (selector, labels) = (
                        &document["spec"]["selector"]["matchLabels"],
                        &document["spec"]["template"]["metadata"]["labels"],
                    );
                    assert_eq!(selector, labels);
                    let container = &document["spec"]["template"]["spec"]["containers"][0];
                    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/healthz");
                    assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/readyz");
                    assert!(
                        document["spec"]["template"]["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap() > 30
                    );
                    &document["spec"]["template"]["spec"]
                }
                "ServiceAccount" => {
                    assert_eq!(document["automountServiceAccountToken"], false);
                    continue;
                }
                _ => continue,
            };
            pods += 1;
            assert_eq!(pod["automountServiceAccountToken"], false);
            assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
            assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
            let container = &pod["containers"][0]["securityContext"];
            assert_eq!(container["readOnlyRootFilesystem"], true);
            assert_eq!(container["allowPrivilegeEscalation"], false);
            assert_eq!(container["capabilities"]["drop"][0], "ALL");
        }
    }
    assert_eq!(pods, 2);
}

#[test]
fn the_image_is_built_from_what_it_copies_and_runs_as_a_plain_user() {
    let text = read(&root().join("Containerfile"));
    let last = text.split("\nFROM ").last().unwrap();
    for line in ["scratch", "USER 65532:65532", "STOPSIGNAL SIGTERM", "ENTRYPOINT [\"/usr/local/bin/portolan\"]"] {
        assert!(last.lines().any(|found| found == line), "{line}");
    }
    let version = format!("FROM rust:{}-", env!("CARGO_PKG_RUST_VERSION"));
    assert!(text.contains(&version), "{version}");
    // What the build needs is let through to it.
    let ignored = read(&root().join(".dockerignore"));
    for needed in ["Cargo.toml", "Cargo.lock", "crates", "src", "benches", "tests/suite/main.rs"] {
        assert!(ignored.lines().any(|line| line == format!("!{needed}")) && root().join(needed).exists(), "{needed}");
    }
}

#[test]
fn the_workflow_asks_for_no_more_than_it_needs() {
    let workflow = of("github/drift.yaml");
    let rights = workflow["permissions"].as_object().unwrap();
    let rights: Vec<_> = rights.iter().map(|(name, right)| format!("{name} {}", right.as_str().unwrap())).collect();
    assert_eq!(rights, ["contents read", "id-token write", "security-events write"]);
    let steps = workflow["jobs"]["drift"]["steps"].as_array().unwrap();
    let last = steps.last().unwrap();
    assert!(
        last["run"].as_str().unwrap().contains("--strict") && last["continue-on-error"].is_null(),
        "the last decides"
    );
}

/// Scrapers and probes of the files ask by address or ask for a probe, so no host name has to be allowed for them.
#[test]
fn what_the_files_ask_the_endpoint_needs_no_allowed_host() {
    let allowed = portolan::http::host::AllowedHosts::default();
    let scraped = of("prometheus/scrape.yaml");
    let jobs = scraped["scrape_configs"].as_array().unwrap();
    let configs = jobs.iter().flat_map(|job| job["static_configs"].as_array().into_iter().flatten());
    let targets: Vec<_> = configs.flat_map(|config| config["targets"].as_array().unwrap()).collect();
    assert!(
        !targets.is_empty() && targets.iter().all(|target| allowed.allows(target.as_str().unwrap())),
        "{targets:?}"
    );
    // Endpoints are addresses of pods; those of a Service would be names.
    let roles = jobs.iter().flat_map(|job| job["kubernetes_sd_configs"].as_array().into_iter().flatten());
    assert!(roles.map(|config| &config["role"]).all(|role| role == "endpoints"));

    let mut asked = 0;
    for path in files() {
        for url in read(&path).split("http://").skip(1) {
            let url = url.split(['"', '`', ' ', '\n', '>', ')']).next().unwrap();
            let Some((host, path)) = url.split_once('/').filter(|(host, _)| host.ends_with(":9797")) else { continue };
            assert!(allowed.allows(host) || ["healthz", "readyz"].contains(&path), "{url}");
            asked += 1;
        }
    }
    assert!(asked > 0);
}
