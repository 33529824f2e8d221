//! A request through a listener, as a client would see it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;

use serde_json::Value;

use super::filter::{End, Traffic, acl_admits, groups_admit};
use super::health;
use super::input::Input;
use super::path::{self, Reached};
use super::registration::{health_of, zone_of};
use super::routing::{self, Asked};
use super::state::{Listen, Listener, LoadBalancer, NetworkInterface, Speaks, State, Target, TargetGroup};

/// A request of a client.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Name of the load balancer; may be left out where there is one only.
    pub load_balancer: Option<String>,
    /// The listener's port.
    pub port: u16,
    /// Such as `GET`.
    pub method: String,
    /// The `Host` header.
    pub host: String,
    /// Path, and query behind a `?`.
    pub path: String,
    /// Other headers.
    pub headers: BTreeMap<String, String>,
    /// Where the client is.
    pub from: Ipv4Addr,
    /// By UDP where the listener takes both TCP and UDP; one that takes one of them alone gets that.
    pub by_udp: bool,
    /// Through an endpoint service of the load balancer, as a client of AWS PrivateLink.
    pub by_private_link: bool,
}

impl Sent {
    /// A GET on port 80 from somewhere in the internet.
    pub fn get(host: &str, path: &str) -> Self {
        Self {
            load_balancer: None,
            port: 80,
            method: "GET".to_owned(),
            host: host.to_owned(),
            path: path.to_owned(),
            headers: BTreeMap::new(),
            from: Ipv4Addr::new(198, 51, 100, 7),
            by_udp: false,
            by_private_link: false,
        }
    }
}

/// What a client sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The HTTP code; absent where no answer came at all.
    pub code: Option<u16>,
    /// Why it came to this, where the answer is not a target's.
    pub why: String,
    /// The way that it took: listener, rule, target group, target.
    pub route: Vec<String>,
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "{code}")?,
            None => f.write_str("no answer")?,
        }
        if !self.why.is_empty() {
            write!(f, " ({})", self.why)?;
        }
        write!(f, " by {}", self.route.join(" → "))
    }
}

/// A request under way.
struct Way<'a> {
    state: &'a State,
    sent: &'a Sent,
    route: Vec<String>,
    /// Chooses among equals: requests go round.
    turn: u64,
    is_udp: bool,
}

/// Sends a request.
pub fn send(state: &mut State, sent: &Sent) -> Answered {
    state.requests += 1;
    let mut way = Way { state, sent, route: Vec::new(), turn: state.requests, is_udp: false };
    let (code, why) = way.reach_listener();
    Answered { code, why, route: way.route }
}

type Result = (Option<u16>, String);

fn silence(why: &str) -> Result {
    (None, why.to_owned())
}

fn code(code: u16, why: &str) -> Result {
    (Some(code), why.to_owned())
}

impl<'a> Way<'a> {
    fn reach_listener(&mut self) -> Result {
        let state = self.state;
        let named =
            |balancer: &&LoadBalancer| self.sent.load_balancer.as_ref().is_none_or(|name| *name == balancer.name);
        let mut found = state.load_balancers.values().filter(named);
        let (Some(balancer), None) = (found.next(), found.next()) else {
            return silence("no such load balancer, or several");
        };
        self.route.push(format!("{}:{}", balancer.name, self.sent.port));
        let at = |listener: &&Listener| listener.load_balancer == balancer.arn && listener.port == self.sent.port;
        let listener = state.listeners.values().find(at);
        self.is_udp = match listener.map(|listener| listener.protocol.as_str()) {
            Some("UDP") => true,
            Some("TCP_UDP") => self.sent.by_udp,
            Some(_) | None => false,
        };
        if let Some(why) = self.kept_out(balancer) {
            return silence(&why);
        }
        match listener {
            Some(listener) => self.by_rule(balancer, listener),
            None => silence("nothing listens on this port"),
        }
    }

    /// What keeps a client from the load balancer's nodes.
    fn kept_out(&self, balancer: &LoadBalancer) -> Option<String> {
        let traffic = Traffic { is_udp: self.is_udp, port: self.sent.port };
        let client = self.client(balancer);
        if balancer.status != "active" {
            return Some("the load balancer is being provisioned".to_owned());
        }
        if self.sent.by_private_link {
            return self.kept_out_of_service(balancer, traffic);
        }
        let is_outside = self.state.vpcs.get(&balancer.vpc).is_none_or(|vpc| !vpc.cidr.contains(&self.sent.from));
        if is_outside && balancer.scheme == "internal" && !self.sent.from.is_private() {
            return Some("an internal load balancer has no public address".to_owned());
        }
        let groups = balancer.groups.iter().cloned().collect();
        if !balancer.groups.is_empty() && !groups_admit(self.state, &groups, false, &client, traffic) {
            return Some("timed out: the load balancer's security groups do not allow the client".to_owned());
        }
        let subnet = self.node_subnet(balancer)?;
        if is_outside && balancer.scheme != "internal" && !has_way_out(self.state, subnet) {
            return Some("timed out: the load balancer's subnet has no route to an internet gateway".to_owned());
        }
        let admits =
            client.subnet.as_ref() == Some(subnet) || acl_admits(self.state, subnet, false, self.sent.from, traffic);
        (!admits).then(|| "timed out: the network ACL of the load balancer's subnet".to_owned())
    }

    /// What keeps a client of AWS PrivateLink from the load balancer.
    fn kept_out_of_service(&self, balancer: &LoadBalancer, traffic: Traffic) -> Option<String> {
        let mut services = self.state.endpoint_services.values();
        if !services.any(|service| service.load_balancers.contains(&balancer.arn)) {
            return Some("no endpoint service leads to the load balancer".to_owned());
        }
        let client = End { address: self.sent.from, groups: Default::default(), subnet: None };
        let groups: BTreeSet<String> = balancer.groups.iter().cloned().collect();
        let is_filtered = balancer.filters_private_link && !groups.is_empty();
        (is_filtered && !groups_admit(self.state, &groups, false, &client, traffic)).then(|| {
            "timed out: the load balancer's security groups do not allow the client of AWS PrivateLink".to_owned()
        })
    }

    /// The client as the load balancer's groups see it: a client with an interface in the VPC comes with its groups.
    fn client(&self, balancer: &LoadBalancer) -> End {
        let is_it = |one: &&NetworkInterface| one.address == self.sent.from && one.vpc == balancer.vpc;
        let nowhere = || End { address: self.sent.from, groups: Default::default(), subnet: None };
        self.state.interfaces.values().find(is_it).map_or_else(nowhere, path::end_of)
    }

    /// Subnet of the node that answers this time.
    fn node_subnet(&self, balancer: &'a LoadBalancer) -> Option<&'a String> {
        let count = balancer.interfaces.len().max(1) as u64;
        balancer.interfaces.keys().nth((self.turn % count) as usize)
    }

    fn by_rule(&mut self, balancer: &LoadBalancer, listener: &Listener) -> Result {
        let (path, query) = self.sent.path.split_once('?').unwrap_or((&self.sent.path, ""));
        let Sent { method, host, headers, from, .. } = self.sent;
        let asked = Asked { method, host, path, query, headers, from: *from };
        let mut rules: Vec<_> = self.state.rules.values().filter(|rule| rule.listener == listener.arn).collect();
        rules.sort_by_key(|rule| rule.priority);
        match rules.into_iter().find(|rule| routing::takes(&rule.conditions, &asked)) {
            Some(rule) => {
                self.route.push(format!("rule {}", rule.priority));
                let path = routing::rewritten(&rule.transforms, path);
                self.act(balancer, &rule.actions, &path)
            }
            None => {
                self.route.push("default action".to_owned());
                self.act(balancer, &listener.actions, path)
            }
        }
    }

    fn act(&mut self, balancer: &LoadBalancer, actions: &[Value], path: &str) -> Result {
        let first = actions.first().map(Input);
        let kind = first.and_then(|action| action.text("Type")).unwrap_or_default();
        let config = |name: &str| first.and_then(|action| action.get(name));
        let number = |config: Option<Input>| {
            let text = config.and_then(|config| config.text("StatusCode")).unwrap_or_default();
            text.trim_start_matches("HTTP_").parse().unwrap_or(500)
        };
        match kind {
            "fixed-response" => code(number(config("FixedResponseConfig")), "a fixed response"),
            "redirect" => code(number(config("RedirectConfig")), "a redirect"),
            "authenticate-oidc" | "authenticate-cognito" => code(302, "to the login page"),
            "jwt-validation" => code(401, "no token"),
            _ => self.forward(balancer, actions, path),
        }
    }

    fn forward(&mut self, balancer: &LoadBalancer, actions: &[Value], path: &str) -> Result {
        let weighted: Vec<(&str, i64)> = routing::forwards(actions).collect();
        let total: i64 = weighted.iter().map(|(_, weight)| weight).sum();
        let mut place = if total > 0 { (self.turn as i64) % total } else { 0 };
        let chosen = weighted.iter().find(|(_, weight)| {
            place -= weight;
            place < 0
        });
        let Some(group) = chosen.and_then(|(arn, _)| self.state.target_groups.get(*arn)) else {
            return code(503, "the action forwards to no target group");
        };
        self.route.push(format!("target group {}", group.name));
        let is_application = balancer.is_application();
        match self.target(balancer, group) {
            Some(target) => self.reach_target(balancer, group, target, path),
            None if is_application => code(503, "the target group has no target in use"),
            None => silence("refused: the target group has no target in use"),
        }
    }

    /// A healthy target, or any that is in use where none is healthy: load balancers fail open.
    fn target<'b>(&mut self, balancer: &LoadBalancer, group: &'b TargetGroup) -> Option<&'b Target> {
        let node_zone = self.node_subnet(balancer).and_then(|subnet| self.state.subnets.get(subnet));
        let node_zone = node_zone.map(|subnet| subnet.zone.clone());
        let is_local = |target: &&Target| {
            crosses_zones(balancer, group)
                || zone_of(self.state, group, target)
                    .is_none_or(|zone| Some(&zone) == node_zone.as_ref() || zone == "all")
        };
        let with_state = |wanted: &[&str]| -> Vec<&'b Target> {
            let fits = |target: &&Target| wanted.contains(&health_of(self.state, group, target).state);
            group.targets.values().filter(is_local).filter(fits).collect()
        };
        let healthy = with_state(&["healthy"]);
        let open = if healthy.is_empty() { with_state(&["initial", "unhealthy"]) } else { healthy };
        let chosen = open.get((self.turn as usize) % open.len().max(1)).copied();
        if let Some(target) = chosen {
            let state = health_of(self.state, group, target).state;
            let note = if state == "healthy" { String::new() } else { format!(", {state}") };
            self.route.push(format!("{}:{}{note}", target.id, target.port));
        }
        chosen
    }

    fn reach_target(&mut self, balancer: &LoadBalancer, group: &TargetGroup, target: &Target, path: &str) -> Result {
        let is_application = balancer.is_application();
        let nodes = health::nodes(self.state, balancer);
        let address = health::address_of(self.state, target);
        let (Some(node), Some(to)) = (nodes.get((self.turn as usize) % nodes.len().max(1)), address) else {
            return code(503, "the load balancer has no node");
        };
        // Targets see the load balancer's address of clients of AWS PrivateLink.
        let keeps = keeps_client(balancer, group) && !self.sent.by_private_link;
        let from = if keeps { End { address: self.sent.from, ..node.clone() } } else { node.clone() };
        match path::follow(self.state, &from, to, Traffic { is_udp: self.is_udp, port: target.port }) {
            Reached::Dropped(what) if is_application => code(504, &format!("timed out: {what}")),
            Reached::Dropped(what) => silence(&format!("timed out: {what}")),
            Reached::Refused if is_application => code(502, "the target refused the connection"),
            Reached::Refused => silence("the target refused the connection"),
            Reached::Open(open) => {
                self.route.push(open.owner.clone());
                if open.listen.latency > 60_000 {
                    return code(504, "the target took longer than the idle time-out");
                }
                match self.is_udp {
                    // What listens on a port hears both. A datagram that arrives is answered.
                    true => code(open.listen.code_of(path), ""),
                    false => answered(balancer, group, &open.listen, path),
                }
            }
        }
    }
}

/// What a client hears from an open port. An application load balancer speaks the target group's protocol; a network one
/// passes on what the client speaks, and clients speak what the app does. Every answer of gRPC is a 200 of HTTP.
fn answered(balancer: &LoadBalancer, group: &TargetGroup, listen: &Listen, path: &str) -> Result {
    let version = group.protocol_version.as_deref();
    let number = match (balancer.is_application(), listen.speaks) {
        (true, _) => health::answer(listen, &group.protocol, version, Some(path)),
        (false, Speaks::Tcp) => return silence("the target does not speak HTTP"),
        (false, Speaks::Http | Speaks::Https | Speaks::Grpc) => Some(listen.code_of(path)),
    };
    match number {
        Some(_) if listen.speaks == Speaks::Grpc => code(200, ""),
        Some(number) => code(number, ""),
        None => code(502, "the target does not speak the target group's protocol"),
    }
}

/// Whether the load balancer's nodes send to targets of other zones (aws-facts 3.5).
fn crosses_zones(balancer: &LoadBalancer, group: &TargetGroup) -> bool {
    let own = group.attributes.get("load_balancing.cross_zone.enabled").map(String::as_str);
    match own {
        Some("true") => true,
        Some("false") => false,
        _ => {
            let general = balancer.attributes.get("load_balancing.cross_zone.enabled");
            balancer.is_application() || general.is_some_and(|value| value == "true")
        }
    }
}

/// Whether targets see the client's own address (aws-facts 3.5).
fn keeps_client(balancer: &LoadBalancer, group: &TargetGroup) -> bool {
    group.attributes.get("preserve_client_ip.enabled").is_some_and(|value| value == "true")
        && !balancer.is_application()
}

/// Whether a subnet's route table leads to an internet gateway.
fn has_way_out(state: &State, subnet: &str) -> bool {
    let Some(subnet) = state.subnets.get(subnet) else { return false };
    let main = state.vpcs.get(&subnet.vpc).map(|vpc| &vpc.main_route_table);
    let table = subnet.route_table.as_ref().or(main).and_then(|id| state.route_tables.get(id));
    table.is_some_and(|table| {
        table.routes.iter().any(|route| route.destination == "0.0.0.0/0" && route.target.starts_with("igw-"))
    })
}
