//! `portolan validate`: everything that can be said about a manifest without AWS.

use super::args::{Inputs, Output};
use super::exit::Exit;
use super::failure::{Answer, Failure};
use super::inputs::{self, Loaded};
use crate::report::json;

/// Checks a manifest. In JSON the errors are the answer, and standard error only repeats them for people.
pub fn validate(inputs: &Inputs, output: Output) -> Result<Answer, Failure> {
    let checked =
        inputs::require(inputs).and_then(|()| inputs::load(inputs).map_err(|found| Failure::of_problems(&found)));
    match (checked, output) {
        (Ok(loaded), Output::Text) => Ok(sound(describe(&loaded))),
        (Ok(_), Output::Json) => Ok(sound(json::render_validation(&[]))),
        (Err(failure), Output::Text) => Err(failure),
        (Err(failure), Output::Json) => {
            failure.show();
            let text = json::render_validation(&failure.errors);
            Ok(Answer { text, headline: Some(failure.headline), exit: failure.exit })
        }
    }
}

fn sound(text: String) -> Answer {
    Answer { text, headline: Some("valid".to_owned()), exit: Exit::Sound }
}

fn describe(loaded: &Loaded) -> String {
    let count = |number: usize, what: &str| match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    };
    let Loaded { desired, sources } = loaded;
    let services = count(desired.services.len(), "service");
    let groups = count(desired.target_groups.len(), "target group");
    format!("OK: fleet {}: {services}, {groups} in {}\n", desired.fleet.name, count(sources.len(), "file"))
}
