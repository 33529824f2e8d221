//! A fleet that somebody keeps breaking: an evening of the week that `cargo bench --bench week` lives through.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

pub mod drift;
pub mod fleet;
pub mod life;
pub mod post;
pub mod sweep;

use drift::KINDS;
use fleet::Size;
use life::{Plot, Story, live};
use sweep::{Look, bound, drift, formula, sweeps};

const EVENING: Plot =
    Plot { size: Size { services: 8, more: true }, drifts: 12, apart: 150, seed: 7, told: false, others: 0 };

/// Everything was mended in time, and nothing else was touched.
fn assert_mended(story: &Story, told: bool) {
    assert_eq!(story.left, [], "left broken");
    for (kind, seconds) in &story.repairs {
        let slowest = seconds.iter().copied().fold(0.0, f64::max);
        assert!(slowest <= kind.bound(told) as f64, "{kind:?} took {slowest} s");
    }
    let repaired: usize = story.repairs.values().map(Vec::len).sum();
    // One call each; and, at the start, the two tasks that Portolan is to register, which it does in one.
    assert_eq!(story.writes(), repaired as u64 + 1, "{:?}", story.calls);
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_drift_is_repaired_in_time_and_nothing_else_is_touched() {
    let story = live(EVENING).await;
    assert_mended(&story, false);
    assert_eq!(story.repairs.len(), KINDS.len());
    assert_eq!(story.refused, Default::default(), "alone in the account");
    assert_eq!(story.passes.keys().copied().collect::<Vec<_>>(), ["applied", "blocked", "in-sync"]);
}

#[tokio::test(start_paused = true)]
async fn what_events_tell_of_is_repaired_within_two_seconds() {
    let story = live(Plot { told: true, ..EVENING }).await;
    assert_mended(&story, true);
    assert_eq!(story.repairs.len(), KINDS.len());
    assert_eq!(story.refused, Default::default(), "alone in the account");
}

#[tokio::test(start_paused = true)]
async fn beside_somebody_who_takes_half_of_the_calls_everything_is_repaired_all_the_same() {
    let story = live(Plot { others: 5, seed: 8, ..EVENING }).await;
    assert_mended(&story, false);
    assert!(story.balancing_rate() <= 4.5, "{}", story.balancing_rate());
}

/// A hundred and one services, behind two load balancers.
#[tokio::test(start_paused = true)]
async fn a_look_takes_the_calls_of_the_formula_and_no_longer_than_the_buckets_make_it() {
    const SERVICES: usize = 101;
    let sweeps = sweeps(SERVICES).await;
    assert_eq!(sweeps.len(), 3);
    for (sweep, look) in sweeps.iter().zip([Look::First, Look::Again, Look::Structure]) {
        assert_eq!(sweep.calls, formula(SERVICES, look, true), "{}", sweep.title);
        assert_eq!(sweep.refused, Default::default());
        // Virtual time: the same on every machine. A second for round trips that follow each other.
        let (bound, _) = bound(&sweep.calls);
        assert!(sweep.seconds <= bound * 1.05 + 1.0, "{}: {} s, not {bound}", sweep.title, sweep.seconds);
    }
}

/// No bucket stays full while another one empties: a call is sent as soon as what it asks for is known.
#[tokio::test(start_paused = true)]
async fn a_first_drift_takes_no_longer_than_the_buckets_make_it() {
    const SERVICES: usize = 101;
    let sweep = drift(SERVICES).await;
    assert_eq!(sweep.calls, formula(SERVICES, Look::First, false));
    assert_eq!(sweep.refused, Default::default());
    let (bound, bucket) = bound(&sweep.calls);
    assert!(sweep.seconds <= bound * 1.05, "{} s; {bucket} allows {bound} s", sweep.seconds);
}
