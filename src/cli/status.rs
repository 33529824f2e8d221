//! `portolan status`: a fleet at a glance, of a manifest or of what stands. It never makes a writer.

use jiff::Timestamp;

use super::args::{Global, Inputs, Output, StatusArgs};
use super::cluster::{ClusterReading, scope};
use super::exit::Exit;
use super::failure::{Answer, Failure};
use super::run::{Run, aws_now};
use super::signals::Signals;
use super::terminal::Terminal;
use super::{named, only, usage};
use crate::model::{Desired, Observed};
use crate::pass;
use crate::plan::Verdict;
use crate::status::{self, Table, table};
use crate::survey::Depth;
use crate::trace::{Asked, trace};

/// Shows the table.
pub async fn status(
    args: &StatusArgs,
    inputs: &Inputs,
    global: &Global,
    terminal: Terminal,
    signals: &Signals,
) -> Result<Answer, Failure> {
    let (table, calls) = match (inputs.files.is_empty(), args.clusters.is_empty()) {
        (false, true) => {
            let mut run = Run::open(global, terminal, signals, inputs, false, &[]).await?;
            let keys = named::services(&args.services, &run.desired)?;
            if !keys.is_empty() {
                let chosen: Vec<String> = keys.iter().map(|key| format!("service/{key}")).collect();
                run.policy.only = only::parse(&chosen, &run.desired)?;
            }
            let look = run.look_around().await?;
            let mut table = table(&run.desired, &look.observed, Some(&look.plan));
            follow(&mut table, &run.desired, &look.observed, true, aws_now(&run.clients));
            table.keep(&keys);
            (table, run.clients.calls().snapshot())
        }
        (true, false) => {
            let scope = scope(&args.clusters, &[])?;
            let mut reading = ClusterReading::take(&scope, Depth::Health, global, terminal, signals).await?;
            let keys = named::services(&args.services, &reading.outline)?;
            reading.observed = pass::observe_around(&reading.outline, &reading.reader, reading.observed).await;
            let mut table = table(&reading.outline, &reading.observed, None);
            follow(&mut table, &reading.outline, &reading.observed, false, reading.aws_now());
            table.keep(&keys);
            (table, reading.calls())
        }
        (true, true) => {
            if let Some(file) = args.services.iter().find(|word| usage::is_file(word)) {
                let hint = usage::named_by_option("status", file);
                return Err(Failure::new(format!("{file} is not a service"), Some(hint)));
            }
            let hint = "run `portolan status -f fleet.yaml` or `portolan status --cluster prod`";
            return Err(Failure::new("status needs a manifest or a cluster", Some(hint.to_owned())));
        }
        (false, false) => {
            let hint = "the manifest already names its clusters; remove one of the two";
            return Err(Failure::new("-f and --cluster cannot be combined", Some(hint.to_owned())));
        }
    };
    let texts = global.outputs.render(terminal.answer, |form, style| match form.output() {
        Output::Text => status::text::render(&table, style.paint),
        Output::Json => status::json::render(&table, &calls),
    });
    let of_drift = table.verdict.map_or(Exit::Sound, |verdict| Exit::of(verdict, global.strict));
    let exit = if matches!(of_drift, Exit::Sound | Exit::Incomplete) && table.is_broken() {
        Exit::Difference
    } else if of_drift == Exit::Sound && table.is_unknown() && global.strict {
        Exit::Incomplete
    } else {
        of_drift
    };
    Ok(Answer { texts, headline: Some(headline(&table)), exit })
}

/// Traces every path, and fills the column.
fn follow(table: &mut Table, desired: &Desired, observed: &Observed, is_manifest: bool, at: Timestamp) {
    let asked = Asked { is_manifest, ..Asked::default() };
    table.follow(&trace(desired, observed, &asked, at));
    table.gaps.extend(observed.gaps_around.iter().cloned());
}

/// The last line.
fn headline(table: &Table) -> String {
    let all = table.rows.len();
    let of = |answer: status::Answer| table.rows.iter().filter(|row| row.reachable == answer).count();
    let (broken, unknown) = (of(status::Answer::No), of(status::Answer::Unknown));
    let differing = table.rows.iter().filter(|row| row.in_sync == status::Answer::No).count();
    if table.is_broken() {
        return match differing {
            0 => format!("broken: {broken} of {all} not reachable; run `portolan trace`"),
            _ => format!(
                "broken: {broken} of {all} not reachable, {differing} differ; run `portolan trace` and `portolan drift`"
            ),
        };
    }
    match table.verdict {
        Some(Verdict::Pending | Verdict::Blocked) => {
            let word = table.verdict.map_or("", Verdict::as_str);
            format!("{word}: {differing} of {all} differ; run `portolan drift -f …`")
        }
        Some(verdict @ (Verdict::Incomplete | Verdict::Failed | Verdict::Applied)) => {
            format!("{}: some reads failed", verdict.as_str())
        }
        Some(Verdict::InSync) if unknown == 0 => format!("in-sync: {all} of {all}"),
        Some(Verdict::InSync) => {
            format!("in-sync: {all} of {all}; reachability of {unknown} unknown; run `portolan trace`")
        }
        None if unknown > 0 => format!("unknown: {unknown} of {all}; run `portolan trace`"),
        None => format!("reachable: {} of {all}", of(status::Answer::Yes)),
    }
}
