//! Targets: what may be registered where, and how they are.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::{find, limit, number, usage};
use crate::input::Input;
use crate::object::object;
use crate::refusal::{Answer, Refusal};
use crate::registration;
use crate::state::{Health, InterfaceOwner, State, Target, TargetGroup};

/// A target that may be registered.
struct Fit {
    id: String,
    port: u16,
    zone: Option<String>,
}

/// `RegisterTargets`: all of them, or none.
pub fn register(state: &mut State, input: Input) -> Answer {
    let arn = find::need(input, "TargetGroupArn")?;
    let group = find::target_group(state, arn)?;
    let given = given(input, group)?;
    let fits: Vec<Fit> =
        given.into_iter().map(|(target, id, port)| fit(state, group, target, id, port)).collect::<Result<_, _>>()?;
    check_room(state, group, &fits)?;
    for Fit { id, port, zone } in &fits {
        registration::register(state, arn, id, *port, zone.as_deref(), None);
    }
    Ok(json!({}))
}

/// `DeregisterTargets`. One that is not registered is deregistered already.
pub fn deregister(state: &mut State, input: Input) -> Answer {
    let arn = find::need(input, "TargetGroupArn")?;
    let group = find::target_group(state, arn)?;
    let given: Vec<(String, u16)> =
        given(input, group)?.into_iter().map(|(_, id, port)| (id.to_owned(), port)).collect();
    for (id, port) in given {
        registration::deregister(state, arn, &id, port);
    }
    Ok(json!({}))
}

/// The targets of a call; a port that is not written is the group's.
fn given<'a>(input: Input<'a>, group: &TargetGroup) -> Result<Vec<(Input<'a>, &'a str, u16)>, Refusal> {
    let read = |target: Input<'a>| {
        let id = find::need(target, "Id")?;
        check_form(group, id)?;
        Ok((target, id, number::port(target, "Port")?.unwrap_or(group.port)))
    };
    let targets: Vec<_> = input.list("Targets").map(read).collect::<Result<_, Refusal>>()?;
    if targets.is_empty() {
        return Err(Refusal::validation("At least one target must be specified"));
    }
    Ok(targets)
}

/// Ids of instances and addresses are never taken for each other.
fn check_form(group: &TargetGroup, id: &str) -> Result<(), Refusal> {
    if group.target_type == "ip" && id.parse::<Ipv4Addr>().is_err() {
        return Err(Refusal::validation(format!("The IP address '{id}' is not a valid IPv4 address")));
    }
    if group.target_type == "instance" && !id.starts_with("i-") {
        return Err(Refusal::validation(format!("Instance ID '{id}' is not valid")));
    }
    Ok(())
}

fn fit(state: &State, group: &TargetGroup, target: Input, id: &str, port: u16) -> Result<Fit, Refusal> {
    let zone = target.text("AvailabilityZone");
    let zone = match id.parse::<Ipv4Addr>() {
        Ok(address) => Some(zone_of(state, group, address, zone)?),
        Err(_) => {
            check_instance(state, group, id)?;
            if zone.is_some() {
                let message = "You cannot specify an Availability Zone for targets of type 'instance'";
                return Err(Refusal::validation(message));
            }
            None
        }
    };
    Ok(Fit { id: id.to_owned(), port, zone })
}

fn check_instance(state: &State, group: &TargetGroup, id: &str) -> Result<(), Refusal> {
    let refused = |why: &str| Err(Refusal::new("InvalidTarget", format!("The following targets {why}: '{id}'")));
    match state.instances.get(id) {
        None => refused("do not exist"),
        Some(instance) if instance.vpc != group.vpc => {
            refused(&format!("are not in the target group VPC '{}'", group.vpc))
        }
        Some(instance) if instance.status != "running" => {
            refused("are not in a running state and cannot be registered")
        }
        Some(_) => Ok(()),
    }
}

/// The zone of an address: its subnet's, or what the call says about one outside of the VPC. To AWS an address in
/// the VPC's block that no subnet has is outside of the VPC.
fn zone_of(state: &State, group: &TargetGroup, address: Ipv4Addr, asked: Option<&str>) -> Result<String, Refusal> {
    let is_balancers = |owner: &InterfaceOwner| matches!(owner, InterfaceOwner::LoadBalancer(_));
    let mut interfaces = state.interfaces.values().filter(|interface| interface.vpc == group.vpc);
    if interfaces.any(|interface| interface.address == address && is_balancers(&interface.owner)) {
        let message = format!("The IP address '{address}' belongs to a load balancer and cannot be registered");
        return Err(Refusal::new("InvalidTarget", message));
    }
    let mut subnets = state.subnets.values().filter(|subnet| subnet.vpc == group.vpc);
    let inside = subnets.clone().find(|subnet| subnet.cidr.contains(&address));
    match (inside, asked) {
        (Some(subnet), Some(asked)) if asked != subnet.zone => Err(Refusal::validation(format!(
            "The IP address '{address}' is within the VPC, and cannot have its Availability Zone overridden to \
             '{asked}' from '{}'",
            subnet.zone
        ))),
        (Some(subnet), _) => Ok(subnet.zone.clone()),
        (None, _) if !is_private(address) => {
            let message = format!("The IP address '{address}' is not in the VPC, nor in a private range");
            Err(Refusal::new("InvalidTarget", message))
        }
        (None, Some(asked)) if asked == "all" || subnets.any(|subnet| subnet.zone == asked) => Ok(asked.to_owned()),
        (None, _) => Err(Refusal::validation(format!(
            "You must specify a valid Availability Zone or select 'all' for all enabled Availability zones, since \
             the IP address '{address}' is outside the VPC"
        ))),
    }
}

/// RFC 1918, or 100.64.0.0/10 of RFC 6598.
fn is_private(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    address.is_private() || (first == 100 && (64..128).contains(&second))
}

/// That neither the group nor its load balancer gets more targets than they take.
fn check_room(state: &State, group: &TargetGroup, fits: &[Fit]) -> Result<(), Refusal> {
    let new: BTreeSet<(&str, u16)> = fits
        .iter()
        .filter(|fit| !group.targets.contains_key(&(fit.id.clone(), fit.port)))
        .map(|fit| (fit.id.as_str(), fit.port))
        .collect();
    if group.targets.len() + new.len() > limit::TARGETS_OF_GROUP {
        let message = format!("A target group can have at most '{}' targets", limit::TARGETS_OF_GROUP);
        return Err(Refusal::new("TooManyTargets", message));
    }
    let new: Vec<&str> = new.into_iter().map(|(id, _)| id).collect();
    usage::check_new_targets(state, group, &new)
}

/// `DescribeTargetHealth`.
pub fn describe_health(state: &State, input: Input) -> Answer {
    let group = find::target_group(state, find::need(input, "TargetGroupArn")?)?;
    let descriptions: Vec<Value> = if input.list("Targets").next().is_none() {
        group.targets.values().map(|target| registered(state, group, target)).collect()
    } else {
        let described = |(_, id, port): (Input, &str, u16)| match group.targets.get(&(id.to_owned(), port)) {
            Some(target) => registered(state, group, target),
            None => absent(group, id, port),
        };
        given(input, group)?.into_iter().map(described).collect()
    };
    Ok(object! {"TargetHealthDescriptions" => descriptions})
}

fn registered(state: &State, group: &TargetGroup, target: &Target) -> Value {
    let Health { state: word, reason, description } = registration::health_of(state, group, target);
    json!({
        "Target": {"Id": target.id, "Port": target.port, "AvailabilityZone": target.zone},
        "HealthCheckPort": check_port(group, target.port),
        "TargetHealth": {"State": word, "Reason": reason, "Description": description},
        "AdministrativeOverride": {
            "State": "no_override",
            "Reason": "AdministrativeOverride.NoOverride",
            "Description": "No override is currently active on target",
        },
    })
}

fn absent(group: &TargetGroup, id: &str, port: u16) -> Value {
    json!({
        "Target": {"Id": id, "Port": port},
        "HealthCheckPort": check_port(group, port),
        "TargetHealth": {
            "State": "unused",
            "Reason": "Target.NotRegistered",
            "Description": "Target is not registered to the target group",
        },
    })
}

fn check_port(group: &TargetGroup, port: u16) -> String {
    match group.health_check.port.as_str() {
        "traffic-port" => port.to_string(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fixture::{balancer, done, group, refused, world};

    fn target(group: &str, id: &str, zone: Option<&str>) -> Value {
        json!({"TargetGroupArn": group, "Targets": [{"Id": id, "Port": "80", "AvailabilityZone": zone}]})
    }

    #[test]
    fn addresses_inside_have_their_zone_and_private_ones_outside_name_it() {
        let mut world = world();
        let group = group(&mut world, "web", "HTTP");
        for (id, zone) in [
            ("10.0.0.9", None),
            ("10.0.0.9", Some("eu-west-1a")),
            ("192.168.0.9", Some("all")),
            ("100.64.0.9", Some("all")),
            ("10.0.200.1", Some("all")),
        ] {
            done(&mut world, "RegisterTargets", target(&group, id, zone));
        }
        for (id, zone, code) in [
            ("10.0.0.9", Some("all"), "ValidationError"),
            ("10.0.0.9", Some("eu-west-1b"), "ValidationError"),
            ("10.0.200.1", None, "ValidationError"),
            ("192.168.0.9", None, "ValidationError"),
            ("8.8.8.8", Some("all"), "InvalidTarget"),
            ("i-1", None, "ValidationError"),
        ] {
            assert_eq!(refused(&mut world, "RegisterTargets", target(&group, id, zone)), code, "{id} {zone:?}");
        }
    }

    #[test]
    fn an_address_of_a_load_balancer_is_no_target() {
        let mut world = world();
        balancer(&mut world, "web");
        let group = group(&mut world, "web", "HTTP");
        let address = world.state.interfaces.values().map(|interface| interface.address.to_string()).next();
        let address = address.expect("an interface");
        assert_eq!(refused(&mut world, "RegisterTargets", target(&group, &address, None)), "InvalidTarget");
    }

    #[test]
    fn instance_groups_take_instances_alone() {
        let mut world = world();
        let input = json!({"Name": "host", "Protocol": "HTTP", "Port": 80, "VpcId": "vpc-1"});
        let made = done(&mut world, "CreateTargetGroup", input);
        let group = made["TargetGroups"][0]["TargetGroupArn"].as_str().expect("an ARN").to_owned();
        assert_eq!(refused(&mut world, "RegisterTargets", target(&group, "10.0.0.9", None)), "ValidationError");
        assert_eq!(refused(&mut world, "RegisterTargets", target(&group, "i-1", None)), "InvalidTarget");
    }

    #[test]
    fn an_absent_target_is_unused_when_asked_for_and_deregisters_without_complaint() {
        let mut world = world();
        let group = group(&mut world, "web", "HTTP");
        let asked = target(&group, "10.0.0.9", None);
        let described = done(&mut world, "DescribeTargetHealth", asked.clone());
        let shown = &described["TargetHealthDescriptions"][0];
        assert_eq!(shown["TargetHealth"]["State"], json!("unused"));
        assert_eq!(shown["TargetHealth"]["Reason"], json!("Target.NotRegistered"));
        assert_eq!(shown["HealthCheckPort"], json!("80"));
        done(&mut world, "DeregisterTargets", asked);
        let none = json!({"TargetGroupArn": group, "Targets": ""});
        assert_eq!(refused(&mut world, "RegisterTargets", none), "ValidationError");
    }

    #[test]
    fn a_group_takes_a_thousand_targets() {
        let mut world = world();
        let group = group(&mut world, "web", "HTTP");
        let targets: Vec<Value> = (1..=1001).map(|port| json!({"Id": "10.0.0.9", "Port": port})).collect();
        let input = json!({"TargetGroupArn": group, "Targets": targets});
        assert_eq!(refused(&mut world, "RegisterTargets", input), "TooManyTargets");
    }
}
