//! Every folder of `tests/cases` is a test of planning: a manifest and what is observed → `plan.txt`, and for free:
//! plan → effects → plan again is silent; and wherever a run is cut off, the next ones end in the same world.
//!
//! `case.yaml` is the difference from a base fleet (`folder.rs`); whole files do as well. A world of the sandbox may stand in place of
//! what is observed: then the real reader looks at it.
//!
//! `policy` is optional (`force`, `pruneServing`, `only`, `now`, `passes`). `UPDATE_EXPECT=1 cargo test` writes `plan.txt`; read the
//! difference before you commit it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use portolan::manifest::{self, Source};
use portolan::model::{Definition, Desired, ObjectRef, Observed, OtherContainers, Seen};
use portolan::plan::effect::apply_effect;
use portolan::plan::{Plan, Policy, Step, StepId, WaitingOn, plan, scope_errors};
use portolan::report::Report;
use portolan::report::text::{self, Paint};
use serde::Deserialize;

use crate::folder;
use crate::observed::{ObservedFile, build};

/// A planning problem.
#[derive(Clone, Debug)]
pub struct Case {
    pub desired: Desired,
    pub observed: Observed,
    pub policy: Policy,
    pub now: Timestamp,
    /// Passes until there is nothing left to do: more than one where a budget spreads the work, or a deployment comes first.
    pub passes: usize,
}

impl Case {
    pub fn plan(&self) -> Plan {
        plan(&self.desired, &self.observed, &self.policy, self.now)
    }

    fn after<'a>(&self, steps: impl IntoIterator<Item = &'a Step>) -> Self {
        let mut next = self.clone();
        steps.into_iter().for_each(|step| apply_effect(step, &mut next.observed));
        next
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PolicyFile {
    force: bool,
    #[serde(rename = "pruneServing")]
    prune_serving: bool,
    only: Vec<String>,
    now: String,
    passes: usize,
    /// Images of containers that the manifest does not name, as `--image` gives them: `SERVICE/CONTAINER=IMAGE`.
    images: Vec<String>,
}

impl Default for PolicyFile {
    fn default() -> Self {
        let now = "2026-11-20T12:00:00Z".to_owned();
        Self { force: false, prune_serving: false, only: Vec::new(), now, passes: 1, images: Vec::new() }
    }
}

/// Every case.
pub fn folders() -> Vec<PathBuf> {
    let can_read_worlds = cfg!(all(feature = "aws", feature = "sandbox"));
    folder::all("cases").into_iter().filter(|path| can_read_worlds || folder::open(path).world.is_none()).collect()
}

fn parse<T: serde::de::DeserializeOwned + Default>(text: Option<&str>, name: &str, folder: &Path) -> T {
    let Some(text) = text else { return T::default() };
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{}: {name}: {error}", folder.display()))
}

/// One case, by the name of its folder.
pub fn named(name: &str) -> Case {
    load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name))
}

pub fn load(folder: &Path) -> Case {
    let files = folder::open(folder);
    let source = Source { name: "manifest.yaml".to_owned(), text: files.manifest.clone(), files: Default::default() };
    let mut desired = manifest::load(&[source]).unwrap_or_else(|problems| {
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        panic!("{}: the manifest is not valid:\n{}", folder.display(), problems.join("\n"))
    });
    let policy: PolicyFile = parse(files.policy.as_deref(), "policy", folder);
    policy.images.iter().for_each(|image| set_image(&mut desired, image));
    let observed = match &files.world {
        Some(world) => observed_in(world, folder, &desired),
        None => build(&parse::<ObservedFile>(files.observed.as_deref(), "observed", folder), &desired.fleet.name),
    };
    let object = |text: &String| match text.split_once('/') {
        Some(("Service", key)) => ObjectRef::service(key),
        Some(("TargetGroup", key)) => ObjectRef::target_group(key),
        _ => panic!("only: takes Kind/key, not {text}"),
    };
    let only: BTreeSet<ObjectRef> = policy.only.iter().map(object).collect();
    Case {
        desired,
        observed,
        policy: Policy {
            command: None,
            force: policy.force,
            only: (!only.is_empty()).then_some(only),
            prune_serving: policy.prune_serving,
        },
        now: policy.now.parse().expect("now is a timestamp"),
        passes: policy.passes,
    }
}

fn set_image(desired: &mut Desired, text: &str) {
    let parts = text.split_once('=').and_then(|(target, image)| Some((target.split_once('/')?, image)));
    let Some(((key, container), image)) = parts else { panic!("images: takes SERVICE/CONTAINER=IMAGE, not {text}") };
    let service = desired.services.get_mut(key).expect("a service of the manifest");
    let empty = || Definition::Content {
        members: Default::default(),
        other_containers: OtherContainers::Keep,
        images: Default::default(),
    };
    let Definition::Content { images, .. } = service.task_definition.get_or_insert_with(empty) else {
        panic!("images: {key} has no content")
    };
    images.insert(container.to_owned(), image.to_owned());
}

/// A case may bring a world of the sandbox in place of what was observed; reading it takes the SDK.
#[cfg(all(feature = "aws", feature = "sandbox"))]
fn observed_in(world: &str, folder: &Path, desired: &Desired) -> Observed {
    let world = portolan::sandbox::world_file::load(&format!("{}/world.yaml", folder.display()), world);
    crate::emulator::observe(world.unwrap_or_else(|error| panic!("{error}")), desired)
}

#[cfg(not(all(feature = "aws", feature = "sandbox")))]
fn observed_in(_world: &str, folder: &Path, _desired: &Desired) -> Observed {
    panic!("{} cannot be read without the SDK", folder.display())
}

fn render(case: &Case) -> String {
    let errors = scope_errors(&case.desired, &case.observed);
    if !errors.is_empty() {
        return errors.iter().map(|error| format!("error: {}\nhint: {}\n", error.message, error.hint)).collect();
    }
    let report = Report { plan: case.plan(), ..Report::default() };
    let mut text = text::render(&report, Paint::Off);
    let edges = report.plan.steps.iter().filter(|step| !step.after.is_empty()).map(|step| {
        let after: Vec<_> = step.after.iter().map(ToString::to_string).collect();
        format!("{} after {}\n", step.id, after.join(", "))
    });
    let edges: String = edges.collect();
    if !edges.is_empty() {
        text.push_str(&format!("\nedges:\n{edges}"));
    }
    text.push_str(&format!("verdict: {}\n", report.verdict().as_str()));
    text
}

#[test]
fn every_case_plans_as_written() {
    let mut differing = Vec::new();
    for folder in folders() {
        let got = render(&load(&folder));
        let path = folder.join("plan.txt");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, got).expect("plan.txt can be written");
            continue;
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if got != expected {
            differing.push(format!("=== {}\n--- expected\n{expected}+++ got\n{got}", path.display()));
        }
    }
    assert!(differing.is_empty(), "{}\n(UPDATE_EXPECT=1 accepts them)", differing.join("\n"));
}

/// What has to happen is a field of its own: no report finds it in a sentence.
#[test]
fn no_reason_says_what_has_to_happen() {
    let mut found = Vec::new();
    for folder in folders() {
        for entry in load(&folder).plan().blocked {
            if let WaitingOn::Difference(reason) = &entry.waiting_on
                && goes_on(&reason.because)
            {
                found.push(format!("{}: {}", folder.display(), reason.because));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Whether a sentence has a semicolon; one in brackets or quotes belongs to what they enclose.
fn goes_on(text: &str) -> bool {
    let (mut depth, mut is_quoted) = (0_usize, false);
    text.chars().any(|letter| {
        match letter {
            '"' => is_quoted = !is_quoted,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ';' && depth == 0 && !is_quoted
    })
}

#[test]
fn what_a_plan_makes_needs_no_further_plan() {
    for folder in folders() {
        let case = load(&folder);
        if !scope_errors(&case.desired, &case.observed).is_empty() {
            continue;
        }
        let mut next = case.clone();
        for _ in 0..case.passes {
            next = next.after(&next.plan().steps);
        }
        let left = next.plan().steps;
        assert!(left.is_empty(), "{}: a further pass would still do {left:#?}", folder.display());
    }
}

#[test]
fn wherever_a_run_is_cut_off_the_next_ones_end_in_the_same_world() {
    for folder in folders() {
        let case = load(&folder);
        let steps = case.plan().steps;
        let whole = canonical(settle(case.after(&steps), &folder));
        for subset in down_closed(&steps) {
            let cut = case.after(steps.iter().filter(|step| subset.contains(&step.id)));
            let end = canonical(settle(cut, &folder));
            assert!(end == whole, "{}: cut off after {subset:?}, the world ends differently", folder.display());
        }
    }
}

/// Plans and applies until nothing is left to do.
fn settle(mut case: Case, folder: &Path) -> Observed {
    for _ in 0..4 {
        let steps = case.plan().steps;
        if steps.is_empty() {
            return case.observed;
        }
        case = case.after(&steps);
    }
    panic!("{}: four passes, and still something to do", folder.display());
}

/// Every set of steps that a cut can leave done: with each step, all before it. Large plans are cut in their own order.
fn down_closed(steps: &[Step]) -> Vec<BTreeSet<StepId>> {
    if steps.len() > 10 {
        return (0..=steps.len()).map(|cut| steps[..cut].iter().map(|step| step.id).collect()).collect();
    }
    (0..1_u32 << steps.len())
        .map(|bits| steps.iter().filter(|step| bits & (1 << step.id.0) != 0).map(|step| step.id).collect())
        .filter(|subset: &BTreeSet<StepId>| {
            steps.iter().filter(|step| subset.contains(&step.id)).all(|step| step.after.is_subset(subset))
        })
        .collect()
}

/// Lists whose order says nothing, sorted.
pub fn canonical(mut observed: Observed) -> Observed {
    for rules in observed.rules.values_mut() {
        if let Seen::Present(rules) = rules {
            rules.sort_by(|a, b| a.arn.cmp(&b.arn));
        }
    }
    for rules in observed.ingress.values_mut().chain([&mut observed.marked_ingress]) {
        if let Seen::Present(rules) = rules {
            rules.sort_by(|a, b| a.id.cmp(&b.id));
        }
    }
    if let Seen::Present(groups) = &mut observed.target_groups {
        groups.sort_by(|a, b| a.arn.cmp(&b.arn));
    }
    for targets in observed.targets.values_mut() {
        if let Seen::Present(targets) = targets {
            targets.sort_by(|a, b| a.key.cmp(&b.key));
        }
    }
    observed
}

/// What a case does not mention is sound: else its plan would show more than the case is about.
#[test]
fn nothing_is_to_be_done_for_a_base_fleet() {
    for folder in folder::all("fleets") {
        if folder::open(&folder).observed.is_some() {
            let plan = load(&folder).plan();
            assert!(plan.steps.is_empty() && plan.blocked.is_empty(), "{}: {plan:#?}", folder.display());
        }
    }
}
