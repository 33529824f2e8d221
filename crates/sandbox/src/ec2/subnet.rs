//! Subnets and availability zones.

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::filter::{self, Filters};
use super::interface::no_subnet;
use super::listing::{self, Listing};
use super::{ipv6, tag, vpc};
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::state::{State, Subnet};

const LISTING: Listing<Subnet> = Listing {
    set: "subnetSet",
    ids: "SubnetId",
    things: |state| &state.subnets,
    show,
    absent: no_subnet,
    filters: FILTERS,
    page: listing::PAGE,
};
const FILTERS: &Filters = &Filters {
    held: &[
        ("availability-zone", "availabilityZone"),
        ("availability-zone-id", "availabilityZoneId"),
        ("availabilityZone", "availabilityZone"),
        ("available-ip-address-count", "availableIpAddressCount"),
        ("cidr", "cidrBlock"),
        ("cidr-block", "cidrBlock"),
        ("cidrBlock", "cidrBlock"),
        ("default-for-az", "defaultForAz"),
        ("map-public-ip-on-launch", "mapPublicIpOnLaunch"),
        ("owner-id", "ownerId"),
        ("state", "state"),
        ("subnet-arn", "subnetArn"),
        ("subnet-id", "subnetId"),
        ("tag-key", "tagSet.key"),
        ("vpc-id", "vpcId"),
    ],
    not_held: &[
        "customer-owned-ipv4-pool",
        "enable-dns64",
        "enable-lni-at-device-index",
        "ipv6-cidr-block-association.association-id",
        "ipv6-cidr-block-association.ipv6-cidr-block",
        "ipv6-cidr-block-association.state",
        "ipv6-native",
        "map-customer-owned-ip-on-launch",
        "outpost-arn",
        "private-dns-name-options-on-launch.enable-resource-name-dns-a-record",
        "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record",
        "private-dns-name-options-on-launch.hostname-type",
    ],
};
const ZONE_FILTERS: &Filters = &Filters {
    held: &[
        ("group-name", "groupName"),
        ("opt-in-status", "optInStatus"),
        ("region-name", "regionName"),
        ("state", "zoneState"),
        ("zone-id", "zoneId"),
        ("zone-name", "zoneName"),
        ("zone-type", "zoneType"),
    ],
    not_held: &["group-long-name", "message", "parent-zone-id", "parent-zone-name"],
};
/// The zones of every region here.
const ZONES: [char; 3] = ['a', 'b', 'c'];

pub fn create(state: &mut State, input: Input) -> Answer {
    ipv6::refuse(input)?;
    let vpc = vpc::find(state, input.need("VpcId", Refusal::missing)?)?.clone();
    let text = input.need("CidrBlock", Refusal::missing)?;
    let cidr = vpc::network(text, "cidrBlock")?;
    check_place(state, &vpc.id, vpc.cidr, cidr, text)?;
    let zone = zone_of(state, input)?;
    let tags = tag::on_creation(input, "subnet")?;
    let id = state.ids.ec2("subnet");
    let subnet = Subnet {
        id: id.clone(),
        vpc: vpc.id,
        cidr,
        zone,
        acl: vpc.default_acl,
        acl_association: state.ids.ec2("aclassoc"),
        route_table: None,
        map_public_ip: false,
        next_address: 0,
        tags,
    };
    let shown = show(state, &subnet);
    state.subnets.insert(id, subnet);
    Ok(json!({"subnet": shown}))
}

pub fn describe(state: &State, input: Input) -> Answer {
    LISTING.answer(state, input)
}

pub fn delete(state: &mut State, input: Input) -> Answer {
    let id = find(state, input.need("SubnetId", Refusal::missing)?)?.id.clone();
    if state.interfaces.values().any(|interface| interface.subnet == id) {
        let message = format!("The subnet '{id}' has dependencies and cannot be deleted.");
        return Err(Refusal::new("DependencyViolation", message));
    }
    for table in state.route_tables.values_mut() {
        table.associations.retain(|_, subnet| *subnet != id);
    }
    state.subnets.remove(&id);
    Ok(json!({"return": true}))
}

pub fn modify_attribute(state: &mut State, input: Input) -> Answer {
    let id = input.need("SubnetId", Refusal::missing)?;
    find(state, id)?;
    ipv6::refuse(input)?;
    let map = input.get("MapPublicIpOnLaunch").and_then(|attribute| attribute.flag("Value"));
    // Without IPv6 a subnet is as it is already.
    let is_already = input.has("AssignIpv6AddressOnCreation") || input.has("EnableDns64");
    if map.is_none() && !is_already {
        return Err(Refusal::missing("MapPublicIpOnLaunch"));
    }
    if let (Some(map), Some(subnet)) = (map, state.subnets.get_mut(id)) {
        subnet.map_public_ip = map;
    }
    Ok(json!({"return": true}))
}

pub fn describe_zones(state: &State, input: Input) -> Answer {
    let (names, ids) = (input.texts("ZoneName"), input.texts("ZoneId"));
    let named = |zone: &Value| {
        let is = |member: &str, wanted: &[&str]| Input(zone).text(member).is_some_and(|text| wanted.contains(&text));
        (names.is_empty() || is("zoneName", &names)) && (ids.is_empty() || is("zoneId", &ids))
    };
    if let Some(name) = names.iter().find(|name| !zones(state).contains(&(**name).to_owned())) {
        return Err(Refusal::parameter(format!("Invalid availability zone: [{name}]")));
    }
    let shown = zones(state).iter().map(|zone| show_zone(state, zone)).filter(named).collect();
    Ok(json!({"availabilityZoneInfo": filter::keep(input, ZONE_FILTERS, shown)?}))
}

/// A subnet that has to be there.
pub fn find<'a>(state: &'a State, id: &str) -> Result<&'a Subnet, Refusal> {
    state.subnets.get(id).ok_or_else(|| no_subnet(id))
}

/// Addresses that EC2 could still hand out.
pub fn free_addresses(state: &State, subnet: &Subnet) -> usize {
    let taken = state.interfaces.values().filter(|interface| interface.subnet == subnet.id).count();
    // The first four and the last one are EC2's own.
    let usable = (1usize << (32 - subnet.cidr.prefix_len())) - 5;
    usable.saturating_sub(taken)
}

/// The id of a zone, such as `euw1-az1`. On AWS the letters of two accounts may mean different ids; here they do not.
pub fn zone_id(region: &str, zone: &str) -> String {
    let mut parts = region.split('-');
    let area = parts.next().unwrap_or_default();
    let direction: String = match parts.next().unwrap_or_default() {
        both if both.len() > 5 && (both.starts_with("north") || both.starts_with("south")) => {
            both.chars().take(1).chain(both.chars().skip(5).take(1)).collect()
        }
        one => one.chars().take(1).collect(),
    };
    let number = parts.next().unwrap_or_default();
    let letter = zone.chars().last().and_then(|letter| ZONES.iter().position(|known| *known == letter));
    format!("{area}{direction}{number}-az{}", letter.map_or(0, |index| index + 1))
}

/// A subnet lies in its VPC and beside the others.
fn check_place(state: &State, vpc: &str, of_vpc: Ipv4Net, cidr: Ipv4Net, text: &str) -> Result<(), Refusal> {
    if !(16..=28).contains(&cidr.prefix_len()) || !of_vpc.contains(&cidr) {
        return Err(Refusal::new("InvalidSubnet.Range", format!("The CIDR '{text}' is invalid.")));
    }
    let overlaps = |other: &Subnet| other.vpc == vpc && (other.cidr.contains(&cidr) || cidr.contains(&other.cidr));
    if state.subnets.values().any(overlaps) {
        let message = format!("The CIDR '{text}' conflicts with another subnet");
        return Err(Refusal::new("InvalidSubnet.Conflict", message));
    }
    Ok(())
}

fn zones(state: &State) -> Vec<String> {
    ZONES.iter().map(|letter| format!("{}{letter}", state.region)).collect()
}

/// The zone that a call names by name or id; the first one where it names none.
fn zone_of(state: &State, input: Input) -> Result<String, Refusal> {
    let fits = |zone: &String| {
        input.text("AvailabilityZone").is_none_or(|name| name == zone)
            && input.text("AvailabilityZoneId").is_none_or(|id| id == zone_id(&state.region, zone))
    };
    zones(state).into_iter().find(fits).ok_or_else(|| {
        let asked = input.text("AvailabilityZone").or(input.text("AvailabilityZoneId")).unwrap_or_default();
        let message = format!(
            "Value ({asked}) for parameter availabilityZone is invalid. Subnets can currently only be created in the \
             following availability zones: {}.",
            zones(state).join(", ")
        );
        Refusal::parameter(message)
    })
}

fn show_zone(state: &State, zone: &str) -> Value {
    json!({
        "zoneName": zone,
        "zoneId": zone_id(&state.region, zone),
        "zoneState": "available",
        "zoneType": "availability-zone",
        "regionName": state.region,
        "groupName": format!("{}-zg-1", state.region),
        "networkBorderGroup": state.region,
        "optInStatus": "opt-in-not-required",
        "messageSet": [],
    })
}

fn show(state: &State, subnet: &Subnet) -> Value {
    json!({
        "subnetId": subnet.id,
        "subnetArn": state.arn("ec2", &format!("subnet/{}", subnet.id)),
        "vpcId": subnet.vpc,
        "ownerId": state.account,
        "state": "available",
        "cidrBlock": subnet.cidr.to_string(),
        "availableIpAddressCount": free_addresses(state, subnet),
        "availabilityZone": subnet.zone,
        "availabilityZoneId": zone_id(&state.region, &subnet.zone),
        "defaultForAz": state.vpcs.get(&subnet.vpc).is_some_and(|vpc| vpc.is_default),
        "mapPublicIpOnLaunch": subnet.map_public_ip,
        "assignIpv6AddressOnCreation": false,
        "ipv6CidrBlockAssociationSet": [],
        "tagSet": tag::show(&subnet.tags),
    })
}
