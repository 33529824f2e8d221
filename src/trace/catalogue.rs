//! The catalogue of ways in which tasks are green and no request arrives: one table, which findings, texts and
//! `docs/trace.md` are made of. A number is never given to another code.

use std::fmt;

use super::hop::HopId;

mod named;
mod service;
mod target;

/// Every code, in order.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    target::ENTRIES.iter().chain(service::ENTRIES)
}

/// A number of the catalogue, written `M01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code(pub u8);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "M{:02}", self.0)
    }
}

/// Who can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// `portolan reconcile`, where the manifest declares what is wrong.
    Portolan,
    /// Whoever owns the network: its reach goes beyond one service.
    Network,
    /// Whoever writes and deploys the app.
    App,
    /// ECS itself, or whoever drives its deployments.
    Deployments,
    /// Nobody has to: time does.
    Time,
}

impl Whose {
    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Portolan => "Portolan, where it is declared",
            Self::Network => "the network's owner",
            Self::App => "the app's owner",
            Self::Deployments => "the owner of the deployments",
            Self::Time => "nobody: wait",
        }
    }
}

/// A line of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub code: Code,
    /// Its name.
    pub name: &'static str,
    /// Where on the path it shows; `None`: trace does not look for it.
    pub hop: Option<HopId>,
    /// What people see.
    pub symptom: &'static str,
    /// What proves it.
    pub evidence: &'static str,
    /// What mends it.
    pub fix: &'static str,
    /// Whose it is.
    pub whose: Whose,
    /// The AWS operations that mend it in a plan; none: no step does.
    pub mended_by: &'static [&'static str],
}

/// A finding that has a name and no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its name, which is its code too.
    pub name: &'static str,
    /// Where on the path it shows.
    pub hop: HopId,
    /// What people see.
    pub symptom: &'static str,
    /// What proves it.
    pub evidence: &'static str,
    /// What repairs it.
    pub fix: &'static str,
    /// Who can repair it.
    pub whose: Whose,
    /// The AWS operations that repair it in a plan; none: no step does.
    pub mended_by: &'static [&'static str],
}

/// Every name without a number, in the order of the hops.
pub fn all_named() -> impl Iterator<Item = &'static Named> {
    named::NAMED.iter()
}

/// The entry of a name without a number.
pub fn named(name: &str) -> Option<&'static Named> {
    all_named().find(|entry| entry.name == name)
}

/// The entry of a code.
pub fn entry(code: Code) -> Option<&'static Entry> {
    all().find(|entry| entry.code == code)
}

/// `docs/trace.md`.
pub fn page() -> String {
    let mut page = String::from(
        "# What `portolan trace` can find\n\n\
         Made from the tables in `src/trace/catalogue`; `UPDATE_EXPECT=1 cargo test catalogue` writes it anew.\n\n\
         A finding names one code where the evidence excludes the others, and the set where it does not. The hop is the\n\
         station of the path at which it shows. What could not be read is *unknown*, never *ok*.\n\n\
         `portolan trace` shows every hop. `reconcile`, its dry run and `drift` show a finding under the step that mends it,\n\
         and block a step that would break a path that is sound now. `status` says of each service whether all its paths\n\
         are sound.\n\n\
         A path is *broken* where some of its requests fail or reach a wrong app (exit 1). It is *degraded* where other\n\
         targets answer every request and capacity is missing: in JSON its `verdict` is `reachable` with `degraded: true` and\n\
         the findings (exit 0). It is *starting* while tasks come up for the first time, after a deployment or after a\n\
         scale-up from 0: `unknown` with `starting: true`. It is on *standby* where no request is to be answered: the\n\
         manifest wants no task, or another target group has all the weight.\n",
    );
    for hop in HopId::ALL {
        page.push_str(&format!("\n## {}\n", hop.as_str()));
        all().filter(|entry| entry.hop == Some(hop)).for_each(|entry| page.push_str(&section(entry)));
        all_named().filter(|entry| entry.hop == hop).for_each(|entry| page.push_str(&section_of_name(entry)));
    }
    page.push_str(
        "\n## Not looked for\n\nTrace cannot read what would prove these, or they are not on the path of a listener.\n",
    );
    all().filter(|entry| entry.hop.is_none()).for_each(|entry| page.push_str(&section(entry)));
    page
}

fn section(entry: &Entry) -> String {
    let Entry { code, name, hop: _, symptom, evidence, fix, whose, mended_by } = entry;
    section_of(&format!("{code} {name}"), [symptom, evidence, fix], *whose, mended_by)
}

fn section_of_name(entry: &Named) -> String {
    let Named { name, hop: _, symptom, evidence, fix, whose, mended_by } = entry;
    section_of(name, [symptom, evidence, fix], *whose, mended_by)
}

fn section_of(title: &str, [symptom, evidence, fix]: [&str; 3], whose: Whose, mended_by: &[&str]) -> String {
    let step = match mended_by {
        [] => String::new(),
        calls => format!(" (a step of the plan: {})", calls.join(", ")),
    };
    format!(
        "\n### {title}\n\n- Symptom: {symptom}.\n- Evidence: {evidence}.\n- Fix: {fix}.\n- Whose: {}{step}.\n",
        whose.as_str()
    )
}
