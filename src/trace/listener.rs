//! Whether something listens on the declared port.

use super::catalogue::Code;
use super::finding::Finding;
use super::hop::{Examined, Hop};
use super::way::{Lack, Way};

pub(super) fn examine(way: &Way<'_>, _: &[Hop]) -> Examined {
    let balancer = match way.balancer() {
        Ok(balancer) => balancer,
        Err(lack) => return lack.skip(),
    };
    if way.route.is_none() {
        if let Some(gap) = way.unread() {
            return Examined::unknown(gap);
        }
        return Examined::skipped("no way in is declared, and none stands");
    }
    match way.listener() {
        Ok(listener) => Examined::ok(format!("{} {} on {}", listener.protocol, listener.port, balancer.name)),
        Err(Lack::Unknown(gap)) => Examined::unknown(gap),
        Err(Lack::Missing(why)) => {
            let all = way.observed.listeners_of(&balancer.arn).present().into_iter().flatten();
            let ports: Vec<String> = all.map(|one| format!("{} {}", one.protocol, one.port)).collect();
            let there = if ports.is_empty() { "none".to_owned() } else { ports.join(", ") };
            Examined::broken(Finding::of(Code(45), format!("{why}; there is {there}")))
        }
    }
}
