//! The form of a target group: protocol, version, port, target type and VPC, which no call can change (R8). While the live
//! group has another form than the declared one, what was declared for that form waits: half of a difference can be an
//! outage, such as HTTPS checks of tasks that serve HTTP.

use crate::model::attribute::is_taken;
use crate::model::{HealthCheck, ObjectRef, Protocol, TargetGroup};

use super::change::{Blocked, Change, WaitingOn};
use super::draft::Drafts;
use super::field::Field;
use super::reason::Reason;

/// Attributes that change what targets receive: the address of the client, and a header before each connection. Tasks
/// that expect it serve the declared form.
const SEEN_BY_TARGETS: [&str; 2] = ["preserve_client_ip.enabled", "proxy_protocol_v2.enabled"];

/// What was planned for an existing target group.
pub(super) struct Edits {
    pub(super) health_check: Vec<Change>,
    pub(super) attributes: Vec<Change>,
}

/// Withholds what only fits the declared form, and what AWS refuses for the live one. The whole health check waits with
/// a field of the form that differs; an attribute waits unless both forms have it, and so do its companions (keys with
/// the same first word, such as `stickiness`).
pub(super) fn withhold(
    object: &ObjectRef,
    live: &TargetGroup,
    wanted: &HealthCheck,
    differing: &[&str],
    mut edits: Edits,
    drafts: &mut Drafts,
) -> Edits {
    let waits = |what: &str| {
        format!(
            "it waits with {}: {what} is declared for that form of the target group, and the live one has another",
            differing.join(" and ")
        )
    };
    let check = format!("correct the health check of {}", live.name);
    let refused = refused_check(wanted, live);
    if !edits.health_check.is_empty() {
        if !differing.is_empty() {
            hold(object, check, waits("the health check").into(), &mut edits.health_check, drafts);
        } else if let Some(sentence) = refused {
            hold(object, check, sentence, &mut edits.health_check, drafts);
        }
    }
    let what = format!("set attributes of {}", live.name);
    let is_apart = differing.contains(&"protocol");
    let word = |change: &Change| key(change).split('.').next().unwrap_or_default().to_owned();
    let stays = |change: &Change| {
        let value = change.desired.as_deref().unwrap_or_default();
        match is_taken(&live.protocol, key(change), value) {
            Some(true) => !differing.is_empty() && SEEN_BY_TARGETS.contains(&key(change)),
            Some(false) => true,
            None => is_apart,
        }
    };
    let words: Vec<String> = edits.attributes.iter().filter(|change| stays(change)).map(word).collect();
    let (mut held, free) = edits.attributes.into_iter().partition(|change| words.contains(&word(change)));
    edits.attributes = free;
    let sentence = if differing.is_empty() {
        Reason::new(format!("a target group of protocol {} does not take it", live.protocol), "correct the manifest")
    } else {
        waits("the attribute").into()
    };
    hold(object, what, sentence, &mut held, drafts);
    edits
}

/// The key of an attribute that a change is about; empty for a change of anything else.
fn key(change: &Change) -> &str {
    if let Field::Attribute(key) = &change.field { key } else { "" }
}

fn hold(object: &ObjectRef, what: String, reason: Reason, changes: &mut Vec<Change>, drafts: &mut Drafts) {
    if changes.is_empty() {
        return;
    }
    let (object, waiting_on) = (object.clone(), WaitingOn::Difference(reason));
    drafts.blocked.push(Blocked { object, what, waiting_on, action: None, changes: std::mem::take(changes) });
}

/// Why AWS refuses the health check that would result: what is declared, over what the live group has.
fn refused_check(wanted: &HealthCheck, live: &TargetGroup) -> Option<Reason> {
    let standing = &live.health_check;
    let protocol = wanted.protocol.as_ref().or(standing.protocol.as_ref());
    if live.protocol.is_http() && protocol == Some(&Protocol::Tcp) {
        return Some(format!("a target group of protocol {} is not checked with TCP", live.protocol).into());
    }
    if protocol == Some(&Protocol::Tcp) && (wanted.path.is_some() || wanted.matcher.is_some()) {
        return Some(Reason::new(
            "a TCP check has no path and no matcher",
            "declare healthCheck.protocol: HTTP or HTTPS",
        ));
    }
    let timeout = wanted.timeout.or(standing.timeout)?;
    let interval = wanted.interval.or(standing.interval)?;
    let is_too_long = if live.protocol.is_http() { timeout >= interval } else { timeout > interval };
    is_too_long.then(|| {
        Reason::new(
            format!(
                "the timeout would be {timeout}s and the interval {interval}s, and AWS needs a shorter \
                 timeout"
            ),
            "declare both",
        )
    })
}
