//! Every folder of `tests/worlds` is a test of tracing: a world, what is declared for it, and in `expect` what tracing has to say. Here only the worlds themselves are held to their word: that they load, that
//! a request fares as they say, and that health and events show the failure that they are named for.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::PathBuf;

use portolan::manifest::{self, Source};
use portolan::sandbox::{Sent, World, world_file};
use portolan::trace::catalogue;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::folder;

/// The codes that trace looks for and that no world shows. No new code comes here.
const WITHOUT_A_WORLD: [&str; 6] = ["M06", "M17", "M20", "M22", "M23", "M25"];

const HOPS: &str = "load-balancer listener rule target-group service-wiring registration availability-zone \
                    load-balancer-egress network-acl target-security-group port-binding application";

/// Requests go round targets and nodes; after so many of them every answer has been seen.
const ROUNDS: usize = 24;

/// What a world promises, and what tracing has to say of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Expect {
    about: String,
    #[serde(default)]
    sound: bool,
    /// For tracing: nothing that can be read proves it.
    #[serde(default)]
    unproven: bool,
    /// For tracing: every request is answered all the same.
    #[serde(default, rename = "degraded")]
    _degraded: bool,
    /// The failure that the world shows, and the first hop that it breaks.
    code: Option<String>,
    hop: Option<String>,
    /// What the evidence cannot tell apart.
    #[serde(default)]
    codes: BTreeSet<String>,
    /// What may be found besides.
    #[serde(default)]
    companions: BTreeSet<String>,
    /// Whether a plan repairs it.
    mends: Option<bool>,
    request: Request,
    /// The code, or all the codes that are seen; null is no answer.
    before: Value,
    #[serde(default)]
    after: Value,
    /// Part of what the sandbox says of one of the requests: why it came to this, or the way that it took.
    why: Option<String>,
    /// States and reasons of the targets, all of them.
    #[serde(default)]
    health: Vec<Health>,
    /// What the service has said.
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Request {
    host: String,
    path: String,
    port: u16,
    load_balancer: Option<String>,
    method: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    from: Option<Ipv4Addr>,
    transport: Option<String>,
    #[serde(default)]
    private_link: bool,
}

/// Without a state the group has no target.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Health {
    target_group: String,
    state: Option<String>,
    reason: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Event {
    service: String,
    says: String,
}

struct Folder {
    name: String,
    world: String,
    manifest: String,
    expect: Expect,
}

fn folders() -> Vec<Folder> {
    let read = |path: PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let files = folder::open(&path);
        let world = files.world.unwrap_or_else(|| panic!("{name}: it has no world"));
        let expect = files.expect.unwrap_or_else(|| panic!("{name}: it expects nothing"));
        let expect = serde_saphyr::from_str(&expect).unwrap_or_else(|error| panic!("{name}: expect: {error}"));
        Folder { world, manifest: files.manifest, expect, name }
    };
    folder::all("worlds").into_iter().map(read).collect()
}

impl Folder {
    fn world(&self) -> World {
        world_file::load(&format!("{}/world.yaml", self.name), &self.world).unwrap_or_else(|error| panic!("{error}"))
    }

    fn sent(&self) -> Sent {
        let request = &self.expect.request;
        let get = Sent::get(&request.host, &request.path);
        Sent {
            load_balancer: request.load_balancer.clone(),
            port: request.port,
            method: request.method.clone().unwrap_or(get.method),
            headers: request.headers.clone(),
            from: request.from.unwrap_or(get.from),
            by_udp: request.transport.as_deref() == Some("udp"),
            by_private_link: request.private_link,
            ..get
        }
    }
}

/// Holds every folder against something that has a complaint or not; all complaints are told at once.
fn all(check: impl Fn(&Folder) -> Vec<String>) {
    let told = |folder: &Folder| -> Vec<String> {
        check(folder).into_iter().map(|complaint| format!("{}: {complaint}", folder.name)).collect()
    };
    let complaints: Vec<String> = folders().iter().flat_map(told).collect();
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

fn codes(answers: &Value) -> BTreeSet<Option<u64>> {
    match answers {
        Value::Array(several) => several.iter().map(Value::as_u64).collect(),
        one => BTreeSet::from([one.as_u64()]),
    }
}

#[test]
fn every_code_that_trace_looks_for_has_a_world() {
    let folders = folders();
    let shown: BTreeSet<_> = folders.iter().filter_map(|folder| folder.expect.code.as_deref()).collect();
    let looked_for = catalogue::all().filter(|entry| entry.hop.is_some()).map(|entry| format!("M{:02}", entry.number));
    let missing: Vec<_> = looked_for.filter(|code| !shown.contains(code.as_str())).collect();
    assert_eq!(missing, WITHOUT_A_WORLD, "a world shows each code besides these");
}

#[test]
fn every_world_says_what_tracing_is_to_find_in_it() {
    all(|folder| {
        let Expect { about, sound, unproven, code, hop, codes: set, companions, mends, before, after, .. } =
            &folder.expect;
        let mut complaints = Vec::new();
        let mut need = |holds: bool, what: &str| {
            if !holds {
                complaints.push(what.to_owned())
            }
        };
        need(!about.is_empty(), "it does not say what it is about");
        if *sound {
            need(folder.name.starts_with("sound-"), "its name does not say that it is sound");
            let is_quiet = hop.is_none() && set.is_empty();
            need(code.is_none() && (is_quiet || *unproven), "it is sound, and names a failure");
            need(codes(before) == BTreeSet::from([Some(200)]), "it is sound, and its request is not answered by 200");
            return complaints;
        }
        let code = code.clone().unwrap_or_default();
        need(folder.name.starts_with(&format!("{}-", code.to_lowercase())), "its name does not begin with its code");
        need(hop.as_deref().is_some_and(|hop| HOPS.split(' ').any(|known| known == hop)), "its hop is none");
        need(set.contains(&code), "its codes do not contain its own");
        need(companions.is_disjoint(set), "a companion is one of its codes");
        need(mends.is_some(), "it does not say whether a plan mends it");
        need(*mends != Some(true) || codes(after) == BTreeSet::from([Some(200)]), "it is mended, and yet not answered");
        need(*mends != Some(false) || after == before, "it is not mended, and yet answered in another way");
        complaints
    });
}

#[test]
fn every_manifest_of_a_world_validates() {
    all(|folder| {
        let source =
            Source { name: "manifest.yaml".to_owned(), text: folder.manifest.clone(), files: Default::default() };
        manifest::load(&[source]).err().unwrap_or_default().iter().map(ToString::to_string).collect()
    });
}

#[test]
fn a_request_fares_in_every_world_as_it_says() {
    all(|folder| {
        let (mut world, sent, expect) = (folder.world(), folder.sent(), &folder.expect);
        let answers: Vec<_> = (0..ROUNDS).map(|_| world.request(&sent)).collect();
        let told: BTreeSet<String> = answers.iter().map(ToString::to_string).collect();
        let seen: BTreeSet<_> = answers.iter().map(|answer| answer.code.map(u64::from)).collect();
        let mut complaints = Vec::new();
        if seen != codes(&expect.before) {
            complaints.push(format!("expected {}, and saw {told:?}", expect.before));
        }
        if let Some(why) = expect.why.as_ref().filter(|why| !told.iter().any(|line| line.contains(why.as_str()))) {
            complaints.push(format!("no answer says {why:?}, but {told:?}"));
        }
        complaints
    });
}

#[test]
fn what_is_broken_by_hand_was_sound_before() {
    all(|folder| {
        let Some((before, _)) = folder.world.split_once("\nthen:") else { return Vec::new() };
        let mut world = world_file::load(&folder.name, before).unwrap_or_else(|error| panic!("{error}"));
        let answers: BTreeSet<_> = (0..ROUNDS).map(|_| world.request(&folder.sent()).to_string()).collect();
        answers.into_iter().filter(|answer| !answer.starts_with("200 ")).collect()
    });
}

/// States and reasons of all targets of a group.
fn health(world: &mut World, group: &str) -> BTreeSet<(Option<String>, Option<String>)> {
    let mut call = |call: &str, input: Value| world.call(call, &input).unwrap_or_else(|refusal| panic!("{refusal}"));
    let found = call("elasticloadbalancing:DescribeTargetGroups", json!({"Names": [group]}));
    let arn = &found["TargetGroups"][0]["TargetGroupArn"];
    let described = call("elasticloadbalancing:DescribeTargetHealth", json!({"TargetGroupArn": arn}));
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let targets = described["TargetHealthDescriptions"].as_array().into_iter().flatten();
    targets.map(|target| (text(&target["TargetHealth"]["State"]), text(&target["TargetHealth"]["Reason"]))).collect()
}

#[test]
fn target_health_shows_the_failure_that_a_world_is_named_for() {
    all(|folder| {
        let mut world = folder.world();
        let mut groups: BTreeMap<&str, BTreeSet<_>> = BTreeMap::new();
        for one in &folder.expect.health {
            let all = groups.entry(&one.target_group).or_default();
            all.extend(one.state.clone().map(|state| (Some(state), one.reason.clone())));
        }
        let differs = |(group, wanted): (&str, BTreeSet<_>)| {
            let found = health(&mut world, group);
            (found != wanted).then(|| format!("targets of {group}: expected {wanted:?}, found {found:?}"))
        };
        groups.into_iter().filter_map(differs).collect()
    });
}

#[test]
fn services_say_what_the_failure_makes_them_say() {
    all(|folder| {
        let mut world = folder.world();
        let unsaid = |event: &Event| {
            let (cluster, service) = event.service.split_once('/').expect("cluster/service");
            let input = json!({"cluster": cluster, "services": [service]});
            let found = world.call("ecs:DescribeServices", &input).unwrap_or_else(|refusal| panic!("{refusal}"));
            let events = found["services"][0]["events"].as_array().into_iter().flatten();
            let said: BTreeSet<&str> = events.filter_map(|event| event["message"].as_str()).collect();
            let is_said = said.iter().any(|text| text.contains(&event.says));
            (!is_said).then(|| format!("{} does not say {:?}, but {said:#?}", event.service, event.says))
        };
        folder.expect.events.iter().filter_map(unsaid).collect()
    });
}
