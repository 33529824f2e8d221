//! Compares health check results with the configuration of the path.

use crate::model::TargetState;

use super::hop::{Hop, HopId, State};
use super::way::Way;

/// How health check results relate to the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Witness {
    /// Both agree.
    Agrees,
    /// They contradict each other; the read may have been between two states.
    Contradicts,
    /// No target is healthy, and requests go to all of them.
    FailsOpen,
    /// No target has a health result.
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

/// The comparison, with its text.
pub(super) fn witness(way: &Way<'_>, hops: &[Hop]) -> (Witness, String) {
    if way.targets().is_err() {
        return (Witness::Silent, "target health could not be read".to_owned());
    }
    let targets: Vec<_> =
        way.serving_targets().into_iter().filter(|target| target.health.state != TargetState::Draining).collect();
    let of = |state: TargetState| targets.iter().filter(|target| target.health.state == state).count();
    let (healthy, unhealthy, all) = (of(TargetState::Healthy), of(TargetState::Unhealthy), targets.len());
    if healthy + unhealthy == 0 {
        let what = match all {
            0 if way.serving_targets().is_empty() => "no targets are registered".to_owned(),
            0 => "all targets are draining".to_owned(),
            1 => "the only target has no health result yet".to_owned(),
            _ => format!("none of {all} targets has a health result yet"),
        };
        return (Witness::Silent, what);
    }
    let answered = targets.iter().any(|target| target.health.reason.as_deref() == Some("Target.ResponseCodeMismatch"));
    let state_of = |id: HopId| hops.iter().find(|hop| hop.id == id).map(|hop| &hop.state);
    let network = [HopId::LoadBalancerEgress, HopId::NetworkAcl, HopId::TargetSecurityGroup];
    let is_closed = network.iter().any(|id| state_of(*id) == Some(&State::Broken));
    match (is_closed, healthy > 0, answered) {
        (true, true, _) if unhealthy == 0 => {
            let what = format!(
                "{} although a hop blocks traffic: it blocks only requests, or it started to block a moment ago",
                healthy_of(healthy, all)
            );
            (Witness::Contradicts, what)
        }
        (true, _, true) => {
            (Witness::Contradicts, "targets answer health checks although a hop blocks traffic".to_owned())
        }
        (true, _, _) => (Witness::Agrees, share_of(unhealthy, all, "unhealthy")),
        (false, false, _) => {
            (Witness::FailsOpen, format!("{}, so the load balancer sends requests to every target", healthy_of(0, all)))
        }
        (false, true, _) => (Witness::Agrees, healthy_of(healthy, all)),
    }
}

/// Such as `1 of 2 targets is healthy`.
pub(super) fn healthy_of(healthy: usize, all: usize) -> String {
    share_of(healthy, all, "healthy")
}

fn share_of(number: usize, all: usize, state: &str) -> String {
    let noun = if all == 1 { "target" } else { "targets" };
    let verb = if number == 1 || all == 1 { "is" } else { "are" };
    format!("{number} of {all} {noun} {verb} {state}")
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Stand, gap};
    use super::Witness;
    use crate::model::{Seen, TargetState};

    #[test]
    fn healthy_targets_on_an_open_path_agree() {
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
    fn there_is_no_health_data_before_the_first_check_or_after_a_failed_read() {
        let mut stand = Stand::sound();
        stand.all_are(TargetState::Initial, "Elb.RegistrationInProgress", "");
        assert_eq!(stand.path().witness, (Witness::Silent, "none of 2 targets has a health result yet".to_owned()));
        stand.all_are(TargetState::Draining, "Target.DeregistrationInProgress", "");
        assert_eq!(stand.path().witness, (Witness::Silent, "all targets are draining".to_owned()));
        stand.targets().clear();
        assert_eq!(stand.path().witness, (Witness::Silent, "no targets are registered".to_owned()));
        stand
            .observed
            .targets
            .insert("targetgroup/shop/1".into(), Seen::Unknown(gap("elasticloadbalancing:DescribeTargetHealth")));
        assert_eq!(stand.path().witness.0, Witness::Silent);
    }

    #[test]
    fn numbers_and_verbs_agree() {
        let texts = [(0, 1), (1, 1), (1, 2), (0, 2), (2, 2)].map(|(healthy, all)| super::healthy_of(healthy, all));
        let expected = [
            "0 of 1 target is healthy",
            "1 of 1 target is healthy",
            "1 of 2 targets is healthy",
            "0 of 2 targets are healthy",
            "2 of 2 targets are healthy",
        ];
        assert_eq!(texts, expected);
    }
}
