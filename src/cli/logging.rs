//! The log on standard error.

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::args::{Global, LogFormat};
use super::terminal::Terminal;
use crate::report::text::Paint;

/// Sets the log up for the process.
///
/// The SDK writes requests with credentials at its finest levels, so whatever is asked for, other crates are never
/// heard below `info`. Unasked, their warnings stay out too: what matters of them comes back as an error or a gap.
///
/// A service has no answer: its log is what it says, a line for each step before and after.
pub fn start(global: &Global, terminal: &Terminal, is_service: bool) {
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(terminal.notes == Paint::On);
    let registry = tracing_subscriber::registry().with(filter(global, is_service));
    // A second set-up in one process keeps the first; there is nothing to repair.
    let _ = match global.log_format {
        LogFormat::Text => registry.with(layer).try_init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    };
}

fn filter(global: &Global, is_service: bool) -> Targets {
    let verbose = if is_service { global.verbose.max(1) } else { global.verbose };
    let (ours, others) = match (global.quiet, verbose) {
        (true, _) => (LevelFilter::ERROR, LevelFilter::ERROR),
        (false, 0) => (LevelFilter::WARN, LevelFilter::ERROR),
        (false, 1) => (LevelFilter::INFO, LevelFilter::WARN),
        (false, _) => (LevelFilter::DEBUG, LevelFilter::INFO),
    };
    let filter = Targets::new().with_default(others).with_target("portolan", ours);
    // What became of each step and what could not be read is in the answer; the log repeats it for those who want it.
    if verbose == 0 {
        filter.with_target("portolan::apply", Level::ERROR).with_target("portolan::aws", Level::ERROR)
    } else {
        filter
    }
}
