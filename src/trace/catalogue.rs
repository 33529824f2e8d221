//! The catalogue of faults that keep requests from healthy tasks. Findings, texts and `docs/trace.md` are generated from this
//! table. A number is never reused, and a name that changes stays as an alias.

use std::cmp::Ordering;
use std::fmt;

use super::hop_id::HopId;

/// Defines each fault with a number as a [`Code`], and the list of them: no code is without its explanation.
macro_rules! numbered {
    ($($constant:ident = $number:literal { $($member:tt)* })*) => {
        $(pub(crate) const $constant: Code = Code(&Entry { number: $number, $($member)* });)*

        pub(super) const ENTRIES: &[(&str, Code)] = &[$((stringify!($constant), $constant)),*];
    };
}

/// The same for faults without a number.
macro_rules! unnumbered {
    ($($constant:ident { $($member:tt)* })*) => {
        $(pub(crate) static $constant: Named = Named { $($member)* };)*

        pub(super) static ENTRIES: &[(&str, &Named)] = &[$((stringify!($constant), &$constant)),*];
    };
}

pub(crate) mod named;
mod service;
mod target;

/// Every code by its name.
pub(crate) mod codes {
    pub(crate) use super::service::*;
    pub(crate) use super::target::*;
}

/// Every fault with a number, in order.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    target::ENTRIES.iter().chain(service::ENTRIES).map(|(_, code)| code.entry())
}

/// A fault with a number, written `M01`. It is made in the catalogue alone, so each has its explanation.
#[derive(Clone, Copy)]
pub struct Code(&'static Entry);

impl Code {
    /// What the catalogue says of it.
    pub fn entry(self) -> &'static Entry {
        self.0
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.0.number == other.0.number
    }
}

impl Eq for Code {}

impl PartialOrd for Code {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Code {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.number.cmp(&other.0.number)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "M{:02}", self.0.number)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
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
    pub number: u8,
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
    named::ENTRIES.iter().map(|(_, entry)| *entry)
}

/// The fault without a number that has this name.
pub fn named(name: &str) -> Option<&'static Named> {
    all_named().find(|entry| entry.name == name)
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

fn section(entry: &'static Entry) -> String {
    let Entry { number: _, name, aliases, hop: _, symptom, evidence, fix, owner, repaired_by } = entry;
    section_of(&format!("{} ", Code(entry)), name, aliases, [symptom, evidence, fix], *owner, repaired_by)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_has_the_name_of_its_fault() {
        let numbered = target::ENTRIES.iter().chain(service::ENTRIES).map(|(name, code)| (name, code.entry().name));
        let unnumbered = named::ENTRIES.iter().map(|(name, entry)| (name, entry.name));
        for (constant, name) in numbered.chain(unnumbered) {
            assert_eq!(constant.to_lowercase().replace('_', "-"), name);
        }
    }
}
