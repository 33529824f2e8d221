//! A network to test against: two VPCs, three zones, one gateway.

use serde_json::{Value, json};

use crate::World;
use crate::refusal::Answer;
use crate::state::{Gateway, SecurityGroup, Subnet, Vpc};

pub const CERTIFICATE: &str = "arn:aws:acm:eu-west-1:123456789012:certificate/0000";

/// `vpc-1` (10.0.0.0/16) with `subnet-a` to `subnet-c` and a second one in the first zone, `subnet-a2`; `vpc-2`
/// (10.1.0.0/16) with `subnet-x`.
pub fn world() -> World {
    let mut world = World::new(1);
    for (vpc, cidr) in [("vpc-1", "10.0.0.0/16"), ("vpc-2", "10.1.0.0/16")] {
        let default_group = format!("sg-of-{vpc}");
        let group = |id: &str| SecurityGroup {
            id: id.to_owned(),
            name: id.to_owned(),
            description: String::new(),
            vpc: vpc.to_owned(),
            tags: Default::default(),
        };
        world.state.groups.insert(default_group.clone(), group(&default_group));
        let network = Vpc {
            id: vpc.to_owned(),
            cidr: cidr.parse().expect("a block"),
            is_default: false,
            default_group,
            default_acl: String::new(),
            main_route_table: String::new(),
            attributes: Default::default(),
            tags: Default::default(),
        };
        world.state.vpcs.insert(vpc.to_owned(), network);
    }
    for (id, vpc, cidr, zone) in [
        ("subnet-a", "vpc-1", "10.0.0.0/24", "eu-west-1a"),
        ("subnet-a2", "vpc-1", "10.0.1.0/24", "eu-west-1a"),
        ("subnet-b", "vpc-1", "10.0.2.0/24", "eu-west-1b"),
        ("subnet-c", "vpc-1", "10.0.3.0/28", "eu-west-1c"),
        ("subnet-x", "vpc-2", "10.1.0.0/24", "eu-west-1b"),
    ] {
        world.state.subnets.insert(id.to_owned(), subnet(id, vpc, cidr, zone));
    }
    let gateway = Gateway { id: "igw-1".to_owned(), vpc: Some("vpc-1".to_owned()), tags: Default::default() };
    world.state.gateways.insert("igw-1".to_owned(), gateway);
    world
}

fn subnet(id: &str, vpc: &str, cidr: &str, zone: &str) -> Subnet {
    Subnet {
        id: id.to_owned(),
        vpc: vpc.to_owned(),
        cidr: cidr.parse().expect("a block"),
        zone: zone.to_owned(),
        acl: String::new(),
        acl_association: String::new(),
        route_table: None,
        map_public_ip: false,
        next_address: 4,
        tags: Default::default(),
    }
}

pub fn call(world: &mut World, name: &str, input: Value) -> Answer {
    world.call(&format!("elasticloadbalancing:{name}"), &input)
}

/// A call that has to be taken.
pub fn done(world: &mut World, name: &str, input: Value) -> Value {
    call(world, name, input).expect(name)
}

/// The code of a call that has to be refused, and that changes nothing.
pub fn refused(world: &mut World, name: &str, input: Value) -> String {
    let before = format!("{:?}", standing(world));
    let code = call(world, name, input).expect_err(name).code;
    assert_eq!(before, format!("{:?}", standing(world)), "{name} changed something");
    code
}

fn standing(world: &World) -> impl std::fmt::Debug {
    let state = &world.state;
    (&state.load_balancers, &state.listeners, &state.rules, &state.target_groups, &state.interfaces)
}

fn arn(answer: &Value, list: &str, member: &str) -> String {
    answer[list][0][member].as_str().expect("an ARN").to_owned()
}

pub fn balancer(world: &mut World, name: &str) -> String {
    let input = json!({"Name": name, "Subnets": ["subnet-a", "subnet-b"]});
    arn(&done(world, "CreateLoadBalancer", input), "LoadBalancers", "LoadBalancerArn")
}

pub fn network_balancer(world: &mut World, name: &str) -> String {
    let input = json!({"Name": name, "Type": "network", "Subnets": ["subnet-a"]});
    arn(&done(world, "CreateLoadBalancer", input), "LoadBalancers", "LoadBalancerArn")
}

pub fn group(world: &mut World, name: &str, protocol: &str) -> String {
    let input = json!({"Name": name, "Protocol": protocol, "Port": "80", "VpcId": "vpc-1", "TargetType": "ip"});
    arn(&done(world, "CreateTargetGroup", input), "TargetGroups", "TargetGroupArn")
}

pub fn listener(world: &mut World, balancer: &str, port: u16, group: &str) -> String {
    let actions = json!([{"Type": "forward", "TargetGroupArn": group}]);
    let input = json!({
        "LoadBalancerArn": balancer, "Protocol": "HTTP", "Port": port.to_string(), "DefaultActions": actions,
    });
    arn(&done(world, "CreateListener", input), "Listeners", "ListenerArn")
}

/// The input of a rule for a path.
pub fn rule_input(listener: &str, priority: i64, path: &str, group: &str) -> Value {
    json!({
        "ListenerArn": listener,
        "Priority": priority.to_string(),
        "Conditions": [{"Field": "path-pattern", "Values": [path]}],
        "Actions": [{"Type": "forward", "TargetGroupArn": group}],
    })
}

pub fn rule(world: &mut World, listener: &str, priority: i64, path: &str, group: &str) -> String {
    let input = rule_input(listener, priority, path, group);
    arn(&done(world, "CreateRule", input), "Rules", "RuleArn")
}
