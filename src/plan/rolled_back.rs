//! R7a: what a deployment did not bring is not sent again until the manifest changes. Only a SUCCESSFUL deployment is a success.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::model::{
    Awsvpc, DeploymentEnd, DesiredService, LoadBalancerEntry, Observed, PastDeployment, Rollout, Seen, Service, owner,
};
use crate::shape::Tree;

use super::action::{Ref, WiredEntry};
use super::content;
use super::draft::Obstacle;
use super::reason::Reason;

/// What somebody has to do about a deployment that failed.
const TO_UNBLOCK: &str = "find out why, then change the manifest";

/// What a deployment would bring.
pub(super) struct Brings<'a> {
    /// What the service would run, if that changes.
    pub(super) content: Option<&'a Tree>,
    /// All its load balancers, if they change.
    pub(super) load_balancers: Option<&'a [WiredEntry]>,
    /// Its network, if that changes.
    pub(super) network: Option<&'a Awsvpc>,
}

/// Why a redeployment is held back: the newest deployment of that content, of that wiring or of that network did not succeed.
pub(super) fn refusal(
    observed: &Observed,
    wanted: &DesiredService,
    live: &Service,
    brings: &Brings<'_>,
) -> Result<Option<Reason>, Obstacle> {
    let taken_back = taken_back(live)?;
    if tokens(brings).iter().any(|token| taken_back.contains(token)) {
        let way_out = format!("change the manifest, or remove the tag {} from the service", owner::ROLLED_BACK_TAG);
        return Ok(Some(Reason::new("this configuration was rolled back with `portolan rollback`", way_out)));
    }
    let past = match observed.past_deployments_of(&wanted.id) {
        Seen::Present(past) => past,
        Seen::Absent => return Ok(None),
        Seen::Unknown(gap) => return Err(Obstacle::gap("last deployments", gap)),
    };
    let wiring = brings.load_balancers.and_then(wired);
    let same_content = |past: &PastDeployment| match (brings.content, past.content.as_deref()) {
        (Some(one), Some(other)) => content::is_same_content(one, other),
        (None, _) | (_, None) => false,
    };
    let same_wiring = |past: &PastDeployment| wiring.as_ref().is_some_and(|own| *own == sorted(&past.load_balancers));
    let same_network = |past: &PastDeployment| brings.network.is_some() && brings.network == past.network.as_ref();
    let failed = |is_same: &dyn Fn(&PastDeployment) -> bool| {
        past.iter().find(|past| is_same(past)).filter(|newest| newest.end.has_failed())
    };
    let newest = failed(&same_content).or_else(|| failed(&same_wiring)).or_else(|| failed(&same_network));
    Ok(newest.map(|newest| Reason::new(because(newest), TO_UNBLOCK)))
}

/// Such as `ECS rolled back the last deployment of this configuration (ROLLBACK_SUCCESSFUL: tasks failed to start)`.
fn because(past: &PastDeployment) -> String {
    let what = match past.end {
        DeploymentEnd::RolledBack => "ECS rolled back the last deployment of this configuration",
        DeploymentEnd::RollingBack => "ECS is rolling back the last deployment of this configuration",
        DeploymentEnd::RollbackFailed => "the last deployment of this configuration failed, and so did its rollback",
        DeploymentEnd::Stopped => "the last deployment of this configuration was stopped before it succeeded",
        DeploymentEnd::Failed => "the last deployment of this configuration failed",
        DeploymentEnd::Successful => "the last deployment of this configuration succeeded",
    };
    let reason = past.reason.as_ref().map(|reason| format!(": {}", reason.trim_end_matches('.')));
    format!("{what} ({}{})", past.end, reason.unwrap_or_default())
}

/// Why a service is not in sync although it is as declared: the deployment that was to bring this has failed.
pub(super) fn left_failed(live: &Service) -> Option<Reason> {
    let primary = live.primary().filter(|primary| primary.rollout == Some(Rollout::Failed))?;
    let reason = primary.reason.as_ref().map(|reason| format!(": {}", reason.trim_end_matches('.')));
    Some(Reason::new(
        format!("the service's current deployment failed (FAILED{})", reason.unwrap_or_default()),
        TO_UNBLOCK,
    ))
}

/// The entries as they would be sent; `None` while a target group does not exist: that wiring was never deployed.
fn wired(entries: &[WiredEntry]) -> Option<Vec<LoadBalancerEntry>> {
    let known = entries.iter().all(|(target, _)| !matches!(target, Some(Ref::Output(_))));
    known.then(|| sorted(&entries.iter().map(|(_, entry)| entry.clone()).collect::<Vec<_>>()))
}

fn sorted(entries: &[LoadBalancerEntry]) -> Vec<LoadBalancerEntry> {
    let mut entries = entries.to_vec();
    entries.sort();
    entries
}

/// Most fingerprints that a tag keeps: its value has 256 characters.
pub(super) const MOST_TOKENS: usize = 10;

/// Fingerprints of what a person rolled the service back from.
pub(super) fn taken_back(live: &Service) -> Result<BTreeSet<String>, Obstacle> {
    Ok(taken_back_in_order(live)?.into_iter().collect())
}

/// The same, the newest first.
pub(super) fn taken_back_in_order(live: &Service) -> Result<Vec<String>, Obstacle> {
    let members = match live.members.as_ref().as_ref() {
        Seen::Present(members) => members,
        Seen::Absent => return Ok(Vec::new()),
        Seen::Unknown(gap) => return Err(Obstacle::gap("tags of the service", gap)),
    };
    let tags = members.get("tags").and_then(Value::as_array).into_iter().flatten();
    let own = |tag: &&Value| tag.get("key").and_then(Value::as_str) == Some(owner::ROLLED_BACK_TAG);
    let value = tags.into_iter().find(own).and_then(|tag| tag.get("value")?.as_str()).unwrap_or_default();
    Ok(value.split_whitespace().map(str::to_owned).collect())
}

/// The fingerprints of what a deployment brings, one for each part of it.
pub(super) fn tokens(brings: &Brings<'_>) -> Vec<String> {
    let Brings { content, load_balancers, network } = brings;
    let wiring = load_balancers.and_then(wired).map(|entries| wiring_token(&entries));
    let network = network.map(|network| {
        let Awsvpc { subnets, security_groups, assign_public_ip } = network;
        let list = |all: Vec<String>| Value::from(all);
        let value = json!([
            list(subnets.iter().map(ToString::to_string).collect()),
            list(security_groups.iter().map(ToString::to_string).collect()),
            assign_public_ip,
        ]);
        format!("net-{}", content::hash(&value.to_string()))
    });
    content.map(content::fingerprint).into_iter().chain(wiring).chain(network).collect()
}

/// The fingerprint of a list of load balancers.
pub(super) fn wiring_token(entries: &[LoadBalancerEntry]) -> String {
    let each = |entry: &LoadBalancerEntry| {
        let groups: Vec<&str> = entry.target_groups().map(|arn| arn.as_str()).collect();
        json!([groups, entry.classic, entry.container, entry.container_port])
    };
    let value: Vec<Value> = sorted(entries).iter().map(each).collect();
    format!("lb-{}", content::hash(&Value::from(value).to_string()))
}
