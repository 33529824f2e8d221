//! Sound worlds of the sandbox: the real SDK reads them, and what is written about them has nothing to do.

use std::fs;
use std::path::{Path, PathBuf};

use portolan::aws::{Clients, Reader, in_process};
use portolan::init::{Written, write};
use portolan::model::{Desired, Observed, Scope};
use portolan::pass::take_stock;
use portolan::report::text::Paint;
use portolan::sandbox::{Shared, World, world_file};
use portolan::status::{self, table};
use portolan::survey::Depth;

use super::{enforced, left, now, read_back};
use crate::folder;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/init")
}

/// A world out of its file.
pub fn load(path: &Path) -> World {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    world_file::load(&path.display().to_string(), &text).unwrap_or_else(|error| panic!("{error}"))
}

/// The world of a folder that may be a difference from a base fleet.
pub fn load_folder(folder: &Path) -> World {
    let world = folder::open(folder).world.unwrap_or_else(|| panic!("{}: it has no world", folder.display()));
    world_file::load(&folder.display().to_string(), &world).unwrap_or_else(|error| panic!("{error}"))
}

/// Clients that talk to a world in this process.
pub fn clients(shared: &Shared) -> Clients {
    let region = shared.world().region().to_owned();
    let answering = shared.clone();
    Clients::new(&in_process::config(&region, move |request| answering.answer(request))).expect("a region")
}

/// What the cluster `prod`, or some services of it, looks like.
pub fn scope(services: &[&str]) -> Scope {
    let services = services.iter().map(|name| (*name).to_owned()).collect();
    Scope { clusters: ["prod".to_owned()].into(), services }
}

/// The bare fleet and its reading.
pub async fn stock(shared: &Shared, scope: &Scope) -> (Desired, Observed) {
    let clients = clients(shared);
    let reader = Reader::new(&clients);
    take_stock(&reader, scope, clients.region(), Depth::Manifest).await.unwrap_or_else(|errors| panic!("{errors:?}"))
}

async fn written(world: World, services: &[&str]) -> (Written, Observed) {
    let (outline, observed) = stock(&Shared::still(world), &scope(services)).await;
    (write(&outline, &observed, None, now()), observed)
}

/// Both as one file and as a file for each service.
fn is_in_sync(written: &Written, observed: &Observed) {
    let text = written.text();
    assert_eq!(left(&enforced(read_back(&text), observed)), [""; 0], "{text}");
    assert_eq!(observed.gaps, [].into());
    let all: Vec<String> = written.files().into_values().collect();
    assert_eq!(read_back(&all.join("---\n")), read_back(&text));
}

#[tokio::test(start_paused = true)]
async fn sound_worlds_are_written_as_they_stand() {
    for name in ["fargate", "instances", "network", "rules"] {
        let path = root().join(format!("{name}/world.yaml"));
        let (written, observed) = written(load(&path), &[]).await;
        insta::assert_snapshot!(name, written.text());
        is_in_sync(&written, &observed);
    }
}

/// The sound worlds of tracing: whatever else is peculiar about them, there is nothing to do for what `init` writes.
#[tokio::test(start_paused = true)]
async fn sound_worlds_are_in_sync_with_what_is_written_of_them() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for folder in folder::all("worlds") {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.starts_with("sound-") {
            continue;
        }
        let (written, observed) = written(load_folder(&folder), &[]).await;
        let text = written.text();
        let left = left(&enforced(read_back(&text), &observed));
        if left != [""; 0] {
            wrong.push(format!("{name}:\n  {}", left.join("\n  ")));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn one_service_brings_those_that_share_a_target_group_with_it_and_no_other() {
    let path = root().join("rules/world.yaml");
    let (written, observed) = written(load(&path), &["canary"]).await;
    let objects: Vec<String> = written.documents.iter().map(|document| document.object.to_string()).collect();
    assert_eq!(objects, ["Fleet/prod", "Service/canary", "TargetGroup/canary"]);
    is_in_sync(&written, &observed);
}

#[tokio::test(start_paused = true)]
async fn the_harbour_is_in_sync_after_its_repair() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/demo/world.yaml");
    let shared = Shared::still(load(&path));
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/harbour/fleet.yaml"));
    let desired = read_back(&manifest.expect("the harbour's manifest"));
    let clients = clients(&shared);
    let look = portolan::pass::look(&desired, &Reader::new(&clients), &Default::default(), now()).await;
    let look = look.unwrap_or_else(|errors| panic!("{errors:?}"));
    insta::assert_snapshot!("status_of_the_broken_harbour", shown(&desired, &look.observed, Some(&look.plan)));
    let stop = tokio_util::sync::CancellationToken::new();
    let writer = portolan::aws::Writer::new(&clients);
    let outcome = portolan::apply::apply(&look.plan, &writer, portolan::apply::DEFAULT_LIMIT, &stop, |_| {}).await;
    assert_eq!(outcome.results.len(), look.plan.steps.len());
    shared.world().advance(jiff::SignedDuration::from_mins(10));

    let (outline, observed) = stock(&shared, &scope(&[])).await;
    let written = write(&outline, &observed, None, now());
    is_in_sync(&written, &observed);
    insta::assert_snapshot!("status_of_the_repaired_harbour", shown(&outline, &observed, None));
}

fn shown(desired: &Desired, observed: &Observed, plan: Option<&portolan::plan::Plan>) -> String {
    status::text::render(&table(desired, observed, plan), Paint::Off)
}
