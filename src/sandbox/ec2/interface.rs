//! Network interfaces and their addresses.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use crate::sandbox::refusal::Refusal;
use crate::sandbox::state::{InterfaceOwner, NetworkInterface, State};

/// Makes an interface with the next free address of a subnet. Without groups it gets the VPC's default group.
pub fn attach(
    state: &mut State,
    subnet: &str,
    groups: &[String],
    owner: InterfaceOwner,
    description: &str,
) -> Result<String, Refusal> {
    let address = free_address(state, subnet)?;
    let Some(place) = state.subnets.get_mut(subnet) else { return Err(no_subnet(subnet)) };
    place.next_address = u32::from(address) - u32::from(place.cidr.network()) + 1;
    let vpc = place.vpc.clone();
    let groups = match (groups, state.vpcs.get(&vpc)) {
        ([], Some(vpc)) => BTreeSet::from([vpc.default_group.clone()]),
        (groups, _) => groups.iter().cloned().collect(),
    };
    let id = state.ids.ec2("eni");
    let interface = NetworkInterface {
        id: id.clone(),
        vpc,
        subnet: subnet.to_owned(),
        address,
        public_address: None,
        groups,
        description: description.to_owned(),
        owner,
        tags: Default::default(),
    };
    state.interfaces.insert(id.clone(), interface);
    Ok(id)
}

/// Takes an interface away; its address is free again.
pub fn detach(state: &mut State, id: &str) {
    state.interfaces.remove(id);
}

/// That a subnet does not exist.
pub fn no_subnet(subnet: &str) -> Refusal {
    Refusal::new("InvalidSubnetID.NotFound", format!("The subnet ID '{subnet}' does not exist"))
}

/// EC2 keeps the first four addresses of a subnet and the last one, and goes round before it hands one out again.
fn free_address(state: &State, subnet: &str) -> Result<Ipv4Addr, Refusal> {
    let place = state.subnets.get(subnet).ok_or_else(|| no_subnet(subnet))?;
    let base = u32::from(place.cidr.network());
    let usable = 4..(1u32 << (32 - place.cidr.prefix_len())) - 1;
    let taken: BTreeSet<Ipv4Addr> =
        state.interfaces.values().filter(|other| other.subnet == subnet).map(|other| other.address).collect();
    let from = place.next_address.clamp(usable.start, usable.end);
    let round = (from..usable.end).chain(usable.start..from);
    let free = round.map(|offset| Ipv4Addr::from(base + offset)).find(|address| !taken.contains(address));
    free.ok_or_else(|| {
        let message = format!("The specified subnet does not have enough free addresses: {subnet}");
        Refusal::new("InsufficientFreeAddressesInSubnet", message)
    })
}
