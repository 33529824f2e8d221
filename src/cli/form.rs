//! The forms of an answer, and a pass in the one that was asked for.

use clap::ValueEnum;

use crate::report::text::Paint;
use crate::report::{Error, Report, github, json, junit, markdown, sarif, text};

/// Form of the answer, as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people
    Text,
    /// One JSON document
    Json,
    /// JUnit XML, for the test pages of CI systems
    Junit,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
    /// For a job summary or a comment on a pull request
    Markdown,
}

impl Form {
    /// Whether only `drift` has it.
    pub fn is_of_drift_alone(self) -> bool {
        !matches!(self, Self::Text | Self::Json)
    }
}

/// The forms that every verb knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// For people
    Text,
    /// One JSON document
    Json,
}

/// The answer of a pass.
pub fn render(report: &Report, form: Form, paint: Paint) -> String {
    match form {
        Form::Text => text::render(report, paint),
        Form::Json => json::render(report),
        Form::Junit => junit::render(report),
        Form::Sarif => sarif::render(report),
        Form::Github => github::render(report),
        Form::Markdown => markdown::render(report),
    }
}

/// The answer of a run that did not get as far as a pass: a document, unless it is for people, who read standard error.
pub fn render_errors(errors: &[Error], form: Form) -> String {
    match form {
        Form::Text => String::new(),
        Form::Json => json::render_errors(errors),
        _ => render(&Report::of_errors(errors), form, Paint::Off),
    }
}
