//! Route tables.

use std::net::Ipv4Addr;

use ipnet::{Ipv4Net, Ipv6Net};
use serde_json::{Value, json};

use super::filter::Filters;
use super::listing::Listing;
use super::{gateway, network_interface, prefix_list, subnet, tag, vpc};
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::state::{Route, RouteTable, State, Tags};

const LISTING: Listing<RouteTable> = Listing {
    set: "routeTableSet",
    ids: "RouteTableId",
    things: |state| &state.route_tables,
    show,
    absent,
    filters: FILTERS,
    page: 5..=100,
};
const FILTERS: &Filters = &Filters {
    held: &[
        ("association.main", "associationSet.main"),
        ("association.route-table-association-id", "associationSet.routeTableAssociationId"),
        ("association.route-table-id", "associationSet.routeTableId"),
        ("association.subnet-id", "associationSet.subnetId"),
        ("owner-id", "ownerId"),
        ("route-table-id", "routeTableId"),
        ("route.destination-cidr-block", "routeSet.destinationCidrBlock"),
        ("route.destination-ipv6-cidr-block", "routeSet.destinationIpv6CidrBlock"),
        ("route.destination-prefix-list-id", "routeSet.destinationPrefixListId"),
        ("route.gateway-id", "routeSet.gatewayId"),
        ("route.nat-gateway-id", "routeSet.natGatewayId"),
        ("route.origin", "routeSet.origin"),
        ("route.state", "routeSet.state"),
        ("route.transit-gateway-id", "routeSet.transitGatewayId"),
        ("route.vpc-peering-connection-id", "routeSet.vpcPeeringConnectionId"),
        ("tag-key", "tagSet.key"),
        ("vpc-id", "vpcId"),
    ],
    not_held: &["association.gateway-id", "route.egress-only-internet-gateway-id", "route.instance-id"],
};
const LOCAL: &str = "local";

/// The parameters that name a route's target, the elements that tell it, and how its ids begin.
const TARGETS: [(&str, &str, &str); 5] = [
    ("GatewayId", "gatewayId", "igw-"),
    ("NatGatewayId", "natGatewayId", "nat-"),
    ("NetworkInterfaceId", "networkInterfaceId", "eni-"),
    ("TransitGatewayId", "transitGatewayId", "tgw-"),
    ("VpcPeeringConnectionId", "vpcPeeringConnectionId", "pcx-"),
];

pub fn create(state: &mut State, input: Input) -> Answer {
    let vpc = vpc::find(state, input.need("VpcId", Refusal::missing)?)?;
    let (id, cidr) = (vpc.id.clone(), vpc.cidr);
    let tags = tag::on_creation(input, "route-table")?;
    let id = make(state, &id, cidr, false, tags);
    Ok(json!({"routeTable": show(state, find(state, &id)?), "clientToken": input.text("ClientToken")}))
}

pub fn describe(state: &State, input: Input) -> Answer {
    LISTING.answer(state, input)
}

pub fn create_route(state: &mut State, input: Input) -> Answer {
    let table = find(state, input.need("RouteTableId", Refusal::missing)?)?;
    let destination = destination(state, input)?;
    let target = target(state, table, input)?;
    if table.routes.iter().any(|route| route.destination == destination) {
        let message = format!("The route identified by {destination} already exists.");
        return Err(Refusal::new("RouteAlreadyExists", message));
    }
    let id = table.id.clone();
    if let Some(table) = state.route_tables.get_mut(&id) {
        table.routes.push(Route { destination, target });
    }
    Ok(json!({"return": true}))
}

pub fn delete_route(state: &mut State, input: Input) -> Answer {
    let table = find(state, input.need("RouteTableId", Refusal::missing)?)?;
    let (id, destination) = (table.id.clone(), destination(state, input)?);
    match table.routes.iter().find(|route| route.destination == destination) {
        Some(route) if route.target == LOCAL => {
            Err(Refusal::parameter(format!("cannot remove local route {destination} in route table {id}")))
        }
        Some(_) => {
            if let Some(table) = state.route_tables.get_mut(&id) {
                table.routes.retain(|route| route.destination != destination);
            }
            Ok(json!({"return": true}))
        }
        None => {
            let message = format!("no route with destination-cidr-block {destination} in route table {id}");
            Err(Refusal::new("InvalidRoute.NotFound", message))
        }
    }
}

pub fn associate(state: &mut State, input: Input) -> Answer {
    let table = find(state, input.need("RouteTableId", Refusal::missing)?)?;
    let subnet = subnet::find(state, input.need("SubnetId", Refusal::missing)?)?;
    let (table_id, subnet_id) = (table.id.clone(), subnet.id.clone());
    if table.vpc != subnet.vpc {
        let message = format!("Route table {table_id} and subnet {subnet_id} belong to different networks");
        return Err(Refusal::parameter(message));
    }
    let standing = table.associations.iter().find(|(_, subnet)| **subnet == subnet_id).map(|(id, _)| id.clone());
    let association = match standing {
        Some(association) => association,
        None if subnet.route_table.is_some() => {
            let message =
                format!("the specified association for route table {table_id} conflicts with an existing association");
            return Err(Refusal::new("Resource.AlreadyAssociated", message));
        }
        None => state.ids.ec2("rtbassoc"),
    };
    if let Some(table) = state.route_tables.get_mut(&table_id) {
        table.associations.insert(association.clone(), subnet_id.clone());
    }
    if let Some(subnet) = state.subnets.get_mut(&subnet_id) {
        subnet.route_table = Some(table_id);
    }
    Ok(json!({"associationId": association, "associationState": {"state": "associated"}}))
}

pub fn disassociate(state: &mut State, input: Input) -> Answer {
    let id = input.need("AssociationId", Refusal::missing)?;
    if state.route_tables.values().any(|table| table.is_main && main_association(table) == id) {
        return Err(Refusal::parameter(format!("cannot disassociate the main route table association {id}")));
    }
    let subnet = state.route_tables.values_mut().find_map(|table| table.associations.remove(id)).ok_or_else(|| {
        let message = format!("The association ID '{id}' does not exist");
        Refusal::new("InvalidAssociationID.NotFound", message)
    })?;
    if let Some(subnet) = state.subnets.get_mut(&subnet) {
        subnet.route_table = None;
    }
    Ok(json!({"return": true}))
}

/// Not the main one, and none that a subnet uses.
pub fn delete(state: &mut State, input: Input) -> Answer {
    let table = find(state, input.need("RouteTableId", Refusal::missing)?)?;
    let id = table.id.clone();
    if table.is_main || !table.associations.is_empty() {
        let message = format!("The routeTable '{id}' has dependencies and cannot be deleted.");
        return Err(Refusal::new("DependencyViolation", message));
    }
    state.route_tables.remove(&id);
    Ok(json!({"return": true}))
}

/// A table that leads to its own VPC and nowhere else.
pub fn make(state: &mut State, vpc: &str, cidr: Ipv4Net, is_main: bool, tags: Tags) -> String {
    let id = state.ids.ec2("rtb");
    let local = Route { destination: cidr.to_string(), target: LOCAL.to_owned() };
    let table = RouteTable {
        id: id.clone(),
        vpc: vpc.to_owned(),
        is_main,
        routes: vec![local],
        associations: Default::default(),
        tags,
    };
    state.route_tables.insert(id.clone(), table);
    id
}

/// Whether a VPC has a way through a peering: the other side is not part of this world.
pub fn is_peered(state: &State, vpc: &str) -> bool {
    let mut tables = state.route_tables.values().filter(|table| table.vpc == vpc);
    tables.any(|table| table.routes.iter().any(|route| route.target.starts_with("pcx-")))
}

/// Whether the route table of a subnet leads an address to a peering.
pub fn is_behind_peering(state: &State, subnet: &str, address: Ipv4Addr) -> bool {
    let Some(subnet) = state.subnets.get(subnet) else { return false };
    let main = state.vpcs.get(&subnet.vpc).map(|vpc| &vpc.main_route_table);
    let table = subnet.route_table.as_ref().or(main).and_then(|id| state.route_tables.get(id));
    let leads = |route: &Route| {
        let holds = route.destination.parse::<Ipv4Net>().is_ok_and(|destination| destination.contains(&address));
        holds && route.target.starts_with("pcx-")
    };
    table.is_some_and(|table| table.routes.iter().any(leads))
}

/// The id of what makes a table the VPC's main one.
fn main_association(table: &RouteTable) -> String {
    table.id.replacen("rtb-", "rtbassoc-", 1)
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a RouteTable, Refusal> {
    state.route_tables.get(id).ok_or_else(|| absent(id))
}

fn absent(id: &str) -> Refusal {
    Refusal::new("InvalidRouteTableID.NotFound", format!("The routeTable ID '{id}' does not exist"))
}

fn destination(state: &State, input: Input) -> Result<String, Refusal> {
    if let Some(text) = input.text("DestinationCidrBlock") {
        return vpc::network(text, "destinationCidrBlock").map(|network| network.to_string());
    }
    if let Some(text) = input.text("DestinationIpv6CidrBlock") {
        let network = text.parse::<Ipv6Net>().map(|network| network.trunc().to_string());
        let message = format!("Value ({text}) for parameter destinationIpv6CidrBlock is invalid.");
        return network.map_err(|_| Refusal::parameter(message));
    }
    let list = input.need("DestinationPrefixListId", |_| Refusal::missing("destinationCidrBlock"))?;
    prefix_list::find(state, list).map(|list| list.id.clone())
}

/// Exactly one target. Of them internet gateways and interfaces are things of this world; the others are taken at their
/// word.
fn target(state: &State, table: &RouteTable, input: Input) -> Result<String, Refusal> {
    let given = TARGETS.iter().filter_map(|(name, _, prefix)| Some((*name, *prefix, input.text(name)?)));
    let given: Vec<_> = given.collect();
    let [(name, prefix, id)] = given.as_slice() else {
        let message = "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, \
                       vpcPeeringConnectionId or transitGatewayId";
        let code = if given.is_empty() { "MissingParameter" } else { "InvalidParameterCombination" };
        return Err(Refusal::new(code, message));
    };
    if !id.starts_with(prefix) {
        return Err(Refusal::new(
            &format!("Invalid{}.NotFound", name.replace("Id", "ID")),
            format!("The ID '{id}' does not exist"),
        ));
    }
    if *prefix == "igw-" && gateway::find(state, id)?.vpc.as_ref() != Some(&table.vpc) {
        let message = format!("route table {} and network gateway {id} belong to different networks", table.id);
        return Err(Refusal::parameter(message));
    }
    if *prefix == "eni-" {
        network_interface::find(state, id)?;
    }
    Ok((*id).to_owned())
}

fn show(state: &State, table: &RouteTable) -> Value {
    let association = |id: String, main: bool, subnet: Option<&String>| {
        json!({
            "routeTableAssociationId": id,
            "routeTableId": table.id,
            "main": main,
            "subnetId": subnet,
            "associationState": {"state": "associated"},
        })
    };
    let main = table.is_main.then(|| association(main_association(table), true, None));
    let of_subnets = table.associations.iter().map(|(id, subnet)| association(id.clone(), false, Some(subnet)));
    json!({
        "routeTableId": table.id,
        "vpcId": table.vpc,
        "ownerId": state.account,
        "routeSet": table.routes.iter().map(|route| show_route(state, table, route)).collect::<Vec<_>>(),
        "associationSet": main.into_iter().chain(of_subnets).collect::<Vec<_>>(),
        "propagatingVgwSet": [],
        "tagSet": tag::show(&table.tags),
    })
}

fn show_route(state: &State, table: &RouteTable, route: &Route) -> Value {
    let is_local = route.target == LOCAL;
    // What a route led to may have gone since; what is not of this world is taken at its word.
    let leads_somewhere = match route.target.split_once('-') {
        Some(("igw", _)) => {
            state.gateways.get(&route.target).is_some_and(|gateway| gateway.vpc.as_ref() == Some(&table.vpc))
        }
        Some(("eni", _)) => state.interfaces.contains_key(&route.target),
        _ => true,
    };
    let destination = match route.destination.as_str() {
        text if text.starts_with("pl-") => "destinationPrefixListId",
        text if text.contains(':') => "destinationIpv6CidrBlock",
        _ => "destinationCidrBlock",
    };
    let target = TARGETS.iter().find(|(_, _, prefix)| route.target.starts_with(prefix));
    json!({
        destination: route.destination,
        target.map_or("gatewayId", |(_, element, _)| element): route.target,
        "origin": if is_local { "CreateRouteTable" } else { "CreateRoute" },
        "state": if leads_somewhere { "active" } else { "blackhole" },
    })
}
