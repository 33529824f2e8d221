//! Network ACLs and their entries.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::filter::Filters;
use super::listing::{self, Listing};
use super::{tag, vpc};
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::state::{AclEntry, NetworkAcl, State, Tags};

const LISTING: Listing<NetworkAcl> = Listing {
    set: "networkAclSet",
    ids: "NetworkAclId",
    things: |state| &state.acls,
    show,
    absent,
    filters: FILTERS,
    page: listing::PAGE,
};
const FILTERS: &Filters = &Filters {
    held: &[
        ("association.association-id", "associationSet.networkAclAssociationId"),
        ("association.network-acl-id", "associationSet.networkAclId"),
        ("association.subnet-id", "associationSet.subnetId"),
        ("default", "default"),
        ("entry.cidr", "entrySet.cidrBlock"),
        ("entry.egress", "entrySet.egress"),
        ("entry.icmp.code", "entrySet.icmpTypeCode.code"),
        ("entry.icmp.type", "entrySet.icmpTypeCode.type"),
        ("entry.port-range.from", "entrySet.portRange.from"),
        ("entry.port-range.to", "entrySet.portRange.to"),
        ("entry.protocol", "entrySet.protocol"),
        ("entry.rule-action", "entrySet.ruleAction"),
        ("entry.rule-number", "entrySet.ruleNumber"),
        ("network-acl-id", "networkAclId"),
        ("owner-id", "ownerId"),
        ("tag-key", "tagSet.key"),
        ("vpc-id", "vpcId"),
    ],
    not_held: &["entry.ipv6-cidr"],
};
/// The number of the last resort.
const LAST: u16 = 32767;
/// Most entries of a direction, the last resort aside.
const ENTRIES: usize = 20;

pub fn create(state: &mut State, input: Input) -> Answer {
    let vpc = vpc::find(state, input.need("VpcId", Refusal::missing)?)?.id.clone();
    let tags = tag::on_creation(input, "network-acl")?;
    let id = make(state, &vpc, false, tags);
    Ok(json!({"networkAcl": show(state, find(state, &id)?), "clientToken": input.text("ClientToken")}))
}

pub fn describe(state: &State, input: Input) -> Answer {
    LISTING.answer(state, input)
}

/// Not the default one, and none that a subnet uses.
pub fn delete(state: &mut State, input: Input) -> Answer {
    let acl = find(state, input.need("NetworkAclId", Refusal::missing)?)?;
    let id = acl.id.clone();
    if acl.is_default {
        return Err(Refusal::parameter(format!("cannot delete default network ACL {id}")));
    }
    if state.subnets.values().any(|subnet| subnet.acl == id) {
        let message = format!("The networkAcl '{id}' has dependencies and cannot be deleted.");
        return Err(Refusal::new("DependencyViolation", message));
    }
    state.acls.remove(&id);
    Ok(json!({"return": true}))
}

pub fn create_entry(state: &mut State, input: Input) -> Answer {
    let acl = find(state, input.need("NetworkAclId", Refusal::missing)?)?;
    let (id, key, entry) = (acl.id.clone(), key(input)?, entry(input)?);
    if acl.entries.contains_key(&key) {
        let message = format!("The network acl entry identified by {} already exists.", key.1);
        return Err(Refusal::new("NetworkAclEntryAlreadyExists", message));
    }
    if acl.entries.keys().filter(|(egress, number)| *egress == key.0 && *number != LAST).count() >= ENTRIES {
        let message = "The maximum number of network acl entries has been reached.";
        return Err(Refusal::new("NetworkAclEntryLimitExceeded", message));
    }
    put(state, &id, key, entry)
}

pub fn replace_entry(state: &mut State, input: Input) -> Answer {
    let acl = find(state, input.need("NetworkAclId", Refusal::missing)?)?;
    let (id, key, entry) = (acl.id.clone(), key(input)?, entry(input)?);
    need_entry(acl, key)?;
    put(state, &id, key, entry)
}

pub fn delete_entry(state: &mut State, input: Input) -> Answer {
    let acl = find(state, input.need("NetworkAclId", Refusal::missing)?)?;
    let (id, key) = (acl.id.clone(), key(input)?);
    need_entry(acl, key)?;
    if let Some(acl) = state.acls.get_mut(&id) {
        acl.entries.remove(&key);
    }
    Ok(json!({"return": true}))
}

pub fn replace_association(state: &mut State, input: Input) -> Answer {
    let association = input.need("AssociationId", Refusal::missing)?;
    let acl = find(state, input.need("NetworkAclId", Refusal::missing)?)?;
    let subnet = state.subnets.values().find(|subnet| subnet.acl_association == association).ok_or_else(|| {
        let message = format!("The association ID '{association}' does not exist");
        Refusal::new("InvalidAssociationID.NotFound", message)
    })?;
    if subnet.vpc != acl.vpc {
        let message = format!("Network acl {} and subnet {} belong to different networks", acl.id, subnet.id);
        return Err(Refusal::parameter(message));
    }
    let (subnet, acl) = (subnet.id.clone(), acl.id.clone());
    let new = state.ids.ec2("aclassoc");
    if let Some(subnet) = state.subnets.get_mut(&subnet) {
        subnet.acl = acl;
        subnet.acl_association.clone_from(&new);
    }
    Ok(json!({"newAssociationId": new}))
}

/// An ACL that lets everything through, where it is a VPC's default, or nothing.
pub fn make(state: &mut State, vpc: &str, is_default: bool, tags: Tags) -> String {
    let id = state.ids.ec2("acl");
    let everything = |allow| AclEntry { protocol: "-1".to_owned(), cidr: Ipv4Net::default(), ports: None, allow };
    let mut entries = BTreeMap::new();
    for egress in [false, true] {
        if is_default {
            entries.insert((egress, 100), everything(true));
        }
        entries.insert((egress, LAST), everything(false));
    }
    let acl = NetworkAcl { id: id.clone(), vpc: vpc.to_owned(), is_default, entries, tags };
    state.acls.insert(id.clone(), acl);
    id
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a NetworkAcl, Refusal> {
    state.acls.get(id).ok_or_else(|| absent(id))
}

fn absent(id: &str) -> Refusal {
    Refusal::new("InvalidNetworkAclID.NotFound", format!("The networkAcl ID '{id}' does not exist"))
}

fn need_entry(acl: &NetworkAcl, key: (bool, u16)) -> Result<(), Refusal> {
    if acl.entries.contains_key(&key) {
        return Ok(());
    }
    let direction = if key.0 { "egress" } else { "ingress" };
    let message = format!("The {direction} network acl entry identified by {} does not exist.", key.1);
    Err(Refusal::new("InvalidNetworkAclEntry.NotFound", message))
}

fn put(state: &mut State, id: &str, key: (bool, u16), entry: AclEntry) -> Answer {
    if let Some(acl) = state.acls.get_mut(id) {
        acl.entries.insert(key, entry);
    }
    Ok(json!({"return": true}))
}

/// What identifies an entry in its ACL.
fn key(input: Input) -> Result<(bool, u16), Refusal> {
    let egress = input.flag("Egress").ok_or_else(|| Refusal::missing("Egress"))?;
    let number = input.int("RuleNumber").ok_or_else(|| Refusal::missing("RuleNumber"))?;
    let in_range = u16::try_from(number).ok().filter(|number| (1..LAST).contains(number));
    in_range.map(|number| (egress, number)).ok_or_else(|| {
        let message = format!("Value ({number}) for parameter ruleNumber is invalid. It must be from 1 to 32766.");
        Refusal::parameter(message)
    })
}

fn entry(input: Input) -> Result<AclEntry, Refusal> {
    let protocol = protocol(input.need("Protocol", Refusal::missing)?)?;
    let action = input.need("RuleAction", Refusal::missing)?;
    if !matches!(action, "allow" | "deny") {
        let message = format!("Value ({action}) for parameter ruleAction is invalid. It must be allow or deny.");
        return Err(Refusal::parameter(message));
    }
    if input.has("Ipv6CidrBlock") {
        return Err(Refusal::new("UnsupportedOperation", "The sandbox keeps no IPv6 entries of network ACLs"));
    }
    let cidr = vpc::network(input.need("CidrBlock", Refusal::missing)?, "cidrBlock")?;
    let ports = match protocol.as_str() {
        "6" | "17" => Some(ports(input)?),
        "1" if !input.has("Icmp") => return Err(Refusal::missing("icmpTypeCode.code")),
        // Every port of it is meant, whichever were named.
        _ => None,
    };
    Ok(AclEntry { protocol, cidr, ports, allow: action == "allow" })
}

/// A protocol's number as text.
fn protocol(text: &str) -> Result<String, Refusal> {
    let number =
        match text.to_ascii_lowercase().as_str() {
            "tcp" => 6,
            "udp" => 17,
            "icmp" => 1,
            "icmpv6" => 58,
            "all" => -1,
            other => other.parse::<i64>().ok().filter(|number| (-1..=255).contains(number)).ok_or_else(|| {
                Refusal::parameter(format!("Invalid value '{text}' for IP protocol. Unknown protocol."))
            })?,
        };
    Ok(number.to_string())
}

fn ports(input: Input) -> Result<RangeInclusive<u16>, Refusal> {
    let range = input.get("PortRange").ok_or_else(|| Refusal::missing("portRange.from"))?;
    let from = range.int("From").ok_or_else(|| Refusal::missing("portRange.from"))?;
    let to = range.int("To").ok_or_else(|| Refusal::missing("portRange.to"))?;
    match (u16::try_from(from), u16::try_from(to)) {
        (Ok(from), Ok(to)) if from <= to => Ok(from..=to),
        _ => Err(Refusal::parameter(format!("Invalid TCP/UDP port range ({from}:{to})"))),
    }
}

fn show(state: &State, acl: &NetworkAcl) -> Value {
    let associations = state.subnets.values().filter(|subnet| subnet.acl == acl.id).map(|subnet| {
        json!({
            "networkAclAssociationId": subnet.acl_association,
            "networkAclId": acl.id,
            "subnetId": subnet.id,
        })
    });
    let entries = acl.entries.iter().map(|((egress, number), entry)| show_entry(*egress, *number, entry));
    json!({
        "networkAclId": acl.id,
        "vpcId": acl.vpc,
        "ownerId": state.account,
        "default": acl.is_default,
        "associationSet": associations.collect::<Vec<_>>(),
        "entrySet": entries.collect::<Vec<_>>(),
        "tagSet": tag::show(&acl.tags),
    })
}

fn show_entry(egress: bool, number: u16, entry: &AclEntry) -> Value {
    json!({
        "ruleNumber": number,
        "egress": egress,
        "protocol": entry.protocol,
        "ruleAction": if entry.allow { "allow" } else { "deny" },
        "cidrBlock": entry.cidr.to_string(),
        "portRange": entry.ports.as_ref().map(|ports| json!({"from": ports.start(), "to": ports.end()})),
        // Of ICMP only whole protocols are kept.
        "icmpTypeCode": (entry.protocol == "1").then(|| json!({"type": -1, "code": -1})),
    })
}
