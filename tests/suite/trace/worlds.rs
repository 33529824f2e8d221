//! Every folder of `tests/worlds` is a fleet on the sandbox, broken in one way: `world.yaml` is what stands, `manifest.yaml`
//! what is declared, `expect.yaml` what trace must say. The real reader reads it through the real SDK. Where a plan can mend
//! it, it is carried out, and ten virtual minutes later the path must be reachable and a request answered.

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use portolan::apply::apply;
use portolan::aws::{Clients, Reader, Writer, in_process};
use portolan::manifest::{self, Source};
use portolan::model::Desired;
use portolan::pass;
use portolan::plan::Policy;
use portolan::sandbox::{Sent, Shared, world_file};
use portolan::trace::{Asked, Path as Traced, Trace, Verdict, trace};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

/// `expect.yaml`; other keys are the sandbox's own.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Expect {
    hop: String,
    /// The finding that is named first has exactly these codes.
    codes: Vec<String>,
    /// Codes that other findings may have.
    companions: Vec<String>,
    mends: bool,
    request: Option<Request>,
    after: Option<Codes>,
    /// Nothing is wrong.
    sound: bool,
    /// Nothing that can be read proves it: the finding is there, and the hop is unknown.
    unproven: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Request {
    host: String,
    path: String,
    port: u16,
    load_balancer: Option<String>,
}

impl Default for Request {
    fn default() -> Self {
        Self { host: "www.example.com".to_owned(), path: "/".to_owned(), port: 80, load_balancer: None }
    }
}

/// One code, or those that requests get in turn; null: no answer.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Codes {
    One(u16),
    Several(Vec<Option<u16>>),
}

/// A world with its reader.
struct Stage {
    shared: Shared,
    clients: Clients,
    reader: Reader,
    desired: Desired,
    expect: Expect,
}

impl Stage {
    fn open(folder: &Path) -> Result<Self, String> {
        let read = |name: &str| fs::read_to_string(folder.join(name)).map_err(|error| format!("{name}: {error}"));
        let world = world_file::load("world.yaml", &read("world.yaml")?).map_err(|error| error.to_string())?;
        let source = Source { name: "manifest.yaml".to_owned(), text: read("manifest.yaml")? };
        let desired = manifest::load(&[source])
            .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
        let expect = serde_saphyr::from_str(&read("expect.yaml")?).map_err(|error| format!("expect.yaml: {error}"))?;
        let region = world.region().to_owned();
        let shared = Shared::still(world);
        let answering = shared.clone();
        let config = in_process::config(&region, move |request| answering.answer(request));
        let clients = Clients::new(&config).map_err(|error| error.to_string())?;
        Ok(Self { reader: Reader::new(&clients), shared, clients, desired, expect })
    }

    fn now(&self) -> Timestamp {
        self.shared.world().now()
    }

    async fn look(&self) -> Result<pass::Look, String> {
        let look = pass::look(&self.desired, &self.reader, &Policy::default(), self.now()).await;
        look.map_err(|errors| errors.iter().map(|error| error.message.clone()).collect())
    }

    async fn trace(&self) -> Result<Trace, String> {
        let observed = self.look().await?.observed;
        let around = self.reader.surroundings(&self.desired, &observed).await;
        let asked = Asked { is_manifest: true, ..Asked::default() };
        Ok(trace(&self.desired, &observed, &around, &asked, self.now()))
    }

    /// Carries plans out until there is nothing left to do, as `run` would.
    async fn mend(&self) -> Result<(), String> {
        let look = self.look().await?;
        let writer = Writer::new(&self.clients);
        let one = NonZeroUsize::MIN;
        let outcome = apply(&look.plan, &writer, one, &CancellationToken::new(), |_| {}).await;
        let failed: Vec<String> = outcome.results.iter().map(|(id, result)| format!("{id}: {result:?}")).collect();
        let all_done = outcome.results.values().all(|result| matches!(result, portolan::apply::StepResult::Done));
        self.shared.world().advance(SignedDuration::from_mins(10));
        if all_done { Ok(()) } else { Err(failed.join("; ")) }
    }

    fn check(&self, traced: &Trace) -> Result<(), String> {
        if self.expect.sound && !self.expect.unproven {
            let wrong: Vec<String> =
                traced.paths.iter().filter(|path| path.verdict() != Verdict::Reachable).map(show).collect();
            return if wrong.is_empty() { Ok(()) } else { Err(format!("a sound world:\n{}", wrong.join("\n"))) };
        }
        let wanted = if self.expect.unproven { Verdict::Unknown } else { Verdict::Broken };
        let broken: Vec<&Traced> = traced.paths.iter().filter(|path| path.verdict() == wanted).collect();
        let Some(first) = broken.first() else {
            return Err(format!("nothing is broken:\n{}", traced.paths.iter().map(show).collect::<String>()));
        };
        let hop = first.hops.iter().find(|hop| !hop.findings.is_empty()).map(|hop| hop.id.as_str()).unwrap_or_default();
        let named: Vec<String> =
            first.findings().next().into_iter().flat_map(|found| &found.codes).map(ToString::to_string).collect();
        let wanted: BTreeSet<&String> = self.expect.codes.iter().collect();
        let allowed: BTreeSet<&String> = wanted.iter().copied().chain(&self.expect.companions).collect();
        let others: Vec<String> = broken
            .iter()
            .flat_map(|path| path.findings())
            .filter(|found| {
                let codes: Vec<String> = found.codes.iter().map(ToString::to_string).collect();
                codes.is_empty() || codes.iter().any(|code| !allowed.contains(code))
            })
            .map(|found| format!("{:?} {}", found.codes, found.name))
            .collect();
        if hop == self.expect.hop && named.iter().collect::<BTreeSet<_>>() == wanted && others.is_empty() {
            return Ok(());
        }
        let paths: String = traced.paths.iter().map(show).collect();
        Err(format!(
            "expected {} {:?}, found {hop} {named:?}, unexpected {others:?}\n{paths}",
            self.expect.hop, self.expect.codes
        ))
    }

    async fn check_mended(&self) -> Result<(), String> {
        if !self.expect.mends {
            return Ok(());
        }
        self.mend().await.map_err(|why| format!("not applied: {why}"))?;
        let traced = self.trace().await?;
        if traced.verdict() != Verdict::Reachable {
            return Err(format!("after the repair:\n{}", traced.paths.iter().map(show).collect::<String>()));
        }
        let Some(request) = &self.expect.request else { return Ok(()) };
        let mut sent = Sent::get(&request.host, &request.path);
        sent.port = request.port;
        sent.load_balancer.clone_from(&request.load_balancer);
        let wanted: Vec<Option<u16>> = match &self.expect.after {
            None => vec![None],
            Some(Codes::One(code)) => vec![Some(*code)],
            Some(Codes::Several(codes)) => codes.clone(),
        };
        let answered = self.shared.world().request(&sent);
        if wanted.contains(&answered.code) { Ok(()) } else { Err(format!("after the repair: {answered}")) }
    }
}

fn show(path: &Traced) -> String {
    let mut text = format!(
        "  {}/{} {} → {}: {}; {:?} {}\n",
        path.service.as_deref().unwrap_or("-"),
        path.port.as_deref().unwrap_or("-"),
        path.load_balancer.as_deref().unwrap_or("-"),
        path.target_group,
        path.verdict().as_str(),
        path.witness.0,
        path.witness.1
    );
    for hop in &path.hops {
        text.push_str(&format!("    {:<22} {:<8} {}\n", hop.id.as_str(), hop.state.as_str(), hop.evidence));
        for found in &hop.findings {
            let codes: Vec<String> = found.codes.iter().map(ToString::to_string).collect();
            text.push_str(&format!("      {} {}: {}\n", codes.join("|"), found.name, found.evidence));
        }
    }
    text
}

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worlds");
    let complete =
        |path: &PathBuf| ["world.yaml", "manifest.yaml", "expect.yaml"].iter().all(|name| path.join(name).is_file());
    let entries = fs::read_dir(&root).expect("tests/worlds can be listed");
    let mut folders: Vec<PathBuf> =
        entries.map(|entry| entry.expect("an entry of tests/worlds").path()).filter(complete).collect();
    folders.sort();
    folders
}

async fn examine(folder: &Path) -> Result<(), String> {
    let stage = Stage::open(folder)?;
    stage.check(&stage.trace().await?)?;
    stage.check_mended().await
}

#[tokio::test]
async fn every_world_is_traced_to_its_broken_hop_and_mended_where_a_plan_can() {
    let folders = folders();
    assert!(!folders.is_empty());
    let mut wrong = Vec::new();
    for folder in &folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Err(why) = examine(folder).await {
            wrong.push(format!("=== {name}: {why}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} worlds:\n{}", wrong.len(), folders.len(), wrong.join("\n"));
}

/// Unknown is not absent: whichever call is denied, a sound path is sound or unknown, never broken.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_breaks_no_sound_path() {
    let mut wrong = Vec::new();
    for folder in folders().iter().filter(|folder| folder.to_string_lossy().contains("/sound-")).step_by(7) {
        let calls: Vec<String> = {
            let stage = Stage::open(folder).unwrap_or_else(|why| panic!("{why}"));
            let _traced = stage.trace().await;
            stage.clients.calls().snapshot().into_keys().collect()
        };
        for call in calls {
            let stage = Stage::open(folder).unwrap_or_else(|why| panic!("{why}"));
            stage.shared.world().settings.denied = [call.clone()].into();
            let Ok(traced) = stage.trace().await else { continue };
            for path in traced.paths.iter().filter(|path| path.verdict() == Verdict::Broken) {
                wrong.push(format!("{}, {call} denied:\n{}", folder.display(), show(path)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn a_closed_group_reads_like_this() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worlds/m01-task-group-closed");
    let stage = Stage::open(&folder).unwrap_or_else(|why| panic!("{why}"));
    let traced = stage.trace().await.unwrap_or_else(|why| panic!("{why}"));
    let text = portolan::report::text::render_trace(&traced, &BTreeSet::new(), portolan::report::text::Paint::Off);
    insta::assert_snapshot!(text);
}
