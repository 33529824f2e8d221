//! A TargetGroup document.

use std::net::IpAddr;

use crate::model::{
    AddressOwner, Behind, Gap, HealthCheck, HealthPort, InstanceId, LoadBalancer, ObjectRef, Placement,
    ProtocolVersion, Seen, Target, TargetGroup, task_owner,
};
use crate::plan::needs::{Unknown, unexplained_in};

use super::page::{Entry, Page, Value};
use super::{Scene, attribute, names, page_of, route, scalar};

pub(super) fn page(scene: &Scene<'_>, key: &str) -> Page {
    let object = ObjectRef::target_group(key);
    let notes = scene.gaps(&object);
    let mut spec = Vec::new();
    if let Some(live) = scene.live(key) {
        let name = names::target_group(&scene.given, live);
        if name != key {
            spec.push(Entry::text("name", name));
        }
        let (balancer, fields) = load_balancer(scene, live);
        spec.extend(fields);
        spec.extend(identity(scene, live));
        spec.push(Entry::field("healthCheck", Value::Map(health_check(&live.health_check))));
        spec.extend(attribute::attributes(scene, live));
        spec.extend(balancer.and_then(|balancer| route::routes(scene, key, live, balancer)));
        spec.extend(targets(scene, key, live));
    }
    page_of(&object, notes, spec)
}

fn load_balancer<'a>(scene: &Scene<'a>, live: &TargetGroup) -> (Option<&'a LoadBalancer>, Vec<Entry>) {
    let Some(arn) = live.load_balancers.first() else {
        return (None, vec![Entry::note("No loadBalancer: no listener forwards to it.")]);
    };
    let all = scene.observed.load_balancers.as_ref().present().into_iter().flatten();
    let Some(found) = all.clone().find(|balancer| balancer.arn == *arn) else {
        return (None, vec![Entry::note(format!("loadBalancer is left out: {} could not be read.", arn.name()))]);
    };
    let mut field = Entry::text("loadBalancer", names::load_balancer(&scene.given, found));
    let others: Vec<&str> = live.load_balancers.iter().skip(1).map(|arn| arn.name()).collect();
    if !others.is_empty() {
        let note = format!(
            "It is also attached to {}; a target group in a manifest has one load balancer.",
            others.join(", ")
        );
        field = field.with_note(note);
    }
    (Some(found), vec![field])
}

/// What can never change.
fn identity(scene: &Scene<'_>, live: &TargetGroup) -> Vec<Entry> {
    let mut fields = Vec::new();
    if let Some(id) = live.vpc.as_ref().filter(|id| scene.vpc.is_none_or(|vpc| vpc.id != **id)) {
        let all = scene.observed.vpcs.as_ref().present().into_iter().flatten();
        let found = all.clone().find(|vpc| vpc.id == *id);
        let name = found.map_or_else(|| id.to_string(), |vpc| names::vpc(scene.observed, vpc));
        fields.push(Entry::text("vpc", &name));
    }
    fields.push(Entry::text("protocol", live.protocol.as_str()));
    // HTTP1 is what AWS takes by default.
    if let Some(version) = live.protocol_version.as_ref().filter(|version| **version != ProtocolVersion::Http1) {
        fields.push(Entry::text("protocolVersion", version.as_str()));
    }
    fields.extend(live.port.map(|port| Entry::word("port", port)));
    fields.push(Entry::text("targetType", live.target_type.as_str()));
    fields
}

fn health_check(check: &HealthCheck) -> Vec<Entry> {
    let HealthCheck { protocol, port, path, matcher, interval, timeout, healthy_threshold, unhealthy_threshold } =
        check;
    let seconds = |key: &str, value: &Option<u32>| value.map(|value| Entry::word(key, format!("{value}s")));
    let fields = [
        protocol.as_ref().map(|protocol| Entry::text("protocol", protocol.as_str())),
        path.as_ref().map(|path| Entry::text("path", path)),
        port.map(|port| match port {
            HealthPort::Traffic => Entry::word("port", "traffic-port"),
            HealthPort::Fixed(number) => Entry::word("port", number),
        }),
        matcher.as_ref().map(|matcher| Entry::word("matcher", scalar::quoted(&matcher.to_string()))),
        seconds("interval", interval),
        seconds("timeout", timeout),
        healthy_threshold.map(|count| Entry::word("healthyThreshold", count)),
        unhealthy_threshold.map(|count| Entry::word("unhealthyThreshold", count)),
    ];
    fields.into_iter().flatten().collect()
}

/// Registered addresses that no task explains: static targets where something proves that, comments where not.
fn targets(scene: &Scene<'_>, key: &str, live: &TargetGroup) -> Vec<Entry> {
    if !matches!(scene.observed.targets_of(&live.arn), Seen::Present(_)) {
        return Vec::new();
    }
    let Some(unknown) = unexplained_in(&scene.given, key) else {
        return vec![Entry::note(
            "targets is left out: the address of at least one task is unknown, so static targets cannot be distinguished from \
             tasks.",
        )];
    };
    let mut entries = Vec::new();
    let mut items = Vec::new();
    for one in unknown {
        let target = one.target;
        match why_not_static(scene, &one) {
            None => items.push(item(target)),
            Some(why) => {
                let is_task = matches!(one.behind, Behind::OtherPort(_) | Behind::OtherTask(..));
                let way_out = if is_task { "" } else { " To keep it, declare it under targets." };
                entries.push(Entry::note(format!("{} is registered and not written: {why}.{way_out}", target.key)));
            }
        }
    }
    if !items.is_empty() {
        let note = "Registered targets that belong to no task of these services: kept as static targets.";
        entries.push(Entry::field("targets", Value::List(items)).with_note(note));
    }
    entries
}

/// Why a registration is not taken for a static target.
fn why_not_static(scene: &Scene<'_>, unknown: &Unknown<'_>) -> Option<String> {
    let key = &unknown.target.key;
    match unknown.behind {
        Behind::Expected | Behind::OlderTask(_) => return None,
        Behind::OtherPort(id) => return Some(format!("it is another port of a task of service {id}")),
        Behind::OtherTask(id, _) => return Some(format!("it is the address of a task of {}", task_owner(id))),
        Behind::NoTask => {}
    }
    let not_proven = |gap: &Gap| format!("its owner could not be read ({}: {})", gap.call, gap.why);
    match key.id.parse::<IpAddr>() {
        // ELB takes an address outside of the VPC only from somebody who says so.
        Ok(_) if unknown.target.zone.as_deref() == Some("all") => None,
        Ok(address) => match scene.observed.address_owner(&address) {
            Seen::Present(AddressOwner::Other) => None,
            Seen::Present(AddressOwner::Task) => {
                Some("it is the address of an ECS task outside of these services".to_owned())
            }
            Seen::Absent => Some(
                "no network interface has its address, so it may be the orphaned target of a stopped task".to_owned(),
            ),
            Seen::Unknown(gap) => Some(not_proven(&gap)),
        },
        Err(_) => {
            let instance = InstanceId::from(key.id.as_str());
            match scene.observed.host(&instance) {
                Seen::Present(host) if host.terminated => Some("the instance is terminated".to_owned()),
                Seen::Present(_) if carries_tasks(scene, &instance) => {
                    Some("the instance runs tasks, so it may be the orphaned target of a stopped task".to_owned())
                }
                Seen::Present(_) => None,
                Seen::Absent => Some("the instance does not exist".to_owned()),
                Seen::Unknown(gap) => Some(not_proven(&gap)),
            }
        }
    }
}

fn carries_tasks(scene: &Scene<'_>, instance: &InstanceId) -> bool {
    scene.observed.all_tasks().any(|(_, task)| match &task.placement {
        Placement::Instance { instance: of, .. } => of == instance,
        Placement::Address(_) | Placement::Unknown => false,
    })
}

fn item(target: &Target) -> Entry {
    let mut fields = vec![Entry::text("address", &target.key.id), Entry::word("port", target.key.port)];
    if target.zone.as_deref() == Some("all") {
        fields.push(Entry::word("availabilityZone", "all"));
    }
    Entry::item(Value::Map(fields))
}
