//! Tags: on creation, afterwards, and alone.

use serde_json::{Value, json};

use super::filter::{self, Filters};
use super::listing;
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::state::{State, Tags};

/// Most tags of a thing.
const TAGS: usize = 50;
const FILTERS: &Filters = &Filters {
    held: &[("key", "key"), ("resource-id", "resourceId"), ("resource-type", "resourceType"), ("value", "value")],
    not_held: &[],
};

pub fn create(state: &mut State, input: Input) -> Answer {
    let ids = resources(state, input)?;
    let tags = input.tags("Tag");
    if tags.is_empty() {
        return Err(Refusal::missing("Tag"));
    }
    check(&tags)?;
    for id in &ids {
        let mut all = of(state, id).cloned().unwrap_or_default();
        all.extend(tags.clone());
        check_count(&all)?;
    }
    for id in ids {
        if let Some(standing) = of_mut(state, id) {
            standing.extend(tags.clone());
        }
    }
    Ok(json!({"return": true}))
}

/// Without tags all go; with a value only a tag of this value does.
pub fn delete(state: &mut State, input: Input) -> Answer {
    let named: Vec<(&str, Option<&str>)> =
        input.list("Tag").filter_map(|tag| Some((tag.text("Key")?, tag.text("Value")))).collect();
    let goes =
        |key: &str, value: &str| named.iter().any(|(name, only)| *name == key && only.is_none_or(|only| only == value));
    for id in resources(state, input)? {
        if let Some(standing) = of_mut(state, id) {
            // Tags of AWS itself are not the caller's to delete.
            standing.retain(|key, value| key.starts_with("aws:") || !(named.is_empty() || goes(key, value)));
        }
    }
    Ok(json!({"return": true}))
}

pub fn describe(state: &State, input: Input) -> Answer {
    let mut all = Vec::new();
    for (id, tags) in everything(state) {
        let row = |(key, value)| json!({"resourceId": id, "resourceType": kind(id), "key": key, "value": value});
        all.extend(tags.iter().map(row));
    }
    let shown = listing::cut(state, input, filter::keep(input, FILTERS, all)?, &listing::PAGE)?;
    Ok(json!({"tagSet": shown.items, "nextToken": shown.next}))
}

/// The tags that a creating call gives to what it creates.
pub fn on_creation(input: Input, kind: &str) -> Result<Tags, Refusal> {
    on_creation_of_several(input, &[kind]).map(|mut tags| tags.pop().unwrap_or_default())
}

/// The same where a call creates several kinds of things: the tags of each, in the order of the kinds.
pub fn on_creation_of_several(input: Input, kinds: &[&str]) -> Result<Vec<Tags>, Refusal> {
    let mut all = vec![Tags::new(); kinds.len()];
    for specification in input.list("TagSpecification") {
        let kind = specification.need("ResourceType", Refusal::missing)?;
        let of_kind = kinds.iter().position(|known| *known == kind).and_then(|index| all.get_mut(index));
        let Some(of_kind) = of_kind else {
            let message = format!("'{kind}' is not a valid taggable resource type for this operation.");
            return Err(Refusal::parameter(message));
        };
        of_kind.extend(specification.tags("Tag"));
    }
    all.iter().try_for_each(check)?;
    Ok(all)
}

/// Tags as EC2 tells them.
pub fn show(tags: &Tags) -> Value {
    tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

fn check(tags: &Tags) -> Result<(), Refusal> {
    for (key, value) in tags {
        if key.starts_with("aws:") {
            return Err(Refusal::parameter("Tag keys starting with 'aws:' are reserved for internal use"));
        }
        if key.is_empty() || key.chars().count() > 127 {
            return Err(Refusal::parameter("Tag key exceeds the maximum length of 127 characters"));
        }
        if value.chars().count() > 256 {
            return Err(Refusal::parameter("Tag value exceeds the maximum length of 256 characters"));
        }
    }
    check_count(tags)
}

fn check_count(tags: &Tags) -> Result<(), Refusal> {
    // Tags of AWS itself do not count.
    if tags.keys().filter(|key| !key.starts_with("aws:")).count() > TAGS {
        let message = format!("More than {TAGS} tags specified for a single resource");
        return Err(Refusal::new("TagLimitExceeded", message));
    }
    Ok(())
}

/// The ids that a call names; all of them exist.
fn resources<'a>(state: &State, input: Input<'a>) -> Result<Vec<&'a str>, Refusal> {
    let ids = input.texts("ResourceId");
    if ids.is_empty() {
        return Err(Refusal::missing("ResourceId"));
    }
    match ids.iter().find(|id| of(state, id).is_none()) {
        Some(id) => Err(Refusal::new("InvalidID", format!("The ID '{id}' is not valid"))),
        None => Ok(ids),
    }
}

/// The type of a thing, as its id tells it.
fn kind(id: &str) -> &'static str {
    match id.rsplit_once('-').map_or("", |(prefix, _)| prefix) {
        "acl" => "network-acl",
        "eni" => "network-interface",
        "i" => "instance",
        "igw" => "internet-gateway",
        "pl" => "prefix-list",
        "rtb" => "route-table",
        "sg" => "security-group",
        "sgr" => "security-group-rule",
        "subnet" => "subnet",
        "vpce-svc" => "vpc-endpoint-service",
        _ => "vpc",
    }
}

fn of<'a>(state: &'a State, id: &str) -> Option<&'a Tags> {
    match kind(id) {
        "network-acl" => state.acls.get(id).map(|thing| &thing.tags),
        "network-interface" => state.interfaces.get(id).map(|thing| &thing.tags),
        "instance" => state.instances.get(id).map(|thing| &thing.tags),
        "internet-gateway" => state.gateways.get(id).map(|thing| &thing.tags),
        "prefix-list" => state.prefix_lists.get(id).map(|thing| &thing.tags),
        "route-table" => state.route_tables.get(id).map(|thing| &thing.tags),
        "security-group" => state.groups.get(id).map(|thing| &thing.tags),
        "security-group-rule" => state.group_rules.get(id).map(|thing| &thing.tags),
        "subnet" => state.subnets.get(id).map(|thing| &thing.tags),
        "vpc-endpoint-service" => state.endpoint_services.get(id).map(|thing| &thing.tags),
        _ => state.vpcs.get(id).map(|thing| &thing.tags),
    }
}

fn of_mut<'a>(state: &'a mut State, id: &str) -> Option<&'a mut Tags> {
    match kind(id) {
        "network-acl" => state.acls.get_mut(id).map(|thing| &mut thing.tags),
        "network-interface" => state.interfaces.get_mut(id).map(|thing| &mut thing.tags),
        "instance" => state.instances.get_mut(id).map(|thing| &mut thing.tags),
        "internet-gateway" => state.gateways.get_mut(id).map(|thing| &mut thing.tags),
        "prefix-list" => state.prefix_lists.get_mut(id).map(|thing| &mut thing.tags),
        "route-table" => state.route_tables.get_mut(id).map(|thing| &mut thing.tags),
        "security-group" => state.groups.get_mut(id).map(|thing| &mut thing.tags),
        "security-group-rule" => state.group_rules.get_mut(id).map(|thing| &mut thing.tags),
        "subnet" => state.subnets.get_mut(id).map(|thing| &mut thing.tags),
        "vpc-endpoint-service" => state.endpoint_services.get_mut(id).map(|thing| &mut thing.tags),
        _ => state.vpcs.get_mut(id).map(|thing| &mut thing.tags),
    }
}

fn everything(state: &State) -> Vec<(&str, &Tags)> {
    let ids = state.acls.keys().chain(state.interfaces.keys()).chain(state.instances.keys());
    let ids = ids.chain(state.gateways.keys()).chain(state.prefix_lists.keys()).chain(state.route_tables.keys());
    let ids = ids.chain(state.groups.keys()).chain(state.group_rules.keys()).chain(state.subnets.keys());
    let ids = ids.chain(state.endpoint_services.keys());
    ids.chain(state.vpcs.keys()).filter_map(|id| Some((id.as_str(), of(state, id)?))).collect()
}
