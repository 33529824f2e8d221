//! The only place that prints. Standard output carries the answer; everything else goes to standard error.

use std::io::{self, ErrorKind, IsTerminal, Write};

use clap::ValueEnum;
use clap::builder::StyledStr;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::variable::variable;
use crate::model::without_user_info;
use crate::report::text::{Paint, Style};

/// Columns of a terminal that does not say how wide it is; clap takes the same for help.
const USUAL_COLUMNS: usize = 100;

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Where people look, and how.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Colour and width of standard output.
    pub answer: Style,
    /// Colour and width of standard error.
    pub notes: Style,
    /// No progress.
    quiet: bool,
    /// Somebody watches standard error, and no log is written there in between.
    is_watched: bool,
}

impl Terminal {
    /// As the options, the environment and the streams say.
    pub fn of(color: Color, quiet: bool, verbose: u8) -> Self {
        let style = |is_terminal: bool, own: Option<usize>| Style {
            paint: match color {
                Color::Always => Paint::On,
                Color::Auto if is_terminal && wants_colour() => Paint::On,
                Color::Auto | Color::Never => Paint::Off,
            },
            width: if is_terminal { Some(columns(own)) } else { None },
        };
        Self {
            answer: style(io::stdout().is_terminal(), own_width(io::stdout())),
            notes: style(io::stderr().is_terminal(), own_width(io::stderr())),
            quiet,
            is_watched: io::stderr().is_terminal() && !quiet && verbose == 0,
        }
    }

    /// The same without progress.
    #[cfg(feature = "sandbox")]
    pub fn hushed(self) -> Self {
        Self { quiet: true, is_watched: false, ..self }
    }

    /// Whether a line of progress may be rewritten in place.
    pub fn is_watched(&self) -> bool {
        self.is_watched
    }

    /// A line of progress; `-q` leaves it out.
    pub fn progress(&self, text: &str) {
        if !self.quiet {
            note(text);
        }
    }
}

/// The width of a terminal: `COLUMNS` comes before what the terminal says, as in a shell.
fn columns(own: Option<usize>) -> usize {
    let given = variable("COLUMNS").and_then(|columns| columns.trim().parse().ok());
    given.filter(|columns| *columns > 0).or(own).unwrap_or(USUAL_COLUMNS)
}

/// What a terminal says of its width. One that knows no height, as that of `script` in a pipe, may know its width.
#[cfg(unix)]
fn own_width(stream: impl std::os::fd::AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

#[cfg(not(unix))]
fn own_width<T>(_stream: T) -> Option<usize> {
    None
}

fn wants_colour() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Whether somebody can be asked.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Writes a line to standard error, without users and passwords of URLs. When nobody reads it any more, there is nobody to tell either.
pub fn note(text: &str) {
    let text = without_user_info(text.trim_end_matches('\n'));
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Puts a line in the place of the last one of standard error that was put there so; an empty one clears it.
pub fn rewrite(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "\r\u{1b}[K{}", without_user_info(text)).and_then(|()| stderr.flush());
}

/// As [`note`], in colour where that is seen and wanted.
pub fn note_styled(text: &StyledStr) {
    let in_colour = io::stderr().is_terminal() && wants_colour();
    note(&if in_colour { text.ansi().to_string() } else { text.to_string() });
}

/// Writes the answer. A reader that went away (`| head`) is no error; a full disk is.
pub fn answer(text: &str) -> Result<(), String> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.to_string()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Asks on standard error and waits for a line. The end of the input is an empty answer.
pub async fn ask(question: &str) -> String {
    let mut stderr = io::stderr();
    let _ = write!(stderr, "{question} ").and_then(|()| stderr.flush());
    let mut line = String::new();
    let _ = BufReader::new(tokio::io::stdin()).read_line(&mut line).await;
    line.trim().to_owned()
}
