//! `portolan reconcile`: one pass, as far as it is allowed to go.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::args::{CommandArgs, Form, Global, Inputs, ReconcileArgs};
use super::exit::Exit;
use super::failure::{Answer, Failure};
use super::follow::Rollouts;
use super::image;
use super::run::Run;
use super::signals::Signals;
use super::terminal::{Terminal, ask, can_ask, note};
use super::wait::{LONGEST_PERIOD, Waited, wait};
use crate::apply::{DEFAULT_LIMIT, Event, Outcome, StepResult, apply};
use crate::aws::Writer;
use crate::manifest::STDIN;
use crate::model::ObjectRef;
use crate::model::owner::MOVED_TAG;
use crate::pass::{Look, awaited};
use crate::plan::{Action, Command, Plan, Planned, Step, Verdict};
use crate::report::text::{render, render_result, render_summary};
use crate::report::{Error, Report};

/// Shows the plan and, with consent, carries it out.
pub async fn reconcile(
    args: &ReconcileArgs,
    inputs: &Inputs,
    global: &Global,
    terminal: Terminal,
    signals: &Signals,
) -> Result<Answer, Failure> {
    let mut run = Run::open(global, terminal, signals, inputs, args.force, &args.only).await?;
    image::set(&mut run.desired, &args.images, run.policy.only.as_ref())?;
    let asks = !args.yes && !args.dry_run && can_ask() && !inputs.files.iter().any(|path| path == STDIN);
    // A yes to a plan that shows such a removal is the consent to it.
    run.policy.prune_serving = args.prune_serving || asks;
    carry_on(args, &run, asks).await
}

/// `portolan rollback` and `portolan restart`: the plan of that alone, shown and asked for as any other.
pub async fn command(
    command: Command,
    args: &CommandArgs,
    inputs: &Inputs,
    global: &Global,
    terminal: Terminal,
    signals: &Signals,
) -> Result<Answer, Failure> {
    let mut run = Run::open(global, terminal, signals, inputs, false, &[]).await?;
    if !run.desired.services.contains_key(command.key()) {
        let known: Vec<&str> = run.desired.services.keys().take(10).map(String::as_str).collect();
        let hint = format!("the manifest has {}", if known.is_empty() { "none".to_owned() } else { known.join(", ") });
        return Err(Failure::new(format!("the manifest declares no service {:?}", command.key()), Some(hint)));
    }
    run.policy.only = Some(BTreeSet::from([ObjectRef::service(command.key())]));
    run.policy.command = Some(command);
    let asks = !args.yes && !args.dry_run && can_ask() && !inputs.files.iter().any(|path| path == STDIN);
    carry_on(&args.as_reconcile(), &run, asks).await
}

/// Everything after the manifest has been read.
async fn carry_on(args: &ReconcileArgs, run: &Run<'_>, asks: bool) -> Result<Answer, Failure> {
    let look = run.look().await?;
    if args.dry_run {
        return Ok(run.answer(&run.report(look, None)));
    }
    let look = if args.yes || look.plan.steps.is_empty() {
        look
    } else if asks {
        match confirm(run, look).await? {
            Consent::Given(look) => look,
            Consent::Refused(look) => return Ok(refused(run, look)),
        }
    } else {
        note("portolan: nothing was applied: without a terminal, confirm with --yes");
        return Ok(run.answer(&run.report(look, None)));
    };
    let report = carry_out(run, look).await;
    if !args.wait {
        return Ok(run.answer(&report));
    }
    let mut rollouts = Rollouts::default();
    let (report, left) = go_on(args, run, report, &mut rollouts).await?;
    let mut report = settle(args, run, report, left, &mut rollouts).await?;
    rollouts.hide();
    report.rollouts = rollouts.reports();
    report.errors.extend(rollouts.errors());
    Ok(run.answer(&report))
}

enum Consent {
    Given(Look),
    Refused(Look),
}

/// Shows the plan and asks. After a yes AWS is read again, and only the plan that was shown is carried out: minutes
/// may have passed.
async fn confirm(run: &Run<'_>, mut look: Look) -> Result<Consent, Failure> {
    while !look.plan.steps.is_empty() {
        let plan = look.plan.clone();
        note(&format!("\n{}", render(&run.report(look.clone(), None), run.terminal.notes)));
        let question = match plan.steps.len() {
            1 => "Apply this step? Only 'yes' is accepted:".to_owned(),
            number => format!("Apply these {number} steps? Only 'yes' is accepted:"),
        };
        let reply = tokio::select! {
            biased;
            () = run.signals.token().cancelled() => {
                return Err(Failure::interrupted(run.signals.exit().unwrap_or(Exit::Interrupted)));
            }
            reply = ask(&question) => reply,
        };
        if reply != "yes" {
            return Ok(Consent::Refused(look));
        }
        look = run.look().await?;
        if is_same(&look.plan, &plan) {
            return Ok(Consent::Given(look));
        }
        note("portolan: the plan has changed since it was shown; here is the new plan");
    }
    Ok(Consent::Given(look))
}

/// Whether two plans would do the same. Reasons are evidence, which may be newer, and bind nobody; so is the time at which
/// a rule or target group says that requests moved.
fn is_same(one: &Plan, other: &Plan) -> bool {
    let untimed = |action: &Action| {
        let mut action = action.clone();
        if let Action::CreateRule { tags, .. } | Action::AddTags { tags, .. } = &mut action {
            tags.remove(MOVED_TAG);
        }
        action
    };
    let same = |(one, other): (&Step, &Step)| {
        let Step { id, action, object, target, summary: _, reason: _, changes, after, redeploys, removes, receivers } =
            one;
        *id == other.id
            && untimed(action) == untimed(&other.action)
            && *object == other.object
            && *target == other.target
            && *changes == other.changes
            && *after == other.after
            && *redeploys == other.redeploys
            && *removes == other.removes
            && *receivers == other.receivers
    };
    one.steps.len() == other.steps.len() && one.steps.iter().zip(&other.steps).all(same)
}

/// People have the plan before their eyes already; programs get the document.
fn refused(run: &Run<'_>, look: Look) -> Answer {
    let report = run.report(look, None);
    let mut answer = run.answer(&report);
    if run.global.outputs.stdout == Form::Text {
        answer.texts.stdout = format!("Nothing was applied. {}\n", render_summary(&report));
    }
    answer
}

/// The only place that makes a writer.
pub async fn carry_out(run: &Run<'_>, look: Look) -> Report {
    if look.plan.steps.is_empty() {
        return run.report(look, Some(Outcome::default()));
    }
    let all = look.plan.steps.len();
    let mut ended = 0_usize;
    let writer = Writer::new(&run.clients);
    let outcome = apply(&look.plan, &writer, DEFAULT_LIMIT, run.signals.token(), |event| match event {
        Event::Started(_) => {}
        Event::Finished(step, result) => {
            ended += 1;
            run.terminal
                .progress(&format!("[{ended}/{all}] {}", render_result(step, result, run.terminal.notes.paint)));
        }
    })
    .await;
    run.report(look, Some(outcome))
}

/// `--wait`: carries out what the first pass could only plan for later, as soon as it may be. Answers the report of the last
/// pass and the time that is left.
async fn go_on(
    args: &ReconcileArgs,
    run: &Run<'_>,
    mut report: Report,
    rollouts: &mut Rollouts,
) -> Result<(Report, Duration), Failure> {
    let end = Instant::now() + args.timeout;
    let left = || end.saturating_duration_since(Instant::now());
    let mut told = Vec::new();
    rollouts.add(run, &report);
    while is_done_so_far(&report) && !report.plan.planned.is_empty() && run.signals.exit().is_none() {
        let missing: Vec<String> = report.plan.planned.iter().map(later).collect();
        if left().is_zero() {
            report.errors = missing.iter().map(|what| timed_out(args.timeout, what)).collect();
            break;
        }
        if missing != told {
            run.terminal.progress(&format!("portolan: waiting to {}", missing.join("; ")));
            told = missing;
        }
        tokio::select! {
            biased;
            () = run.signals.token().cancelled() => break,
            () = sleep(LONGEST_PERIOD.min(left())) => {}
        }
        let look = run.look().await?;
        rollouts.look(run, &look.observed, &BTreeSet::new()).await;
        rollouts.show(run);
        if rollouts.have_failed() {
            // What the first services did not take is not given to the others.
            report = run.report(look, None);
            break;
        }
        rollouts.hide();
        let look = if args.yes || look.plan.steps.is_empty() {
            look
        } else {
            match confirm(run, look).await? {
                Consent::Given(look) => look,
                Consent::Refused(look) => {
                    report = run.report(look, None);
                    break;
                }
            }
        };
        report = carry_out(run, look).await;
        rollouts.add(run, &report);
    }
    Ok((report, left()))
}

fn later(entry: &Planned) -> String {
    let Planned { object, what, because } = entry;
    format!("{what} ({object}): {because}")
}

/// Whether every step of a pass was carried out.
fn is_done_so_far(report: &Report) -> bool {
    let results = report.outcome.as_ref().map(|outcome| &outcome.results);
    let is_done = |step: &Step| results.and_then(|results| results.get(&step.id)) == Some(&StepResult::Done);
    report.errors.is_empty() && report.plan.steps.iter().all(is_done)
}

/// `--wait`: until what was applied has arrived. There is nothing to wait for behind a step that failed.
async fn settle(
    args: &ReconcileArgs,
    run: &Run<'_>,
    mut report: Report,
    left: Duration,
    rollouts: &mut Rollouts,
) -> Result<Report, Failure> {
    if run.signals.exit().is_some() || !report.errors.is_empty() {
        return Ok(report);
    }
    let is_open = !rollouts.have_ended();
    if matches!(report.verdict(), Verdict::Failed | Verdict::Pending) && !(rollouts.have_failed() && is_open) {
        if !rollouts.have_failed() {
            run.terminal.progress("portolan: not waiting, because not everything was applied");
        }
        return Ok(report);
    }
    let has_changed = !report.plan.steps.is_empty();
    let awaited = awaited(&run.desired, &report.plan, &run.policy);
    if let Waited::TimedOut(missing) = wait(run, &awaited, rollouts, left, has_changed).await {
        report.errors = missing.into_iter().map(|what| timed_out(args.timeout, &what)).collect();
    } else if rollouts.were_superseded()
        && run.policy.command.is_none()
        && !rollouts.have_failed()
        && run.signals.exit().is_none()
    {
        // Whatever took the place of a deployment of this run may have brought something else.
        report = run.report(run.look().await?, None);
    }
    report.calls = run.clients.calls().snapshot();
    Ok(report)
}

fn timed_out(timeout: Duration, what: &str) -> Error {
    let shown = jiff::SignedDuration::try_from(timeout).map(|time| format!("{time:#}")).unwrap_or_default();
    let hint = "run `portolan trace`, or wait longer (--timeout)";
    Error::new(format!("timed out after {shown}: {what}"), Some(hint.to_owned()))
}

#[cfg(all(test, feature = "sandbox"))]
mod tests;
