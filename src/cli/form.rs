//! The forms of an answer, where each goes, and a pass in the one that was asked for.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, ValueEnum};

use crate::report::text::Style;
use crate::report::{Error, Report, github, json, junit, markdown, sarif, text};

/// Form of the answer, as it is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people
    #[default]
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
    /// Whether only the verbs for CI have it.
    pub fn is_for_ci(self) -> bool {
        !matches!(self, Self::Text | Self::Json)
    }

    /// The form, for a verb that knows the two that every verb knows.
    pub fn output(self) -> Output {
        if self == Self::Text { Output::Text } else { Output::Json }
    }

    /// Its word on the command line.
    pub fn word(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
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

/// A form that was asked for: `FORMAT` goes to standard output, `FORMAT=FILE` to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The form.
    pub form: Form,
    /// The file; standard output without one.
    pub file: Option<PathBuf>,
}

/// Reads `FORMAT` and `FORMAT=FILE`. Every form can be read by every verb, so that a verb which lacks one can say which verbs have
/// it; help and completions show those that the verb has.
#[derive(Clone, Copy, Debug)]
pub struct WantedParser {
    /// Whether the forms for CI are shown.
    pub shows_ci: bool,
}

impl WantedParser {
    fn words(self) -> Vec<PossibleValue> {
        let variants = Form::value_variants().iter();
        variants.filter_map(|form| Some(form.to_possible_value()?.hide(form.is_for_ci() && !self.shows_ci))).collect()
    }
}

impl TypedValueParser for WantedParser {
    type Value = Wanted;

    fn parse_ref(&self, cmd: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<Wanted, clap::Error> {
        let text = value.to_str().ok_or_else(|| clap::Error::new(ErrorKind::InvalidUtf8).with_cmd(cmd))?;
        let (word, file) = text.split_once('=').map_or((text, None), |(word, file)| (word, Some(file)));
        let word = PossibleValuesParser::new(self.words()).parse_ref(cmd, arg, OsStr::new(word))?;
        if file == Some("") {
            let mut error = clap::Error::new(ErrorKind::ValueValidation).with_cmd(cmd);
            let option = arg.map(ToString::to_string).unwrap_or_default();
            error.insert(ContextKind::InvalidArg, ContextValue::String(option));
            error.insert(ContextKind::InvalidValue, ContextValue::String(text.to_owned()));
            return Err(error);
        }
        let form = Form::from_str(&word, false).expect("the words are the forms' own");
        Ok(Wanted { form, file: file.map(PathBuf::from) })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.words().into_iter()))
    }
}

/// An answer in every form that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// For standard output.
    pub stdout: String,
    /// For files.
    pub files: Vec<(PathBuf, String)>,
}

impl From<String> for Texts {
    fn from(stdout: String) -> Self {
        Self { stdout, files: Vec::new() }
    }
}

/// The answer of a pass.
pub fn render(report: &Report, form: Form, style: Style) -> String {
    match form {
        Form::Text => text::render(report, style),
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
        Form::Junit | Form::Sarif | Form::Github | Form::Markdown => {
            render(&Report::of_errors(errors), form, Style::UNBROKEN)
        }
    }
}
