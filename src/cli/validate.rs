//! `portolan validate`: everything that can be said about a manifest without AWS.

use super::args::{Form, Global, Inputs};
use super::exit::Exit;
use super::failure::{Answer, Failure};
use super::form;
use super::inputs::{self, Loaded};
use super::terminal::Terminal;
use crate::report::text::Style;
use crate::report::{Error, Report, Validated, json};

/// Checks a manifest. Text has the errors on standard error; in every other form they are the answer too.
pub fn validate(inputs: &Inputs, global: &Global, terminal: Terminal) -> Result<Answer, Failure> {
    let checked =
        inputs::require(inputs).and_then(|()| inputs::load(inputs).map_err(|found| Failure::of_problems(&found)));
    match checked {
        Ok(loaded) => {
            let files = loaded.sources.iter().map(|source| source.name.clone()).collect();
            let validated = Validated { files, summary: describe(&loaded) };
            let texts = global.outputs.render(terminal.answer, |form, _| render(&[], &validated, form));
            Ok(Answer { texts, headline: Some("valid".to_owned()), exit: Exit::Sound })
        }
        Err(failure) => {
            failure.show();
            let document = |form| render(&failure.errors, &Validated::default(), form);
            let texts = global.outputs.of_failure(&failure, document);
            Ok(Answer { texts, headline: Some(failure.headline), exit: failure.exit })
        }
    }
}

fn render(errors: &[Error], validated: &Validated, form: Form) -> String {
    match form {
        Form::Text => format!("{}\n", validated.summary),
        Form::Json => json::render_validation(errors),
        Form::Junit | Form::Sarif | Form::Github | Form::Markdown => {
            let report = Report { validated: Some(validated.clone()), ..Report::of_errors(errors) };
            form::render(&report, form, Style::UNBROKEN)
        }
    }
}

fn describe(loaded: &Loaded) -> String {
    let count = |number: usize, what: &str| match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    };
    let Loaded { desired, sources } = loaded;
    let services = count(desired.services.len(), "service");
    let groups = count(desired.target_groups.len(), "target group");
    format!("OK: fleet {}: {services}, {groups} in {}", desired.fleet.name, count(sources.len(), "file"))
}
