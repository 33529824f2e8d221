//! Load balancers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::listing::{listed, selector};
use super::{balancer_attribute, find, limit, name, placement, tag};
use crate::due::Due;
use crate::ec2::interface;
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::state::{LoadBalancer, State, Tags};

/// Seconds until a load balancer is active.
const PROVISIONING: i64 = 120;

/// What a call asks for: two calls that ask for the same make one load balancer.
struct Wanted {
    name: String,
    kind: String,
    scheme: String,
    vpc: String,
    subnets: BTreeSet<String>,
    groups: Vec<String>,
    tags: Tags,
}

impl Wanted {
    fn read(state: &State, input: Input) -> Result<Self, Refusal> {
        let name = find::need(input, "Name")?.to_owned();
        name::check("load balancer", &name)?;
        let kind = one_of(input, "Type", &["application", "network"], "application", "ValidationError")?;
        let scheme = one_of(input, "Scheme", &["internet-facing", "internal"], "internet-facing", "InvalidScheme")?;
        placement::check_address_type(input)?;
        let tags = tag::read(input)?;
        let subnets = placement::asked_subnets(input)?;
        let is_application = kind == "application";
        let vpc = placement::vpc_of(state, is_application, &subnets)?;
        placement::check_gateway(state, &vpc, &scheme)?;
        let mut groups = placement::asked_groups(input);
        placement::check_groups(state, &vpc, &groups)?;
        if groups.is_empty() && is_application {
            groups.extend(state.vpcs.get(&vpc).map(|vpc| vpc.default_group.clone()));
        }
        Ok(Self { name, kind, scheme, vpc, subnets, groups, tags })
    }

    fn is(&self, standing: &LoadBalancer) -> bool {
        let standing_groups: BTreeSet<&String> = standing.groups.iter().collect();
        self.kind == standing.kind
            && self.scheme == standing.scheme
            && self.subnets.iter().eq(standing.interfaces.keys())
            && self.groups.iter().collect::<BTreeSet<_>>() == standing_groups
            && self.tags == standing.tags
    }
}

fn one_of(input: Input, name: &str, words: &[&str], default: &str, code: &str) -> Result<String, Refusal> {
    let word = input.text(name).unwrap_or(default);
    if !words.contains(&word) {
        return Err(Refusal::new(code, format!("{name} '{word}' must be one of '{}'", words.join(", "))));
    }
    Ok(word.to_owned())
}

/// `CreateLoadBalancer`.
pub fn create(state: &mut State, input: Input) -> Answer {
    let wanted = Wanted::read(state, input)?;
    if let Some(standing) = state.load_balancers.values().find(|balancer| balancer.name == wanted.name) {
        if wanted.is(standing) {
            return Ok(json!({"LoadBalancers": [shown(state, standing)]}));
        }
        let message =
            format!("A load balancer with the same name '{}' exists, but with different settings", wanted.name);
        return Err(Refusal::new("DuplicateLoadBalancerName", message));
    }
    check_quota(state, &wanted.kind)?;
    placement::check_room(state, &wanted.subnets)?;
    let made = make(state, wanted)?;
    state.after(PROVISIONING, Due::Balancer(made.arn.clone()));
    let answer = json!({"LoadBalancers": [shown(state, &made)]});
    state.load_balancers.insert(made.arn.clone(), made);
    Ok(answer)
}

fn check_quota(state: &State, kind: &str) -> Result<(), Refusal> {
    let most = if kind == "application" { limit::APPLICATION_BALANCERS } else { limit::NETWORK_BALANCERS };
    if state.load_balancers.values().filter(|balancer| balancer.kind == kind).count() >= most {
        let message = format!("The maximum number of load balancers '{most}' of type {kind} has been reached");
        return Err(Refusal::new("TooManyLoadBalancers", message));
    }
    Ok(())
}

fn make(state: &mut State, wanted: Wanted) -> Result<LoadBalancer, Refusal> {
    let family = if wanted.kind == "application" { "app" } else { "net" };
    let id = state.ids.short();
    let arn = state.arn("elasticloadbalancing", &format!("loadbalancer/{family}/{}/{id}", wanted.name));
    let mut made = LoadBalancer {
        arn,
        name: wanted.name,
        attributes: balancer_attribute::defaults(&wanted.kind, &wanted.scheme),
        kind: wanted.kind,
        scheme: wanted.scheme,
        vpc: wanted.vpc,
        interfaces: BTreeMap::new(),
        groups: wanted.groups,
        filters_private_link: true,
        status: "provisioning".to_owned(),
        created: state.now,
        tags: wanted.tags,
    };
    for subnet in &wanted.subnets {
        let interface = placement::occupy(state, &made, subnet)?;
        made.interfaces.insert(subnet.clone(), interface);
    }
    Ok(made)
}

/// `DescribeLoadBalancers`.
pub fn describe(state: &State, input: Input) -> Answer {
    let way = selector(input, &["LoadBalancerArns", "Names"])?;
    let given = way.map(|way| input.texts(way)).unwrap_or_default();
    if given.len() > 20 {
        return Err(Refusal::validation("At most '20' load balancers can be specified"));
    }
    let by_name = |name: &str| {
        let found = state.load_balancers.values().find(|balancer| balancer.name == name);
        found.ok_or_else(|| find::Kind::LoadBalancer.not_found(name))
    };
    let found: Vec<&LoadBalancer> = match way {
        None => state.load_balancers.values().collect(),
        Some("Names") => given.into_iter().map(by_name).collect::<Result<_, _>>()?,
        Some(_) => given.into_iter().map(|arn| find::load_balancer(state, arn)).collect::<Result<_, _>>()?,
    };
    let shown = found.into_iter().map(|balancer| shown(state, balancer)).collect();
    listed(state, input, "LoadBalancers", shown)
}

/// `DeleteLoadBalancer`. One that is not there is deleted already.
pub fn delete(state: &mut State, input: Input) -> Answer {
    let arn = find::need(input, "LoadBalancerArn")?;
    let balancer = match find::load_balancer(state, arn) {
        Ok(balancer) => balancer.clone(),
        Err(refusal) if refusal.code == "LoadBalancerNotFound" && find::is_own(state, arn) => return Ok(json!({})),
        Err(refusal) => return Err(refusal),
    };
    if balancer.attributes.get("deletion_protection.enabled").is_some_and(|on| on == "true") {
        let message = format!("Load balancer '{arn}' cannot be deleted because deletion protection is enabled");
        return Err(Refusal::new("OperationNotPermitted", message));
    }
    if state.endpoint_services.values().any(|service| service.load_balancers.iter().any(|one| one == arn)) {
        let message = format!("Load balancer '{arn}' cannot be deleted because it is associated with another service");
        return Err(Refusal::new("ResourceInUse", message));
    }
    for id in balancer.interfaces.values() {
        interface::detach(state, id);
    }
    state.load_balancers.remove(arn);
    state.listeners.retain(|_, listener| listener.load_balancer != arn);
    let State { rules, listeners, .. } = state;
    rules.retain(|_, rule| listeners.contains_key(&rule.listener));
    Ok(json!({}))
}

/// A load balancer as it is described.
fn shown(state: &State, balancer: &LoadBalancer) -> Value {
    let groups = (!balancer.groups.is_empty()).then_some(&balancer.groups);
    let enforces = groups.and_then(|_| placement::enforces(balancer));
    json!({
        "LoadBalancerArn": balancer.arn,
        "DNSName": dns_name(state, balancer),
        "CanonicalHostedZoneId": if balancer.is_application() { "Z32O12XQLNTSW2" } else { "Z2IFOLAFXWLO4F" },
        "CreatedTime": format!("{:.3}", balancer.created),
        "LoadBalancerName": balancer.name,
        "Scheme": balancer.scheme,
        "VpcId": balancer.vpc,
        "State": {"Code": balancer.status},
        "Type": balancer.kind,
        "AvailabilityZones": placement::zones(state, balancer),
        "SecurityGroups": groups,
        "IpAddressType": "ipv4",
        "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic": enforces,
    })
}

/// Names of application load balancers end in ten digits of their own; those of network load balancers in their id.
fn dns_name(state: &State, balancer: &LoadBalancer) -> String {
    let (name, region) = (&balancer.name, &state.region);
    let id = balancer.arn.rsplit('/').next().unwrap_or_default();
    if !balancer.is_application() {
        return format!("{name}-{id}.elb.{region}.amazonaws.com");
    }
    let digits = u64::from_str_radix(id, 16).unwrap_or_default() % 10_000_000_000;
    let internal = if balancer.scheme == "internal" { "internal-" } else { "" };
    format!("{internal}{name}-{digits:010}.{region}.elb.amazonaws.com")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{balancer, call, done, group, listener, refused, rule, world};

    #[test]
    fn a_load_balancer_is_described_with_all_that_a_client_looks_at() {
        let mut world = world();
        let arn = balancer(&mut world, "web");
        let described = done(&mut world, "DescribeLoadBalancers", json!({"Names": ["web"]}));
        let shown = &described["LoadBalancers"][0];
        let id = arn.strip_prefix("arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/");
        assert!(id.is_some_and(|id| id.len() == 16), "{arn}");
        assert_eq!(shown["State"], json!({"Code": "provisioning"}));
        assert_eq!(shown["CreatedTime"], json!("2026-01-01T00:00:00.000Z"));
        assert_eq!(shown["SecurityGroups"], json!(["sg-of-vpc-1"]));
        assert_eq!(shown["AvailabilityZones"][1]["ZoneName"], json!("eu-west-1b"));
        assert!(shown["DNSName"].as_str().is_some_and(|name| name.ends_with(".eu-west-1.elb.amazonaws.com")));
        let descriptions = world.state.interfaces.values().map(|interface| interface.description.as_str());
        assert!(descriptions.clone().count() == 2 && descriptions.clone().all(|text| text.starts_with("ELB app/web/")));
    }

    #[test]
    fn the_same_creation_twice_is_one_and_another_one_of_its_name_is_refused() {
        let mut world = world();
        assert_eq!(balancer(&mut world, "web"), balancer(&mut world, "web"));
        let other = json!({"Name": "web", "Subnets": ["subnet-a", "subnet-b"], "Scheme": "internal"});
        assert_eq!(refused(&mut world, "CreateLoadBalancer", other), "DuplicateLoadBalancerName");
    }

    #[test]
    fn places_that_no_load_balancer_can_stand_in_are_refused() {
        let mut world = world();
        for (subnets, code) in [
            (json!(["subnet-a"]), "ValidationError"),
            (json!([]), "ValidationError"),
            (json!(["subnet-a", "subnet-a"]), "ValidationError"),
            (json!(["subnet-a", "subnet-a2"]), "InvalidConfigurationRequest"),
            (json!(["subnet-a", "subnet-x"]), "InvalidSubnet"),
            (json!(["subnet-a", "subnet-0"]), "SubnetNotFound"),
        ] {
            let input = json!({"Name": "web", "Subnets": subnets});
            assert_eq!(refused(&mut world, "CreateLoadBalancer", input), code, "{subnets}");
        }
        let strange = json!({"Name": "web", "Subnets": ["subnet-a", "subnet-b"], "SecurityGroups": ["sg-of-vpc-2"]});
        assert_eq!(refused(&mut world, "CreateLoadBalancer", strange), "InvalidSecurityGroup");
        let outside = json!({"Name": "web", "Type": "network", "Subnets": ["subnet-x"]});
        assert_eq!(refused(&mut world, "CreateLoadBalancer", outside), "InvalidSubnet");
    }

    #[test]
    fn a_small_subnet_has_room_for_one_load_balancer_but_not_for_many() {
        let mut world = world();
        let create = |world: &mut _, name: &str| {
            call(world, "CreateLoadBalancer", json!({"Name": name, "Type": "network", "Subnets": ["subnet-c"]}))
        };
        for name in ["a", "b", "c", "d"] {
            create(&mut world, name).expect(name);
        }
        assert_eq!(create(&mut world, "e").expect_err("no room").code, "InvalidSubnet");
    }

    #[test]
    fn a_deletion_takes_interfaces_listeners_and_rules_and_can_be_repeated() {
        let mut world = world();
        let (arn, group) = (balancer(&mut world, "web"), group(&mut world, "web", "HTTP"));
        let listener = listener(&mut world, &arn, 80, &group);
        rule(&mut world, &listener, 1, "/a", &group);
        let input = json!({"LoadBalancerArn": arn});
        let protection = |on: &str| json!({"LoadBalancerArn": arn, "Attributes": [{"Key": "deletion_protection.enabled", "Value": on}]});
        done(&mut world, "ModifyLoadBalancerAttributes", protection("true"));
        assert_eq!(refused(&mut world, "DeleteLoadBalancer", input.clone()), "OperationNotPermitted");
        done(&mut world, "ModifyLoadBalancerAttributes", protection("false"));
        done(&mut world, "DeleteLoadBalancer", input.clone());
        done(&mut world, "DeleteLoadBalancer", input.clone());
        let state = &world.state;
        assert!(state.interfaces.is_empty() && state.listeners.is_empty() && state.rules.is_empty());
        assert_eq!(refused(&mut world, "DescribeListeners", input), "LoadBalancerNotFound");
    }

    #[test]
    fn lists_come_in_pages_and_take_one_selection() {
        let mut world = world();
        let arns = ["a", "b", "c"].map(|name| balancer(&mut world, name));
        let first = done(&mut world, "DescribeLoadBalancers", json!({"PageSize": "2"}));
        let next = json!({"PageSize": "2", "Marker": first["NextMarker"]});
        let second = done(&mut world, "DescribeLoadBalancers", next);
        let count = |page: &serde_json::Value| page["LoadBalancers"].as_array().map(Vec::len);
        assert_eq!((count(&first), count(&second)), (Some(2), Some(1)));
        assert!(second["NextMarker"].is_null());
        let both = json!({"Names": ["a"], "LoadBalancerArns": [arns[0]]});
        for wrong in [json!({"PageSize": "401"}), json!({"PageSize": "0"}), json!({"Marker": "x"}), both] {
            assert_eq!(refused(&mut world, "DescribeLoadBalancers", wrong), "ValidationError");
        }
        for unknown in [json!({"Names": ["a", "z"]}), json!({"LoadBalancerArns": [format!("{}0", arns[0])]})] {
            assert_eq!(refused(&mut world, "DescribeLoadBalancers", unknown), "LoadBalancerNotFound");
        }
    }
}
