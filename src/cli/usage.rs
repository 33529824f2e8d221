//! A command line that cannot be used: what is wrong with it, and what was probably meant.

use std::ffi::OsString;

use clap::ValueEnum;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::args::{Cli, Form, Inputs};
use super::failure::Failure;
use super::outputs::Outputs;
use super::{foreign, terminal};

/// Verbs that read a manifest and take no argument of their own.
const WITH_MANIFEST_ONLY: [&str; 4] = ["validate", "reconcile", "drift", "run"];

/// Where the answer goes, if the verb can give it in every form that was asked for.
pub fn outputs(cli: &Cli) -> Result<Outputs, Failure> {
    let none = Inputs::default();
    let inputs = cli.inputs.and(cli.verb.inputs().unwrap_or(&none));
    let outputs = Outputs::of(&cli.global.forms, &inputs).map_err(of_usage)?;
    if outputs.forms().any(Form::is_for_ci) && !cli.verb.has_ci_forms() {
        let hint = "use text or json; only `portolan drift` and `portolan validate` have junit, sarif, github and \
                    markdown";
        return Err(of_usage(Failure::new("this command does not support that output format", Some(hint.to_owned()))));
    }
    if !outputs.files.is_empty() && !cli.verb.has_forms() {
        return Err(of_usage(Failure::new("this command does not write output files", None)));
    }
    Ok(outputs)
}

fn of_usage(failure: Failure) -> Failure {
    Failure { headline: "failed: usage".to_owned(), ..failure }
}

/// What clap says of a command line, with a hint where people bring the habits of another tool.
pub fn failure(error: &clap::Error, args: &[OsString]) -> Failure {
    if let Some((message, hint)) = habit(error, args) {
        return of_usage(Failure::new(message, Some(hint)));
    }
    let text = error.to_string();
    terminal::note_styled(&error.render());
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    of_usage(Failure { shown: String::new(), ..Failure::new(message, None) })
}

fn habit(error: &clap::Error, args: &[OsString]) -> Option<(String, String)> {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.as_str()),
        Some(_) | None => None,
    };
    if error.kind() == ErrorKind::InvalidSubcommand {
        let word = context(ContextKind::InvalidSubcommand)?;
        let hint = foreign::hint(word).or_else(|| is_file(word).then(|| file_before_verb(word)))?;
        return Some((format!("unknown command `{word}`"), hint));
    }
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let word = context(ContextKind::InvalidArg).filter(|word| !word.starts_with('-') || *word == "-")?;
    let verb = args.iter().filter_map(|arg| arg.to_str()).find(|arg| WITH_MANIFEST_ONLY.contains(arg));
    if let Some(verb) = verb {
        return Some((format!("unexpected argument '{word}'"), named_by_option(verb, word)));
    }
    let has_world = args.iter().any(|arg| arg == "sandbox");
    has_world.then(|| {
        let hint = format!("pass a world file with --world: `portolan sandbox --world {word}`");
        (format!("unexpected argument '{word}'"), hint)
    })
}

/// For a manifest in the place of an argument.
pub fn named_by_option(verb: &str, word: &str) -> String {
    format!("pass the manifest with -f: `portolan {verb} -f {word}`")
}

fn file_before_verb(word: &str) -> String {
    format!("put the command first and pass the manifest with -f: `portolan reconcile -f {word} --dry-run`")
}

/// Whether a word names a file or folder rather than a service.
pub fn is_file(word: &str) -> bool {
    let is_path =
        word == "-" || word == "." || word.ends_with('/') || word.starts_with("./") || word.starts_with("../");
    is_path || [".yaml", ".yml", ".json"].iter().any(|end| word.ends_with(end)) || std::path::Path::new(word).is_file()
}

/// The form that the answer is to have when the command line itself cannot be read.
pub fn asked_form(args: &[OsString]) -> Form {
    let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let together = args.iter().filter_map(|arg| arg.strip_prefix("--output=").or_else(|| arg.strip_prefix("-o")));
    let together = together.map(|word| word.trim_start_matches('=').to_owned());
    let apart = args.windows(2).filter(|pair| matches!(&*pair[0], "-o" | "--output")).map(|pair| pair[1].to_string());
    // A form with a file (`sarif=drift.sarif`) is no form of standard output.
    let asked = together.chain(apart).find_map(|word| Form::from_str(&word, false).ok()).unwrap_or_default();
    let has_ci_forms = args.iter().any(|arg| arg == "drift" || arg == "validate");
    if asked.is_for_ci() && !has_ci_forms { Form::Text } else { asked }
}
