//! The command line as clap knows it, verb by verb: a verb shows the options that mean something to it, and no others.
//!
//! clap hands an option of every verb down to each verb, except where the verb has one of that id already. So a verb gets a
//! copy of its own of what is different there.

use std::ffi::OsString;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, Command, CommandFactory, FromArgMatches, ValueEnum};

use super::args::{Cli, Form};

/// Verbs whose AWS is in this process.
const WITH_AN_AWS_IN_MEMORY: [&str; 2] = ["demo", "sandbox"];

/// What says where AWS is, who asks it, and what to make of a call that it refuses.
const OF_AWS: [&str; 5] = ["strict", "region", "profile", "endpoint_url", "assume_role_arn"];

/// The whole command line.
pub fn command() -> Command {
    let all = Cli::command();
    let form = of_every_verb(&all, "form").help("Form of the answer on standard output").value_parser(forms());
    let of_aws = OF_AWS.map(|id| of_every_verb(&all, id).hide(true));
    all.mut_subcommands(|verb| {
        let verb = if verb.get_name() == "drift" { verb } else { verb.arg(&form) };
        if WITH_AN_AWS_IN_MEMORY.contains(&verb.get_name()) { verb.args(&of_aws) } else { verb }
    })
}

/// Reads a command line. Where AWS is in memory, what speaks of another one is refused: whoever writes it expects
/// something else than what would happen.
pub fn read(args: &[OsString]) -> Result<Cli, clap::Error> {
    let mut command = command();
    let mut matches = command.try_get_matches_from_mut(args)?;
    if let Some(verb) = matches.subcommand_name().filter(|verb| WITH_AN_AWS_IN_MEMORY.contains(verb)) {
        let given = OF_AWS.iter().find(|id| matches.value_source(id) == Some(ValueSource::CommandLine));
        if let Some(id) = given {
            let option = id.replace('_', "-");
            let message = format!("the argument '--{option}' cannot be used with '{verb}', whose AWS is in memory");
            return Err(command.error(ErrorKind::ArgumentConflict, message));
        }
    }
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

fn of_every_verb(all: &Command, id: &str) -> Arg {
    all.get_arguments().find(|arg| arg.get_id() == id).cloned().expect("the ids are those of the options of every verb")
}

/// All forms can be read, so that who asks a verb for a form of `drift` is told whose it is; those of every verb are shown.
fn forms() -> impl TypedValueParser<Value = Form> {
    let shown = Form::value_variants().iter().filter_map(|form| {
        let value = form.to_possible_value()?;
        Some(value.hide(form.is_of_drift_alone()))
    });
    PossibleValuesParser::new(shown.collect::<Vec<_>>())
        .map(|word| Form::from_str(&word, false).expect("the words are the forms' own"))
}
