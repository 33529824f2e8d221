//! `portolan init`: the manifest of what stands. It never makes a writer; `--split` writes files, and only new ones.

use std::collections::BTreeMap;

use super::args::{Global, InitArgs, Inputs, Output};
use super::cluster::{ClusterReading, scope};
use super::exit::Exit;
use super::failure::{Answer, Failure};
use super::init_args::{AttributesArg, DefinitionsArg};
use super::signals::Signals;
use super::terminal::Terminal;
use super::written::{document, plural, save};
use crate::init::{Attributes, Definitions, Options, Written, write_with};
use crate::model::Observed;
use crate::plan::Verdict;
use crate::survey::Depth;

/// Reads, and writes what it read.
pub async fn init(
    args: &InitArgs,
    inputs: &Inputs,
    global: &Global,
    terminal: Terminal,
    signals: &Signals,
) -> Result<Answer, Failure> {
    if !inputs.files.is_empty() {
        let hint = "init writes a manifest; `portolan drift -f …` compares one with the live state";
        return Err(Failure::new("init takes no -f", Some(hint.to_owned())));
    }
    if !args.ecspresso.is_empty() {
        return super::ecspresso::init(args, global, terminal);
    }
    let definitions = definitions(args)?;
    let scope = scope(&args.clusters, &args.services)?;
    let reading = ClusterReading::take(&scope, Depth::Manifest, global, terminal, signals).await?;
    let attributes = match args.attributes {
        AttributesArg::Changed => Attributes::Changed,
        AttributesArg::All => Attributes::All,
    };
    let options = Options {
        name: args.name.as_deref(),
        attributes,
        definitions,
        images: args.images,
        environment: args.environment,
    };
    let written = write_with(&reading.outline, &reading.observed, options, super::run::now());
    if let Some(problem) = written.problems.first() {
        let hint = "this is a bug in Portolan: please report it with this message";
        return Err(Failure::new(format!("the manifest cannot be read back: {problem}"), Some(hint.to_owned())));
    }
    let files = match &args.split {
        None => BTreeMap::new(),
        Some(folder) => save(folder, &written)?,
    };
    let texts = global.outputs.render(terminal.answer, |form, _| match (form.output(), &args.split) {
        (Output::Json, _) => document(&written, &files, &reading.observed.gaps, &reading.calls()),
        (Output::Text, None) => written.text(),
        (Output::Text, Some(_)) => files.keys().map(|path| format!("{}\n", path.display())).collect(),
    });
    let exit =
        if reading.observed.gaps.is_empty() { Exit::Sound } else { Exit::of(Verdict::Incomplete, global.strict) };
    Ok(Answer { texts, headline: Some(headline(&written, &reading.observed)), exit })
}

/// How task definitions are written, if the other options go with it.
fn definitions(args: &InitArgs) -> Result<Definitions, Failure> {
    let definitions = match args.definitions {
        DefinitionsArg::Reference => Definitions::Reference,
        DefinitionsArg::Inline => Definitions::Inline,
        DefinitionsArg::Files => Definitions::Files,
    };
    let refused = |message: &str, hint: &str| Err(Failure::new(message, Some(hint.to_owned())));
    match definitions {
        Definitions::Reference if args.images || args.environment => refused(
            "--images and --environment are for whole task definitions",
            "add --definitions inline, or --definitions files --split DIR",
        ),
        Definitions::Files if args.split.is_none() => {
            refused("--definitions files needs a folder for the files", "add --split DIR, such as --split manifests")
        }
        Definitions::Reference | Definitions::Inline | Definitions::Files => Ok(definitions),
    }
}

fn headline(written: &Written, observed: &Observed) -> String {
    let objects = plural(written.documents.len(), "document", "documents");
    let left = written.plan.steps.len() + written.plan.blocked.len();
    match (observed.gaps.len(), left) {
        (0, 0) => format!("wrote {objects}; in sync"),
        (0, left) => {
            let what = plural(left, "difference already exists", "differences already exist");
            format!("wrote {objects}; {what} (see the comments)")
        }
        (gaps, _) => {
            format!("incomplete: wrote {objects}; {} failed (see the comments)", plural(gaps, "read", "reads"))
        }
    }
}
