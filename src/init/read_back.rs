//! Reading back what was written: the format's own rules, then a plan of it against the same reading.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::manifest::{Problem, Source, load};
use crate::model::{Desired, HealthPort, IpProtocol, Mode, ObjectKind, ObjectRef, Target, TargetGroup, TargetState};
use crate::plan::{Action, Plan, Policy, Step, plan};

use super::page::{Page, Rendered};
use super::{Document, Scene, Written};

/// Each round refuses at least one entry, and no document has this many.
const MOST_ROUNDS: usize = 1_000;

pub(super) fn settle(mut pages: Vec<(ObjectRef, Page)>, scene: &Scene<'_>, now: Timestamp) -> Written {
    let mut left = Plan::default();
    let mut unread: Vec<String> = Vec::new();
    for _ in 0..MOST_ROUNDS {
        let rendered: Vec<Rendered> = pages.iter().map(|(_, page)| page.render()).collect();
        match load(&sources(&pages, &rendered)) {
            Ok(desired) => {
                unread.clear();
                left = plan(&as_enforced(desired), scene.observed, &Policy::default(), now);
                if leave_groups_out(&mut pages, scene, &left) {
                    continue;
                }
                annotate(&mut pages, &left);
                break;
            }
            Err(problems) => {
                unread = problems.iter().map(|problem| problem.message.clone()).collect();
                if !refuse(&mut pages, &rendered, &problems) {
                    break;
                }
            }
        }
    }
    let documents = pages.into_iter().map(|(object, page)| {
        let (is_comment, text) = (page.is_comment(), page.render().text());
        let files = page.files.into_iter().map(|(path, file)| (path, file.text)).collect();
        Document { object, text, is_comment, files }
    });
    Written { documents: documents.collect(), plan: left, problems: unread }
}

/// Each document is a source of its own, named by its place: then no fleet is too large for one file.
fn sources(pages: &[(ObjectRef, Page)], rendered: &[Rendered]) -> Vec<Source> {
    let source = |(place, ((_, page), rendered)): (usize, (&(ObjectRef, Page), &Rendered))| Source {
        name: place.to_string(),
        text: rendered.text(),
        files: page.files.iter().map(|(path, file)| (path.clone(), Ok(file.text.clone()))).collect(),
    };
    let has_content = |source: &Source| source.text.lines().any(|line| !line.trim_start().starts_with('#'));
    pages.iter().zip(rendered).enumerate().map(source).filter(has_content).collect()
}

/// Makes comments of the entries that problems point at; false when none does.
fn refuse(pages: &mut [(ObjectRef, Page)], rendered: &[Rendered], problems: &[Problem]) -> bool {
    let mut reasons: BTreeMap<(usize, Vec<usize>), String> = BTreeMap::new();
    let mut any = false;
    for problem in problems {
        if let Some((_, page)) = pages.iter_mut().find(|(_, page)| page.files.contains_key(&problem.file)) {
            refuse_file(page, &problem.file, &refusal(problem));
            any = true;
            continue;
        }
        let place = problem.file.parse::<usize>().ok();
        let Some((place, line)) = place.zip(problem.line) else { continue };
        let Some(path) = rendered.get(place).and_then(|rendered| rendered.owner(line)) else { continue };
        let path = pages.get(place).map_or_else(|| path.to_vec(), |(_, page)| unmanaged(page, path));
        let reason = reasons.entry((place, path)).or_default();
        if reason.is_empty() {
            *reason = refusal(problem);
        }
    }
    for ((place, path), reason) in reasons {
        if let Some(entry) = pages.get_mut(place).and_then(|(_, page)| page.root.at(&path)) {
            entry.refuse(reason);
            any = true;
        }
    }
    any
}

fn refusal(problem: &Problem) -> String {
    format!("The manifest format does not accept this: {}.", problem.message.trim_end_matches('.'))
}

/// Writes a reference in place of a task definition in a file that the format does not accept.
fn refuse_file(page: &mut Page, path: &str, reason: &str) {
    let file = page.files.remove(path);
    if let (Some(file), Some(entry)) = (file, page.root.named(&["spec", "taskDefinition"])) {
        entry.value = file.reference;
        entry.notes = vec![format!("Not written whole. {reason}")];
    }
}

/// What becomes a comment in place of an entry that the format does not accept. In a task definition that is a whole member:
/// leaving out an entry of a list would remove it.
fn unmanaged(page: &Page, path: &[usize]) -> Vec<usize> {
    let keys: Vec<Option<&str>> = (0..path.len()).map(|depth| page.root.key_at(&path[..=depth])).collect();
    match keys.as_slice() {
        [Some("spec"), Some("taskDefinition"), Some("containerDefinitions"), _, _, ..] => path[..5].to_vec(),
        [Some("spec"), Some("taskDefinition"), Some("containerDefinitions"), ..] => path.to_vec(),
        [Some("spec"), Some("taskDefinition"), Some(_), ..] => path[..3].to_vec(),
        _ => path.to_vec(),
    }
}

/// Where targets are healthy and only derived ingress would be added, the groups are left out: without them nothing is
/// derived, and what works stays as it is until somebody asks for more. False when there is no such service.
fn leave_groups_out(pages: &mut [(ObjectRef, Page)], scene: &Scene<'_>, plan: &Plan) -> bool {
    let mut any = false;
    for (object, page) in pages.iter_mut().filter(|(object, _)| object.kind == ObjectKind::Service) {
        let steps: Vec<_> = plan.steps.iter().filter(|step| step.object == *object).collect();
        let adds_ingress = |step: &&&Step| step.action.operation() == "AuthorizeSecurityGroupIngress";
        let only_ingress = !steps.is_empty() && steps.iter().filter(adds_ingress).count() == steps.len();
        if !only_ingress || !is_proven_open(scene, &object.key, &steps) {
            continue;
        }
        let wished: Vec<&str> = steps.iter().map(|step| step.summary.as_str()).collect();
        let reason = format!(
            "Left out because all its targets are healthy without it; with it, Portolan would {}.",
            wished.join("; ")
        );
        for key in ["securityGroups", "ingressGroup"] {
            if let Some(entry) = page.root.named(&["spec", "network", key]) {
                entry.refuse(reason.clone());
                any = true;
            }
        }
    }
    any
}

/// Whether health checks prove that what these steps would open is open: each target group of the service has targets in use,
/// all of them are healthy, and they are checked at ports that the steps would open. Health at another port says nothing.
fn is_proven_open(scene: &Scene<'_>, key: &str, steps: &[&Step]) -> bool {
    let Some(service) = scene.outline.services.get(key) else { return false };
    let keys = service.ports.iter().flatten().flat_map(|port| port.target_groups.iter().flatten());
    let groups: Vec<&TargetGroup> = keys.filter_map(|key| scene.live(key)).collect();
    let mut checked: BTreeSet<u16> = BTreeSet::new();
    for group in &groups {
        let targets = scene.observed.targets_of(&group.arn).present().into_iter().flatten();
        let used: Vec<&Target> = targets.filter(|target| target.health.state != TargetState::Draining).collect();
        if used.is_empty() || used.iter().any(|target| target.health.state != TargetState::Healthy) {
            return false;
        }
        checked.extend(used.iter().map(|target| match group.health_check.port {
            Some(HealthPort::Fixed(port)) => port,
            Some(HealthPort::Traffic) | None => target.key.port,
        }));
    }
    let is_checked = |step: &&Step| {
        let Action::AuthorizeSecurityGroupIngress { protocol: IpProtocol::Tcp, ports, .. } = &step.action else {
            return false;
        };
        checked.range(ports.from..=ports.to).next().is_some()
    };
    !groups.is_empty() && steps.iter().all(is_checked)
}

/// As if repairs were allowed: then what differs shows as the step that would mend it, or as what is in its way.
fn as_enforced(mut desired: Desired) -> Desired {
    desired.fleet.mode = Mode::Enforce;
    desired.services.values_mut().for_each(|service| service.mode = Mode::Enforce);
    desired.target_groups.values_mut().for_each(|group| group.mode = Mode::Enforce);
    desired
}

/// Says at each object what is not as this manifest would have it.
fn annotate(pages: &mut [(ObjectRef, Page)], plan: &Plan) {
    let left = plan.steps.len() + plan.blocked.len();
    if let (Some((_, fleet)), true) = (pages.first_mut(), left > 0) {
        let what = if left == 1 { "1 difference".to_owned() } else { format!("{left} differences") };
        let note = format!("{what} already existed when this was written; see \"Not in sync\" at each object.");
        fleet.notes.push(format!("\n{note}"));
    }
    for (object, page) in pages {
        let steps = plan.steps.iter().filter(|step| step.object == *object);
        let steps = steps.map(|step| format!("Not in sync: {}. Because: {}.", step.summary, step.reason));
        let blocked = plan.blocked.iter().filter(|entry| entry.object == *object);
        let blocked = blocked.map(|entry| format!("Not in sync: {}. Because: {}.", entry.what, entry.waiting_on));
        page.notes.extend(steps.chain(blocked));
    }
}
