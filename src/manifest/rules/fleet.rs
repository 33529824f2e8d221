//! The Fleet document, and names that only one object of the fleet may have.

use std::collections::{BTreeMap, BTreeSet};

use super::{Scene, name};
use crate::manifest::document::TagSpec;
use crate::model::Budget;
use crate::yaml::{At, Position, Problems, quoted};

/// What `onTimeout` lacks.
pub(super) const NO_TIMEOUT: &str = "rollout.onTimeout without rollout.timeout never applies";

pub(super) fn check(scene: &Scene<'_>, problems: &mut Problems<'_>) {
    check_fields(scene, problems);
    check_service_names(scene, problems);
    check_target_group_names(scene, problems);
}

fn check_fields(scene: &Scene<'_>, problems: &mut Problems<'_>) {
    let Some(fleet) = &scene.documents.fleet else { return };
    if let Some(region) = &fleet.spec.region
        && !is_region(region)
    {
        problems.add_hint(region.at, format!("{} is not a region", quoted(region)), "such as eu-west-1");
    }
    if let Some(account) = &fleet.spec.account
        && !(account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()))
    {
        let message = format!("account: expected 12 digits, found {}", quoted(account));
        problems.add(account.at, message);
    }
    if let Some(cluster) = &fleet.spec.cluster {
        name::check_ecs(cluster, cluster.at, "a cluster", problems);
    }
    let concurrent = fleet.spec.rollout.as_ref().and_then(|rollout| rollout.concurrent.as_ref());
    if let Some(concurrent) = concurrent.filter(|concurrent| concurrent.value == Budget::Count(0)) {
        problems.add(concurrent.at, "rollout.concurrent must be at least 1: with 0 no deployment would ever start");
    }
    if let Some(rollout) = &fleet.spec.rollout
        && let (None, Some(on_timeout)) = (&rollout.timeout, &rollout.on_timeout)
    {
        problems.add_hint(on_timeout.at, NO_TIMEOUT, "write rollout.timeout, such as 30m");
    }
    if let Some(vpc) = &fleet.spec.vpc {
        name::check_lookup(vpc, "vpc", problems);
    }
    check_tags(fleet.spec.tags.iter().flat_map(|tags| &tags.value.0), problems);
}

/// Keys that are Portolan's own or AWS's, and keys twice.
fn check_tags<'a>(tags: impl Iterator<Item = &'a At<TagSpec>>, problems: &mut Problems<'_>) {
    let mut seen = BTreeSet::new();
    for At { value: tag, .. } in tags {
        let (key, at) = (&tag.key.value, tag.key.at);
        if let Some(why) = name::reserved_tag(key) {
            problems.add(at, why);
        } else if key.is_empty() || key.chars().count() > 128 {
            problems.add(at, "a tag has a key of 1 to 128 characters");
        } else if !seen.insert(key) {
            problems.add(at, format!("the tag {} is written twice", quoted(key)));
        }
        if tag.value.value.chars().count() > 256 {
            problems.add(tag.value.at, "the value of a tag has at most 256 characters");
        }
    }
}

/// `eu-west-1`, `us-gov-east-1`, `ap-southeast-2`
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let Some((number, words)) = parts.split_last() else { return false };
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    words.len() >= 2
        && words.iter().all(is_word)
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reports the second holder of something.
fn check_first<K: Ord>(
    seen: &mut BTreeMap<K, (Position, String)>,
    identity: K,
    (at, key): (Position, &str),
    message: impl FnOnce() -> String,
    problems: &mut Problems<'_>,
) {
    if let Some((first, holder)) = seen.get(&identity) {
        // The same key twice was reported already.
        if holder != key {
            let hint = format!("{holder} at {} is the first", problems.place(*first));
            problems.add_hint(at, message(), hint);
        }
        return;
    }
    seen.insert(identity, (at, key.to_owned()));
}

fn check_service_names(scene: &Scene<'_>, problems: &mut Problems<'_>) {
    let mut seen = BTreeMap::new();
    for service in &scene.documents.services {
        let key = &service.metadata.name;
        let cluster = service
            .spec
            .own_cluster()
            .or(scene.fleet.as_ref().and_then(|fleet| fleet.cluster.as_deref()))
            .unwrap_or_default();
        let name = service.spec.name.as_ref();
        let (text, at) = (service.spec.own_name().unwrap_or(&key.0), name.map_or(key.at, |name| name.at));
        let message = || format!("the ECS service {} of cluster {} is declared twice", quoted(text), quoted(cluster));
        check_first(&mut seen, (cluster, text), (at, &key.0), message, problems);
    }
}

fn check_target_group_names(scene: &Scene<'_>, problems: &mut Problems<'_>) {
    let mut seen = BTreeMap::new();
    for group in &scene.documents.target_groups {
        let key = &group.metadata.name;
        let name = group.spec.name.as_ref();
        let (text, at) = name.map_or((key.0.as_str(), key.at), |name| (name.value.as_str(), name.at));
        let text = name::bare(text);
        let message = || format!("the target group {} is declared twice", quoted(text));
        check_first(&mut seen, text, (at, &key.0), message, problems);
    }
}
