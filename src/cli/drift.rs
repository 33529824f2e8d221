//! `portolan drift`: one read-only pass. It never makes a writer.

use super::args::{DriftArgs, Global, Inputs};
use super::exit::Exit;
use super::failure::{Answer, Failure};
use super::notify::Notice;
use super::run::Run;
use super::signals::Signals;
use super::terminal::Terminal;
use crate::report::{Report, json};

/// Shows what differs, and tells those who want to be told.
pub async fn drift(
    args: &DriftArgs,
    inputs: &Inputs,
    global: &Global,
    terminal: Terminal,
    signals: &Signals,
) -> Result<Answer, Failure> {
    let notice = args.notify_url.as_ref().map(Notice::to).transpose()?;
    let checked = check(inputs, global, terminal, signals).await;
    if let (Some(notice), Some(document)) = (notice, worth_telling(&checked)) {
        notice.send(document, terminal, signals).await;
    }
    let Some(exit) = signals.exit() else { return checked.map(|(_, answer)| answer) };
    // The answer stands, and the signal is answered too.
    checked.map(|(_, answer)| Answer { exit, ..answer }).map_err(|failure| Failure { exit, ..failure })
}

async fn check(
    inputs: &Inputs,
    global: &Global,
    terminal: Terminal,
    signals: &Signals,
) -> Result<(Report, Answer), Failure> {
    let run = Run::open(global, terminal, signals, inputs, false, &[]).await?;
    let report = run.report(run.look().await?, None);
    let answer = run.answer(&report);
    Ok((report, answer))
}

/// The JSON of a pass that does not end with 0. A check that could not be made is told as well: somebody who hears
/// nothing takes the fleet to be in order. Who interrupts it knows.
fn worth_telling(checked: &Result<(Report, Answer), Failure>) -> Option<String> {
    let is_news = |exit| matches!(exit, Exit::Difference | Exit::Error | Exit::Incomplete);
    match checked {
        Ok((report, answer)) => is_news(answer.exit).then(|| json::render(report)),
        Err(failure) => is_news(failure.exit).then(|| json::render_errors(&failure.errors)),
    }
}
