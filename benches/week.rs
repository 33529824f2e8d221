//! Seven virtual days of a fleet of fifty services that somebody keeps breaking, with the account's buckets on: how long
//! each kind of drift stands, what was sent, and what was refused. Once alone, once with events that tell of each drift, once
//! beside a second client that takes half of Elastic Load Balancing's calls.
//!
//! `cargo bench --bench week -- [DAYS]`
#![expect(clippy::print_stdout, reason = "this program is there to be read")]
#![expect(clippy::unwrap_used, reason = "it ends where it cannot go on")]

#[path = "../tests/suite/fleet.rs"]
mod fleet;
#[path = "../tests/suite/week"]
mod week {
    pub mod drift;
    pub mod fleet;
    pub mod life;
    pub mod post;
}

use week::fleet::Size;
use week::life::{Plot, Story, live};

/// A drift every twenty minutes, for a day.
const DAY: Plot =
    Plot { size: Size { services: 47, more: true }, drifts: 72, apart: 1200, seed: 1, told: false, others: 0 };

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let days = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(7);
    let whole = Plot { drifts: DAY.drifts * days, ..DAY };
    let plots = [
        ("alone in the account", whole),
        ("with events", Plot { told: true, ..whole }),
        ("beside five calls a second of somebody else", Plot { others: 5, ..whole }),
    ];
    for (title, plot) in plots {
        println!("{title}:");
        tell(&runtime.block_on(live(plot)), plot.told);
    }
}

fn tell(story: &Story, told: bool) {
    println!("  {:.1} days, passes {:?}", story.seconds / 86400.0, story.passes);
    println!("  {:<24}{:>6}{:>9}{:>9}{:>9}  bound", "seconds to repair", "n", "p50", "p95", "max");
    for (kind, seconds) in &story.repairs {
        let mut sorted = seconds.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
        let (name, count, bound) = (format!("{kind:?}"), sorted.len(), kind.bound(told));
        println!("  {name:<24}{count:>6}{:>9.1}{:>9.1}{:>9.1}  {bound}", at(0.5), at(0.95), at(1.0));
    }
    let repaired: usize = story.repairs.values().map(Vec::len).sum();
    println!("  {repaired} repaired, {} left; {} changing calls", story.left.len(), story.writes());
    println!("  {:.2} ELB calls a second; refused: {:?}", story.balancing_rate(), story.refused);
}
