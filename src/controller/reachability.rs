//! Whether requests can arrive, object by object: the trace of what a pass has read anyway, laid over the network around.
//!
//! A look reads what planning needs. Tracing needs more (ACLs, routes, interfaces, egress, and the attributes of every
//! load balancer and target group, a call each), which seldom changes. So that is read beside the passes, at the rate of
//! the slowest tier and a call a second where a call each is needed ([`PathTracer`]), and every pass is traced against the last
//! reading. What the pass itself has read is fresher, and goes first. What is not known yet is unknown, never ok.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::apply::Read;
use crate::model::{Desired, Kind, ObjectRef, Observed};
use crate::pass::{Derived, Kept, Pace, Reading};
use crate::trace::{Asked, Chosen, Path, State, Subjects, Verdict, each_path};

/// How old the network around may become.
pub const PERIOD: Duration = Duration::from_secs(3600);
/// How soon it is read again after something changed: new tasks bring new addresses.
pub const SOONEST: Duration = Duration::from_secs(300);

/// What the paths of an object come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The worst of its paths.
    pub verdict: Verdict,
    /// Every request is answered, and capacity is missing.
    pub degraded: bool,
    /// Where and why, or that nothing is wrong.
    pub reason: String,
}

/// What the other end is to read.
#[derive(Debug)]
struct Question {
    subjects: Subjects,
    /// What need not be asked.
    known: Observed,
}

/// The controller's end: what is known of the network around, and when to read it again.
#[derive(Debug)]
pub struct PathTracer {
    asks: mpsc::Sender<Box<Question>>,
    found: mpsc::Receiver<Observed>,
    around: Observed,
    /// When the last reading was asked for, and the last one that read everything.
    asked: Option<(Instant, Instant)>,
    /// A reading is under way.
    waits: bool,
    /// The manifest changed, or something was written, since then.
    changed: bool,
    /// When something was last written for an object.
    written: BTreeMap<ObjectRef, Timestamp>,
}

/// The other end: what has to run beside the controller.
#[derive(Debug)]
pub struct NetworkReader<'a, S> {
    reader: &'a S,
    asks: mpsc::Receiver<Box<Question>>,
    found: mpsc::Sender<Observed>,
}

/// A path tracer, and the reader of the network that runs beside it.
pub fn path_tracer<S: Read>(reader: &S) -> (PathTracer, NetworkReader<'_, S>) {
    let ((asks, asked), (find, found)) = (mpsc::channel(1), mpsc::channel(1));
    let path_tracer = PathTracer {
        asks,
        found,
        around: Observed::unasked(""),
        asked: None,
        waits: false,
        changed: false,
        written: BTreeMap::new(),
    };
    (path_tracer, NetworkReader { reader, asks: asked, found: find })
}

impl<S: Read> NetworkReader<'_, S> {
    /// Reads whenever it is asked, for as long as it is polled.
    pub async fn run(mut self) -> Infallible {
        while let Some(question) = self.asks.recv().await {
            let Question { subjects, known } = *question;
            let mut reading = Reading::of(known);
            let needs = Derived::by(|observed| subjects.needs(observed));
            Box::pin(reading.read(self.reader, &mut Kept::nothing(), Pace::Background, needs)).await;
            let around = reading.observed;
            // No receiver is left: the service is about to end.
            let _ = self.found.send(around).await;
        }
        std::future::pending().await
    }
}

impl PathTracer {
    /// Something is no longer as it was when the network around was read.
    pub(super) fn note_change(&mut self) {
        self.changed = true;
    }

    /// Something was written for an object at this time.
    pub(super) fn note_write(&mut self, object: &ObjectRef, at: Timestamp) {
        self.changed = true;
        self.written.insert(object.clone(), at);
    }

    /// Traces a look, and asks for another reading when one is due.
    pub(super) fn follow(
        &mut self,
        desired: &Desired,
        observed: &mut Observed,
        now: Timestamp,
    ) -> BTreeMap<ObjectRef, Reach> {
        // It asks for no pass of its own: the next one is soon enough for what is only told.
        if let Ok(around) = self.found.try_recv() {
            (self.around, self.waits) = (around, false);
        }
        observed.fill(&self.around);
        let changed = last_changes(desired, &self.written);
        let asked = Asked { is_manifest: true, changed, ..Asked::default() };
        let mut found = BTreeMap::new();
        each_path(desired, observed, &asked, now, |path| note(&path, &mut found));
        self.ask_when_due(desired, observed);
        found
    }

    fn ask_when_due(&mut self, desired: &Desired, observed: &Observed) {
        let now = Instant::now();
        let whole = self.asked.map(|(_, whole)| whole).filter(|whole| now - *whole < PERIOD);
        let is_soon = self.asked.is_some_and(|(last, _)| now - last < SOONEST);
        let has_news = || self.changed || Subjects::has_news(observed);
        if self.waits || (whole.is_some() && (is_soon || !has_news())) {
            return;
        }
        let known = known_of(observed, whole.is_some());
        let subjects = Subjects::of(desired, observed, &Chosen::All);
        if self.asks.try_send(Box::new(Question { subjects, known })).is_ok() {
            (self.asked, self.waits, self.changed) = (Some((now, whole.unwrap_or(now))), true, false);
        }
    }
}

/// When something on the path to each target group was last written: for itself, or for a service behind it.
fn last_changes(desired: &Desired, written: &BTreeMap<ObjectRef, Timestamp>) -> BTreeMap<String, Timestamp> {
    let services = desired.services.values().flat_map(|service| {
        let groups = service.ports.iter().flatten().flat_map(|port| port.target_groups.iter().flatten());
        groups.map(|key| (key, ObjectRef::service(&service.key)))
    });
    let itself = desired.target_groups.keys().map(|key| (key, ObjectRef::target_group(key)));
    let mut changed = BTreeMap::new();
    for (key, object) in services.chain(itself) {
        let Some(at) = written.get(&object) else { continue };
        let last = changed.entry(key.clone()).or_insert(*at);
        *last = (*last).max(*at);
    }
    changed
}

/// What need not be asked again. Attributes cost a call each, and new tasks do not change them.
fn known_of(observed: &Observed, keeps_attributes: bool) -> Observed {
    observed.only(|query| {
        let kind = query.kind();
        let is_of_this_pass = || observed.answered.contains(query);
        let is_attributes = matches!(kind, Kind::Attributes | Kind::LoadBalancerAttributes);
        let may_be_of_this_pass = matches!(kind, Kind::Attributes | Kind::Host | Kind::Nodes);
        (is_attributes && keeps_attributes) || (may_be_of_this_pass && is_of_this_pass())
    })
}

/// Notes a path for its service and its target group, where it is the worst one so far.
fn note(path: &Path, found: &mut BTreeMap<ObjectRef, Reach>) {
    let verdict = path.verdict();
    let service = path.name.service.as_deref().map(ObjectRef::service);
    for object in service.into_iter().chain([ObjectRef::target_group(&path.name.target_group)]) {
        let degraded = path.is_degraded();
        let is_worse = |worst: &Reach| (verdict, !degraded) < (worst.verdict, !worst.degraded);
        if found.get(&object).is_none_or(is_worse) {
            found.insert(object, Reach { verdict, degraded, reason: reason(path) });
        }
    }
}

fn reason(path: &Path) -> String {
    let broken = path.broken_hop();
    let unknown = || path.hops.iter().find(|hop| matches!(hop.state, State::Unknown(_) | State::Starting(_)));
    let degraded = || path.hops.iter().find(|hop| path.is_degraded() && !hop.findings.is_empty());
    match broken.or_else(unknown).or_else(degraded) {
        None => path.standby.clone().unwrap_or_else(|| "every hop works".to_owned()),
        Some(hop) => {
            let finding = hop.findings.first().map(|finding| format!("{}: ", finding.names().join(" or ")));
            let finding = finding.unwrap_or_default();
            format!("{} at {}: {finding}{}", name(path), hop.id.as_str(), hop.evidence)
        }
    }
}

/// A path, for people.
fn name(path: &Path) -> String {
    let listener = path.name.listener.map(|port| format!("listener {port} → ")).unwrap_or_default();
    format!("{listener}{}", path.name.target_group)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::fixture::Stand;

    #[test]
    fn a_write_for_a_service_changes_the_way_to_its_target_groups() {
        let stand = Stand::sound();
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let (early, late) = (at("2026-11-20T11:00:00Z"), at("2026-11-20T11:59:00Z"));
        let mut written = BTreeMap::from([(ObjectRef::service("shop"), early), (ObjectRef::service("cart"), late)]);
        assert_eq!(last_changes(&stand.desired, &written), [("shop".to_owned(), early)].into());
        written.insert(ObjectRef::target_group("shop"), late);
        assert_eq!(last_changes(&stand.desired, &written), [("shop".to_owned(), late)].into());
    }
}
