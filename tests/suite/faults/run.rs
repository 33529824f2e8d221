//! A run: a pass in which something goes wrong, and passes in which nothing does, until all is still.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use portolan::plan::Step;
use portolan::sandbox::{Shared, World};

use super::pass::{End, pass};
use super::service::{Answers, LeftAlone, Probe, answers};
use super::state::summary;
use super::wire::{Armed, Exchange, Wire};
use super::worlds::Place;

/// Passes that a world may take until nothing is left to do.
pub const PASSES: usize = 5;
/// From the end of a pass to the next, so that what it did has come up.
const PAUSE: Duration = Duration::from_secs(600);
/// What comes of a change at once shows by then: health checks have failed.
const SOON: Duration = Duration::from_secs(120);

/// What was served at a moment.
pub struct Moment {
    pub when: Timestamp,
    pub answers: Answers,
    /// After a changing call of this number, or between passes.
    pub what: String,
}

/// Everything about a run that the invariants ask for.
pub struct Story {
    pub ends: Vec<End>,
    pub calls: Vec<Exchange>,
    pub moments: Vec<Moment>,
    /// After the last pass.
    pub summary: Vec<String>,
    /// The world that stood when somebody else had changed it; what it would have served if left alone.
    pub changed: Option<World>,
    /// Nothing was sent that changed anything: what follows is what follows a first pass.
    pub is_untouched: bool,
}

/// What somebody else does to a world, and the step that they do it before.
pub type Meddling = dyn Fn(&mut World, &Step) + Send + Sync;

/// Does something to the world before a step of a plan.
pub struct Meddler {
    /// The step, by its place in the plan.
    pub step: usize,
    pub act: Box<Meddling>,
}

/// Something that goes wrong.
pub enum Plot {
    Clean,
    Fault(Armed),
    Meddler(Meddler),
}

/// Lives through it. What was not touched is not gone on with, unless it is the clean run.
pub fn live(place: &Place, probes: &[Probe], plot: &Plot) -> Story {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(Box::pin(whole(place, probes, plot)))
}

async fn whole(place: &Place, probes: &[Probe], plot: &Plot) -> Story {
    let shared = Shared::following(place.world.clone(), 1.0);
    let moments: Arc<Mutex<Vec<Moment>>> = Arc::default();
    let note = {
        let (moments, probes) = (Arc::clone(&moments), probes.to_vec());
        move |world: &World, what: String| {
            let moment = Moment { when: world.now(), answers: answers(world, &probes), what };
            moments.lock().unwrap_or_else(PoisonError::into_inner).push(moment);
        }
    };
    let armed = match plot {
        Plot::Fault(armed) => Some(*armed),
        Plot::Clean | Plot::Meddler(_) => None,
    };
    let watching = note.clone();
    let wire = Wire::new(shared.clone(), armed, move |world| watching(world, "after a call".to_owned()));
    if let Some(past) = &place.earlier {
        wire.remember(past.clone());
    }
    let changed: Mutex<Option<World>> = Mutex::default();
    let meddle = |step: &Step| {
        if let Plot::Meddler(meddler) = plot
            && step.id.0 == meddler.step
        {
            let mut changed = changed.lock().unwrap_or_else(PoisonError::into_inner);
            if changed.is_none() {
                let mut world = shared.world();
                (meddler.act)(&mut world, step);
                *changed = Some(world.clone());
            }
        }
    };
    let is_own = armed.is_some_and(|armed| armed.kind.mischief == super::kinds::Mischief::StaleOwn);
    if is_own {
        wire.remember(place.world.clone());
    }
    let last_faulty = armed.map_or(0, |armed| armed.pass);
    let mut ends = Vec::new();
    for number in 0..=PASSES + last_faulty {
        wire.begin(number);
        ends.push(pass(place, &shared, &wire, &meddle).await);
        let is_untouched = wire.is_untouched();
        if number >= last_faulty && matches!(plot, Plot::Fault(_)) && is_untouched {
            return story(ends, &wire, &moments, Vec::new(), None, true);
        }
        // Between a pass and the stale one that follows it, no time goes by.
        if number >= last_faulty || !is_own {
            tokio::time::advance(SOON).await;
            if number <= last_faulty {
                note(&shared.world(), format!("{} s after pass {number}", SOON.as_secs()));
            }
            tokio::time::advance(PAUSE - SOON).await;
            note(&shared.world(), format!("{} s after pass {number}", PAUSE.as_secs()));
        }
        if number > last_faulty && ends.last().is_some_and(End::is_silent) {
            break;
        }
    }
    let summary = summary(&shared.world());
    let changed = changed.lock().unwrap_or_else(PoisonError::into_inner).take();
    story(ends, &wire, &moments, summary, changed, false)
}

fn story(
    ends: Vec<End>,
    wire: &Wire,
    moments: &Mutex<Vec<Moment>>,
    summary: Vec<String>,
    changed: Option<World>,
    is_untouched: bool,
) -> Story {
    let moments = std::mem::take(&mut *moments.lock().unwrap_or_else(PoisonError::into_inner));
    Story { ends, calls: wire.calls(), moments, summary, changed, is_untouched }
}

/// What was compared with what: the probes that were served less than in the world that was left alone.
pub fn losses(story: &Story, left: &mut LeftAlone) -> Vec<(usize, String)> {
    let mut lost = Vec::new();
    for moment in &story.moments {
        let alone = left.at(moment.when).clone();
        for (probe, (alone, now)) in alone.iter().zip(&moment.answers).enumerate() {
            if super::service::is_worse(alone, now) {
                lost.push((probe, format!("{}: {now:?} instead of {alone:?}", moment.what)));
            }
        }
    }
    lost
}
