//! A report as one list, for the forms that know no steps and plans but only findings with a weight and a place:
//! SARIF, JUnit, GitHub's annotations, Markdown.

use std::collections::BTreeSet;

use crate::apply::StepResult;
use crate::model::{Gap, Place};
use crate::plan::{Action, Blocked, Change, Deferred, Finding, Mend, Planned, Step, WaitingOn};
use crate::trace::catalogue;

use super::broken::BrokenPath;
use super::place::Item;
use super::text::{plain, symbol};
use super::{Error, Report};

/// What an entry is, the heaviest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Something went wrong outside of the plan.
    Error,
    /// A difference that a step repairs, now or in a later run.
    Pending,
    /// A difference that no step repairs now.
    Blocked,
    /// A call that AWS did not answer, or something that waits for one.
    NotRead,
    /// A broken path that no step repairs: requests fail, and that is no difference from the manifest.
    BrokenPath,
    /// Left to its rightful owner; counts as in sync.
    Deferred,
    /// Worth knowing, no difference.
    Finding,
}

impl Kind {
    /// All of them.
    pub(super) const ALL: [Self; 7] =
        [Self::Error, Self::Pending, Self::Blocked, Self::NotRead, Self::BrokenPath, Self::Deferred, Self::Finding];

    /// Its name in machine-readable forms.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Pending => "drift-pending",
            Self::Blocked => "drift-blocked",
            Self::NotRead => "not-read",
            Self::BrokenPath => "broken-path",
            Self::Deferred => "deferred",
            Self::Finding => "finding",
        }
    }

    /// What it means, in a sentence.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Error => "An error in the manifest, the credentials, AWS or the run itself.",
            Self::Pending => "The live state differs from the manifest; `portolan reconcile` repairs it.",
            Self::Blocked => "The live state differs from the manifest, and no step can repair it now.",
            Self::NotRead => "A read failed, so it is unknown whether the object differs.",
            Self::BrokenPath => "A path is broken and no step repairs it; `portolan trace` shows it.",
            Self::Deferred => "A difference that its owner decides about; it counts as in sync.",
            Self::Finding => "A note, not a difference.",
        }
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// What it is.
    pub(super) kind: Kind,
    /// `+`, `~`, `-` of a step, as in the text; `!`, `?`, `»`, `i` of the others.
    pub(super) symbol: &'static str,
    /// `Kind/key`, or what else it is about; empty for an error.
    pub(super) object: String,
    /// The AWS operation or call that it is about.
    pub(super) operation: Option<&'a str>,
    /// The AWS operation of a step, also of one that is blocked.
    pub(super) action: Option<&'static str>,
    /// The name of a broken path.
    pub(super) path: Option<String>,
    /// What it is, in one line.
    pub(super) what: String,
    /// The fields that differ.
    pub(super) changes: &'a [Change],
    /// The codes of what tracing finds broken by it, each with its name; empty where it breaks no path.
    pub(super) codes: BTreeSet<String>,
    /// The same codes with former names, for programs that match an old name.
    pub(super) aliases: BTreeSet<String>,
    /// More about it: a label and a sentence. The code comes first, then the cause, then the fix.
    pub(super) notes: Vec<(&'static str, String)>,
    /// Where the manifest has it; line and column may be missing for a whole file.
    pub(super) at: Option<At<'a>>,
}

/// A place, as exact as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At<'a> {
    pub(super) file: &'a str,
    pub(super) line: Option<usize>,
    pub(super) column: Option<usize>,
}

impl<'a> At<'a> {
    pub(super) fn of(place: &'a Place) -> Self {
        Self { file: &place.file, line: Some(place.line), column: Some(place.column) }
    }

    /// `file:line:column`, as far as it is known.
    pub(super) fn text(self) -> String {
        let number = |number: Option<usize>| number.map(|number| format!(":{number}")).unwrap_or_default();
        format!("{}{}{}", self.file, number(self.line), number(self.column.filter(|_| self.line.is_some())))
    }

    /// Standard input is no file that anybody could open.
    pub(super) fn is_a_file(self) -> bool {
        self.file != "<stdin>"
    }
}

impl Entry<'_> {
    /// The whole entry, a line for each thing it says, nothing in it that steers a terminal.
    pub(super) fn lines(&self) -> Vec<String> {
        self.exact().iter().map(|line| plain(line)).collect()
    }

    /// The same with every value as it is, for forms that programs read.
    pub(super) fn exact(&self) -> Vec<String> {
        let changes = self.changes.iter().map(describe);
        let notes = self.notes.iter().map(|(word, text)| format!("{word}: {text}"));
        std::iter::once(self.what.clone()).chain(changes).chain(notes).collect()
    }
}

/// `field: live → desired`
fn describe(change: &Change) -> String {
    let Change { field, live, desired } = change;
    format!("{field}: {} → {}", shown(live.as_deref()), shown(desired.as_deref()))
}

/// A value as people read it.
pub(super) fn shown(value: Option<&str>) -> &str {
    match value {
        None => "none",
        Some("") => "\"\"",
        Some(text) => text,
    }
}

/// Everything that a report says, the heaviest first, in the order of the plan. Unchanged objects are left out.
pub(super) fn entries(report: &Report) -> Vec<Entry<'_>> {
    let errors = report.errors.iter().map(of_error);
    let mut all: Vec<_> = errors.chain(steps(report)).chain(others(report)).collect();
    all.sort_by_key(|entry| entry.kind);
    for entry in &mut all {
        let codes: Vec<&str> = entry.codes.iter().map(String::as_str).collect();
        let code = if codes.is_empty() { entry.kind.id().to_owned() } else { codes.join(", ") };
        entry.notes.insert(0, ("code", code));
    }
    all
}

/// Such as `M01 target-security-group-blocks-load-balancer`.
fn code_of(mend: &Mend) -> String {
    code_with(mend, &mend.name)
}

/// The same with each former name.
fn former_codes(mend: &Mend) -> impl Iterator<Item = String> {
    catalogue::aliases(&mend.name).iter().map(|alias| code_with(mend, alias))
}

fn code_with(mend: &Mend, name: &str) -> String {
    let codes = mend.codes.join(" or ");
    if codes.is_empty() { name.to_owned() } else { format!("{codes} {name}") }
}

fn of_error(error: &Error) -> Entry<'_> {
    let Error { file, line, column, message, hint } = error;
    Entry {
        kind: Kind::Error,
        symbol: "✗",
        object: String::new(),
        operation: None,
        action: None,
        path: None,
        what: message.clone(),
        changes: &[],
        codes: BTreeSet::new(),
        aliases: BTreeSet::new(),
        notes: hint.iter().map(|hint| ("fix", hint.clone())).collect(),
        at: file.as_deref().map(|file| At { file, line: *line, column: *column }),
    }
}

fn steps(report: &Report) -> impl Iterator<Item = Entry<'_>> {
    let open = report.plan.steps.iter().filter(|step| report.result_of(step) != Some(&StepResult::Done));
    open.map(|step| {
        // The resource is in the summary, the order is that of the list, and the symbol says what is removed.
        let Step {
            id,
            action,
            object,
            target: _,
            summary,
            reason,
            changes,
            after: _,
            redeploys,
            removes: _,
            receivers: _,
        } = step;
        let mends = || report.plan.mends.get(id).into_iter().flatten();
        let mut notes = vec![("because", reason.clone())];
        notes.extend(mends().map(|mend| ("repairs", format!("{}: {}", code_of(mend), mend.evidence))));
        notes.push(("fix", format!("portolan reconcile sends {} (step {id})", action.operation())));
        if *redeploys {
            notes.push(("note", "starts an ECS deployment".to_owned()));
        }
        Entry {
            kind: Kind::Pending,
            symbol: symbol(action).0,
            object: object.to_string(),
            operation: Some(action.operation()),
            action: Some(action.operation()),
            path: None,
            what: summary.clone(),
            changes,
            codes: mends().map(code_of).collect(),
            aliases: mends().flat_map(former_codes).collect(),
            notes,
            at: report.places.get(&Item::Step(*id)).map(At::of),
        }
    })
}

/// Who does what is planned for later.
const LATER: &str = "run portolan reconcile again (or with --wait); portolan run does it by itself";

/// What makes a call answer.
fn read_again(gap: &Gap) -> String {
    match gap.permission() {
        Some(action) => format!("allow the IAM action {action} for the role that Portolan runs as"),
        None => "run again; if it fails again, -vv shows AWS's answers".to_owned(),
    }
}

fn others(report: &Report) -> impl Iterator<Item = Entry<'_>> {
    let plan = &report.plan;
    let bare = |kind, symbol, object: String, what: &str, item| Entry {
        kind,
        symbol,
        object,
        operation: None,
        action: None,
        path: None,
        what: what.to_owned(),
        changes: &[],
        codes: BTreeSet::new(),
        aliases: BTreeSet::new(),
        notes: Vec::new(),
        at: report.places.get(&item).map(At::of),
    };
    let blocked = plan.blocked.iter().enumerate().map(move |(number, entry)| {
        let Blocked { object, what, waiting_on, action, changes } = entry;
        let (kind, symbol) = match waiting_on {
            WaitingOn::ObserveMode | WaitingOn::Difference(_) => (Kind::Blocked, "!"),
            WaitingOn::Gap(_) | WaitingOn::Unread { .. } => (Kind::NotRead, "?"),
        };
        let way_out = waiting_on.to_unblock().map(|way_out| ("to unblock", way_out));
        Entry {
            action: action.as_ref().map(Action::operation),
            changes,
            notes: [("because", waiting_on.because())].into_iter().chain(way_out).collect(),
            ..bare(kind, symbol, object.to_string(), what, Item::Blocked(number))
        }
    });
    let gaps = plan.gaps.iter().enumerate().map(move |(number, (object, gap))| Entry {
        operation: Some(&gap.call),
        notes: vec![("fix", read_again(gap))],
        ..bare(Kind::NotRead, "?", object.clone(), &WaitingOn::Gap(gap.clone()).to_string(), Item::Gap(number))
    });
    let planned = plan.planned.iter().enumerate();
    let planned = planned.map(move |(number, Planned { object, what, because })| Entry {
        notes: vec![("because", because.clone()), ("fix", LATER.to_owned())],
        ..bare(Kind::Pending, "…", object.to_string(), what, Item::Planned(number))
    });
    let deferred = plan.deferred.iter().enumerate();
    let deferred = deferred.map(move |(number, Deferred { object, what, owner })| Entry {
        notes: vec![("owner", owner.clone())],
        ..bare(Kind::Deferred, "»", object.to_string(), what, Item::Deferred(number))
    });
    let findings = plan.findings.iter().enumerate();
    let findings = findings.map(move |(number, Finding { object, what })| {
        bare(Kind::Finding, "i", object.to_string(), what, Item::Finding(number))
    });
    let broken = report.unrepaired().iter().enumerate().map(move |(number, path)| {
        // The codes and the finding are in `code`.
        let BrokenPath { name, codes: _, finding: _, evidence, fix } = path;
        let what = format!("{name} is broken; run portolan trace");
        Entry {
            codes: [path.code()].into(),
            aliases: path.former_codes().collect(),
            path: Some(name.to_string()),
            notes: vec![("because", evidence.clone()), ("fix", fix.clone())],
            ..bare(Kind::BrokenPath, "✗", path.object().to_string(), &what, Item::BrokenPath(number))
        }
    });
    planned.chain(blocked).chain(gaps).chain(broken).chain(deferred).chain(findings)
}
