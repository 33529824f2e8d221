//! Prefix lists of IPv4 networks.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::filter::Filters;
use super::listing::{self, Listing};
use super::{tag, vpc};
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::state::{PrefixList, Source, State};

const LISTING: Listing<PrefixList> = Listing {
    set: "prefixListSet",
    ids: "PrefixListId",
    things: |state| &state.prefix_lists,
    show,
    absent,
    filters: FILTERS,
    page: PAGE,
};
const FILTERS: &Filters = &Filters {
    held: &[
        ("owner-id", "ownerId"),
        ("prefix-list-id", "prefixListId"),
        ("prefix-list-name", "prefixListName"),
        ("tag-key", "tagSet.key"),
    ],
    not_held: &[],
};
const PAGE: RangeInclusive<i64> = 1..=100;

pub fn create(state: &mut State, input: Input) -> Answer {
    let name = input.need("PrefixListName", Refusal::missing)?;
    if name.starts_with("com.amazonaws") || name.chars().count() > 255 {
        return Err(Refusal::parameter(format!("Value ({name}) for parameter PrefixListName is invalid.")));
    }
    let max_entries = input.int("MaxEntries").ok_or_else(|| Refusal::missing("MaxEntries"))?;
    if !(1..=1000).contains(&max_entries) {
        return Err(Refusal::parameter(format!("Value ({max_entries}) for parameter MaxEntries is invalid.")));
    }
    match input.need("AddressFamily", Refusal::missing)? {
        "IPv4" => {}
        "IPv6" => return Err(Refusal::new("UnsupportedOperation", "The sandbox keeps no prefix lists of IPv6")),
        other => return Err(Refusal::parameter(format!("Value ({other}) for parameter AddressFamily is invalid."))),
    }
    let entries = entries(input, max_entries)?;
    let tags = tag::on_creation(input, "prefix-list")?;
    let id = state.ids.ec2("pl");
    let owner = state.account.clone();
    let list = PrefixList { id: id.clone(), name: name.to_owned(), max_entries, entries, owner, version: 1, tags };
    let shown = show(state, &list);
    state.prefix_lists.insert(id, list);
    Ok(json!({"prefixList": shown}))
}

pub fn describe(state: &State, input: Input) -> Answer {
    LISTING.answer(state, input)
}

pub fn describe_entries(state: &State, input: Input) -> Answer {
    let list = find(state, input.need("PrefixListId", Refusal::missing)?)?;
    let entry = |(cidr, description): &(Ipv4Net, String)| json!({"cidr": cidr.to_string(), "description": Some(description).filter(|text| !text.is_empty())});
    let shown = listing::cut(state, input, list.entries.iter().map(entry).collect(), &PAGE)?;
    Ok(json!({"entrySet": shown.items, "nextToken": shown.next}))
}

/// Only one that no security group names.
pub fn delete(state: &mut State, input: Input) -> Answer {
    let id = find(state, input.need("PrefixListId", Refusal::missing)?)?.id.clone();
    if state.group_rules.values().any(|rule| rule.source == Source::PrefixList(id.clone())) {
        let message = format!("The prefix list '{id}' has dependencies and cannot be deleted.");
        return Err(Refusal::new("DependencyViolation", message));
    }
    let gone = state.prefix_lists.remove(&id);
    Ok(json!({"prefixList": gone.map(|list| show(state, &list))}))
}

/// A prefix list that has to be there.
pub fn find<'a>(state: &'a State, id: &str) -> Result<&'a PrefixList, Refusal> {
    state.prefix_lists.get(id).ok_or_else(|| absent(id))
}

fn absent(id: &str) -> Refusal {
    Refusal::new("InvalidPrefixListID.NotFound", format!("The prefix list ID '{id}' does not exist"))
}

fn entries(input: Input, max_entries: i64) -> Result<Vec<(Ipv4Net, String)>, Refusal> {
    let mut entries = Vec::new();
    let mut seen = BTreeSet::new();
    for entry in input.list("Entry") {
        let cidr = vpc::network(entry.need("Cidr", Refusal::missing)?, "Cidr")?;
        if !seen.insert(cidr) {
            return Err(Refusal::parameter(format!("The CIDR {cidr} appears more than once in the request")));
        }
        entries.push((cidr, entry.text("Description").unwrap_or_default().to_owned()));
    }
    if i64::try_from(entries.len()).is_ok_and(|count| count <= max_entries) {
        return Ok(entries);
    }
    let message = format!("You've reached the maximum number of entries for the prefix list: {max_entries}");
    Err(Refusal::new("PrefixListMaxEntriesExceeded", message))
}

fn show(state: &State, list: &PrefixList) -> Value {
    json!({
        "prefixListId": list.id,
        "prefixListArn": state.arn("ec2", &format!("prefix-list/{}", list.id)),
        "prefixListName": list.name,
        "addressFamily": "IPv4",
        "state": "create-complete",
        "maxEntries": list.max_entries,
        "version": list.version,
        "ownerId": list.owner,
        "tagSet": tag::show(&list.tags),
    })
}
