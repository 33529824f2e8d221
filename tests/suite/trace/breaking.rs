//! Every folder of `tests/breaking` is a fleet on the sandbox that is sound, and a manifest that would break a path, or means
//! to: `plan.txt` is what a dry run shows. That the block is right is proved by doing it all the same: `expect` says how a
//! request fares `before`, `after` the plan, and after the `forced` one.

use std::fs;
use std::path::{Path, PathBuf};

use portolan::pass;
use portolan::report::text::{Paint, render};
use portolan::trace::{Path as Traced, Trace, Verdict, trace};
use serde::Deserialize;

use super::stage::{self, Codes, Request, Stage, everything};
use crate::folder;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    /// Told in the manifest as well.
    #[expect(dead_code, reason = "for people")]
    about: String,
    request: Request,
    before: Option<Codes>,
    after: Option<Codes>,
    forced: Option<Codes>,
    /// Forced, requests are answered all the same, because the load balancer fails open.
    #[serde(default)]
    ill: bool,
}

fn answers(stage: &Stage, request: &Request, wanted: Option<&Codes>, when: &str) -> Result<(), String> {
    let (found, wanted) = (stage.answers(request), Codes::set(wanted));
    if found == wanted { Ok(()) } else { Err(format!("{when}: {found:?}, not {wanted:?}")) }
}

/// Paths that were sound and are broken, by the most obvious comparison.
fn lost(before: &Trace, after: &Trace) -> Vec<String> {
    let sound = |path: &&Traced| path.verdict() == Verdict::Reachable;
    let of = |path: &Traced| (path.name.service.clone(), path.name.target_group.clone());
    let is_lost = |path: &&Traced| {
        let mut later = after.paths.iter().filter(|later| of(later) == of(path));
        later.any(|later| matches!(later.verdict(), Verdict::Broken | Verdict::Standby))
    };
    before.paths.iter().filter(sound).filter(is_lost).map(|path| path.name.to_string()).collect()
}

/// The paths that carrying a plan out would cost, by its planned state.
async fn price(stage: &Stage, look: &pass::Look) -> Vec<String> {
    let around = stage.around(look).await;
    let before = trace(&stage.desired, &around, &everything(), stage.now());
    let later = pass::after(&look.plan.steps, &around);
    lost(&before, &trace(&stage.desired, &later, &everything(), stage.now()))
}

async fn examine(folder: &Path) -> Result<(), String> {
    let expect: Expect = stage::expect(folder)?;
    let stage = Stage::open(folder)?;
    answers(&stage, &expect.request, expect.before.as_ref(), "before")?;
    let look = stage.look(false).await?;
    shows(folder, &stage, &look)?;
    let is_meant = folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("meant-"));
    let lost = price(&stage, &look).await;
    if lost.is_empty() == is_meant {
        return Err(format!("the plan costs {lost:?}"));
    }
    stage.carry_out(&look.plan).await.map_err(|why| format!("not applied: {why}"))?;
    answers(&stage, &expect.request, expect.after.as_ref(), "after the plan")?;

    let stage = Stage::open(folder)?;
    let look = stage.look(true).await?;
    let told = look.plan.findings.iter().any(|finding| finding.what.contains("is forced"));
    if told == is_meant {
        return Err(format!("forced, the plan notes {:?}", look.plan.findings));
    }
    stage.carry_out(&look.plan).await.map_err(|why| format!("not forced: {why}"))?;
    answers(&stage, &expect.request, expect.forced.as_ref(), "after the forced plan")?;
    let traced = stage.trace().await?;
    let mut found = traced.paths.iter().flat_map(Traced::findings).flat_map(|finding| &finding.codes);
    let is_ill = found.any(|code| code.to_string() == "M55");
    // Where older tasks answer all the same, capacity is what is lost.
    let is_answered = Codes::set(expect.forced.as_ref()) == [Some(200)].into();
    let is_lost = traced.paths.iter().any(|path| {
        matches!(path.verdict(), Verdict::Broken | Verdict::Standby) || (is_answered && path.is_degraded())
    });
    if expect.ill != is_ill || !is_lost {
        return Err(format!("after the forced plan it fails open: {is_ill}, and is {}", traced.verdict().as_str()));
    }
    Ok(())
}

/// The text of the dry run.
fn shows(folder: &Path, stage: &Stage, look: &pass::Look) -> Result<(), String> {
    let report = look.clone().into_report(&stage.desired, None, Default::default());
    let text = render(&report, Paint::Off);
    let path = folder.join("plan.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &text).map_err(|error| error.to_string())?;
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    if text == wanted { Ok(()) } else { Err(format!("UPDATE_EXPECT=1 writes plan.txt:\n{text}")) }
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_would_break_a_sound_path_is_blocked_and_what_is_meant_is_not() {
    let folders: Vec<PathBuf> = folder::all("breaking");
    let mut wrong = Vec::new();
    for folder in &folders {
        if let Err(why) = examine(folder).await {
            wrong.push(format!("=== {}: {why}", folder.display()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), folders.len(), wrong.join("\n"));
}
