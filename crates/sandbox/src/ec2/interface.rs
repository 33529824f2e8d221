//! Network interfaces and their addresses.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::ops::Range;

use super::subnet;
use crate::refusal::Refusal;
use crate::state::{InterfaceOwner, NetworkInterface, State, Subnet};

/// Where public addresses come from: 52.0.0.0/8.
const PUBLIC: u32 = 52 << 24;

/// Makes an interface with the next free address of a subnet. Without groups it gets the VPC's default group.
pub fn attach(
    state: &mut State,
    subnet: &str,
    groups: &[String],
    owner: InterfaceOwner,
    description: &str,
) -> Result<String, Refusal> {
    let address = free_address(state, subnet)?;
    if let Some(place) = state.subnets.get_mut(subnet) {
        place.next_address = u32::from(address) - u32::from(place.cidr.network()) + 1;
    }
    attach_at(state, subnet, address, groups, owner, description)
}

/// The same with an address of the caller's choice, which [`check_address`] has found to be free.
pub fn attach_at(
    state: &mut State,
    subnet: &str,
    address: Ipv4Addr,
    groups: &[String],
    owner: InterfaceOwner,
    description: &str,
) -> Result<String, Refusal> {
    let vpc = subnet::find(state, subnet)?.vpc.clone();
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

/// Reads an address of a subnet that a caller wants, if it is one to be had.
pub fn check_address(state: &State, subnet: &Subnet, text: &str) -> Result<Ipv4Addr, Refusal> {
    let message = || format!("Value ({text}) for parameter privateIpAddress is invalid.");
    let address: Ipv4Addr = text.parse().map_err(|_| Refusal::parameter(message()))?;
    if !subnet.cidr.contains(&address) {
        let message = format!("{} Address does not fall within the subnet's address range", message());
        return Err(Refusal::parameter(message));
    }
    let offset = u32::from(address) - u32::from(subnet.cidr.network());
    if !usable(subnet).contains(&offset) {
        let message = format!("{} Address is in subnet's reserved address range", message());
        return Err(Refusal::parameter(message));
    }
    if state.interfaces.values().any(|other| other.subnet == subnet.id && other.address == address) {
        return Err(Refusal::new("InvalidIPAddress.InUse", format!("Address {address} is in use.")));
    }
    Ok(address)
}

/// Gives an interface a public address that no other one has, whatever its subnet says.
pub fn publish(state: &mut State, id: &str) {
    let taken: BTreeSet<Ipv4Addr> =
        state.interfaces.values().filter_map(|interface| interface.public_address).collect();
    let mut offset = match derived_offset(state, id) {
        Some(offset) => offset,
        None => state.ids.below(1 << 24),
    };
    let address = loop {
        let address = Ipv4Addr::from(PUBLIC + u32::try_from(offset).unwrap_or_default());
        if !taken.contains(&address) {
            break address;
        }
        offset = (offset + 1) % (1 << 24);
    };
    if let Some(interface) = state.interfaces.get_mut(id) {
        interface.public_address = Some(address);
    }
}

/// Where the public address of a task, or of what is in a default VPC, is looked for first: at a place that follows from
/// the interface's id, so that nothing is drawn for it and worlds of older files keep their ids.
fn derived_offset(state: &State, id: &str) -> Option<u64> {
    let interface = state.interfaces.get(id)?;
    let is_default = state.vpcs.get(&interface.vpc).is_some_and(|vpc| vpc.is_default);
    let is_derived = is_default || matches!(interface.owner, InterfaceOwner::Task(_));
    let digits = id.get(id.len().saturating_sub(6)..).filter(|_| is_derived)?;
    u64::from_str_radix(digits, 16).ok()
}

/// That a subnet does not exist.
pub fn no_subnet(subnet: &str) -> Refusal {
    Refusal::new("InvalidSubnetID.NotFound", format!("The subnet ID '{subnet}' does not exist"))
}

/// The offsets of the addresses that interfaces may have.
fn usable(subnet: &Subnet) -> Range<u32> {
    4..(1u32 << (32 - subnet.cidr.prefix_len())) - 1
}

/// EC2 keeps the first four addresses of a subnet and the last one, and goes round before it hands one out again.
fn free_address(state: &State, subnet: &str) -> Result<Ipv4Addr, Refusal> {
    let place = subnet::find(state, subnet)?;
    let base = u32::from(place.cidr.network());
    let usable = usable(place);
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
