//! What a long reading is at, on a terminal: services that were read, calls, seconds to go.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{Instant, interval_at};

use super::terminal::{Terminal, rewrite};
use crate::aws::Calls;
use crate::columns::cut;
use crate::model::Desired;

/// A reading that takes less says nothing.
const PATIENCE: Duration = Duration::from_secs(2);
const PERIOD: Duration = Duration::from_secs(1);
/// Services that AWS describes in a call.
const IN_A_CALL: usize = 10;
/// Services that AWS lists in a call.
const LISTED_IN_A_CALL: u64 = 100;
/// Target groups and rules whose tags AWS tells in a call.
const TAGS_IN_A_CALL: usize = 20;
/// Calls of Elastic Load Balancing that AWS takes from an account in a second, after the first ones: what a reading waits for.
const BALANCING_RATE: f64 = 10.0;

/// What a reading will need at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// Services; `None` before they are listed.
    services: Option<usize>,
    /// Calls of `ecs:DescribeServices`.
    batches: usize,
    /// Calls of Elastic Load Balancing.
    balancing: usize,
}

impl Needed {
    /// What is read of a manifest; `around` says whether the network around every path is read as well.
    pub fn of(desired: &Desired, around: bool) -> Self {
        let mut clusters: BTreeMap<&str, usize> = BTreeMap::new();
        for service in desired.services.values() {
            *clusters.entry(&service.id.cluster).or_default() += 1;
        }
        let groups = desired.target_groups.len();
        let with_attributes =
            desired.target_groups.values().filter(|group| around || !group.attributes.is_empty()).count();
        Self {
            services: Some(desired.services.len()),
            batches: clusters.values().map(|services| services.div_ceil(IN_A_CALL)).sum(),
            balancing: groups + with_attributes + groups.div_ceil(TAGS_IN_A_CALL),
        }
    }

    /// Such as `portolan: reading eu-west-1: 120 of 300 services, 214 calls, 9s; about 21s to go`.
    fn line(&self, region: &str, calls: &BTreeMap<String, u64>, passed: Duration) -> String {
        let sent: u64 = calls.values().sum();
        let services = self.services.map(|all| {
            let sent = calls.get("ecs:DescribeServices").copied().unwrap_or_default() as usize;
            let read = if sent >= self.batches { all } else { sent * IN_A_CALL };
            format!("{} of {}, ", read.min(all), count(all as u64, "service"))
        });
        let services = services.or_else(|| listed(calls));
        let line = format!(
            "portolan: reading {region}: {}{}, {}s",
            services.unwrap_or_default(),
            count(sent, "call"),
            passed.as_secs()
        );
        match self.seconds_to_go(calls, passed) {
            Some(seconds) => format!("{line}; about {seconds}s to go"),
            None => line,
        }
    }

    /// By the calls of Elastic Load Balancing that are still to be made, as fast as they were made so far and no faster than
    /// AWS takes them. `None` where nothing is known to be left.
    fn seconds_to_go(&self, calls: &BTreeMap<String, u64>, passed: Duration) -> Option<u64> {
        let balancing = calls.iter().filter(|(call, _)| call.starts_with("elasticloadbalancing:"));
        let sent: u64 = balancing.map(|(_, number)| number).sum();
        let left = (self.balancing as u64).checked_sub(sent).filter(|left| *left > 0 && sent > 0)?;
        let rate = (sent as f64 / passed.as_secs_f64()).min(BALANCING_RATE);
        Some((left as f64 / rate).ceil() as u64)
    }
}

/// While the services of a cluster are listed: as many as the calls can have read. Some readings describe each of them twice.
fn listed(calls: &BTreeMap<String, u64>) -> Option<String> {
    let of = |call: &str, each: u64| calls.get(call).copied().unwrap_or_default() * each;
    let read = of("ecs:DescribeServices", IN_A_CALL as u64).min(of("ecs:ListServices", LISTED_IN_A_CALL));
    (read > 0).then(|| format!("up to {}, ", count(read, "service")))
}

fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// Shows what a reading is at for as long as it is waited for; nothing where nobody watches.
pub async fn show(terminal: Terminal, needed: Needed, region: &str, calls: &Calls) -> Infallible {
    if !terminal.is_watched() {
        return std::future::pending().await;
    }
    let begun = Instant::now();
    let before = calls.snapshot();
    let mut ticks = interval_at(begun + PATIENCE, PERIOD);
    let mut shown = Shown(false);
    loop {
        ticks.tick().await;
        let mut sent = calls.snapshot();
        for (call, number) in &before {
            sent.entry(call.clone()).and_modify(|sent| *sent -= number);
        }
        // A line that the terminal broke could not be rewritten.
        let room = terminal.notes.width.map_or(usize::MAX, |width| width.saturating_sub(1));
        rewrite(cut(&needed.line(region, &sent, begun.elapsed()), room));
        shown.0 = true;
    }
}

/// Lines about things that go on, each with a time: rewritten in place on a terminal, elsewhere said again when the text changes.
#[derive(Default)]
pub struct Lines {
    told: Vec<String>,
    shown: Option<Shown>,
}

impl Lines {
    /// Shows what is so now.
    pub fn show(&mut self, terminal: Terminal, lines: Vec<(String, String)>) {
        if terminal.is_watched() {
            let all: Vec<String> = lines.iter().map(|(text, time)| format!("{text}, {time}")).collect();
            let room = terminal.notes.width.map_or(usize::MAX, |width| width.saturating_sub(1));
            rewrite(cut(&format!("portolan: {}", all.join(" | ")), room));
            self.shown = Some(Shown(true));
            return;
        }
        for (text, time) in lines.iter().filter(|(text, _)| !self.told.contains(text)) {
            terminal.progress(&format!("portolan: {text}, {time}"));
        }
        self.told = lines.into_iter().map(|(text, _)| text).collect();
    }

    /// Takes the line of a terminal away.
    pub fn clear(&mut self) {
        self.shown = None;
    }
}

/// Whether a line is on the terminal; it goes when the reading ends, however it ends.
struct Shown(bool);

impl Drop for Shown {
    fn drop(&mut self) {
        if self.0 {
            rewrite("");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(of: &[(&str, u64)]) -> BTreeMap<String, u64> {
        of.iter().map(|(call, number)| ((*call).to_owned(), *number)).collect()
    }

    #[test]
    fn a_line_says_what_was_read_what_was_sent_and_what_is_left() {
        let needed = Needed { services: Some(300), batches: 30, balancing: 330 };
        let seconds = Duration::from_secs;
        let sent = calls(&[("ecs:DescribeServices", 12), ("elasticloadbalancing:DescribeTargetHealth", 60)]);
        assert_eq!(
            needed.line("eu-west-1", &sent, seconds(3)),
            "portolan: reading eu-west-1: 120 of 300 services, 72 calls, 3s; about 27s to go"
        );
        // Half as fast, because others call too.
        assert!(needed.line("eu-west-1", &sent, seconds(12)).ends_with(", 12s; about 54s to go"));
        let sent = calls(&[("ecs:DescribeServices", 31), ("elasticloadbalancing:DescribeTags", 330)]);
        assert_eq!(
            needed.line("eu-west-1", &sent, seconds(40)),
            "portolan: reading eu-west-1: 300 of 300 services, 361 calls, 40s"
        );
        assert_eq!(
            Needed::default().line("eu-west-1", &calls(&[("ecs:ListServices", 1)]), seconds(2)),
            "portolan: reading eu-west-1: 1 call, 2s"
        );
        let sent = calls(&[("ecs:ListServices", 2), ("ecs:DescribeServices", 12)]);
        assert_eq!(
            Needed::default().line("eu-west-1", &sent, seconds(3)),
            "portolan: reading eu-west-1: up to 120 services, 14 calls, 3s"
        );
        let needed = Needed { services: Some(1), batches: 1, balancing: 2 };
        assert_eq!(
            needed.line("eu-west-1", &calls(&[]), seconds(2)),
            "portolan: reading eu-west-1: 0 of 1 service, 0 calls, 2s"
        );
    }
}
