//! A live service that may be the declared one under another name. To create a second one beside it would split its requests, or
//! answer them with nothing.

use crate::model::{DesiredService, Given, ObjectRef, Owner, Seen, ServiceOutline, TargetGroupArn};

use super::super::draft::{Obstacle, need};
use super::super::reason::Reason;
use super::super::resolve;

/// Refuses to create a service beside one that looks like it and that the manifest does not name.
pub(super) fn refuse(given: &Given<'_>, wanted: &DesiredService) -> Result<(), Obstacle> {
    let what = || format!("create service {}", wanted.id);
    let all = need(given.observed.cluster_services_of(&wanted.id.cluster), what, || "its cluster does not exist")?;
    let own = own_groups(given, wanted);
    let others = all.iter().filter(|other| given.declared_service(&other.id).is_none());
    let alike = others.filter_map(|other| Some((other, likeness(given, wanted, &own, other)?)));
    // The one that is most like it is the one to name.
    let Some((other, (_, why))) = alike.min_by_key(|(other, (rank, _))| (*rank, &other.id)) else { return Ok(()) };
    let sentence = format!("service {} {why}, and the manifest does not name it: it may be the same one", other.id);
    let way_out = format!(
        "if it is, write name: {} in Service/{}; if not, declare that service too, or delete it first",
        other.id.name, wanted.key
    );
    Err(Obstacle::difference(what(), Reason::new(sentence, way_out)))
}

/// The live target groups that the service is to be registered in.
fn own_groups(given: &Given<'_>, wanted: &DesiredService) -> Vec<TargetGroupArn> {
    let keys = wanted.ports.iter().flatten().flat_map(|port| port.target_groups.iter().flatten());
    let groups = keys.filter_map(|key| given.desired.target_groups.get(key));
    let live = groups.filter_map(|group| match resolve::target_group(given, group) {
        Seen::Present(live) => Some(live.arn.clone()),
        Seen::Absent | Seen::Unknown(_) => None,
    });
    live.collect()
}

/// In what another service is like the declared one; the lower the number, the more.
fn likeness(
    given: &Given<'_>,
    wanted: &DesiredService,
    own: &[TargetGroupArn],
    other: &ServiceOutline,
) -> Option<(u8, String)> {
    let owner = Owner::of(&other.tags, &given.desired.fleet.name);
    let own_tags = |object: &str| format!("has this fleet's tags (for {object})");
    if let Owner::Ours(object) = &owner
        && owner.is_ours_for(&ObjectRef::service(&wanted.key))
    {
        return Some((0, own_tags(object)));
    }
    if let Some(shared) = own.iter().find(|arn| other.target_groups.contains(*arn)) {
        return Some((1, format!("registers its tasks in the same target group {}", shared.name())));
    }
    let is_theirs = matches!(owner, Owner::AnotherFleet(_));
    let is_slip = !is_theirs && is_one_slip_away(&wanted.id.name, &other.id.name);
    if is_slip {
        return Some((2, format!("has nearly the same name as {}", wanted.id.name)));
    }
    match &owner {
        Owner::Ours(object) => Some((3, own_tags(object))),
        Owner::Unmarked | Owner::AnotherFleet(_) => None,
    }
}

/// Whether one letter is wrong, missing, too many, or two stand in each other's place; in another case, or with another
/// hyphen. Numbers tell services apart on purpose.
fn is_one_slip_away(one: &str, other: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    let (one, other) = (plain(one), plain(other));
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let (short, long) = if one.len() <= other.len() { (&one, &other) } else { (&other, &one) };
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let (short, long) = (&short[same..], &long[same..]);
    let is_slip = |letters: &[char]| !letters.iter().any(char::is_ascii_digit);
    match long.len() - short.len() {
        _ if long.is_empty() => true,
        0 if short[1..] == long[1..] => is_slip(&[short[0], long[0]]),
        0 => short.len() > 1 && short[0] == long[1] && short[1] == long[0] && short[2..] == long[2..],
        1 => *short == long[1..] && is_slip(&long[..1]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_one_slip_away;

    #[test]
    fn a_slip_is_a_letter_and_not_a_number() {
        for (one, other) in [
            ("checkout", "chekout"),
            ("checkout", "checkoutt"),
            ("checkout", "checkuot"),
            ("checkout", "chackout"),
            ("Checkout", "checkout"),
            ("check_out", "check-out"),
            ("check-out", "checkout"),
        ] {
            assert!(is_one_slip_away(one, other) && is_one_slip_away(other, one), "{one} {other}");
        }
        for (one, other) in
            [("web-1", "web-2"), ("web", "web2"), ("checkout", "cart"), ("checkout", "chekuot"), ("a", "abc")]
        {
            assert!(!is_one_slip_away(one, other) && !is_one_slip_away(other, one), "{one} {other}");
        }
    }
}
