//! The effects that planning and tracing believe in, compared with what AWS answers: in every world, after every step, the
//! planned state is what a new reading shows. Health, and what takes a deployment or a drain to happen, are left out.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use jiff::SignedDuration;
use portolan::apply::{StepResult, apply};
use portolan::aws::{Clients, Reader, Writer, in_process};
use portolan::model::{
    Observed, RuleActions, RuleArn, Seen, Serve, ServiceId, TargetGroup, TargetGroupArn, TargetState,
};
use portolan::pass;
use portolan::plan::effect::apply_effect;
use portolan::plan::{Action, Plan, Policy};
use portolan::sandbox::Shared;
use portolan::shape::{Path, SERVICE, differences};
use tokio_util::sync::CancellationToken;

use crate::faults::worlds::{self, Place};
use crate::{creation, handover, rollout};

/// Passes of a world: a replaced target group takes most.
const PASSES: usize = 8;

/// What was read or is believed, by its place: a value for each thing that a step may change.
type State = BTreeMap<String, String>;

#[tokio::test(start_paused = true)]
async fn what_steps_are_believed_to_do_is_what_aws_shows() {
    let (mut wrong, mut compared) = (Vec::new(), BTreeMap::new());
    let replaced = handover::places().into_iter().map(|(name, world, manifest)| Place::of(name, &world, &manifest));
    let rolled_out = rollout::places().into_iter().map(|(name, world, manifest)| Place::of(name, &world, &manifest));
    for place in worlds::names()
        .iter()
        .map(|name| worlds::open(name))
        .chain(replaced)
        .chain(rolled_out)
        .chain(creation::places())
    {
        live_through(place, &mut wrong, &mut compared).await;
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    let never: Vec<&str> = portolan::plan::OPERATIONS.into_iter().filter(|name| !compared.contains_key(name)).collect();
    assert!(never.is_empty(), "no world sends {never:?}: {compared:?}");
}

async fn live_through(place: Place, wrong: &mut Vec<String>, compared: &mut BTreeMap<&'static str, usize>) {
    let name = &place.name;
    let shared = Shared::still(place.world);
    let region = shared.world().region().to_owned();
    let answering = shared.clone();
    let clients = Clients::new(&in_process::config(&region, move |request| answering.answer(request)));
    let clients = clients.expect("clients of a sandbox");
    let reader = Reader::new(&clients);
    for pass in 0..PASSES {
        let now = shared.world().now();
        let Ok(look) = pass::look(&place.desired, &reader, &Policy::default(), now).await else { return };
        if look.plan.steps.is_empty() {
            return;
        }
        let (writer, stop) = (Writer::new(&clients), CancellationToken::new());
        let results = Box::pin(apply(&look.plan, &writer, NonZeroUsize::MIN, &stop, |_| {})).await.results;
        let created: Vec<ServiceId> = look.plan.steps.iter().filter_map(|step| created(&step.action)).collect();
        let mut believed = look.observed.clone();
        let is_done = |plan: &Plan, at: usize| results.get(&plan.steps[at].id) == Some(&StepResult::Done);
        for at in (0..look.plan.steps.len()).filter(|at| is_done(&look.plan, *at)) {
            apply_effect(&look.plan.steps[at], &mut believed);
            *compared.entry(look.plan.steps[at].action.operation()).or_default() += 1;
        }
        // With the network around every path: what a step opens or closes there counts, too.
        let read = pass::observe(&place.desired, &reader).await;
        let read = pass::observe_around(&place.desired, &reader, read).await;
        let (believed, read) = (state(&believed), state(&read));
        for (thing, value) in believed.iter().filter(|(thing, value)| read.get(*thing) != Some(*value)) {
            // These are read only as long as some step may depend on them.
            let may_be_left_out = thing.starts_with("attribute ") || thing.starts_with("targets of ");
            if may_be_left_out && !read.contains_key(thing) {
                continue;
            }
            // AWS shows its defaults for what was not sent.
            let is_new = created.iter().any(|id| *thing == format!("service {id}: members"));
            if is_new && read.get(thing).is_some_and(|read| has_all(read, value)) {
                continue;
            }
            let read = read.get(thing).map_or("nothing", String::as_str);
            wrong.push(format!("{name}, pass {pass}: {thing}\n  believed {value}\n  read     {read}"));
        }
        // What was not read before, and what no step brought about, is no news of an effect.
        let unforeseen = read.keys().filter(|thing| !believed.contains_key(*thing) && is_made(thing));
        wrong.extend(unforeseen.map(|thing| format!("{name}, pass {pass}: {thing} was not foreseen")));
        shared.world().advance(SignedDuration::from_mins(10));
    }
}

fn created(action: &Action) -> Option<ServiceId> {
    if let Action::CreateService(new) = action { Some(new.service.clone()) } else { None }
}

/// Whether members that were read have all that was sent.
fn has_all(read: &str, sent: &str) -> bool {
    let members = |text: &str| match serde_json::from_str(text) {
        Ok(serde_json::Value::Object(members)) => members,
        other => panic!("{other:?}"),
    };
    differences(&SERVICE, &members(read), &members(sent), &Path::default()).is_empty()
}

/// Things whose whole list is read in every look.
fn is_made(thing: &str) -> bool {
    ["target group ", "rule "].iter().any(|kind| thing.starts_with(kind))
}

/// With names of target groups in place of their ARNs, which a plan does not know beforehand.
fn state(observed: &Observed) -> State {
    let mut state = State::new();
    let groups: Vec<&TargetGroup> = observed.target_groups.as_ref().present().into_iter().flatten().collect();
    let by_name = |text: String| {
        groups.iter().fold(text, |text, group| text.replace(group.arn.as_str(), &format!("arn of {}", group.name)))
    };
    for (id, service) in &observed.services {
        let Seen::Present(live) = service else { continue };
        let entries = live.load_balancers.iter().map(|entry| by_name(format!("{entry:?}"))).collect();
        let definition = observed.task_definition(&live.task_definition).present();
        let runs = definition.map(|found| (&found.containers, &found.tags, &found.network_mode));
        state.insert(format!("service {id}: count"), live.desired_count.to_string());
        state.insert(format!("service {id}: wiring"), sorted(entries));
        state.insert(format!("service {id}: network"), format!("{:?}", live.network));
        if let Seen::Present(members) = &*live.members {
            let members = serde_json::Value::Object(members.members().clone());
            state.insert(format!("service {id}: members"), members.to_string());
        }
        state.insert(format!("service {id}: definition"), format!("{runs:?}"));
    }
    for group in &groups {
        let seen = TargetGroup { arn: TargetGroupArn::from("made"), ..(*group).clone() };
        state.insert(format!("target group {}", group.name), format!("{seen:?}"));
        if let Seen::Present(attributes) = observed.attributes_of(&group.arn) {
            for (key, value) in attributes.iter() {
                state.insert(format!("attribute {key} of {}", group.name), value.clone());
            }
        }
        if let Seen::Present(targets) = observed.targets_of(&group.arn) {
            let left = targets.iter().filter(|target| target.health.state != TargetState::Draining);
            let keys: Vec<String> = left.map(|target| target.key.to_string()).collect();
            state.insert(format!("targets of {}", group.name), sorted(keys));
        }
    }
    for listener in observed.listeners.values().filter_map(|seen| seen.as_ref().present()).flatten() {
        state.insert(format!("default action of {}", listener.arn), shown(&listener.default_actions, by_name));
    }
    for (listener, rules) in &observed.rules {
        for rule in rules.as_ref().present().into_iter().flatten() {
            let seen = portolan::model::Rule { arn: RuleArn::from("made"), ..rule.clone() };
            state.insert(format!("rule {} of {listener}", rule.priority), format!("{seen:?}"));
        }
    }
    for (group, rules) in &observed.ingress {
        let Seen::Present(rules) = rules else { continue };
        let shown = rules.iter().map(|rule| {
            format!("{:?} {:?} {:?} {:?} {:?}", rule.protocol, rule.ports, rule.source, rule.description, rule.tags)
        });
        state.insert(format!("ingress of {group}"), sorted(shown.collect()));
    }
    state.into_iter().map(|(thing, value)| (thing, by_name(value))).collect()
}

/// Weights come by ARN, and a plan does not know the ARN of what it makes.
fn shown(actions: &RuleActions, by_name: impl Fn(String) -> String) -> String {
    let RuleActions { login, token, serve } = actions;
    let Serve::Forward(forward) = serve else { return format!("{login} {token} {serve:?}") };
    let weights = forward.weights.iter().map(|(group, weight)| by_name(format!("{group}: {weight}")));
    format!("{login} {token} {}", sorted(weights.collect()))
}

fn sorted(mut texts: Vec<String>) -> String {
    texts.sort();
    texts.join(", ")
}
