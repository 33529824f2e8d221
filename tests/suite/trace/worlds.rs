//! Every folder of `tests/worlds` is a fleet on the sandbox, broken in one way: `world` is what stands, `manifest` what is declared,
//! both as differences from a base fleet (`folder.rs`), and `expect` what trace must say. The real reader reads it through the real SDK. Where a plan can mend
//! it, it is carried out, and ten virtual minutes later the path must be reachable and a request answered.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use portolan::model::Observed;
use portolan::pass::{self, Look};
use portolan::plan::plan;
use portolan::report::text::{Paint, render_trace};
use portolan::trace::{Path as Traced, Trace, Verdict, trace};
use serde::Deserialize;

use super::stage::{self, Codes, Request, Stage, everything};
use crate::folder;

/// `expect`; other keys are the sandbox's own.
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
    /// Every request is answered, and the finding is there.
    degraded: bool,
}

fn check(expect: &Expect, traced: &Trace) -> Result<(), String> {
    if expect.sound && !expect.unproven {
        let is_sound = |path: &&Traced| path.verdict() == Verdict::Reachable && path.findings().next().is_none();
        let wrong: Vec<String> = traced.paths.iter().filter(|path| !is_sound(path)).map(show).collect();
        return if wrong.is_empty() { Ok(()) } else { Err(format!("a sound world:\n{}", wrong.join("\n"))) };
    }
    if expect.degraded {
        let wrong: Vec<String> =
            traced.paths.iter().filter(|path| path.verdict() != Verdict::Reachable).map(show).collect();
        if !wrong.is_empty() {
            return Err(format!("not every request is answered:\n{}", wrong.join("\n")));
        }
    }
    let wanted = if expect.unproven { Verdict::Unknown } else { Verdict::Broken };
    let broken: Vec<&Traced> = traced
        .paths
        .iter()
        .filter(|path| if expect.degraded { path.is_degraded() } else { path.verdict() == wanted })
        .collect();
    let Some(first) = broken.first() else {
        return Err(format!("nothing is broken:\n{}", traced.paths.iter().map(show).collect::<String>()));
    };
    let hop = first.hops.iter().find(|hop| !hop.findings.is_empty()).map(|hop| hop.id.as_str()).unwrap_or_default();
    let named: Vec<String> =
        first.findings().next().into_iter().flat_map(|found| &found.codes).map(ToString::to_string).collect();
    let wanted: BTreeSet<&String> = expect.codes.iter().collect();
    let allowed: BTreeSet<&String> = wanted.iter().copied().chain(&expect.companions).collect();
    let others: Vec<String> = broken
        .iter()
        .flat_map(|path| path.findings())
        .filter(|found| {
            let codes: Vec<String> = found.codes.iter().map(ToString::to_string).collect();
            codes.is_empty() || codes.iter().any(|code| !allowed.contains(code))
        })
        .map(|found| format!("{:?} {}", found.codes, found.name))
        .collect();
    if hop == expect.hop && named.iter().collect::<BTreeSet<_>>() == wanted && others.is_empty() {
        return Ok(());
    }
    let paths: String = traced.paths.iter().map(show).collect();
    Err(format!("expected {} {:?}, found {hop} {named:?}, unexpected {others:?}\n{paths}", expect.hop, expect.codes))
}

/// What a dry run shows: the step that mends it tells the finding, no repair is held back for a path that is broken anyway,
/// and the state that the plan would make is not broken.
fn check_plan(stage: &Stage, expect: &Expect, look: &Look, around: &Observed) -> Result<(), String> {
    let bare = plan(&stage.desired, &look.observed, &Default::default(), stage.now());
    if look.plan.steps != bare.steps || look.plan.blocked != bare.blocked {
        return Err(format!("held back for a path: {:#?}", look.plan.blocked));
    }
    let told: BTreeSet<BTreeSet<&String>> =
        look.plan.mends.values().flatten().map(|mend| mend.codes.iter().collect()).collect();
    let wanted: BTreeSet<&String> = expect.codes.iter().collect();
    if told.contains(&wanted) != (expect.mends && !expect.sound) {
        return Err(format!("the plan tells of {told:?}"));
    }
    let later = pass::after(&look.plan.steps, around);
    let planned = trace(&stage.desired, &later, &everything(), stage.now());
    if expect.mends && planned.verdict() == Verdict::Broken {
        return Err(format!("in the planned state:\n{}", planned.paths.iter().map(show).collect::<String>()));
    }
    Ok(())
}

async fn check_mended(stage: &Stage, expect: &Expect, look: &Look) -> Result<(), String> {
    if !expect.mends {
        return Ok(());
    }
    stage.carry_out(&look.plan).await.map_err(|why| format!("not applied: {why}"))?;
    let traced = stage.trace().await?;
    if traced.verdict() != Verdict::Reachable {
        return Err(format!("after the repair:\n{}", traced.paths.iter().map(show).collect::<String>()));
    }
    let Some(request) = &expect.request else { return Ok(()) };
    let (answered, wanted) = (stage.answers(request), Codes::set(expect.after.as_ref()));
    if answered == wanted { Ok(()) } else { Err(format!("after the repair: {answered:?}, not {wanted:?}")) }
}

fn show(path: &Traced) -> String {
    let mut text = format!(
        "  {}/{} {} → {}: {}; {:?} {}\n",
        path.name.service.as_deref().unwrap_or("-"),
        path.name.port.as_deref().unwrap_or("-"),
        path.name.load_balancer.as_deref().unwrap_or("-"),
        path.name.target_group,
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
    folder::all("worlds")
}

async fn examine(folder: &Path) -> Result<(), String> {
    let (stage, expect) = (Stage::open(folder)?, stage::expect(folder)?);
    let look = stage.look(false).await?;
    let around = stage.around(&look).await;
    check(&expect, &trace(&stage.desired, &around, &everything(), stage.now()))?;
    check_plan(&stage, &expect, &look, &around)?;
    check_mended(&stage, &expect, &look).await
}

#[tokio::test(start_paused = true)]
async fn every_world_is_traced_to_its_broken_hop_and_mended_where_a_plan_can() {
    let folders = folders();
    let mut wrong = Vec::new();
    for folder in &folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Err(why) = examine(folder).await {
            wrong.push(format!("=== {name}: {why}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} worlds:\n{}", wrong.len(), folders.len(), wrong.join("\n"));
}

/// What a world does not mention is sound: else its findings would be about more than the world is.
#[tokio::test(start_paused = true)]
async fn every_base_fleet_is_sound() {
    let mut wrong = Vec::new();
    for fleet in folder::all("fleets").iter().filter(|fleet| folder::open(fleet).world.is_some()) {
        let stage = Stage::open(fleet).unwrap_or_else(|why| panic!("{why}"));
        let look = stage.look(false).await.unwrap_or_else(|why| panic!("{why}"));
        let traced = stage.trace().await.unwrap_or_else(|why| panic!("{why}"));
        let is_sound = Expect { sound: true, ..Expect::default() };
        wrong.extend(check(&is_sound, &traced).err().map(|why| format!("{}: {why}", fleet.display())));
        wrong.extend((!look.plan.steps.is_empty()).then(|| format!("{}: {:#?}", fleet.display(), look.plan.steps)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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

/// The load balancer's group is allowed nowhere, and nothing is missing: drift says the same as trace.
#[tokio::test(start_paused = true)]
async fn nodes_that_are_allowed_by_address_need_no_rule_for_their_group() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worlds/sound-nlb-nodes-by-address-with-a-group");
    let stage = Stage::open(&folder).unwrap_or_else(|why| panic!("{why}"));
    let look = stage.look(false).await.unwrap_or_else(|why| panic!("{why}"));
    assert!(look.plan.steps.is_empty() && look.plan.blocked.is_empty(), "{:#?}", look.plan);
    let remarks: Vec<&str> = look.plan.findings.iter().map(|finding| finding.what.as_str()).collect();
    let [remark] = remarks[..] else { panic!("{remarks:?}") };
    let end = "rules already allow the addresses of the load balancer's nodes, 10.0.0.4, 10.0.1.4";
    assert!(remark.ends_with(end), "{remark}");
    let calls = || stage.clients.calls().snapshot();
    assert_eq!(calls().get("ec2:DescribeNetworkInterfaces"), Some(&1));
    assert_eq!(calls().get("elasticloadbalancing:DescribeTargetGroupAttributes"), Some(&1));
    // Tracing asks for the interfaces of the targets alone.
    stage.around(&look).await;
    assert_eq!(calls().get("ec2:DescribeNetworkInterfaces"), Some(&2));
    assert_eq!(calls().get("elasticloadbalancing:DescribeTargetGroupAttributes"), Some(&1));
}

#[tokio::test(start_paused = true)]
async fn a_closed_group_reads_like_this() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worlds/m01-task-group-closed");
    let stage = Stage::open(&folder).unwrap_or_else(|why| panic!("{why}"));
    let traced = stage.trace().await.unwrap_or_else(|why| panic!("{why}"));
    let text = render_trace(&traced, &BTreeSet::new(), Paint::Off);
    insta::assert_snapshot!(text);
}
