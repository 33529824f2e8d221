//! A trace as one JSON document, version 1.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::model::Gap;
use crate::report::Traced;
use crate::trace::{Finding, Hop, Path, Unrouted};

use super::{SCHEMA_VERSION, WireGap, WirePathName, to_text};

/// The document of a trace, with a line feed at its end.
pub fn render_trace<'a>(
    traced: impl Into<Traced<'a>>,
    gaps: &BTreeSet<(String, Gap)>,
    calls: BTreeMap<String, u64>,
) -> String {
    let Traced { trace, paths, left_out } = traced.into();
    to_text(&Document {
        schema_version: SCHEMA_VERSION,
        verdict: trace.verdict().as_str(),
        paths: paths.into_iter().map(WirePath::of).collect(),
        left_out,
        unrouted: trace.unrouted.iter().map(WireUnrouted::of).collect(),
        gaps: gaps.iter().map(|(object, gap)| WireGap { object, call: &gap.call, why: &gap.why, at: None }).collect(),
        calls,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u32,
    verdict: &'a str,
    paths: Vec<WirePath<'a>>,
    /// The number of paths not shown, by verdict; absent if all are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<BTreeMap<&'static str, usize>>,
    /// The request that was asked about, if no path matches it.
    unrouted: Vec<WireUnrouted<'a>>,
    gaps: Vec<WireGap<'a>>,
    calls: BTreeMap<String, u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WirePath<'a> {
    #[serde(flatten)]
    name: WirePathName<'a>,
    verdict: &'a str,
    /// Every request is answered, but capacity is missing.
    degraded: bool,
    /// The verdict is unknown only because tasks are starting.
    starting: bool,
    broken_hop: Option<&'a str>,
    health: WireHealth<'a>,
    hops: Vec<WireHop<'a>>,
}

impl<'a> WirePath<'a> {
    fn of(path: &'a Path) -> Self {
        // Why no request needs an answer is the verdict and the evidence of its hops; the route is in the name.
        let Path { name, route: _, witness: (witness, evidence), hops, standby: _ } = path;
        Self {
            name: WirePathName::of(name),
            verdict: path.verdict().as_str(),
            degraded: path.is_degraded(),
            starting: path.is_starting(),
            broken_hop: path.broken_hop().map(|hop| hop.id.as_str()),
            health: WireHealth { witness: witness.as_str(), evidence },
            hops: hops.iter().map(WireHop::of).collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireUnrouted<'a> {
    request: &'a str,
    at: &'a str,
    taken_by: &'a str,
    nearest: Option<&'a str>,
}

impl<'a> WireUnrouted<'a> {
    fn of(unrouted: &'a Unrouted) -> Self {
        let Unrouted { request, at, taken_by, gap: _, nearest } = unrouted;
        Self { request, at, taken_by, nearest: nearest.as_deref() }
    }
}

#[derive(Serialize)]
struct WireHealth<'a> {
    witness: &'a str,
    evidence: &'a str,
}

#[derive(Serialize)]
struct WireHop<'a> {
    hop: &'a str,
    state: &'a str,
    evidence: &'a str,
    findings: Vec<WireFinding<'a>>,
}

impl<'a> WireHop<'a> {
    fn of(hop: &'a Hop) -> Self {
        let Hop { id, state, evidence, findings } = hop;
        let findings = findings.iter().map(WireFinding::of).collect();
        Self { hop: id.as_str(), state: state.as_str(), evidence, findings }
    }
}

#[derive(Serialize)]
struct WireFinding<'a> {
    codes: Vec<String>,
    name: &'a str,
    /// Former names.
    aliases: &'a [&'a str],
    evidence: &'a str,
    fix: &'a str,
    step: Option<&'a str>,
    /// `breaks` or `degrades`.
    effect: &'a str,
}

impl<'a> WireFinding<'a> {
    fn of(finding: &'a Finding) -> Self {
        let aliases = finding.aliases();
        let Finding { codes, name, evidence, fix, step, effect, .. } = finding;
        let codes = codes.iter().map(ToString::to_string).collect();
        Self { codes, name, aliases, evidence, fix, step: step.as_deref(), effect: effect.as_str() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::render_trace;
    use crate::trace::fixture::Stand;

    #[test]
    fn a_finding_has_its_name_and_its_former_names() {
        let mut stand = Stand::sound();
        stand.ingress("sg-tasks").clear();
        let text = render_trace(&stand.trace(), &BTreeSet::new(), BTreeMap::new());
        let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let hops = document["paths"][0]["hops"].as_array().expect("hops");
        let finding = hops.iter().find_map(|hop| hop["findings"].get(0)).expect("a finding");
        assert_eq!(finding["codes"], serde_json::json!(["M01"]));
        assert_eq!(finding["name"], "target-security-group-blocks-load-balancer");
        assert_eq!(finding["aliases"], serde_json::json!(["target-group-closed-to-load-balancer"]));
    }
}
