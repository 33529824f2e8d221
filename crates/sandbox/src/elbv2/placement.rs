//! Where a load balancer stands: its subnets with an interface in each, and its security groups.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::find;
use crate::ec2::interface;
use crate::input::Input;
use crate::object::object;
use crate::refusal::{Answer, Refusal};
use crate::state::{InterfaceOwner, LoadBalancer, State};

/// Free addresses that a load balancer wants to find in a subnet.
const ROOM: usize = 8;

/// The subnets that a call names, in one of both ways.
pub fn asked_subnets(input: Input) -> Result<BTreeSet<String>, Refusal> {
    let plain = input.texts("Subnets").into_iter().map(str::to_owned);
    let mut subnets: Vec<String> = plain.collect();
    let mappings: Vec<Input> = input.list("SubnetMappings").collect();
    if !subnets.is_empty() && !mappings.is_empty() {
        return Err(Refusal::validation("Subnets and SubnetMappings cannot be specified together"));
    }
    for mapping in mappings {
        if let Some(id) = mapping.text("AllocationId") {
            return Err(Refusal::new("AllocationIdNotFound", format!("The allocation ID '{id}' does not exist")));
        }
        if mapping.has("PrivateIPv4Address") || mapping.has("IPv6Address") {
            return Err(Refusal::validation("Addresses of load balancers cannot be chosen here"));
        }
        subnets.push(find::need(mapping, "SubnetId")?.to_owned());
    }
    let count = subnets.len();
    let distinct: BTreeSet<String> = subnets.into_iter().collect();
    if distinct.len() < count {
        return Err(Refusal::validation("A subnet cannot be specified more than once"));
    }
    Ok(distinct)
}

/// The VPC of the subnets of a load balancer, once they are found to be fit for one.
pub fn vpc_of(state: &State, is_application: bool, subnets: &BTreeSet<String>) -> Result<String, Refusal> {
    let mut zones = BTreeSet::new();
    let mut vpcs = BTreeSet::new();
    for id in subnets {
        let missing = || Refusal::new("SubnetNotFound", format!("The subnet ID '{id}' does not exist"));
        let subnet = state.subnets.get(id).ok_or_else(missing)?;
        zones.insert(subnet.zone.as_str());
        vpcs.insert(subnet.vpc.as_str());
    }
    if vpcs.len() > 1 {
        return Err(Refusal::new("InvalidSubnet", "All subnets must belong to the same VPC"));
    }
    if zones.len() < subnets.len() {
        let message = "A load balancer cannot be attached to multiple subnets in the same Availability Zone";
        return Err(Refusal::new("InvalidConfigurationRequest", message));
    }
    if is_application && zones.len() < 2 {
        let message = "At least two subnets in two different Availability Zones must be specified";
        return Err(Refusal::validation(message));
    }
    let none = || Refusal::validation("At least one subnet must be specified");
    vpcs.first().map(|vpc| (*vpc).to_owned()).ok_or_else(none)
}

/// That the outside reaches a load balancer that faces it.
pub fn check_gateway(state: &State, vpc: &str, scheme: &str) -> Result<(), Refusal> {
    let has_gateway = state.gateways.values().any(|gateway| gateway.vpc.as_deref() == Some(vpc));
    if scheme == "internet-facing" && !has_gateway {
        return Err(Refusal::new("InvalidSubnet", format!("VPC {vpc} has no internet gateway")));
    }
    Ok(())
}

/// That new subnets have addresses left.
pub fn check_room<'a>(state: &State, subnets: impl IntoIterator<Item = &'a String>) -> Result<(), Refusal> {
    for id in subnets {
        let Some(subnet) = state.subnets.get(id) else { continue };
        let taken = state.interfaces.values().filter(|interface| &interface.subnet == id).count();
        // EC2 keeps five addresses of each subnet.
        let usable = (1_usize << (32 - subnet.cidr.prefix_len())).saturating_sub(5);
        if usable < taken + ROOM {
            let message = format!(
                "Not enough IP space available in {id}. ELB requires at least {ROOM} free IP addresses in each subnet."
            );
            return Err(Refusal::new("InvalidSubnet", message));
        }
    }
    Ok(())
}

/// That security groups stand in a VPC.
pub fn check_groups(state: &State, vpc: &str, groups: &[String]) -> Result<(), Refusal> {
    let stands = |id: &&String| state.groups.get(*id).is_some_and(|group| group.vpc == vpc);
    if let Some(strange) = groups.iter().find(|id| !stands(id)) {
        let message = format!("One or more security groups are invalid: {strange}");
        return Err(Refusal::new("InvalidSecurityGroup", message));
    }
    Ok(())
}

/// The security groups that a call names, each once and in a fixed order.
pub fn asked_groups(input: Input) -> Vec<String> {
    let groups: BTreeSet<&str> = input.texts("SecurityGroups").into_iter().collect();
    groups.into_iter().map(str::to_owned).collect()
}

/// Puts an interface of a load balancer into a subnet.
pub fn occupy(state: &mut State, balancer: &LoadBalancer, subnet: &str) -> Result<String, Refusal> {
    let description = format!("ELB {}", balancer.path());
    let owner = InterfaceOwner::LoadBalancer(balancer.arn.clone());
    let id = interface::attach(state, subnet, &balancer.groups, owner, &description)?;
    if balancer.groups.is_empty() {
        // A network load balancer without groups has none at all, not even the VPC's default group.
        if let Some(interface) = state.interfaces.get_mut(&id) {
            interface.groups.clear();
        }
    }
    Ok(id)
}

/// The zones of a load balancer as its descriptions show them.
pub fn zones(state: &State, balancer: &LoadBalancer) -> Vec<Value> {
    let zone = |subnet: &String| state.subnets.get(subnet).map(|subnet| subnet.zone.clone());
    let shown = |subnet| json!({"ZoneName": zone(subnet), "SubnetId": subnet, "LoadBalancerAddresses": []});
    balancer.interfaces.keys().map(shown).collect()
}

/// That a call asks for nothing but IPv4: no subnet here has an IPv6 block.
pub fn check_address_type(input: Input) -> Result<(), Refusal> {
    match input.text("IpAddressType") {
        None | Some("ipv4") => Ok(()),
        Some("dualstack" | "dualstack-without-public-ipv4" | "ipv6") => {
            let message = "You must specify subnets with an associated IPv6 CIDR block";
            Err(Refusal::new("InvalidConfigurationRequest", message))
        }
        Some(other) => Err(Refusal::validation(format!("The IP address type '{other}' is not valid"))),
    }
}

/// `SetSubnets`. Interfaces in subnets that stay are kept, with their addresses.
pub fn set_subnets(state: &mut State, input: Input) -> Answer {
    let balancer = find::load_balancer(state, find::need(input, "LoadBalancerArn")?)?.clone();
    check_address_type(input)?;
    let subnets = asked_subnets(input)?;
    let vpc = vpc_of(state, balancer.is_application(), &subnets)?;
    if vpc != balancer.vpc {
        return Err(Refusal::new("InvalidSubnet", format!("All subnets must belong to VPC {}", balancer.vpc)));
    }
    let new: Vec<&String> = subnets.iter().filter(|subnet| !balancer.interfaces.contains_key(*subnet)).collect();
    check_room(state, new.iter().copied())?;
    let mut interfaces = balancer.interfaces.clone();
    for subnet in new {
        interfaces.insert(subnet.clone(), occupy(state, &balancer, subnet)?);
    }
    for (_, gone) in interfaces.extract_if(.., |subnet, _| !subnets.contains(subnet)) {
        interface::detach(state, &gone);
    }
    let moved = LoadBalancer { interfaces, ..balancer };
    let answer = json!({"AvailabilityZones": zones(state, &moved), "IpAddressType": "ipv4"});
    state.load_balancers.insert(moved.arn.clone(), moved);
    Ok(answer)
}

/// `SetSecurityGroups`.
pub fn set_groups(state: &mut State, input: Input) -> Answer {
    let balancer = find::load_balancer(state, find::need(input, "LoadBalancerArn")?)?.clone();
    let groups = asked_groups(input);
    if !balancer.is_application() && balancer.groups.is_empty() {
        let message = "You cannot set security groups on a Network Load Balancer that was created without any";
        return Err(Refusal::new("InvalidConfigurationRequest", message));
    }
    if groups.is_empty() {
        return Err(Refusal::validation("At least one security group must be specified"));
    }
    check_groups(state, &balancer.vpc, &groups)?;
    for id in balancer.interfaces.values() {
        if let Some(interface) = state.interfaces.get_mut(id) {
            interface.groups = groups.iter().cloned().collect();
        }
    }
    let filters_private_link = match input.text(ENFORCES) {
        None => balancer.filters_private_link,
        Some(_) if balancer.is_application() => {
            return Err(Refusal::validation(format!("{ENFORCES} is for network load balancers only")));
        }
        Some("on") => true,
        Some("off") => false,
        Some(other) => return Err(Refusal::validation(format!("'{other}' is not a valid value of {ENFORCES}"))),
    };
    let changed = LoadBalancer { groups, filters_private_link, ..balancer };
    let answer = object! {"SecurityGroupIds" => changed.groups.clone(), ENFORCES => enforces(&changed)};
    state.load_balancers.insert(changed.arn.clone(), changed);
    Ok(answer)
}

/// Whether the security groups of a network load balancer filter the clients of AWS PrivateLink.
const ENFORCES: &str = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic";

/// As it is described.
pub fn enforces(balancer: &LoadBalancer) -> Option<&'static str> {
    let word = if balancer.filters_private_link { "on" } else { "off" };
    (!balancer.is_application()).then_some(word)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{balancer, done, network_balancer, refused, world};

    #[test]
    fn groups_of_a_network_load_balancer_can_only_be_changed_if_it_was_made_with_some() {
        let mut world = world();
        let bare = network_balancer(&mut world, "bare");
        assert!(world.state.interfaces.values().all(|interface| interface.groups.is_empty()));
        let input = json!({"LoadBalancerArn": bare, "SecurityGroups": ["sg-of-vpc-1"]});
        assert_eq!(refused(&mut world, "SetSecurityGroups", input), "InvalidConfigurationRequest");
        let web = balancer(&mut world, "web");
        let strange = json!({"LoadBalancerArn": web, "SecurityGroups": ["sg-0"]});
        assert_eq!(refused(&mut world, "SetSecurityGroups", strange), "InvalidSecurityGroup");
    }

    #[test]
    fn subnets_that_stay_keep_their_interfaces() {
        let mut world = world();
        let arn = balancer(&mut world, "web");
        let before = world.state.load_balancers[&arn].interfaces.clone();
        let input = json!({"LoadBalancerArn": arn, "Subnets": ["subnet-a", "subnet-c"]});
        let answer = done(&mut world, "SetSubnets", input);
        assert_eq!(answer["AvailabilityZones"].as_array().map(Vec::len), Some(2));
        let after = &world.state.load_balancers[&arn].interfaces;
        assert_eq!(before.get("subnet-a"), after.get("subnet-a"));
        assert_eq!(after.keys().collect::<Vec<_>>(), ["subnet-a", "subnet-c"]);
        assert_eq!(world.state.interfaces.len(), 2);
        let one = json!({"LoadBalancerArn": arn, "Subnets": ["subnet-a"]});
        assert_eq!(refused(&mut world, "SetSubnets", one), "ValidationError");
    }
}
