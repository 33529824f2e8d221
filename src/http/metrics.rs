//! Metrics for Prometheus.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::apply::StepResult;
use crate::controller::event_queue::Tally;
use crate::controller::status::{Board, Reachable, Sync};
use crate::controller::{Pass, Vanished};
use crate::plan::OPERATIONS;
use crate::trace::Verdict;

use super::Counts;

/// Names and values of labels.
type Labels = Vec<(&'static str, String)>;
type Decimal = Gauge<f64, AtomicU64>;

/// Seconds: a small fleet takes less than one, a large one waits for AWS's call limits.
const BUCKETS: [f64; 10] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// How passes end.
const VERDICTS: [&str; 9] =
    ["in-sync", "applied", "incomplete", "blocked", "pending", "failed", "overran", "panicked", "interrupted"];

/// How steps end.
const RESULTS: [&str; 5] = ["done", "failed", "skipped", "stale", "cancelled"];

/// What a service works on, as labels of all its metrics; what is empty is no label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The Fleet's name.
    pub fleet: String,
    /// The region.
    pub region: String,
    /// The Fleet's cluster.
    pub cluster: String,
}

/// The metrics and their registry.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    passes: Family<Labels, Counter>,
    duration: Histogram,
    steps: Family<Labels, Counter>,
    drift: Family<Labels, Gauge>,
    drift_age: Family<Labels, Decimal>,
    gaps: Gauge,
    calls: Family<Labels, Counter>,
    refusals: Family<Labels, Counter>,
    fill: Family<Labels, Decimal>,
    queue_depth: Gauge,
    queue_latency: Histogram,
    owner_info: Family<Labels, Gauge>,
    reachable: Family<Labels, Gauge>,
    degraded: Family<Labels, Gauge>,
    last_success: Decimal,
    manifest_refused: Gauge,
    vanished: Family<Labels, Counter>,
    foreign: Counter,
    events: Family<Labels, Counter>,
    event_latency: Histogram,
}

impl Metrics {
    pub(super) fn new(place: &Place) -> Self {
        let Place { fleet, region, cluster } = place;
        let labels = [("fleet", fleet), ("region", region), ("cluster", cluster)].into_iter();
        let labels = labels.filter(|(_, value)| !value.is_empty());
        let labels = labels.map(|(name, value)| (Cow::Borrowed(name), Cow::Owned(value.clone())));
        let mut metrics = Self {
            registry: Registry::with_prefix_and_labels("portolan", labels),
            passes: Family::default(),
            duration: Histogram::new(BUCKETS),
            steps: Family::default(),
            drift: Family::default(),
            drift_age: Family::default(),
            gaps: Gauge::default(),
            calls: Family::default(),
            refusals: Family::default(),
            fill: Family::default(),
            queue_depth: Gauge::default(),
            queue_latency: Histogram::new(BUCKETS),
            owner_info: Family::default(),
            reachable: Family::default(),
            degraded: Family::default(),
            last_success: Decimal::default(),
            manifest_refused: Gauge::default(),
            vanished: Family::default(),
            foreign: Counter::default(),
            events: Family::default(),
            event_latency: Histogram::new(BUCKETS),
        };
        // What has not happened yet is 0, so that a rate of it is known from the start.
        for verdict in VERDICTS {
            metrics.passes.get_or_create(&vec![("verdict", verdict.to_owned())]).inc_by(0);
        }
        for (action, result) in OPERATIONS.iter().flat_map(|action| RESULTS.map(|result| (action, result))) {
            let labels = vec![("action", (*action).to_owned()), ("result", result.to_owned())];
            metrics.steps.get_or_create(&labels).inc_by(0);
        }
        metrics.count_events(&Tally::default());
        metrics.count_vanished(&Vanished::default());
        let build = Family::<Labels, Gauge>::default();
        build.get_or_create(&vec![("version", env!("CARGO_PKG_VERSION").to_owned())]).set(1);
        let all = &mut metrics.registry;
        all.register("passes", "Passes by verdict", metrics.passes.clone());
        all.register("pass_duration_seconds", "Duration of passes", metrics.duration.clone());
        all.register("steps", "Steps by action and result", metrics.steps.clone());
        all.register("drift", "Whether an object differs from the manifest", metrics.drift.clone());
        all.register("drift_age_seconds", "How long an object has differed", metrics.drift_age.clone());
        all.register("gaps", "Reads that failed in the last pass", metrics.gaps.clone());
        all.register("api_calls", "AWS API calls by operation", metrics.calls.clone());
        all.register("api_refusals", "AWS API calls that AWS throttled, by operation", metrics.refusals.clone());
        all.register(
            "api_bucket_fill",
            "Fill level of the local copy of AWS's token bucket, from 0 (the next call waits) to 1",
            metrics.fill.clone(),
        );
        all.register("queue_depth", "Passes requested and not yet started", metrics.queue_depth.clone());
        all.register(
            "queue_latency_seconds",
            "Delay between the time a pass is due and its start",
            metrics.queue_latency.clone(),
        );
        all.register(
            "owner_info",
            "Service that an object belongs to; the object itself if it belongs to none or to several",
            metrics.owner_info.clone(),
        );
        all.register(
            "reachable",
            "Whether every path of an object is reachable; absent while unknown",
            metrics.reachable.clone(),
        );
        all.register(
            "degraded",
            "Whether an object answers every request, but with less capacity than desired; absent while unknown",
            metrics.degraded.clone(),
        );
        all.register(
            "last_success_timestamp_seconds",
            "Time of the last pass without a failed step",
            metrics.last_success.clone(),
        );
        all.register(
            "manifest_refused",
            "Whether the manifest files are not valid, so that the last valid manifest is in use",
            metrics.manifest_refused.clone(),
        );
        all.register(
            "manifest_vanished",
            "Files, documents, routes and targets that a new manifest no longer contained",
            metrics.vanished.clone(),
        );
        all.register(
            "changes_by_others",
            "Changes of resources tagged for this fleet that this service did not make",
            metrics.foreign.clone(),
        );
        all.register("events", "Messages of the events queue by outcome", metrics.events.clone());
        all.register(
            "event_latency_seconds",
            "Time from an event's arrival on the queue to the end of the pass that handled it",
            metrics.event_latency.clone(),
        );
        all.register("build_info", "Version of Portolan", build);
        metrics
    }

    /// Counts a pass and its steps.
    pub(super) fn count(&self, pass: &Pass) {
        self.passes.get_or_create(&vec![("verdict", pass.ended.word().to_owned())]).inc();
        self.duration.observe(pass.took.as_secs_f64());
        self.queue_latency.observe(pass.waited.as_secs_f64());
        self.queue_depth.set(i64::try_from(pass.queued).unwrap_or(i64::MAX));
        for sent in &pass.heard {
            self.event_latency.observe(pass.at.duration_since(*sent).as_secs_f64().max(0.0));
        }
        let Some(report) = pass.ended.report() else { return };
        let Some(outcome) = &report.outcome else { return };
        for step in &report.plan.steps {
            let Some(result) = outcome.results.get(&step.id) else { continue };
            let labels = vec![("action", step.action.operation().to_owned()), ("result", word(result).to_owned())];
            self.steps.get_or_create(&labels).inc();
        }
    }

    /// Counts what another manifest no longer has.
    pub(super) fn count_vanished(&self, vanished: &Vanished) {
        for (kind, names) in vanished.by_kind() {
            self.vanished.get_or_create(&vec![("kind", kind.to_owned())]).inc_by(names.len() as u64);
        }
    }

    /// Counts changes that another writer made.
    pub(super) fn count_foreign(&self, number: usize) {
        self.foreign.inc_by(number as u64);
    }

    /// Counts messages of the events queue.
    pub(super) fn count_events(&self, tally: &Tally) {
        for (outcome, number) in tally.outcomes() {
            self.events.get_or_create(&vec![("outcome", outcome.to_owned())]).inc_by(number);
        }
    }

    /// The text that Prometheus scrapes.
    pub(super) fn render(&self, board: &Board, counts: &Counts, now: Timestamp) -> String {
        self.drift.clear();
        self.drift_age.clear();
        for (object, condition) in &board.objects {
            let labels = vec![("object", object.to_string())];
            let drifts = condition.sync == Sync::No;
            let age = if drifts { now.duration_since(condition.since).as_secs_f64().max(0.0) } else { 0.0 };
            self.drift.get_or_create(&labels).set(i64::from(drifts));
            self.drift_age.get_or_create(&labels).set(age);
        }
        self.owner_info.clear();
        for object in board.objects.keys().chain(board.reachable.keys()) {
            let service = board.services.get(object).cloned().unwrap_or_else(|| object.to_string());
            let labels = vec![("object", object.to_string()), ("service", service)];
            self.owner_info.get_or_create(&labels).set(1);
        }
        self.reachable.clear();
        self.degraded.clear();
        for (object, Reachable { reach, .. }) in &board.reachable {
            if !matches!(reach.verdict, Verdict::Unknown | Verdict::Standby) {
                let labels = vec![("object", object.to_string())];
                self.reachable.get_or_create(&labels).set(i64::from(reach.verdict == Verdict::Reachable));
                self.degraded.get_or_create(&labels).set(i64::from(reach.degraded));
            }
        }
        for (call, sent) in &counts.sent {
            let labels = vec![("operation", call.clone())];
            let refused = counts.refused.get(call).copied().unwrap_or_default();
            for (family, number) in [(&self.calls, *sent), (&self.refusals, refused)] {
                let counter = family.get_or_create_owned(&labels);
                counter.inc_by(number.saturating_sub(counter.get()));
            }
        }
        for (bucket, fill) in &counts.fill {
            self.fill.get_or_create(&vec![("calls", bucket.clone())]).set(*fill);
        }
        self.gaps.set(i64::try_from(board.gaps.len()).unwrap_or(i64::MAX));
        self.manifest_refused.set(i64::from(board.refused.is_some()));
        if let Some(at) = board.last_success {
            self.last_success.set(at.as_duration().as_secs_f64());
        }
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

fn word(result: &StepResult) -> &'static str {
    match result {
        StepResult::Done => "done",
        StepResult::Failed(_) => "failed",
        StepResult::Skipped { .. } => "skipped",
        StepResult::Stale(_) => "stale",
        StepResult::Cancelled => "cancelled",
    }
}

/// OpenMetrics as the older text format of Prometheus: a counter's type has the name of its samples, and no mark ends the text.
pub(super) fn prometheus_text(open_metrics: &str) -> String {
    let mut counters: BTreeSet<&str> = BTreeSet::new();
    for line in open_metrics.lines() {
        if let Some(name) = line.strip_prefix("# TYPE ").and_then(|rest| rest.strip_suffix(" counter")) {
            counters.insert(name);
        }
    }
    let mut text = String::new();
    for line in open_metrics.lines().filter(|line| *line != "# EOF" && !line.starts_with("# UNIT ")) {
        let head = ["# TYPE ", "# HELP "].iter().find_map(|word| Some((*word, line.strip_prefix(word)?)));
        let named = head.and_then(|(word, rest)| Some((word, rest.split_once(' ')?)));
        match named {
            Some((word, (name, rest))) if counters.contains(name) => {
                text.push_str(&format!("{word}{name}_total {rest}\n"));
            }
            _ => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

/// Whether a client that sends this `Accept` header would rather have Prometheus's older text than OpenMetrics.
pub(super) fn wants_text(accept: &str) -> bool {
    let weight = |types: &[&str]| {
        let ranges = accept.split(',').filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next()?;
            let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f64>().ok());
            types.contains(&kind).then_some(quality.unwrap_or(1.0))
        });
        ranges.fold(0.0, f64::max)
    };
    weight(&["text/plain", "text/*"]) > weight(&["application/openmetrics-text", "application/*"])
}

#[cfg(test)]
mod tests {
    use super::{prometheus_text, wants_text};

    #[test]
    fn the_form_of_metrics_is_what_the_client_would_rather_have() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for (accept, text) in [("", false), ("*/*", false), (prometheus, false), ("text/plain", true), ("text/*", true)]
        {
            assert_eq!(wants_text(accept), text, "{accept}");
        }
        assert!(wants_text("application/openmetrics-text;q=0.2, text/plain;q=0.9"));
    }

    #[test]
    fn the_older_text_names_counters_by_their_samples() {
        let open = "# HELP a Passes.\n# TYPE a counter\na_total 1\n# TYPE b gauge\nb 2\n# EOF\n";
        let text = "# HELP a_total Passes.\n# TYPE a_total counter\na_total 1\n# TYPE b gauge\nb 2\n";
        assert_eq!(prometheus_text(open), text);
    }
}
