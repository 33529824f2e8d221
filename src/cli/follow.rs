//! The deployments that a run waits for, and the lines that show where they are.

use std::collections::BTreeSet;

use super::progress::Lines;
use super::run::{Run, aws_now};
use crate::model::{ObjectRef, Observed, Rollout as Word};
use crate::pass::{Followed, follow};
use crate::plan::Action;
use crate::report::{Error, Report, Rollout, RolloutState};

/// The deployments of a run.
#[derive(Default)]
pub struct Rollouts {
    followed: Vec<Followed>,
    lines: Lines,
}

impl Rollouts {
    /// Follows what the steps of a pass began.
    pub fn add(&mut self, run: &Run<'_>, report: &Report) {
        for (object, id) in report.outcome.iter().flat_map(|outcome| &outcome.deployments) {
            self.push(run, object, id);
        }
        if run.policy.command.is_none() {
            return;
        }
        for step in &report.plan.steps {
            if let Action::StopServiceDeployment { service, deployment: _, id } = &step.action {
                let stopped = Followed::new(step.object.clone(), service.clone(), id.clone());
                self.followed.push(stopped.taken_back());
            }
        }
    }

    fn push(&mut self, run: &Run<'_>, object: &ObjectRef, id: &str) {
        let Some(service) = run.desired.services.get(&object.key) else { return };
        if !self.followed.iter().any(|followed| followed.is(object, id)) {
            self.followed.push(Followed::new(object.clone(), service.id.clone(), id.to_owned()));
        }
    }

    /// Brings all up to date by a reading, and follows those of awaited services that were in progress before this run.
    pub async fn look(&mut self, run: &Run<'_>, observed: &Observed, awaited: &BTreeSet<ObjectRef>) {
        let before: Vec<(ObjectRef, String)> = self.unfollowed(run, observed, awaited).collect();
        before.iter().for_each(|(object, id)| self.push(run, object, id));
        follow(&mut self.followed, observed, &run.reader).await;
    }

    fn unfollowed<'a>(
        &'a self,
        run: &'a Run<'_>,
        observed: &'a Observed,
        awaited: &'a BTreeSet<ObjectRef>,
    ) -> impl Iterator<Item = (ObjectRef, String)> + 'a {
        run.desired.services.values().filter_map(move |wanted| {
            let object = ObjectRef::service(&wanted.key);
            let is_new = awaited.contains(&object) && !self.followed.iter().any(|one| one.rollout().object == object);
            let live = observed.service(&wanted.id).present().filter(|_| is_new)?;
            let primary = live.primary().filter(|primary| primary.rollout == Some(Word::InProgress))?;
            Some((object, primary.id.clone()))
        })
    }

    /// Whether nothing more becomes of any of them.
    pub fn have_ended(&self) -> bool {
        self.followed.iter().all(|one| one.rollout().state.is_final())
    }

    /// Whether one did not succeed, or will not.
    pub fn have_failed(&self) -> bool {
        self.followed.iter().any(|one| one.rollout().has_failed())
    }

    /// Whether a newer deployment took the place of one.
    pub fn were_superseded(&self) -> bool {
        self.followed.iter().any(|one| one.rollout().state == RolloutState::Superseded)
    }

    /// What a run ends with.
    pub fn errors(&self) -> Vec<Error> {
        self.followed.iter().filter_map(|one| one.rollout().error()).collect()
    }

    /// For the report.
    pub fn reports(&self) -> Vec<Rollout> {
        self.followed.iter().map(|one| one.rollout().clone()).collect()
    }

    /// Those that have not ended, one line each.
    pub fn unfinished(&self) -> Vec<String> {
        let open = self.followed.iter().map(Followed::rollout).filter(|rollout| !rollout.state.is_final());
        open.map(|rollout| format!("{}: the deployment is {}", rollout.object, rollout.state.as_str())).collect()
    }

    /// Lines about what has no line of its own.
    pub fn without_followed(&self, lines: &[String]) -> Vec<String> {
        let open = || self.followed.iter().map(Followed::rollout).filter(|rollout| !rollout.state.is_final());
        let is_shown = |line: &String| open().any(|rollout| line.starts_with(&format!("{}: ", rollout.object)));
        lines.iter().filter(|line| !is_shown(line)).cloned().collect()
    }

    /// Shows where they are.
    pub fn show(&mut self, run: &Run<'_>) {
        let now = aws_now(&run.clients);
        let lines = self.followed.iter().map(Followed::rollout).map(|rollout| {
            let seconds = rollout.since.map_or(0, |since| now.duration_since(since).as_secs().max(0));
            (rollout.progress(), format!("{seconds}s"))
        });
        self.lines.show(run.terminal, lines.collect());
    }

    /// Takes the line of a terminal away.
    pub fn hide(&mut self) {
        self.lines.clear();
    }
}
