//! Paths with the results of their hops.

use crate::model::{PathName, Route};

use super::finding::{Effect, Finding};
use super::health::Witness;
use super::hop::{Hop, State};
use super::unrouted::Unrouted;

/// All paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// One for each port mapping, target group and route.
    pub paths: Vec<Path>,
    /// The request that was asked about, if no path matches it.
    pub unrouted: Vec<Unrouted>,
}

/// One path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The load balancer, listener, target group, service and port.
    pub name: PathName,
    /// The declared route, otherwise the live one; `None` if there is neither.
    pub route: Option<Route>,
    /// How health check results relate to the configuration, with the text.
    pub witness: (Witness, String),
    /// Every hop, in order.
    pub hops: Vec<Hop>,
    /// Why no request needs an answer; `None` if requests need one.
    pub standby: Option<String>,
}

/// The result of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Some hop is broken.
    Broken,
    /// No hop is broken, but some could not be examined.
    Unknown,
    /// A request can arrive.
    Reachable,
    /// No request needs an answer: the manifest declares 0 tasks, or another target group has all the weight.
    Standby,
}

impl Verdict {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Unknown => "unknown",
            Self::Reachable => "reachable",
            Self::Standby => "standby",
        }
    }
}

impl Path {
    /// Whether both have the same route, target group and port; they may show two states of AWS.
    pub fn is_same(&self, other: &Self) -> bool {
        let (one, two) = (&self.name, &other.name);
        (&one.service, &one.port, &one.target_group) == (&two.service, &two.port, &two.target_group)
            && self.route == other.route
    }

    /// The first broken hop.
    pub fn broken_hop(&self) -> Option<&Hop> {
        self.hops.iter().find(|hop| hop.state == State::Broken)
    }

    /// The result of the path.
    pub fn verdict(&self) -> Verdict {
        if self.broken_hop().is_some() {
            Verdict::Broken
        } else if self.hops.iter().any(|hop| matches!(hop.state, State::Unknown(_) | State::Starting(_))) {
            Verdict::Unknown
        } else if self.standby.is_some() {
            Verdict::Standby
        } else {
            Verdict::Reachable
        }
    }

    /// Whether every request is answered although capacity is missing.
    pub fn is_degraded(&self) -> bool {
        self.verdict() == Verdict::Reachable && self.findings().any(|finding| finding.effect == Effect::Degrades)
    }

    /// Whether the verdict is unknown only because tasks are starting.
    pub fn is_starting(&self) -> bool {
        let unknown = || self.hops.iter().filter(|hop| hop.state.as_str() == "unknown");
        self.verdict() == Verdict::Unknown && unknown().all(|hop| matches!(hop.state, State::Starting(_)))
    }

    /// Findings of all hops, in order.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.hops.iter().flat_map(|hop| &hop.findings)
    }
}

impl Trace {
    /// Whether anything is unknown for another reason than starting tasks.
    pub fn is_unknown(&self) -> bool {
        let unknown = |path: &Path| path.verdict() == Verdict::Unknown && !path.is_starting();
        self.paths.iter().any(unknown) || self.unrouted.iter().any(|one| one.gap.is_some())
    }

    /// The worst verdict of all paths; reachable without paths. A request that no path matches does not arrive.
    pub fn verdict(&self) -> Verdict {
        if !self.unrouted.is_empty() {
            let is_known = |one: &Unrouted| one.gap.is_none();
            return if self.unrouted.iter().any(is_known) { Verdict::Broken } else { Verdict::Unknown };
        }
        // A path on standby is intended, so it counts as reachable.
        self.paths.iter().map(Path::verdict).min().map_or(Verdict::Reachable, |worst| worst.min(Verdict::Reachable))
    }
}
