//! `default: true`: a listener's default action. It changes only when it already forwards to a group of this fleet, or
//! serves nothing; a fixed response is something.

use std::collections::BTreeSet;

use crate::model::{Owner, Seen, Serve, TargetGroupArn};

use super::action::{Action, Ref};
use super::change::Change;
use super::draft::{Draft, Drafts, Obstacle};
use super::field::Field;
use super::handover::{self, Turn};
use super::listener_planner::ListenerPlanner;
use super::reason::Reason;
use super::resolve;
use super::rule_match::RouteRef;
use super::serving::{self, Serving};
use super::weights::{self, Forwarding};

pub(super) fn plan_default(planner: &ListenerPlanner<'_>, route: RouteRef<'_>, drafts: &mut Drafts) {
    if let Err(obstacle) = try_plan_default(planner, &route, drafts) {
        obstacle.block(drafts, &route.object());
    }
}

fn try_plan_default(planner: &ListenerPlanner<'_>, route: &RouteRef<'_>, drafts: &mut Drafts) -> Result<(), Obstacle> {
    let live = planner.live;
    let what = format!("the default action of listener {}", live.port);
    if route.route.login && !live.default_actions.login {
        return Err(Obstacle::difference(
            what,
            Reason::new(
                "it forwards without login, but authenticate: required is declared",
                "add the login action to the listener",
            ),
        ));
    }
    let arns = resolve::stand_ins(planner.given, route.key);
    match weights::judge(planner.given, route.key, arns, &live.default_actions) {
        Forwarding::AsDeclared => return Ok(()),
        Forwarding::Theirs { what: weights, owner } => {
            drafts.defer(&route.object(), format!("{what}: {weights}"), owner);
            return Ok(());
        }
        Forwarding::Carried(weights) => {
            drafts.find(&route.object(), format!("{what}: {weights}"));
            return Ok(());
        }
        Forwarding::Blocked(sentence) => {
            // A handover waits with weight 0 for its move.
            let pairs = handover::network::before_move(planner.given, route.key);
            if !pairs.iter().any(|pair| pair.listener.arn == live.arn) {
                return Err(Obstacle::difference(what, sentence));
            }
        }
        Forwarding::Wrong => {}
    }
    let beside = match handover::turn(planner.given, route.key)? {
        Turn::Free => {
            may_change(planner, &what)?;
            None
        }
        Turn::Wait => return Ok(()),
        Turn::Now { beside } => beside,
    };
    let target_group = planner.target_group(route)?;
    push(planner, route, target_group, beside, drafts);
    Ok(())
}

/// Whether the default action is this fleet's to change.
fn may_change(planner: &ListenerPlanner<'_>, what: &str) -> Result<(), Obstacle> {
    let actions = &planner.live.default_actions;
    let foreign = |how: String| {
        Obstacle::difference(
            what,
            Reason::new(format!("it is not this fleet's to change ({how})"), "change the listener yourself"),
        )
    };
    match &actions.serve {
        Serve::Forward(forward) => {
            let fleet = &planner.given.desired.fleet.name;
            for arn in forward.weights.keys() {
                match serving::owner_of(planner.given, fleet, arn) {
                    Seen::Present(Owner::AnotherFleet(other)) => {
                        return Err(foreign(format!("a forward to {} of fleet {other}", arn.name())));
                    }
                    Seen::Present(Owner::Unmarked | Owner::Ours(_)) | Seen::Absent => {}
                    Seen::Unknown(gap) => return Err(Obstacle::gap(what, gap)),
                }
            }
            let ours = forward.weights.keys().all(|arn| is_of_fleet(planner, arn.as_str()));
            match serving::serves(planner.given, fleet, actions) {
                _ if ours => Ok(()),
                Serving::No => Ok(()),
                Serving::Unknown(gap) => Err(Obstacle::gap(what, gap)),
                Serving::Yes(how) => Err(foreign(how)),
            }
        }
        Serve::Redirect(_) | Serve::FixedResponse(_) | Serve::Other(_) => Err(foreign(weights::describe(actions))),
    }
}

/// A target group of the manifest, or one with this fleet's mark.
fn is_of_fleet(planner: &ListenerPlanner<'_>, arn: &str) -> bool {
    let Seen::Present(live) = planner.given.target_group(arn) else { return false };
    let declared: BTreeSet<&str> =
        planner.given.desired.target_groups.values().map(|group| group.name.as_str()).collect();
    let owner = live.tags.as_ref().present().map(|tags| Owner::of(tags, &planner.given.desired.fleet.name));
    match owner {
        Some(Owner::AnotherFleet(_)) => false,
        Some(Owner::Ours(_)) => true,
        Some(Owner::Unmarked) | None => declared.contains(live.name.as_str()) || declared.contains(live.arn.as_str()),
    }
}

fn push(
    planner: &ListenerPlanner<'_>,
    route: &RouteRef<'_>,
    target_group: Ref<TargetGroupArn>,
    beside: Option<TargetGroupArn>,
    drafts: &mut Drafts,
) {
    let live = planner.live;
    let then = match &beside {
        None => route.key.to_owned(),
        Some(idle) => format!("{} ×1, {} ×0", route.key, idle.name()),
    };
    drafts.push(Draft {
        action: Action::ModifyListener {
            listener: live.arn.clone(),
            target_group,
            idle: beside.map(Ref::Known),
            expect: live.default_actions.clone(),
        },
        object: route.object(),
        also: BTreeSet::new(),
        target: live.arn.to_string(),
        summary: format!("forward by default from listener {} to {}", live.port, route.key),
        reason: "the listener's default action does not forward to the declared target group".to_owned(),
        changes: vec![Change::of(Field::DefaultForward, Some(weights::describe(&live.default_actions)), Some(then))],
        after: BTreeSet::new(),
        redeploys: false,
        removes: false,
        held: None,
        receivers: Default::default(),
    });
}
