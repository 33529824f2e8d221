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
    let layer =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(terminal.notes.paint == Paint::On);
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

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex, PoisonError};

    use tracing_subscriber::layer::SubscriberExt;

    /// Standard error of a test.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_others_wrote_is_spelled_out_in_the_log() {
        let (written, hostile) = (Written::default(), "a\u{1b}[2Jb\u{2028}c\u{202e}d\u{200b}e\u{feff}f\ng".to_owned());
        let writer = written.clone();
        let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone()).with_ansi(false);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::warn!(name = hostile, why = hostile.as_str(), "read failed");
        });
        let text = String::from_utf8_lossy(&written.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
        assert_eq!(text.lines().count(), 1, "{text}");
        for hidden in ['\u{1b}', '\u{2028}', '\u{202e}', '\u{200b}', '\u{feff}'] {
            assert!(!text.contains(hidden), "{text:?}");
        }
    }
}
