//! What Prometheus is told.

use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::apply::StepResult;
use crate::controller::Pass;
use crate::controller::hearing::Tally;
use crate::controller::status::{Board, Reachable, Sync};
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
    reachable: Family<Labels, Gauge>,
    degraded: Family<Labels, Gauge>,
    last_success: Decimal,
    manifest_refused: Gauge,
    events: Family<Labels, Counter>,
    event_latency: Histogram,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("portolan"),
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
            reachable: Family::default(),
            degraded: Family::default(),
            last_success: Decimal::default(),
            manifest_refused: Gauge::default(),
            events: Family::default(),
            event_latency: Histogram::new(BUCKETS),
        };
        // What has not happened yet is 0, so that a rate of it is known from the start.
        for verdict in VERDICTS {
            metrics.passes.get_or_create(&vec![("verdict", verdict.to_owned())]).inc_by(0);
        }
        metrics.hear(&Tally::default());
        let build = Family::<Labels, Gauge>::default();
        build.get_or_create(&vec![("version", env!("CARGO_PKG_VERSION").to_owned())]).set(1);
        let all = &mut metrics.registry;
        all.register("passes", "Passes by verdict", metrics.passes.clone());
        all.register("pass_duration_seconds", "How long passes took", metrics.duration.clone());
        all.register("steps", "Steps by action and result", metrics.steps.clone());
        all.register("drift", "Whether an object differs from the manifest", metrics.drift.clone());
        all.register("drift_age_seconds", "How long an object has differed", metrics.drift_age.clone());
        all.register("gaps", "Things that the last look could not read", metrics.gaps.clone());
        all.register("api_calls", "Calls of AWS by operation", metrics.calls.clone());
        all.register("api_refusals", "Calls that AWS refused as too many, by operation", metrics.refusals.clone());
        all.register(
            "api_bucket_fill",
            "How full the mirror of AWS's bucket of calls is, from 0 (the next call waits) to 1",
            metrics.fill.clone(),
        );
        all.register("queue_depth", "Passes that are requested and have not begun", metrics.queue_depth.clone());
        all.register(
            "queue_latency_seconds",
            "How long passes had been due when they began",
            metrics.queue_latency.clone(),
        );
        all.register(
            "reachable",
            "Whether requests can arrive by every path of an object; absent while it is not known",
            metrics.reachable.clone(),
        );
        all.register(
            "degraded",
            "Whether every request of an object is answered, with less capacity than is wanted; absent while it is not known",
            metrics.degraded.clone(),
        );
        all.register(
            "last_success_timestamp_seconds",
            "When a pass last ended without a failed step",
            metrics.last_success.clone(),
        );
        all.register("manifest_refused", "Whether the files hold no usable manifest", metrics.manifest_refused.clone());
        all.register("events", "Messages of the events queue by what became of them", metrics.events.clone());
        all.register(
            "event_latency_seconds",
            "From an event's arrival on its queue to the end of the pass that took it in",
            metrics.event_latency.clone(),
        );
        all.register("build_info", "The version", build);
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

    /// Counts messages of the events queue.
    pub(super) fn hear(&self, tally: &Tally) {
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
