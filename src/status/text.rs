//! The status table as text: sorted, aligned, with optional colours.

use crate::columns::columns;
use crate::model::{Deployment, Rollout, Seen};
use crate::report::text::{Paint, Tone, plain};

use super::json::state;
use super::{Answer, Row, Share, Table};

const TITLES: [&str; 5] = ["SERVICE", "IN SYNC", "REACHABLE", "TASKS", "TARGETS"];

/// The text and the colour of a cell.
type Cell = (String, Option<Tone>);

/// The table, and the failed reads below it.
pub fn render(table: &Table, paint: Paint) -> String {
    let rows: Vec<[Cell; 5]> = table.rows.iter().map(cells).collect();
    let mut widths = TITLES.map(columns);
    for row in &rows {
        for (width, (text, _)) in widths.iter_mut().zip(row) {
            *width = (*width).max(columns(text));
        }
    }
    let title = TITLES.map(|title| (title.to_owned(), Some(Tone::Heading)));
    let mut text: String = [&title].into_iter().chain(&rows).map(|row| line(row, widths, paint)).collect();
    let unsteady = table.rows.iter().filter(|row| !row.deployments.is_empty());
    for (number, row) in unsteady.enumerate() {
        text.push_str(if number == 0 { "\nDeployments:\n" } else { "" });
        row.deployments.iter().for_each(|one| text.push_str(&deployment(&row.name, one)));
    }
    if !table.gaps.is_empty() {
        text.push_str("\nCould not be read:\n");
        for (object, gap) in &table.gaps {
            let lead = paint.tone(Tone::Blocked, "?");
            text.push_str(&format!("  {lead} {} of {}: {}\n", plain(&gap.call), plain(object), plain(&gap.why)));
        }
    }
    text
}

fn line(cells: &[Cell; 5], widths: [usize; 5], paint: Paint) -> String {
    let mut line = String::new();
    for (number, ((text, tone), width)) in cells.iter().zip(widths).enumerate() {
        if number > 0 {
            line.push_str("  ");
        }
        line.push_str(&tone.map_or_else(|| text.clone(), |tone| paint.tone(tone, text)));
        if number + 1 < cells.len() {
            line.push_str(&" ".repeat(width - columns(text)));
        }
    }
    line.push('\n');
    line
}

fn cells(row: &Row) -> [Cell; 5] {
    let Row {
        object: _,
        name,
        in_sync,
        reachable,
        tasks,
        targets,
        is_degraded,
        is_starting,
        is_deploying,
        deployments: _,
        why: _,
    } = row;
    let reach = match (is_degraded, is_starting) {
        (true, _) => (format!("{}, degraded", reachable.as_str()), Some(Tone::Change)),
        (false, true) => ("starting".to_owned(), Some(Tone::Blocked)),
        (false, false) => answer(*reachable),
    };
    let (mut count, tone) = share(tasks);
    if *is_deploying {
        count.push_str(" deploying");
    }
    [(plain(name), None), answer(*in_sync), reach, (count, tone), share(targets)]
}

/// Such as `  prod/web  web:2 IN_PROGRESS since 2026-11-20T11:55:00Z: 1 of 2 tasks running, 3 failed`.
fn deployment(name: &str, one: &Deployment) -> String {
    let state = one.rollout.map_or("", state);
    let since = one.created.map(|at| format!(" since {at}")).unwrap_or_default();
    let failed = if one.tasks.failed > 0 { format!(", {} failed", one.tasks.failed) } else { String::new() };
    let (revision, running, desired) = (one.task_definition.name(), one.tasks.running, one.tasks.desired);
    let reason = one.reason.as_ref().filter(|_| one.rollout == Some(Rollout::Failed));
    let reason = reason.map(|reason| format!(" ({})", plain(reason))).unwrap_or_default();
    let line = format!("{name}  {revision} {state}{since}: {running} of {desired} tasks running{failed}");
    format!("  {}{reason}\n", plain(&line))
}

fn answer(answer: Answer) -> Cell {
    let tone = match answer {
        Answer::Yes => Some(Tone::Good),
        Answer::No => Some(Tone::Bad),
        Answer::Unknown => Some(Tone::Blocked),
        Answer::NotApplicable => Some(Tone::Quiet),
    };
    (answer.as_str().to_owned(), tone)
}

fn share(seen: &Seen<Share>) -> Cell {
    match seen {
        Seen::Present(Share { good, all }) => {
            let tone = match (*good, *all) {
                (good, all) if good == all => None,
                (0, _) => Some(Tone::Bad),
                _ => Some(Tone::Change),
            };
            (format!("{good}/{all}"), tone)
        }
        Seen::Absent => ("n/a".to_owned(), Some(Tone::Quiet)),
        Seen::Unknown(_) => ("unknown".to_owned(), Some(Tone::Blocked)),
    }
}
