//! `portolan drift`: one read-only pass. It never makes a writer.

use super::args::{Global, Inputs};
use super::failure::{Answer, Failure};
use super::run::Run;
use super::signals::Signals;
use super::terminal::Terminal;

/// Shows what differs.
pub async fn drift(inputs: &Inputs, global: &Global, terminal: Terminal, signals: &Signals) -> Result<Answer, Failure> {
    let run = Run::open(global, terminal, signals, inputs, false, &[]).await?;
    let look = run.look().await?;
    Ok(run.answer(&run.report(look, None)))
}
