//! What clients get: requests to every listener and rule of a world, and how they are answered.

use std::collections::{BTreeMap, BTreeSet};

use portolan::sandbox::{Sent, World};
use serde_json::{Value, json};

/// Requests go round targets and nodes; after so many of them every answer has been seen.
const ROUNDS: usize = 6;

/// A request that some listener or rule is there for.
#[derive(Clone, Debug)]
pub struct Probe {
    pub name: String,
    sent: Sent,
}

/// The codes that each probe got.
pub type Answers = Vec<BTreeSet<Option<u16>>>;

/// The requests that the listeners and rules of a world imply.
pub fn probes(world: &World) -> Vec<Probe> {
    let mut world = world.clone();
    let mut probes = Vec::new();
    for balancer in list(&mut world, "DescribeLoadBalancers", &json!({}), "LoadBalancers") {
        let of_balancer = json!({"LoadBalancerArn": balancer["LoadBalancerArn"]});
        for listener in list(&mut world, "DescribeListeners", &of_balancer, "Listeners") {
            let mut sent = Sent::get("www.example.com", "/");
            sent.load_balancer = balancer["LoadBalancerName"].as_str().map(str::to_owned);
            sent.port = listener["Port"].as_u64().and_then(|port| u16::try_from(port).ok()).unwrap_or(80);
            if balancer["Scheme"] == "internal" {
                sent.from = [10, 0, 10, 77].into();
            }
            let place = format!("{}:{}", balancer["LoadBalancerName"].as_str().unwrap_or_default(), sent.port);
            let of_listener = json!({"ListenerArn": listener["ListenerArn"]});
            for rule in list(&mut world, "DescribeRules", &of_listener, "Rules") {
                let conditions = rule["Conditions"].as_array().cloned().unwrap_or_default();
                let fitting = conditions.iter().fold(vec![sent.clone()], |sent, condition| fit(&sent, condition));
                probes.extend(fitting.into_iter().map(|sent| Probe { name: format!("{place}{}", sent.path), sent }));
            }
            probes.push(Probe { name: format!("{place}/"), sent });
        }
    }
    probes
}

/// Everything of a list, in one page.
pub fn list(world: &mut World, operation: &str, input: &Value, name: &str) -> Vec<Value> {
    let answer = world.call(&format!("elasticloadbalancing:{operation}"), input);
    let answer = answer.ok().and_then(|answer| answer[name].as_array().cloned());
    answer.unwrap_or_default()
}

/// The requests that meet a condition besides: one for each of its values.
fn fit(sent: &[Sent], condition: &Value) -> Vec<Sent> {
    let config = condition.as_object().and_then(|members| members.iter().find(|(name, _)| name.ends_with("Config")));
    let config = config.map_or(condition, |(_, config)| config);
    let values = config["Values"].as_array().cloned().unwrap_or_default();
    let plain = |value: &Value| value.as_str().unwrap_or_default().replace(['*', '?'], "1");
    let mut fitting = Vec::new();
    for sent in sent {
        for value in &values {
            let mut sent = sent.clone();
            match condition["Field"].as_str().unwrap_or_default() {
                "host-header" => sent.host = plain(value),
                "path-pattern" => sent.path = plain(value) + sent.path.split_once('?').map_or("", |(_, query)| query),
                "http-request-method" => sent.method = plain(value),
                "http-header" => {
                    let name = config["HttpHeaderName"].as_str().unwrap_or_default().to_owned();
                    sent.headers.insert(name, plain(value));
                }
                "query-string" => {
                    let key = value["Key"].as_str().unwrap_or("key");
                    sent.path = format!("{}?{key}={}", sent.path, plain(&value["Value"]));
                }
                "source-ip" => {
                    let cidr = value.as_str().unwrap_or_default().split('/').next().unwrap_or_default();
                    sent.from = cidr.parse().unwrap_or(sent.from);
                }
                _ => {}
            }
            fitting.push(sent);
        }
    }
    if fitting.is_empty() { sent.to_vec() } else { fitting }
}

/// Sends each probe as often as it takes.
pub fn answers(world: &World, probes: &[Probe]) -> Answers {
    let mut world = world.clone();
    let answered = |probe: &Probe| (0..ROUNDS).map(|_| world.request(&probe.sent).code).collect();
    probes.iter().map(answered).collect()
}

fn is_good(code: &Option<u16>) -> bool {
    code.is_some_and(|code| (200..400).contains(&code))
}

/// Whether clients are served less than they would be: none of several, or not always any more.
pub fn is_worse(left_alone: &BTreeSet<Option<u16>>, now: &BTreeSet<Option<u16>>) -> bool {
    let (all, some) =
        (|codes: &BTreeSet<_>| codes.iter().all(is_good), |codes: &BTreeSet<_>| codes.iter().any(is_good));
    (all(left_alone) && !all(now)) || (some(left_alone) && !some(now))
}

/// A world that nobody works on, at any time.
pub struct LeftAlone {
    world: World,
    probes: Vec<Probe>,
    /// By seconds since it was left.
    known: BTreeMap<i64, Answers>,
}

impl LeftAlone {
    pub fn new(world: World, probes: Vec<Probe>) -> Self {
        Self { world, probes, known: BTreeMap::new() }
    }

    /// What is served at a moment; time goes on in it, never back.
    pub fn at(&mut self, now: jiff::Timestamp) -> &Answers {
        let key = now.as_second();
        let (world, probes) = (&self.world, &self.probes);
        self.known.entry(key).or_insert_with(|| {
            let mut world = world.clone();
            world.advance_to(now);
            answers(&world, probes)
        })
    }
}
