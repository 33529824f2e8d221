//! The second witness: what health checks say of the network, held against what the configuration says.

use crate::model::TargetState;

use super::hop::{Hop, HopId, State};
use super::way::Way;

/// How both witnesses get on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Witness {
    /// Both say the same.
    Agrees,
    /// Configuration and health say opposite things; the reading may be between two states.
    Contradicts,
    /// No target is healthy, and requests go to all of them.
    FailsOpen,
    /// No target says anything.
    Silent,
}

impl Witness {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Contradicts => "contradicts",
            Self::FailsOpen => "fails-open",
            Self::Silent => "silent",
        }
    }
}

/// Hears the second witness, with its words.
pub(super) fn witness(way: &Way<'_>, hops: &[Hop]) -> (Witness, String) {
    if way.targets().is_err() {
        return (Witness::Silent, "health could not be read".to_owned());
    }
    let targets: Vec<_> =
        way.serving_targets().into_iter().filter(|target| target.health.state != TargetState::Draining).collect();
    let of = |state: TargetState| targets.iter().filter(|target| target.health.state == state).count();
    let (healthy, unhealthy, all) = (of(TargetState::Healthy), of(TargetState::Unhealthy), targets.len());
    if healthy + unhealthy == 0 {
        return (Witness::Silent, format!("none of {all} targets is checked"));
    }
    let answered = targets.iter().any(|target| target.health.reason.as_deref() == Some("Target.ResponseCodeMismatch"));
    let state_of = |id: HopId| hops.iter().find(|hop| hop.id == id).map(|hop| &hop.state);
    let network = [HopId::LoadBalancerEgress, HopId::NetworkAcl, HopId::TargetSecurityGroup];
    let is_closed = network.iter().any(|id| state_of(*id) == Some(&State::Broken));
    match (is_closed, healthy > 0, answered) {
        (true, true, _) if unhealthy == 0 => {
            let what = format!(
                "{healthy} of {all} targets are healthy although a hop is closed: it is closed to others than \
                                health checks, or it was closed a moment ago"
            );
            (Witness::Contradicts, what)
        }
        (true, _, true) => (Witness::Contradicts, "health checks are answered although a hop is closed".to_owned()),
        (true, _, _) => (Witness::Agrees, format!("{unhealthy} of {all} targets are unhealthy")),
        (false, false, _) => {
            (Witness::FailsOpen, format!("none of {all} targets is healthy, so requests go to all of them"))
        }
        (false, true, _) => (Witness::Agrees, format!("{healthy} of {all} targets are healthy")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Stand, gap};
    use super::Witness;
    use crate::model::{Seen, TargetState};

    #[test]
    fn both_witnesses_agree_where_healthy_targets_are_on_an_open_path() {
        assert_eq!(Stand::sound().path().witness, (Witness::Agrees, "2 of 2 targets are healthy".to_owned()));
    }

    #[test]
    fn a_closed_hop_and_a_timeout_agree_and_an_answer_contradicts() {
        let mut stand = Stand::sound();
        stand.ingress("sg-tasks").clear();
        assert_eq!(stand.path().witness.0, Witness::Contradicts, "healthy behind a closed group");
        stand.all_are(TargetState::Unhealthy, "Target.Timeout", "");
        assert_eq!(stand.path().witness.0, Witness::Agrees);
        stand.all_are(TargetState::Unhealthy, "Target.ResponseCodeMismatch", "");
        assert_eq!(stand.path().witness.0, Witness::Contradicts, "somebody answered");
        stand.targets()[0].health.state = TargetState::Healthy;
        assert_eq!(stand.path().witness.0, Witness::Contradicts);
    }

    #[test]
    fn without_a_healthy_target_requests_go_to_all() {
        let mut stand = Stand::sound();
        stand.all_are(TargetState::Unhealthy, "Target.FailedHealthChecks", "");
        assert_eq!(stand.path().witness.0, Witness::FailsOpen);
    }

    #[test]
    fn nobody_speaks_before_the_first_check_or_where_nothing_was_read() {
        let mut stand = Stand::sound();
        stand.all_are(TargetState::Initial, "Elb.RegistrationInProgress", "");
        assert_eq!(stand.path().witness, (Witness::Silent, "none of 2 targets is checked".to_owned()));
        stand
            .observed
            .targets
            .insert("targetgroup/shop/1".into(), Seen::Unknown(gap("elasticloadbalancing:DescribeTargetHealth")));
        assert_eq!(stand.path().witness.0, Witness::Silent);
    }
}
