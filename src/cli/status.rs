//! `portolan status`: a fleet at a glance, of a manifest or of what stands. It never makes a writer.

use jiff::Timestamp;

use super::args::{Global, Inputs, Output, StatusArgs};
use super::exit::Exit;
use super::failure::{Answer, Failure};
use super::run::{Run, aws_now};
use super::signals::Signals;
use super::stock::{Stock, scope};
use super::terminal::Terminal;
use crate::apply::Observe;
use crate::model::{Desired, Observed, Surroundings};
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
            let run = Run::open(global, terminal, signals, inputs, false, &[]).await?;
            let (look, around) = run.look_around().await?;
            let mut table = table(&run.desired, &look.observed, Some(&look.plan));
            follow(&mut table, &run.desired, &look.observed, around, true, aws_now(&run.clients));
            (table, run.clients.calls().snapshot())
        }
        (true, false) => {
            let scope = scope(&args.clusters, &[])?;
            let stock = Stock::take(&scope, Depth::Health, global, terminal, signals).await?;
            let around = stock.reader.surroundings(&stock.outline, &stock.observed).await;
            let mut table = table(&stock.outline, &stock.observed, None);
            follow(&mut table, &stock.outline, &stock.observed, around, false, stock.aws_now());
            (table, stock.calls())
        }
        (true, true) => {
            let hint = "such as `portolan status --cluster prod`, or with a manifest `portolan status -f fleet.yaml`";
            return Err(Failure::new("status of what?", Some(hint.to_owned())));
        }
        (false, false) => {
            let hint = "the manifest names its clusters itself";
            return Err(Failure::new("status takes either -f or --cluster", Some(hint.to_owned())));
        }
    };
    let text = match global.output() {
        Output::Text => status::text::render(&table, terminal.answer),
        Output::Json => status::json::render(&table, &calls),
    };
    let exit = match table.verdict.map_or(Exit::Sound, |verdict| Exit::of(verdict, global.strict)) {
        Exit::Sound | Exit::Incomplete if table.is_broken() => Exit::Difference,
        exit => exit,
    };
    Ok(Answer { text, headline: headline(&table), exit })
}

/// Traces every path, and fills the column.
fn follow(
    table: &mut Table,
    desired: &Desired,
    observed: &Observed,
    around: Surroundings,
    is_manifest: bool,
    at: Timestamp,
) {
    let asked = Asked { is_manifest, ..Asked::default() };
    table.follow(&trace(desired, observed, &around, &asked, at));
    table.gaps.extend(around.gaps);
}

/// The last line, where there is something to conclude.
fn headline(table: &Table) -> Option<String> {
    let all = table.rows.len();
    if table.is_broken() {
        let broken = table.rows.iter().filter(|row| row.reachable == status::Answer::No).count();
        let differing = table.rows.iter().filter(|row| row.in_sync == status::Answer::No).count();
        return Some(match differing {
            0 => format!("broken: {broken} of {all} not reachable; `portolan trace` says where"),
            _ => format!(
                "broken: {broken} of {all} not reachable, {differing} differ; `portolan trace` and `portolan drift` say how"
            ),
        });
    }
    let differing = table.rows.iter().filter(|row| row.in_sync == status::Answer::No).count();
    let verdict = table.verdict?;
    Some(match verdict {
        Verdict::InSync => format!("in-sync: {all} of {all}"),
        Verdict::Pending | Verdict::Blocked => {
            format!("{}: {differing} of {all} differ; `portolan drift -f …` says how", verdict.as_str())
        }
        Verdict::Incomplete | Verdict::Failed | Verdict::Applied => {
            format!("{}: not everything could be read", verdict.as_str())
        }
    })
}
