//! What `portolan init` writes says the same as what stands: read back and planned, it has nothing to do.

#[cfg(all(feature = "aws", feature = "sandbox"))]
mod broken;
#[cfg(all(feature = "aws", feature = "sandbox"))]
mod cli;
mod definitions;
#[cfg(all(feature = "aws", feature = "sandbox"))]
mod ecspresso;
#[cfg(all(feature = "aws", feature = "sandbox"))]
mod fleet;
#[cfg(all(feature = "aws", feature = "sandbox"))]
mod hostile;
#[cfg(feature = "aws")]
mod moto;
mod round_trip;
#[cfg(all(feature = "aws", feature = "sandbox"))]
mod worlds;

use std::collections::BTreeMap;

use jiff::Timestamp;
use portolan::init::{Definitions, Options, Written, write_with};
use portolan::manifest::{self, Source};
use portolan::model::{Desired, Mode, Observed, Scope, Seen};
use portolan::plan::{Plan, Policy, plan};
use portolan::survey::outline;

/// The time of every plan.
pub fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().expect("a timestamp")
}

/// Everything that can be asked for of task definitions.
pub fn all_options() -> Vec<Options<'static>> {
    let of = |definitions| {
        let flags = [(false, false), (true, true)];
        flags.map(|(images, environment)| Options { definitions, images, environment, ..Options::default() })
    };
    let reference = Options::default();
    [vec![reference], of(Definitions::Inline).to_vec(), of(Definitions::Files).to_vec()].concat()
}

/// The manifest of a reading.
pub fn written(observed: &Observed) -> Written {
    written_with(observed, Options::default())
}

/// As [`written`], with other options.
pub fn written_with(observed: &Observed, options: Options<'_>) -> Written {
    let scope = Scope { clusters: ["prod".to_owned()].into(), ..Scope::default() };
    let service_names = BTreeMap::from([("prod".to_owned(), Seen::Present(Vec::new()))]);
    let observed = Observed { service_names, ..observed.clone() };
    let outline = outline(&observed, &scope, &observed.region).expect("a sound question");
    write_with(&outline, &observed, options, now())
}

/// Reads it back as a user would give it, with the files that it names.
pub fn reloaded(written: &Written) -> Desired {
    let files = written.documents.iter().flat_map(|document| &document.files);
    let files = files.map(|(path, text)| (path.clone(), Ok(text.clone()))).collect();
    load(Source { name: "fleet.yaml".to_owned(), text: written.text(), files })
}

/// Reads a manifest back as a user would give it.
pub fn read_back(text: &str) -> Desired {
    load(Source { name: "fleet.yaml".to_owned(), text: text.to_owned(), files: Default::default() })
}

fn load(source: Source) -> Desired {
    manifest::load(std::slice::from_ref(&source)).unwrap_or_else(|problems| {
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        panic!("{}\n{}", problems.join("\n"), source.text)
    })
}

/// The plan of a manifest as if repairs were allowed: in observe mode nothing would ever be a step.
pub fn enforced(mut desired: Desired, observed: &Observed) -> Plan {
    desired.fleet.mode = Mode::Enforce;
    desired.services.values_mut().for_each(|service| service.mode = Mode::Enforce);
    desired.target_groups.values_mut().for_each(|group| group.mode = Mode::Enforce);
    plan(&desired, observed, &Policy::default(), now())
}

/// What is left to do, a line each.
pub fn left(plan: &Plan) -> Vec<String> {
    let steps = plan.steps.iter().map(|step| format!("{}: {}", step.object, step.summary));
    let blocked =
        plan.blocked.iter().map(|entry| format!("{}: {} because {}", entry.object, entry.what, entry.waiting_on));
    steps.chain(blocked).collect()
}
