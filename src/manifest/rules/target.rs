//! Static targets.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use crate::manifest::document::{TargetGroupSpec, TargetSpec};
use crate::manifest::lower;
use crate::model::TargetType;
use crate::yaml::{At, Problems, quoted};

pub(super) fn check(spec: &TargetGroupSpec, problems: &mut Problems<'_>) {
    let kind = spec.target_type.as_ref().map(|kind| &kind.value);
    let mut seen = BTreeMap::new();
    for target in spec.targets.iter().flat_map(|targets| &targets.value) {
        check_address(target, kind, problems);
        let key = lower::static_target(target).key;
        let shown = key.to_string();
        if let Some(first) = seen.insert(key, target.at) {
            let message = format!("the target {} is listed twice", quoted(&shown));
            problems.add_hint(target.at, message, format!("first at {}", problems.place(first)));
        }
    }
}

fn check_address(target: &At<TargetSpec>, kind: Option<&TargetType>, problems: &mut Problems<'_>) {
    let address = &target.address;
    let parsed = address.parse::<IpAddr>().ok();
    if parsed.is_none() && !is_instance_id(address) {
        let message = format!("{} is neither an address nor an instance id", quoted(address));
        problems.add_hint(address.at, message, "such as 10.0.40.12 or i-0123456789abcdef0; names are not resolved");
        return;
    }
    match (kind, parsed) {
        (Some(TargetType::Ip), None) => {
            let message = format!("{} is an instance, but targetType is ip", quoted(address));
            problems.add_hint(address.at, message, "write its address");
        }
        (Some(TargetType::Instance), Some(_)) => {
            let message = format!("{} is an address, but targetType is instance", quoted(address));
            problems.add_hint(address.at, message, "write the instance's id");
        }
        (_, Some(IpAddr::V4(ip))) if !is_private(ip) => {
            let message = format!("{} is not a private address", quoted(address));
            let hint = "ELB takes addresses of the VPC, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 and 100.64.0.0/10";
            problems.add_hint(address.at, message, hint);
        }
        (_, Some(IpAddr::V6(ip))) if ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() => {
            problems.add(address.at, format!("{} is not a valid target address", quoted(address)));
        }
        _ => {}
    }
    if let Some(zone) = &target.availability_zone
        && parsed.is_none()
    {
        problems.add_hint(zone.at, "availabilityZone is only for addresses, not for instances", "remove it");
    }
}

fn is_instance_id(text: &str) -> bool {
    let digits = text.strip_prefix("i-").unwrap_or_default();
    matches!(digits.len(), 8 | 17) && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn is_private(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    ip.is_private() || (first == 100 && (64..128).contains(&second))
}
