//! One pass of a process that begins with it: a look, its plan carried out, and how the process would end.

use std::collections::{BTreeMap, BTreeSet};

use portolan::apply::{DEFAULT_LIMIT, Event, StepResult, apply};
use portolan::aws::{Clients, Reader, Writer};
use portolan::cli::exit::Exit;
use portolan::pass::look;
use portolan::plan::{Plan, Policy, Step, StepId, Verdict};
use tokio_util::sync::CancellationToken;

use super::wire::Wire;
use super::worlds::Place;
use portolan::sandbox::Shared;

/// How a pass ended.
#[derive(Debug)]
pub enum End {
    /// The process was ended.
    Killed,
    /// The fleet was not worked on.
    Refused(String),
    Ended(Box<Ended>),
}

/// A pass that came to its end.
#[derive(Debug)]
pub struct Ended {
    pub plan: Plan,
    pub results: BTreeMap<StepId, StepResult>,
    pub verdict: Verdict,
    pub exit: Exit,
}

impl End {
    pub fn ended(&self) -> Option<&Ended> {
        match self {
            Self::Ended(ended) => Some(ended),
            Self::Killed | Self::Refused(_) => None,
        }
    }

    /// Nothing is left to do.
    pub fn is_silent(&self) -> bool {
        self.ended().is_some_and(|ended| ended.plan.steps.is_empty() && ended.plan.gaps.is_empty())
    }
}

impl Ended {
    /// The calls that could not be read, by what the report says.
    pub fn gaps(&self) -> BTreeSet<String> {
        let gaps = self.plan.gaps.iter().map(|(_, gap)| gap.call.clone());
        gaps.collect()
    }

    /// The steps that came to this, each as people know it.
    pub fn steps(&self, wanted: impl Fn(Option<&StepResult>) -> bool) -> BTreeSet<String> {
        let steps = self.plan.steps.iter().filter(|step| wanted(self.results.get(&step.id)));
        steps.map(known_as).collect()
    }
}

/// A step without what differs from pass to pass.
pub fn known_as(step: &Step) -> String {
    format!("{} {} {}", step.action.operation(), step.object, step.summary)
}

/// A pass. `before` is called before each step.
pub async fn pass(place: &Place, shared: &Shared, wire: &Wire, before: &(dyn Fn(&Step) + Sync)) -> End {
    tokio::select! {
        biased;
        () = wire.killed.notified() => End::Killed,
        end = Box::pin(whole(place, shared, wire, before)) => end,
    }
}

async fn whole(place: &Place, shared: &Shared, wire: &Wire, before: &(dyn Fn(&Step) + Sync)) -> End {
    let clients = Clients::new(&wire.config()).expect("a region");
    let reader = Reader::new(&clients);
    let now = shared.world().now();
    let look = match look(&place.desired, &reader, &Policy::default(), now).await {
        Ok(look) => look,
        Err(errors) => return End::Refused(errors.into_iter().map(|error| error.message).collect()),
    };
    let writer = Writer::new(&clients);
    let on_event = |event: Event<'_>| {
        if let Event::Started(step) = event {
            before(step);
        }
    };
    let outcome = apply(&look.plan, &writer, DEFAULT_LIMIT, &CancellationToken::new(), on_event).await;
    let results = outcome.results.clone();
    let report = look.into_report(&place.desired, Some(outcome), clients.calls().snapshot());
    let verdict = report.verdict();
    End::Ended(Box::new(Ended { results, verdict, exit: Exit::of(verdict, false), plan: report.plan }))
}
