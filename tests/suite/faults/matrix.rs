//! Which runs there are: every kind at every call of every world.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::bodies::elements;
use super::invariants::{Clean, Violation, check, check_meddled, has_steps};
use super::kinds::{Cut, KINDS, Kind, Mischief, Reach};
use super::pass::End;
use super::run::{Meddler, Plot, live};
use super::second_writer::{DEEDS, Deed, act};
use super::wire::Armed;
use super::worlds::{Place, open};

/// A world with its clean run.
pub struct Ground {
    pub place: Place,
    pub clean: Clean,
    /// Small pages: the same world again.
    is_paged: bool,
}

impl Ground {
    pub fn of(name: &str) -> Self {
        let (base, is_paged) = name.strip_suffix("+pages").map_or((name, false), |base| (base, true));
        let mut place = open(base);
        if is_paged {
            place.world.limit_pages(1);
            place.name = name.to_owned();
        }
        Self { clean: Clean::of(&place), place, is_paged }
    }
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Fault(Kind, usize, usize),
    Deed(Deed, usize),
}

/// One run.
#[derive(Clone, Debug)]
pub struct Run {
    pub ground: usize,
    pub world: String,
    pub fault: &'static str,
    /// The call, or the step; and the byte, where a body ends there.
    pub at: String,
    /// The call that it is about.
    pub operation: String,
    what: What,
}

impl Run {
    /// Where it comes in the order of a seed.
    pub fn order(&self, seed: u64) -> u64 {
        let mut hasher = DefaultHasher::new();
        (seed, &self.world, self.fault, &self.at).hash(&mut hasher);
        hasher.finish()
    }

    /// Its name in the journal.
    pub fn id(&self) -> String {
        format!("{} {} {}", self.world, self.fault, self.at)
    }

    /// What does not hold.
    pub fn violations(&self, ground: &Ground, seed: u64) -> Vec<Violation> {
        fastrand::seed(self.order(seed));
        let (place, clean) = (&ground.place, &ground.clean);
        match self.what {
            What::Fault(kind, pass, at) => {
                let story = live(place, &clean.probes, &Plot::Fault(Armed { kind, pass, at }));
                check(clean, pass, kind.mischief.fails(), &story)
            }
            What::Deed(deed, step) => {
                let act = Box::new(move |world: &mut _, step: &_| act(world, step, deed));
                check_meddled(place, clean, &live(place, &clean.probes, &Plot::Meddler(Meddler { step, act })))
            }
        }
    }
}

/// Every run on these grounds.
pub fn runs(grounds: &[Ground]) -> Vec<Run> {
    let mut order: Vec<usize> = (0..grounds.len()).collect();
    // Bodies are cut where most depends on them.
    order.sort_by_key(|ground| std::cmp::Reverse(has_steps(&grounds[*ground].clean)));
    let mut seen = BTreeSet::new();
    let of = |ground: usize| {
        let mut runs = Vec::new();
        if grounds[ground].is_paged {
            pages(grounds, ground, &mut runs);
        } else {
            faults(grounds, ground, &mut runs);
            cuts(grounds, ground, &mut seen, &mut runs);
            deeds(grounds, ground, &mut runs);
        }
        runs
    };
    order.into_iter().flat_map(of).collect()
}

fn run(grounds: &[Ground], ground: usize, fault: &'static str, at: String, operation: &str, what: What) -> Run {
    Run { ground, world: grounds[ground].place.name.clone(), fault, at, operation: operation.to_owned(), what }
}

fn faults(grounds: &[Ground], ground: usize, runs: &mut Vec<Run>) {
    let Ground { place, clean, .. } = &grounds[ground];
    let has_written = clean.story.calls.iter().any(|call| call.pass == 0 && call.is_write && call.is_done);
    for (name, kind) in KINDS.iter().filter(|(name, _)| *name != "page") {
        let pass = usize::from(kind.mischief == Mischief::StaleOwn);
        let is_possible = match kind.mischief {
            Mischief::Stale => place.earlier.is_some(),
            Mischief::StaleOwn => has_written,
            _ => true,
        };
        let mut operations = BTreeSet::new();
        for (at, call) in clean.calls(pass).into_iter().enumerate().filter(|_| is_possible) {
            // A fault that goes on for good begins at the first call of an operation.
            let is_new = operations.insert(call.operation.clone()) || kind.reach != Reach::Operation;
            if is_new && kind.mischief.suits(&call.operation, call.is_write) {
                let what = What::Fault(*kind, pass, at);
                runs.push(run(grounds, ground, name, at.to_string(), &call.operation, what));
            }
        }
    }
}

/// Bodies, cut once for each path of elements and operation in all worlds.
fn cuts(grounds: &[Ground], ground: usize, seen: &mut BTreeSet<(String, String)>, runs: &mut Vec<Run>) {
    for (at, call) in grounds[ground].clean.calls(0).into_iter().enumerate() {
        for (path, end) in elements(&call.answer) {
            if end < call.answer.len() && seen.insert((call.operation.clone(), path)) {
                let kind = Kind { mischief: Mischief::Cut(Cut::At(end)), reach: Reach::Same };
                let what = What::Fault(kind, 0, at);
                runs.push(run(grounds, ground, "cut-element", format!("{at}/{end}"), &call.operation, what));
            }
        }
    }
}

fn pages(grounds: &[Ground], ground: usize, runs: &mut Vec<Run>) {
    let kind = KINDS.iter().find(|(name, _)| *name == "page");
    let is_page = |asked: &str| ["Marker=", "NextToken", "nextToken"].iter().any(|token| asked.contains(token));
    for (at, call) in grounds[ground].clean.calls(0).into_iter().enumerate().filter(|(_, call)| is_page(&call.asked)) {
        if let Some((name, kind)) = kind {
            let what = What::Fault(*kind, 0, at);
            runs.push(run(grounds, ground, name, at.to_string(), &call.operation, what));
        }
    }
}

fn deeds(grounds: &[Ground], ground: usize, runs: &mut Vec<Run>) {
    let first = grounds[ground].clean.story.ends.first().and_then(End::ended);
    for step in first.into_iter().flat_map(|ended| &ended.plan.steps) {
        for (name, deed) in DEEDS {
            let operation = step.action.operation();
            let what = What::Deed(*deed, step.id.0);
            runs.push(run(grounds, ground, name, step.id.to_string(), operation, what));
        }
    }
}
