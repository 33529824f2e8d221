//! The manifest as its files have it: what counts of what was read, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::vanished::Vanished;
use crate::manifest::{self, Problem, Source};
use crate::model::Desired;
use crate::plan::{Plan, StepId};

/// The texts that make up the fleet, as they are now. Paths are resolved again each time, so that files may be replaced
/// and links moved.
pub trait Declare {
    /// Reads them.
    fn read(&self) -> impl Future<Output = Result<Vec<Source>, Vec<Problem>>>;
}

/// How often the files of the manifest are read, at the least. What has changed counts once it reads the same twice in
/// a row: a file that is written in place may be read when it is half there, and half a manifest can be a sound one.
pub(super) const MANIFEST_PERIOD: Duration = Duration::from_secs(5);

/// How far apart two readings have to be that say the same, before anything is removed that the manifest does not want.
pub(super) const CONFIRMATION: Duration = Duration::from_secs(60);

/// What the files said, or why they could not be read.
pub(super) type Read = Result<Vec<Source>, Vec<Problem>>;

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Declared {
    /// What counted last, good or not, so that nothing is reported twice.
    last: Option<Read>,
    /// What was read instead when the files were looked at last, and does not count yet.
    unsettled: Option<Read>,
    /// The manifest that is in force.
    in_force: Option<InForce>,
}

/// The manifest that is in force.
#[derive(Debug)]
struct InForce {
    /// When it was first read.
    since: Instant,
    /// A reading [`CONFIRMATION`] later, or more, said the same.
    is_confirmed: bool,
    /// What was read last says what is in force, and no problem or anything else.
    is_last: bool,
    /// The names of its files.
    files: BTreeSet<String>,
}

impl InForce {
    fn confirm(&mut self) {
        self.is_last = true;
        self.is_confirmed |= self.since.elapsed() >= CONFIRMATION;
    }
}

/// What counts from now on.
#[derive(Debug)]
pub(super) struct Taken {
    pub desired: Desired,
    /// What it no longer has; `None` where it declares what was in force before, in the same files.
    pub vanished: Option<Vanished>,
}

impl Declared {
    /// Whether readings far enough apart agree on the manifest that is in force.
    pub(super) fn is_confirmed(&self) -> bool {
        self.in_force.as_ref().is_some_and(|in_force| in_force.is_confirmed)
    }

    /// Whether the files read as they did when they were looked at last, or are looked at for the first time.
    pub(super) fn has_settled(&mut self, read: &Read) -> bool {
        self.note(read);
        let is_first = self.last.is_none();
        let is_known = self.last.as_ref() == Some(read) || self.unsettled.as_ref() == Some(read);
        self.unsettled = (!is_known).then(|| read.clone());
        is_first || is_known
    }

    /// Whether what was read is another manifest that can be used.
    pub(super) fn replaces(&self, read: &Read, current: &Desired) -> bool {
        if self.last.as_ref() == Some(read) {
            return false;
        }
        let Ok(sources) = read else { return false };
        let loaded = manifest::load(sources).and_then(|desired| same_fleet(current, desired));
        loaded.is_ok_and(|desired| desired != *current)
    }

    /// A reading that says what is in force may confirm it.
    fn note(&mut self, read: &Read) {
        if self.last.as_ref() == Some(read) {
            self.in_force.iter_mut().filter(|in_force| in_force.is_last).for_each(InForce::confirm);
        }
    }

    /// What counts from now on: the manifest, or what is wrong with it; `None` where that was said before.
    pub(super) fn take(&mut self, read: Read, current: &Desired) -> Option<Result<Taken, Vec<Problem>>> {
        // What was seen before this did not read the same twice in a row.
        self.unsettled = None;
        self.note(&read);
        if self.last.as_ref() == Some(&read) {
            return None;
        }
        let loaded = match &read {
            Ok(sources) => manifest::load(sources)
                .and_then(|desired| same_fleet(current, desired))
                .map(|desired| self.put_in_force(sources, current, desired)),
            Err(problems) => Err(problems.clone()),
        };
        if let (Err(_), Some(in_force)) = (&loaded, &mut self.in_force) {
            in_force.is_last = false;
        }
        self.last = Some(read);
        Some(loaded)
    }

    fn put_in_force(&mut self, sources: &[Source], current: &Desired, desired: Desired) -> Taken {
        let files: BTreeSet<String> = sources.iter().map(|source| source.name.clone()).collect();
        let before = self.in_force.take();
        let gone: Vec<String> = before.iter().flat_map(|before| before.files.difference(&files)).cloned().collect();
        let is_same = desired == *current;
        let vanished = (!is_same || !gone.is_empty()).then(|| Vanished::between(current, &desired, gone));
        self.in_force = Some(match before.filter(|_| is_same) {
            Some(mut before) => {
                before.confirm();
                InForce { files, ..before }
            }
            None => InForce { since: Instant::now(), is_confirmed: false, is_last: true, files },
        });
        Taken { desired, vanished }
    }
}

/// Holds back all removals: the manifest may be the half of one, and a file that is missing may come back.
pub(super) fn unconfirmed(plan: &Plan) -> BTreeMap<StepId, String> {
    let why =
        format!("removal delayed until two reads of the manifest, {} seconds apart, agree", CONFIRMATION.as_secs());
    plan.steps.iter().filter(|step| step.removes).map(|step| (step.id, why.clone())).collect()
}

/// The clients are for one region, and a memory is about one fleet.
fn same_fleet(current: &Desired, desired: Desired) -> Result<Desired, Vec<Problem>> {
    let (old, new) = (&current.fleet, &desired.fleet);
    if (&old.name, &old.region, &old.account) == (&new.name, &new.region, &new.account) {
        return Ok(desired);
    }
    let message = format!("name, region and account of fleet {} cannot change while the service runs", old.name);
    Err(vec![Problem::of_file("the manifest", message, Some("restart the service"))])
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLEET: &str = "apiVersion: portolan.dev/v1alpha1
kind: Fleet
metadata: {name: harbour}
spec: {region: eu-west-1, cluster: prod, vpc: main, mode: enforce}
";

    /// The same manifest, written differently.
    fn read(remark: &str) -> Read {
        Ok(vec![Source {
            name: "fleet.yaml".to_owned(),
            text: format!("# {remark}\n{FLEET}"),
            files: Default::default(),
        }])
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_signal_came_between_has_not_been_read_twice_in_a_row() {
        let current = read("a").and_then(|sources| manifest::load(&sources)).expect("a sound manifest");
        let mut declared = Declared::default();
        assert!(declared.has_settled(&read("a")) && declared.take(read("a"), &current).is_some());
        assert!(!declared.has_settled(&read("b")), "seen once");
        assert!(declared.take(read("c"), &current).is_some(), "a signal makes it count at once");
        assert!(!declared.has_settled(&read("b")), "seen once since then");
        assert!(declared.has_settled(&read("b")) && declared.take(read("b"), &current).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_manifest_is_confirmed_by_a_reading_a_minute_later_and_by_no_other() {
        let current = read("a").and_then(|sources| manifest::load(&sources)).expect("a sound manifest");
        let text = |mode: &str| Source {
            name: "fleet.yaml".to_owned(),
            text: FLEET.replace("enforce", mode),
            files: Default::default(),
        };
        let other = || Ok(vec![text("observe")]);
        let unread = || Err(vec![Problem::of_file("fleet.yaml", "gone", None)]);
        let mut declared = Declared::default();
        let seconds = |seconds| tokio::time::advance(Duration::from_secs(seconds));
        assert!(declared.take(other(), &current).is_some());
        seconds(59).await;
        assert!(declared.has_settled(&other()) && !declared.is_confirmed(), "too soon");
        let changed = manifest::load(&[text("observe")]).expect("a sound manifest");
        assert!(declared.take(unread(), &changed).is_some());
        seconds(60).await;
        assert!(declared.has_settled(&unread()) && !declared.is_confirmed(), "it could not be read");
        let taken = declared.take(other(), &changed).expect("it can be read again").expect("it is sound");
        assert_eq!((taken.vanished, declared.is_confirmed()), (None, true));
        // Another one is confirmed again.
        assert!(declared.take(read("b"), &changed).is_some());
        assert!(!declared.is_confirmed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_no_longer_there_is_named_even_if_nothing_else_vanishes() {
        let current = read("a").and_then(|sources| manifest::load(&sources)).expect("a sound manifest");
        let fleet = Source { name: "d/fleet.yaml".to_owned(), text: FLEET.to_owned(), files: Default::default() };
        let empty = Source { name: "d/web.yaml".to_owned(), text: "# nothing\n".to_owned(), files: Default::default() };
        let mut declared = Declared::default();
        assert!(declared.take(Ok(vec![fleet.clone(), empty]), &current).is_some());
        let taken = declared.take(Ok(vec![fleet]), &current).expect("another reading").expect("a sound manifest");
        let vanished = taken.vanished.expect("something vanished");
        assert_eq!((vanished.files, vanished.documents), (vec!["d/web.yaml".to_owned()], Vec::new()));
    }
}
