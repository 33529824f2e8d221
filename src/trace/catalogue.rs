//! The catalogue of faults that keep requests from healthy tasks. Findings, texts and `docs/trace.md` are generated from this
//! table. A number is never reused, and a name that changes stays as an alias.

use std::fmt;

use super::hop::HopId;

mod named;
mod service;
mod target;

/// Every code, in order.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    target::ENTRIES.iter().chain(service::ENTRIES)
}

/// A number in the catalogue, written `M01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code(pub u8);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "M{:02}", self.0)
    }
}

/// Who can repair a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// `portolan reconcile`, if the manifest declares the faulty object.
    Portolan,
    /// The owner of the network, because the repair affects more than one service.
    Network,
    /// The team that writes and deploys the app.
    App,
    /// ECS itself, or the team or tool that controls its deployments.
    Deployments,
    /// No one: the fault ends by itself.
    Time,
}

impl Owner {
    /// The text for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Portolan => "Portolan, if the manifest declares it",
            Self::Network => "the owner of the network",
            Self::App => "the owner of the app",
            Self::Deployments => "the owner of the deployments",
            Self::Time => "no one; wait",
        }
    }
}

/// A fault with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Unique, and never reused.
    pub code: Code,
    /// Unique, in kebab case.
    pub name: &'static str,
    /// Former names. JSON and SARIF report them beside the name, so that programs that match an old name keep working.
    pub aliases: &'static [&'static str],
    /// The hop that reports it; `None`: trace does not look for it.
    pub hop: Option<HopId>,
    /// What people notice.
    pub symptom: &'static str,
    /// What proves the fault.
    pub evidence: &'static str,
    /// How to repair it.
    pub fix: &'static str,
    /// Who can repair it.
    pub owner: Owner,
    /// The AWS operations with which a plan repairs it; empty: no step repairs it.
    pub repaired_by: &'static [&'static str],
}

/// A fault with a name but no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// The name, which also serves as the code.
    pub name: &'static str,
    /// Former names, as in [`Entry::aliases`].
    pub aliases: &'static [&'static str],
    /// The hop that reports it.
    pub hop: HopId,
    /// What people notice.
    pub symptom: &'static str,
    /// What proves the fault.
    pub evidence: &'static str,
    /// How to repair it.
    pub fix: &'static str,
    /// Who can repair it.
    pub owner: Owner,
    /// The AWS operations with which a plan repairs it; empty: no step repairs it.
    pub repaired_by: &'static [&'static str],
}

/// Every fault without a number, in the order of the hops.
pub fn all_named() -> impl Iterator<Item = &'static Named> {
    named::NAMED.iter()
}

/// The fault without a number that has this name.
pub fn named(name: &str) -> Option<&'static Named> {
    all_named().find(|entry| entry.name == name)
}

/// The entry of a code.
pub fn entry(code: Code) -> Option<&'static Entry> {
    all().find(|entry| entry.code == code)
}

/// The former names of a fault, which may have a number or not; empty if the name never changed.
pub fn aliases(name: &str) -> &'static [&'static str] {
    let numbered = all().find(|entry| entry.name == name).map(|entry| entry.aliases);
    numbered.or_else(|| named(name).map(|entry| entry.aliases)).unwrap_or_default()
}

/// The text of `docs/trace.md`.
pub fn page() -> String {
    let mut page = String::from(
        "# What `portolan trace` can find\n\n\
         Generated from the tables in `src/trace/catalogue`; `UPDATE_EXPECT=1 cargo test catalogue` writes this page again.\n\n\
         A finding has one code if the evidence excludes all others, and otherwise every code that the evidence leaves open.\n\
         A *hop* is a point on the path where a request can fail. A hop that could not be read is *unknown*, never *ok*.\n\n\
         `portolan trace` shows every hop. `reconcile`, its dry run and `drift` show a finding under the step that repairs it,\n\
         and block a step that would break a working path. `status` shows for each service whether all its paths work.\n\n\
         A path is *broken* if some of its requests fail or reach the wrong app (exit 1). It is *degraded* if other targets\n\
         answer every request but capacity is missing: in JSON its `verdict` is `reachable` with `degraded: true` and the\n\
         findings (exit 0). It is *starting* while tasks start for the first time, after a deployment or after a scale-up\n\
         from 0: `unknown` with `starting: true`. It is on *standby* if no request needs an answer: the manifest declares\n\
         0 tasks, or another target group has all the weight.\n\n\
         Some codes had other names before. The JSON of a finding has the current `name`, and the old names in `aliases`.\n",
    );
    for hop in HopId::ALL {
        page.push_str(&format!("\n## {}\n", hop.as_str()));
        all().filter(|entry| entry.hop == Some(hop)).for_each(|entry| page.push_str(&section(entry)));
        all_named().filter(|entry| entry.hop == hop).for_each(|entry| page.push_str(&section_of_name(entry)));
    }
    page.push_str(
        "\n## Not checked\n\nTrace does not report these: it cannot read the evidence, or the fault is not on the path of a listener.\n",
    );
    all().filter(|entry| entry.hop.is_none()).for_each(|entry| page.push_str(&section(entry)));
    page
}

fn section(entry: &Entry) -> String {
    let Entry { code, name, aliases, hop: _, symptom, evidence, fix, owner, repaired_by } = entry;
    section_of(&format!("{code} "), name, aliases, [symptom, evidence, fix], *owner, repaired_by)
}

fn section_of_name(entry: &Named) -> String {
    let Named { name, aliases, hop: _, symptom, evidence, fix, owner, repaired_by } = entry;
    section_of("", name, aliases, [symptom, evidence, fix], *owner, repaired_by)
}

/// `lead` is the code with a space, or empty. A former name keeps its anchor, so that links to it still work.
fn section_of(
    lead: &str,
    name: &str,
    aliases: &[&str],
    [symptom, evidence, fix]: [&str; 3],
    owner: Owner,
    repaired_by: &[&str],
) -> String {
    let step = match repaired_by {
        [] => String::new(),
        calls => format!(" (a plan repairs it with {})", calls.join(", ")),
    };
    let anchor = lead.to_lowercase().replace(' ', "-");
    let former = |alias: &&str| format!("<a id=\"{anchor}{alias}\"></a>Formerly `{alias}`.\n\n");
    let former: String = aliases.iter().map(former).collect();
    format!(
        "\n### {lead}{name}\n\n{former}- Symptom: {symptom}.\n- Evidence: {evidence}.\n- Fix: {fix}.\n- Owner: {}{step}.\n",
        owner.as_str()
    )
}
