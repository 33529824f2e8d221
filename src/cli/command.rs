//! The command line as clap knows it, verb by verb: a verb shows the options that mean something to it, and no others.
//!
//! clap hands an option of every verb down to each verb, except where the verb has one of that id already. So each verb gets
//! copies of its own.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, Command, CommandFactory, FromArgMatches};

use super::args::Cli;
use super::form::{Wanted, WantedParser};

/// Verbs whose AWS is in this process.
const WITH_AN_AWS_IN_MEMORY: [&str; 2] = ["demo", "sandbox"];

/// Verbs that CI asks.
const WITH_FORMS_FOR_CI: [&str; 2] = ["drift", "validate"];

/// The option that names forms.
const FORMS: &str = "forms";

/// What says where AWS is, who asks it, and what to make of a call that it refuses.
const OF_AWS: [&str; 5] = ["strict", "region", "profile", "endpoint_url", "assume_role_arn"];

/// The whole command line.
pub fn command() -> Command {
    let all = Cli::command();
    // clap takes the value behind the verb for one before it, and forgets that one: forms are added up instead.
    let as_whole = all.clone().mut_arg(FORMS, |option| option.global(false));
    as_whole.mut_subcommands(|verb| {
        let options = options_of(&all, verb.get_name());
        verb.args(options)
    })
}

/// The same for completions. They offer hidden options too, so nothing is handed down there: each verb gets what it shows.
pub fn for_completions() -> Command {
    let all = Cli::command();
    all.clone().mut_args(|arg| arg.global(false)).mut_subcommands(|verb| {
        let options = options_of(&all, verb.get_name()).into_iter();
        verb.args(options.filter(|option| !option.is_hide_set()).map(|option| option.global(false)))
    })
}

/// The options of every verb, as one verb has them.
fn options_of(all: &Command, verb: &str) -> Vec<Arg> {
    let options = all.get_arguments().filter(|option| option.is_global_set()).cloned();
    let as_here = |option: Arg| match option.get_id().as_str() {
        FORMS => option.global(false).value_parser(WantedParser { shows_ci: WITH_FORMS_FOR_CI.contains(&verb) }),
        id if WITH_AN_AWS_IN_MEMORY.contains(&verb) && OF_AWS.contains(&id) => option.hide(true),
        _ => option,
    };
    options.map(as_here).collect()
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
            let message =
                format!("the argument '--{option}' cannot be used with '{verb}', which uses an in-memory AWS");
            return Err(command.error(ErrorKind::ArgumentConflict, message));
        }
    }
    let behind_verb = matches.subcommand().and_then(|(_, verb)| verb.get_many::<Wanted>(FORMS));
    let behind_verb: Vec<Wanted> = behind_verb.into_iter().flatten().cloned().collect();
    let mut cli = Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))?;
    cli.global.forms.extend(behind_verb);
    Ok(cli)
}
