//! The calls about network interfaces.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::filter::Filters;
use super::listing::{self, Listing};
use super::{interface, ipv6, security_group, subnet, tag};
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::state::{InterfaceOwner, NetworkInterface, State};

const LISTING: Listing<NetworkInterface> = Listing {
    set: "networkInterfaceSet",
    ids: "NetworkInterfaceId",
    things: |state| &state.interfaces,
    show,
    absent,
    filters: FILTERS,
    page: listing::PAGE,
};
const FILTERS: &Filters = &Filters {
    held: &[
        ("addresses.association.owner-id", "privateIpAddressesSet.association.ipOwnerId"),
        ("addresses.association.public-ip", "privateIpAddressesSet.association.publicIp"),
        ("addresses.primary", "privateIpAddressesSet.primary"),
        ("addresses.private-ip-address", "privateIpAddressesSet.privateIpAddress"),
        ("association.ip-owner-id", "association.ipOwnerId"),
        ("association.public-dns-name", "association.publicDnsName"),
        ("association.public-ip", "association.publicIp"),
        ("attachment.attachment-id", "attachment.attachmentId"),
        ("attachment.delete-on-termination", "attachment.deleteOnTermination"),
        ("attachment.device-index", "attachment.deviceIndex"),
        ("attachment.instance-id", "attachment.instanceId"),
        ("attachment.instance-owner-id", "attachment.instanceOwnerId"),
        ("attachment.status", "attachment.status"),
        ("availability-zone", "availabilityZone"),
        ("availability-zone-id", "availabilityZoneId"),
        ("description", "description"),
        ("group-id", "groupSet.groupId"),
        ("group-name", "groupSet.groupName"),
        ("interface-type", "interfaceType"),
        ("mac-address", "macAddress"),
        ("network-interface-id", "networkInterfaceId"),
        ("owner-id", "ownerId"),
        ("private-dns-name", "privateDnsName"),
        ("private-ip-address", "privateIpAddress"),
        ("requester-id", "requesterId"),
        ("requester-managed", "requesterManaged"),
        ("source-dest-check", "sourceDestCheck"),
        ("status", "status"),
        ("subnet-id", "subnetId"),
        ("tag-key", "tagSet.key"),
        ("vpc-id", "vpcId"),
    ],
    not_held: &[
        "association.allocation-id",
        "association.association-id",
        "attachment.attach-time",
        "ipv6-addresses.ipv6-address",
        "operator.managed",
        "operator.principal",
    ],
};

pub fn create(state: &mut State, input: Input) -> Answer {
    ipv6::refuse(input)?;
    let subnet = subnet::find(state, input.need("SubnetId", Refusal::missing)?)?;
    let groups: Vec<String> = input.texts("SecurityGroupId").into_iter().map(str::to_owned).collect();
    security_group::check_worn(state, &groups, &subnet.id, &subnet.vpc)?;
    let address = input.text("PrivateIpAddress").map(|text| interface::check_address(state, subnet, text));
    let (address, subnet) = (address.transpose()?, subnet.id.clone());
    let tags = tag::on_creation(input, "network-interface")?;
    let (owner, description) = (InterfaceOwner::Nobody, input.text("Description").unwrap_or_default());
    let id = match address {
        Some(address) => interface::attach_at(state, &subnet, address, &groups, owner, description)?,
        None => interface::attach(state, &subnet, &groups, owner, description)?,
    };
    if let Some(interface) = state.interfaces.get_mut(&id) {
        interface.tags = tags;
    }
    Ok(json!({"networkInterface": show(state, find(state, &id)?), "clientToken": input.text("ClientToken")}))
}

pub fn describe(state: &State, input: Input) -> Answer {
    LISTING.answer(state, input)
}

pub fn delete(state: &mut State, input: Input) -> Answer {
    let id = input.need("NetworkInterfaceId", Refusal::missing)?;
    match &find(state, id)?.owner {
        InterfaceOwner::Nobody => {
            interface::detach(state, id);
            Ok(json!({"return": true}))
        }
        InterfaceOwner::Instance(_) => {
            Err(Refusal::parameter(format!("Network interface '{id}' is currently in use.")))
        }
        InterfaceOwner::Task(_) | InterfaceOwner::LoadBalancer(_) => {
            let message = format!("You do not have permission to manage the requester-managed interface '{id}'");
            Err(Refusal::new("OperationNotPermitted", message))
        }
    }
}

/// An interface that has to be there.
pub fn find<'a>(state: &'a State, id: &str) -> Result<&'a NetworkInterface, Refusal> {
    state.interfaces.get(id).ok_or_else(|| absent(id))
}

/// What an interface and the instance that has it tell alike.
pub fn show_on_instance(state: &State, interface: &NetworkInterface) -> Value {
    let attachment = attachment(interface);
    let name = private_name(state, interface.address);
    let association = interface.public_address.map(
        |address| json!({"publicIp": address, "publicDnsName": public_name(state, address), "ipOwnerId": "amazon"}),
    );
    let address = json!({
        "privateIpAddress": interface.address,
        "privateDnsName": name,
        "primary": true,
        "association": association,
    });
    json!({
        "networkInterfaceId": interface.id,
        "interfaceType": kind(state, interface),
        "status": if attachment.is_null() { "available" } else { "in-use" },
        "attachment": attachment,
        "association": association,
        "description": interface.description,
        "groupSet": groups(state, interface),
        "ipv6AddressesSet": [],
        "macAddress": mac_address(interface.address),
        "ownerId": state.account,
        "privateDnsName": name,
        "privateIpAddress": interface.address,
        "privateIpAddressesSet": [address],
        "sourceDestCheck": true,
        "subnetId": interface.subnet,
        "vpcId": interface.vpc,
    })
}

fn show(state: &State, interface: &NetworkInterface) -> Value {
    let mut shown = show_on_instance(state, interface);
    let instance = match &interface.owner {
        InterfaceOwner::Instance(id) => Some(id),
        _ => None,
    };
    let zone = state.subnets.get(&interface.subnet).map(|subnet| &subnet.zone);
    if let Some(attachment) = shown.get_mut("attachment").and_then(Value::as_object_mut) {
        attachment.insert("instanceId".to_owned(), json!(instance));
        let owner = requester(interface).unwrap_or(&state.account);
        attachment.insert("instanceOwnerId".to_owned(), json!(owner));
    }
    if let Some(members) = shown.as_object_mut() {
        members.insert("availabilityZone".to_owned(), json!(zone));
        let zone = zone.map(|zone| subnet::zone_id(&state.region, zone));
        members.insert("availabilityZoneId".to_owned(), json!(zone));
        members.insert("requesterId".to_owned(), json!(requester(interface)));
        members.insert("requesterManaged".to_owned(), json!(requester(interface).is_some()));
        members.insert("tagSet".to_owned(), tag::show(&interface.tags));
    }
    shown
}

/// The groups of an interface with their names.
pub fn groups(state: &State, interface: &NetworkInterface) -> Value {
    let name = |id: &String| state.groups.get(id).map(|group| &group.name);
    interface.groups.iter().map(|id| json!({"groupId": id, "groupName": name(id)})).collect()
}

/// The name that the VPC's DNS has for a private address.
pub fn private_name(state: &State, address: Ipv4Addr) -> String {
    format!("ip-{}.{}.compute.internal", address.to_string().replace('.', "-"), state.region)
}

/// The name that the world has for a public address.
pub fn public_name(state: &State, address: Ipv4Addr) -> String {
    format!("ec2-{}.{}.compute.amazonaws.com", address.to_string().replace('.', "-"), state.region)
}

fn absent(id: &str) -> Refusal {
    Refusal::new("InvalidNetworkInterfaceID.NotFound", format!("The networkInterface ID '{id}' does not exist"))
}

/// The service that manages an interface, so that the account may not.
fn requester(interface: &NetworkInterface) -> Option<&'static str> {
    match interface.owner {
        InterfaceOwner::Task(_) => Some("amazon-ecs"),
        InterfaceOwner::LoadBalancer(_) => Some("amazon-elb"),
        InterfaceOwner::Instance(_) | InterfaceOwner::Nobody => None,
    }
}

fn kind(state: &State, interface: &NetworkInterface) -> &'static str {
    match &interface.owner {
        InterfaceOwner::LoadBalancer(arn)
            if state.load_balancers.get(arn).is_some_and(|balancer| !balancer.is_application()) =>
        {
            "network_load_balancer"
        }
        _ => "interface",
    }
}

/// How an interface hangs on what it belongs to: services take theirs away themselves.
fn attachment(interface: &NetworkInterface) -> Value {
    let (prefix, index) = match interface.owner {
        InterfaceOwner::Nobody => return Value::Null,
        InterfaceOwner::Instance(_) => ("eni-attach-", 0),
        InterfaceOwner::Task(_) => ("eni-attach-", 1),
        InterfaceOwner::LoadBalancer(_) => ("ela-attach-", 1),
    };
    json!({
        "attachmentId": interface.id.replacen("eni-", prefix, 1),
        "deviceIndex": index,
        "deleteOnTermination": index == 0,
        "status": "attached",
    })
}

/// The hardware address of the interface that has an address.
pub fn mac_address(address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("0a:ff:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}
