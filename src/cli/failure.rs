//! How a verb ends: with an answer, or with a failure before there was one.

use super::exit::Exit;
use super::form::Texts;
use super::terminal::note;
use crate::manifest::Problem;
use crate::report::{self, text};

/// What a verb says and how the process ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// For standard output, and for files.
    pub texts: Texts,
    /// The last line of standard error, without the exit code; `None` where a verb has no verdict.
    pub headline: Option<String>,
    /// The exit.
    pub exit: Exit,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// For JSON.
    pub errors: Vec<report::Error>,
    /// For people, on standard error.
    pub shown: String,
    /// The last line of standard error, without the exit code.
    pub headline: String,
    /// The exit.
    pub exit: Exit,
}

impl Failure {
    /// One thing that is wrong.
    pub fn new(message: impl Into<String>, hint: Option<String>) -> Self {
        Self::of_errors(vec![report::Error::new(message, hint)], "failed: 1 error")
    }

    /// Several things that are wrong.
    pub fn of_errors(errors: Vec<report::Error>, headline: &str) -> Self {
        let shown = errors.iter().map(show_error).collect::<Vec<_>>().join("\n");
        Self { errors, shown, headline: headline.to_owned(), exit: Exit::Error }
    }

    /// A manifest that cannot be used.
    pub fn of_problems(problems: &[Problem]) -> Self {
        Self::of_file("manifest", problems)
    }

    /// Files of ecspresso that cannot be used.
    pub fn of_ecspresso(problems: &[Problem]) -> Self {
        let noun = if problems.len() == 1 { "error" } else { "errors" };
        Self {
            headline: format!("failed: the files of ecspresso have {} {noun}", problems.len()),
            ..Self::of_problems(problems)
        }
    }

    /// A world file that cannot be used.
    pub fn of_world(problems: &[Problem]) -> Self {
        Self::of_file("world file", problems)
    }

    fn of_file(what: &str, problems: &[Problem]) -> Self {
        let headline = match problems.len() {
            1 => format!("failed: the {what} has 1 error"),
            number => format!("failed: the {what} has {number} errors"),
        };
        let shown = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n");
        Self { errors: problems.iter().map(of_problem).collect(), shown, headline, exit: Exit::Error }
    }

    /// A signal before anything was sent.
    pub fn interrupted(exit: Exit) -> Self {
        let errors = vec![report::Error::new("interrupted before anything was applied", None)];
        Self { errors, shown: String::new(), headline: "interrupted: nothing was applied".to_owned(), exit }
    }

    /// Tells people.
    pub fn show(&self) {
        if !self.shown.is_empty() {
            note(&self.shown);
        }
    }
}

/// A problem as JSON has it; the excerpt is for people only.
pub fn of_problem(problem: &Problem) -> report::Error {
    let Problem { file, line, column, message, hint, excerpt: _ } = problem;
    report::Error {
        file: Some(file.clone()),
        line: *line,
        column: *column,
        message: message.clone(),
        hint: hint.clone(),
    }
}

/// `error:` and `hint:` lines.
pub fn show_error(error: &report::Error) -> String {
    let message = format!("error: {}", text::plain(&error.message));
    match &error.hint {
        Some(hint) => format!("{message}\n  hint: {}", text::plain(hint)),
        None => message,
    }
}
