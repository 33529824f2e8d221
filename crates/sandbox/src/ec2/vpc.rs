//! VPCs, each with a default group, a default ACL and a main route table.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::filter::Filters;
use super::listing::{self, Listing};
use super::{gateway, ipv6, network_acl, route_table, security_group, subnet, tag};
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::state::{State, Tags, Vpc};

const LISTING: Listing<Vpc> = Listing {
    set: "vpcSet",
    ids: "VpcId",
    things: |state| &state.vpcs,
    show,
    absent,
    filters: FILTERS,
    page: listing::PAGE,
};
const FILTERS: &Filters = &Filters {
    held: &[
        ("cidr", "cidrBlock"),
        ("cidr-block", "cidrBlock"),
        ("cidr-block-association.association-id", "cidrBlockAssociationSet.associationId"),
        ("cidr-block-association.cidr-block", "cidrBlockAssociationSet.cidrBlock"),
        ("cidr-block-association.state", "cidrBlockAssociationSet.cidrBlockState.state"),
        ("dhcp-options-id", "dhcpOptionsId"),
        ("is-default", "isDefault"),
        ("isDefault", "isDefault"),
        ("owner-id", "ownerId"),
        ("state", "state"),
        ("tag-key", "tagSet.key"),
        ("vpc-id", "vpcId"),
    ],
    not_held: &[
        "ipv6-cidr-block-association.association-id",
        "ipv6-cidr-block-association.ipv6-cidr-block",
        "ipv6-cidr-block-association.ipv6-pool",
        "ipv6-cidr-block-association.state",
    ],
};
const DNS_SUPPORT: &str = "enableDnsSupport";
const DNS_HOSTNAMES: &str = "enableDnsHostnames";

pub fn create(state: &mut State, input: Input) -> Answer {
    ipv6::refuse(input)?;
    let text = input.need("CidrBlock", Refusal::missing)?;
    let cidr = network(text, "cidrBlock")?;
    if !(16..=28).contains(&cidr.prefix_len()) {
        return Err(Refusal::new("InvalidVpc.Range", format!("The CIDR '{text}' is invalid.")));
    }
    let tags = tag::on_creation(input, "vpc")?;
    // It is there when the next call asks; the answer to the one that makes it says that it is on its way.
    let mut made = make(state, cidr, false, tags);
    made["state"] = json!("pending");
    Ok(json!({"vpc": made}))
}

/// One for each account and region, with a subnet in each zone and a way to the internet.
pub fn create_default(state: &mut State, _input: Input) -> Answer {
    if default(state).is_ok() {
        let message = "A Default VPC already exists for this account in this region.";
        return Err(Refusal::new("DefaultVpcAlreadyExists", message));
    }
    let vpc = make(state, network("172.31.0.0/16", "cidrBlock")?, true, Default::default());
    let id = vpc["vpcId"].as_str().unwrap_or_default().to_owned();
    let gateway = gateway::create(state, Input(&json!({})))?["internetGateway"]["internetGatewayId"].clone();
    gateway::attach(state, Input(&json!({"InternetGatewayId": gateway, "VpcId": id})))?;
    let table = find(state, &id)?.main_route_table.clone();
    let route = json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway});
    route_table::create_route(state, Input(&route))?;
    for (zone, third) in [("a", 0), ("b", 16), ("c", 32)] {
        let zone = format!("{}{zone}", state.region);
        let subnet = json!({"VpcId": id, "CidrBlock": format!("172.31.{third}.0/20"), "AvailabilityZone": zone});
        let made = subnet::create(state, Input(&subnet))?;
        let public = json!({"SubnetId": made["subnet"]["subnetId"], "MapPublicIpOnLaunch": {"Value": true}});
        subnet::modify_attribute(state, Input(&public))?;
    }
    Ok(json!({"vpc": vpc}))
}

fn make(state: &mut State, cidr: Ipv4Net, is_default: bool, tags: Tags) -> Value {
    let id = state.ids.ec2("vpc");
    let vpc = Vpc {
        id: id.clone(),
        cidr,
        is_default,
        default_group: security_group::make_default(state, &id),
        default_acl: network_acl::make(state, &id, true, Default::default()),
        main_route_table: route_table::make(state, &id, cidr, true, Default::default()),
        attributes: BTreeMap::from([(DNS_SUPPORT.to_owned(), true), (DNS_HOSTNAMES.to_owned(), false)]),
        tags,
    };
    let shown = show(state, &vpc);
    state.vpcs.insert(id, vpc);
    shown
}

pub fn describe(state: &State, input: Input) -> Answer {
    LISTING.answer(state, input)
}

pub fn delete(state: &mut State, input: Input) -> Answer {
    let vpc = find(state, input.need("VpcId", Refusal::missing)?)?.clone();
    if has_content(state, &vpc) {
        let message = format!("The vpc '{}' has dependencies and cannot be deleted.", vpc.id);
        return Err(Refusal::new("DependencyViolation", message));
    }
    state.group_rules.retain(|_, rule| rule.group != vpc.default_group);
    state.groups.remove(&vpc.default_group);
    state.acls.remove(&vpc.default_acl);
    state.route_tables.remove(&vpc.main_route_table);
    state.vpcs.remove(&vpc.id);
    Ok(json!({"return": true}))
}

pub fn modify_attribute(state: &mut State, input: Input) -> Answer {
    let id = input.need("VpcId", Refusal::missing)?;
    find(state, id)?;
    let value = |name: &str| input.get(name).and_then(|attribute| attribute.flag("Value"));
    let (attribute, value) = match (value("EnableDnsSupport"), value("EnableDnsHostnames")) {
        (Some(value), None) => (DNS_SUPPORT, value),
        (None, Some(value)) => (DNS_HOSTNAMES, value),
        (None, None) => return Err(Refusal::missing("EnableDnsSupport or EnableDnsHostnames")),
        (Some(_), Some(_)) => {
            let message = "Fields for multiple attribute types specified: enableDnsSupport, enableDnsHostnames";
            return Err(Refusal::new("InvalidParameterCombination", message));
        }
    };
    if let Some(vpc) = state.vpcs.get_mut(id) {
        vpc.attributes.insert(attribute.to_owned(), value);
    }
    Ok(json!({"return": true}))
}

pub fn describe_attribute(state: &State, input: Input) -> Answer {
    let vpc = find(state, input.need("VpcId", Refusal::missing)?)?;
    let name = input.need("Attribute", Refusal::missing)?;
    let Some(value) = vpc.attributes.get(name) else {
        let message = format!("Value ({name}) for parameter attribute is invalid. Unknown attribute.");
        return Err(Refusal::parameter(message));
    };
    Ok(json!({"vpcId": vpc.id, name: {"value": value}}))
}

/// A VPC that has to be there.
pub fn find<'a>(state: &'a State, id: &str) -> Result<&'a Vpc, Refusal> {
    state.vpcs.get(id).ok_or_else(|| absent(id))
}

/// The VPC of calls that name none.
pub fn default(state: &State) -> Result<&Vpc, Refusal> {
    let none = || Refusal::new("VPCIdNotSpecified", "No default VPC for this user");
    state.vpcs.values().find(|vpc| vpc.is_default).ok_or_else(none)
}

/// A CIDR block in its canonical form.
pub fn network(text: &str, parameter: &str) -> Result<Ipv4Net, Refusal> {
    let network = text.parse::<Ipv4Net>().map(|network| network.trunc());
    network.map_err(|_| {
        let message = format!("Value ({text}) for parameter {parameter} is invalid. This is not a valid CIDR block.");
        Refusal::parameter(message)
    })
}

fn absent(id: &str) -> Refusal {
    Refusal::new("InvalidVpcID.NotFound", format!("The vpc ID '{id}' does not exist"))
}

/// Whether a VPC has anything that was not created with it.
fn has_content(state: &State, vpc: &Vpc) -> bool {
    state.subnets.values().any(|subnet| subnet.vpc == vpc.id)
        || state.gateways.values().any(|gateway| gateway.vpc.as_ref() == Some(&vpc.id))
        || state.groups.values().any(|group| group.vpc == vpc.id && group.id != vpc.default_group)
        || state.acls.values().any(|acl| acl.vpc == vpc.id && !acl.is_default)
        || state.route_tables.values().any(|table| table.vpc == vpc.id && !table.is_main)
}

fn show(state: &State, vpc: &Vpc) -> Value {
    let own = vpc.id.trim_start_matches("vpc-");
    let association = json!({
        "associationId": format!("vpc-cidr-assoc-{own}"),
        "cidrBlock": vpc.cidr.to_string(),
        "cidrBlockState": {"state": "associated"},
    });
    json!({
        "vpcId": vpc.id,
        "ownerId": state.account,
        "state": "available",
        "cidrBlock": vpc.cidr.to_string(),
        "cidrBlockAssociationSet": [association],
        "dhcpOptionsId": "default",
        "instanceTenancy": "default",
        "isDefault": vpc.is_default,
        "tagSet": tag::show(&vpc.tags),
    })
}
