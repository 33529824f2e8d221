//! Instances. They run and stop immediately.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use serde_json::{Value, json};

use super::instance_filter::{INSTANCES, RESERVATION};
use super::listing::{self, Listing};
use super::{interface, ipv6, network_interface, security_group, subnet, tag, vpc};
use crate::input::Input;
use crate::object::object;
use crate::refusal::{Answer, Refusal};
use crate::scheduler::host;
use crate::state::{App, Instance, InterfaceOwner, State, Tags};

const LISTING: Listing<Instance> = Listing {
    set: "instancesSet",
    ids: "InstanceId",
    things: |state| &state.instances,
    show,
    absent,
    filters: INSTANCES,
    page: listing::PAGE,
};
pub const RUNNING: &str = "running";
const STOPPED: &str = "stopped";
const TERMINATED: &str = "terminated";
/// Linux's `ip_local_port_range`.
const DYNAMIC_PORTS: RangeInclusive<u16> = 32768..=60999;

/// Where instances are to run, and what for.
struct Launch {
    image: String,
    instance_type: String,
    count: usize,
    subnet: String,
    vpc: String,
    groups: Vec<String>,
    address: Option<Ipv4Addr>,
    is_public: bool,
    tags: Tags,
    interface_tags: Tags,
}

pub fn run(state: &mut State, input: Input) -> Answer {
    let launch = launch(state, input)?;
    let reservation = state.ids.ec2("r");
    let mut ids = Vec::new();
    for _ in 0..launch.count {
        ids.push(launch_one(state, &launch, &reservation)?);
    }
    let shown = ids.iter().filter_map(|id| state.instances.get(id)).map(|instance| show(state, instance)).collect();
    Ok(reservations(state, shown).pop().unwrap_or_default())
}

pub fn describe(state: &State, input: Input) -> Answer {
    let ids = input.texts(LISTING.ids);
    ids.iter().try_for_each(|id| check_id(id))?;
    let shown = LISTING.select(state, input, ids)?;
    Ok(json!({"reservationSet": reservations(state, shown.items), "nextToken": shown.next}))
}

pub fn stop(state: &mut State, input: Input) -> Answer {
    change(state, input, STOPPED)
}

pub fn start(state: &mut State, input: Input) -> Answer {
    change(state, input, RUNNING)
}

pub fn terminate(state: &mut State, input: Input) -> Answer {
    change(state, input, TERMINATED)
}

fn launch(state: &State, input: Input) -> Result<Launch, Refusal> {
    let image = input.need("ImageId", Refusal::missing)?.to_owned();
    if !image.starts_with("ami-") {
        let message = format!("Invalid id: \"{image}\" (expecting \"ami-...\")");
        return Err(Refusal::new("InvalidAMIID.Malformed", message));
    }
    ipv6::refuse(input)?;
    // A network interface of the call says what the call says otherwise.
    let place = input.list("NetworkInterface").next().unwrap_or(input);
    if place.has("NetworkInterfaceId") {
        return Err(Refusal::new("UnsupportedOperation", "Instances of the sandbox bring their own interface"));
    }
    let subnet = match place.text("SubnetId") {
        Some(id) => subnet::find(state, id)?,
        None => {
            let vpc = &vpc::default(state)?.id;
            let none = || Refusal::new("MissingInput", format!("No subnets found for the default VPC '{vpc}'"));
            state.subnets.values().find(|subnet| subnet.vpc == *vpc).ok_or_else(none)?
        }
    };
    let mut groups: Vec<String> = place.texts("SecurityGroupId").into_iter().map(str::to_owned).collect();
    for name in input.texts("SecurityGroup") {
        groups.push(security_group::by_name(state, &subnet.vpc, name)?.id.clone());
    }
    security_group::check_worn(state, &groups, &subnet.id, &subnet.vpc)?;
    let address = place.text("PrivateIpAddress").map(|text| interface::check_address(state, subnet, text));
    let address = address.transpose()?;
    let mut tags = tag::on_creation_of_several(input, &["instance", "network-interface", "volume"])?.into_iter();
    Ok(Launch {
        image,
        instance_type: input.text("InstanceType").unwrap_or("m1.small").to_owned(),
        count: count(input, subnet::free_addresses(state, subnet), address)?,
        subnet: subnet.id.clone(),
        vpc: subnet.vpc.clone(),
        groups,
        address,
        is_public: place.flag("AssociatePublicIpAddress").unwrap_or(subnet.map_public_ip),
        tags: tags.next().unwrap_or_default(),
        interface_tags: tags.next().unwrap_or_default(),
    })
}

/// As many as are wanted and fit, if these are enough.
fn count(input: Input, free: usize, address: Option<Ipv4Addr>) -> Result<usize, Refusal> {
    let number = |name: &str| {
        let number = input.int(name).ok_or_else(|| Refusal::missing(name))?;
        let message = format!("Value ({number}) for parameter {name} is invalid. It must be greater than 0.");
        usize::try_from(number).ok().filter(|number| *number > 0).ok_or_else(|| Refusal::parameter(message))
    };
    let (min, max) = (number("MinCount")?, number("MaxCount")?);
    if min > max {
        return Err(Refusal::parameter(format!("MinCount ({min}) must not be greater than MaxCount ({max})")));
    }
    if address.is_some() && max > 1 {
        let message = "The parameter privateIpAddress cannot be used with a maxCount greater than 1";
        return Err(Refusal::new("InvalidParameterCombination", message));
    }
    if free < min {
        let message = format!("There are not enough free addresses in the subnet to satisfy {min} instances.");
        return Err(Refusal::new("InsufficientFreeAddressesInSubnet", message));
    }
    Ok(max.min(free))
}

fn launch_one(state: &mut State, launch: &Launch, reservation: &str) -> Result<String, Refusal> {
    let id = state.ids.ec2("i");
    let owner = InterfaceOwner::Instance(id.clone());
    let interface = match launch.address {
        Some(address) => interface::attach_at(state, &launch.subnet, address, &launch.groups, owner, "")?,
        None => interface::attach(state, &launch.subnet, &launch.groups, owner, "")?,
    };
    if launch.is_public {
        interface::publish(state, &interface);
    }
    let address = network_interface::find(state, &interface)?.address;
    if let Some(interface) = state.interfaces.get_mut(&interface) {
        interface.tags.clone_from(&launch.interface_tags);
    }
    let instance = Instance {
        id: id.clone(),
        status: RUNNING.to_owned(),
        instance_type: launch.instance_type.clone(),
        image: launch.image.clone(),
        reservation: reservation.to_owned(),
        launched: state.now,
        vpc: launch.vpc.clone(),
        subnet: launch.subnet.clone(),
        interface,
        address,
        dynamic_ports: DYNAMIC_PORTS,
        app: App::default(),
        tags: launch.tags.clone(),
    };
    state.instances.insert(id.clone(), instance);
    Ok(id)
}

/// Brings instances into a status, all or none of them.
fn change(state: &mut State, input: Input, status: &str) -> Answer {
    let ids = input.texts(LISTING.ids);
    if ids.is_empty() {
        return Err(Refusal::missing(LISTING.ids));
    }
    for id in &ids {
        check_id(id)?;
        let standing = &state.instances.get(*id).ok_or_else(|| absent(id))?.status;
        if standing == TERMINATED && status != TERMINATED {
            let verb = if status == RUNNING { "started" } else { "stopped" };
            let message = format!("This instance '{id}' is not in a state from which it can be {verb}.");
            return Err(Refusal::new("IncorrectInstanceState", message));
        }
    }
    let changes: Vec<_> = ids.into_iter().filter_map(|id| change_one(state, id, status)).collect();
    Ok(json!({"instancesSet": changes}))
}

fn change_one(state: &mut State, id: &str, status: &str) -> Option<Value> {
    let instance = state.instances.get_mut(id)?;
    let before = std::mem::replace(&mut instance.status, status.to_owned());
    let (interface, subnet) = (instance.interface.clone(), instance.subnet.clone());
    let is_changed = before != status;
    match status {
        TERMINATED => interface::detach(state, &interface),
        // A public address that EC2 gave is for as long as the instance runs.
        STOPPED => state.interfaces.get_mut(&interface)?.public_address = None,
        _ if is_changed && state.subnets.get(&subnet).is_some_and(|subnet| subnet.map_public_ip) => {
            interface::publish(state, &interface);
        }
        _ => {}
    }
    if is_changed {
        host::changed(state, id, before == RUNNING);
    }
    Some(json!({"instanceId": id, "currentState": show_status(status), "previousState": show_status(&before)}))
}

/// That an instance does not exist.
pub fn absent(id: &str) -> Refusal {
    Refusal::new("InvalidInstanceID.NotFound", format!("The instance ID '{id}' does not exist"))
}

/// Whether an id could be an instance's at all.
pub fn check_id(id: &str) -> Result<(), Refusal> {
    if id.starts_with("i-") {
        return Ok(());
    }
    Err(Refusal::new("InvalidInstanceID.Malformed", format!("Invalid id: \"{id}\"")))
}

/// Instances by the calls that launched them.
fn reservations(state: &State, instances: Vec<Value>) -> Vec<Value> {
    let mut by_call: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for mut instance in instances {
        let members = instance.as_object_mut();
        let reservation = members.and_then(|members| members.remove("ownerId").and(members.remove(RESERVATION)));
        let reservation = reservation.as_ref().and_then(Value::as_str).unwrap_or_default();
        by_call.entry(reservation.to_owned()).or_default().push(instance);
    }
    let reservation = |(id, instances): (String, Vec<Value>)| object! {RESERVATION => id, "ownerId" => state.account.as_str(), "groupSet" => Vec::<Value>::new(), LISTING.set => instances};
    by_call.into_iter().map(reservation).collect()
}

/// A state with its number.
pub fn show_status(status: &str) -> Value {
    let code = match status {
        RUNNING => 16,
        STOPPED => 80,
        _ => 48,
    };
    json!({"code": code, "name": status})
}

/// An instance; of its network nothing is left once it is terminated.
fn show(state: &State, instance: &Instance) -> Value {
    let interface = state.interfaces.get(&instance.interface);
    let public = interface.and_then(|interface| interface.public_address);
    let zone = state.subnets.get(&instance.subnet).map(|subnet| &subnet.zone);
    let name = interface.map(|interface| network_interface::private_name(state, interface.address));
    json!({
        "instanceId": instance.id,
        "imageId": instance.image,
        "instanceType": instance.instance_type,
        "instanceState": show_status(&instance.status),
        "launchTime": format!("{:.3}", instance.launched),
        "amiLaunchIndex": 0,
        "architecture": "x86_64",
        "hypervisor": "xen",
        "virtualizationType": "hvm",
        "rootDeviceType": "ebs",
        "monitoring": {"state": "disabled"},
        "placement": {
            "availabilityZone": zone,
            "availabilityZoneId": zone.map(|zone| subnet::zone_id(&state.region, zone)),
            "tenancy": "default",
        },
        "privateDnsName": name.unwrap_or_default(),
        "dnsName": public.map(|address| network_interface::public_name(state, address)).unwrap_or_default(),
        "privateIpAddress": interface.map(|interface| interface.address),
        "ipAddress": public,
        "subnetId": interface.map(|interface| &interface.subnet),
        "vpcId": interface.map(|interface| &interface.vpc),
        "groupSet": interface.map(|interface| network_interface::groups(state, interface)),
        "networkInterfaceSet": interface.map(|interface| vec![network_interface::show_on_instance(state, interface)]),
        "sourceDestCheck": interface.map(|_| true),
        "tagSet": tag::show(&instance.tags),
        RESERVATION: instance.reservation,
        "ownerId": state.account,
    })
}
