//! A TargetGroup document.

use std::net::IpAddr;

use crate::model::{
    HealthCheck, HealthPort, InstanceId, LoadBalancer, ObjectRef, ProtocolVersion, Seen, Target, TargetGroup,
};
use crate::plan::questions::unexplained_in;

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
        return (None, vec![Entry::note("No loadBalancer: no listener leads to it.")]);
    };
    let all = scene.observed.load_balancers.as_ref().present().into_iter().flatten();
    let Some(found) = all.clone().find(|balancer| balancer.arn == *arn) else {
        return (None, vec![Entry::note(format!("loadBalancer is left out: {} could not be read.", arn.name()))]);
    };
    let mut field = Entry::text("loadBalancer", names::load_balancer(&scene.given, found));
    let others: Vec<&str> = live.load_balancers.iter().skip(1).map(|arn| arn.name()).collect();
    if !others.is_empty() {
        let note = format!("It is also attached to {}; a target group here has one load balancer.", others.join(", "));
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

/// Registered addresses that no task explains.
fn targets(scene: &Scene<'_>, key: &str, live: &TargetGroup) -> Option<Entry> {
    if !matches!(scene.observed.targets_of(&live.arn), Seen::Present(_)) {
        return None;
    }
    let Some(strangers) = unexplained_in(&scene.given, key) else {
        return Some(Entry::note(
            "targets is left out: the address of some task was not known, so that no registration can be told from a \
             task's.",
        ));
    };
    if strangers.is_empty() {
        return None;
    }
    let items = strangers.into_iter().map(|target| item(scene, target)).collect();
    let note = "Registered, and explained by no task of the services here: kept as static targets.";
    Some(Entry::field("targets", Value::List(items)).with_note(note))
}

fn item(scene: &Scene<'_>, target: &Target) -> Entry {
    let mut fields = vec![Entry::text("address", &target.key.id), Entry::word("port", target.key.port)];
    if target.zone.as_deref() == Some("all") {
        fields.push(Entry::word("availabilityZone", "all"));
    }
    let entry = Entry::item(Value::Map(fields));
    let is_gone = match target.key.id.parse::<IpAddr>() {
        Ok(address) => scene.observed.interface(&address) == Seen::Absent,
        Err(_) => match scene.observed.host(&InstanceId::from(target.key.id.as_str())) {
            Seen::Absent => true,
            Seen::Present(host) => host.terminated,
            Seen::Unknown(_) => false,
        },
    };
    if !is_gone {
        return entry;
    }
    entry.with_note(
        "Nothing in this account has it now. If it is a left-over of a task, take it out: then Portolan deregisters it, \
         on proof.",
    )
}
