//! The calls about network interfaces.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::filter::Filter;
use super::listing::{self, Listing};
use super::{interface, security_group, subnet, tag};
use crate::sandbox::input::Input;
use crate::sandbox::refusal::{Answer, Refusal};
use crate::sandbox::state::{InterfaceOwner, NetworkInterface, State};

const LISTING: Listing<NetworkInterface> = Listing {
    set: "networkInterfaceSet",
    ids: "NetworkInterfaceId",
    things: |state| &state.interfaces,
    show,
    absent,
    filters: FILTERS,
    page: listing::PAGE,
};
const FILTERS: &[Filter] = &[
    ("addresses.association.public-ip", "privateIpAddressesSet.association.publicIp"),
    ("addresses.primary", "privateIpAddressesSet.primary"),
    ("addresses.private-ip-address", "privateIpAddressesSet.privateIpAddress"),
    ("association.public-ip", "association.publicIp"),
    ("attachment.attachment-id", "attachment.attachmentId"),
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
];

pub fn create(state: &mut State, input: Input) -> Answer {
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

/// An interface as everything tells it that has one.
pub fn show(state: &State, interface: &NetworkInterface) -> Value {
    let zone = state.subnets.get(&interface.subnet).map(|subnet| &subnet.zone);
    let attachment = attachment(state, interface);
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
        "availabilityZone": zone,
        "availabilityZoneId": zone.map(|zone| subnet::zone_id(&state.region, zone)),
        "description": interface.description,
        "groupSet": groups(state, interface),
        "ipv6AddressesSet": [],
        "macAddress": mac_address(interface.address),
        "ownerId": state.account,
        "privateDnsName": name,
        "privateIpAddress": interface.address,
        "privateIpAddressesSet": [address],
        "requesterId": requester(interface),
        "requesterManaged": requester(interface).is_some(),
        "sourceDestCheck": true,
        "subnetId": interface.subnet,
        "vpcId": interface.vpc,
        "tagSet": tag::show(&interface.tags),
    })
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

fn attachment(state: &State, interface: &NetworkInterface) -> Value {
    let own = interface.id.trim_start_matches("eni-");
    match &interface.owner {
        InterfaceOwner::Nobody => Value::Null,
        InterfaceOwner::Instance(instance) => json!({
            "attachmentId": format!("eni-attach-{own}"),
            "instanceId": instance,
            "instanceOwnerId": state.account,
            "deviceIndex": 0,
            "deleteOnTermination": true,
            "status": "attached",
        }),
        InterfaceOwner::Task(_) => json!({
            "attachmentId": format!("eni-attach-{own}"),
            "instanceOwnerId": requester(interface),
            "deviceIndex": 1,
            "deleteOnTermination": false,
            "status": "attached",
        }),
        InterfaceOwner::LoadBalancer(_) => json!({
            "attachmentId": format!("ela-attach-{own}"),
            "instanceOwnerId": requester(interface),
            "deviceIndex": 1,
            "deleteOnTermination": false,
            "status": "attached",
        }),
    }
}

fn mac_address(address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("0a:ff:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}
