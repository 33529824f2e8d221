//! What trace finds and the catalogue has no number for.

use super::Whose;
use crate::trace::hop::HopId;

/// A finding without a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unnumbered {
    /// Its name.
    pub name: &'static str,
    /// The hop at which it shows.
    pub hop: HopId,
    /// What people see.
    pub symptom: &'static str,
    /// What proves it.
    pub evidence: &'static str,
    /// What corrects it.
    pub fix: &'static str,
    /// Who can.
    pub whose: Whose,
    /// The AWS operations that correct it in a plan; none: no step does.
    pub mended_by: &'static [&'static str],
}

/// In the order of the hops.
pub const UNNUMBERED: &[Unnumbered] = &[
    Unnumbered {
        name: "no-load-balancer",
        hop: HopId::LoadBalancer,
        symptom: "no name resolves, or clients time out",
        evidence: "no load balancer has the declared name",
        fix: "create the load balancer, or correct the manifest",
        whose: Whose::Network,
        mended_by: &[],
    },
    Unnumbered {
        name: "load-balancer-not-active",
        hop: HopId::LoadBalancer,
        symptom: "clients time out, or some of them do",
        evidence: "the load balancer is in a state other than active",
        fix: "wait until it is active",
        whose: Whose::Time,
        mended_by: &[],
    },
    Unnumbered {
        name: "rule-parked",
        hop: HopId::Rule,
        symptom: "targets are checked, clients get what another rule or the default action gives",
        evidence: "a rule of this fleet leads to the target group, and its one condition is a source address that no client has",
        fix: "wait until its targets are healthy: the next reconcile then gives the rule its conditions, and run does it by itself",
        whose: Whose::Portolan,
        mended_by: &["ModifyRule"],
    },
    Unnumbered {
        name: "no-target-group",
        hop: HopId::TargetGroup,
        symptom: "there is nothing that tasks could be registered in",
        evidence: "no target group has the declared name, and no service names one",
        fix: "create the target group",
        whose: Whose::Portolan,
        mended_by: &["CreateTargetGroup"],
    },
    Unnumbered {
        name: "target-group-of-another-load-balancer",
        hop: HopId::TargetGroup,
        symptom: "rules for it are refused on this load balancer",
        evidence: "the target group is attached to another load balancer",
        fix: "declare a second target group for this load balancer",
        whose: Whose::Portolan,
        mended_by: &[],
    },
    Unnumbered {
        name: "fixed-health-port-with-dynamic-host-ports",
        hop: HopId::TargetGroup,
        symptom: "every target is unhealthy, whatever the app does",
        evidence: "health checks go to a fixed port of the instances, and the tasks get dynamic host ports",
        fix: "set the health-check port to traffic-port",
        whose: Whose::Portolan,
        mended_by: &["ModifyTargetGroup"],
    },
    Unnumbered {
        name: "no-service",
        hop: HopId::ServiceWiring,
        symptom: "the target group is empty, clients get 503",
        evidence: "no service has the declared name in this cluster",
        fix: "create the service",
        whose: Whose::Deployments,
        mended_by: &[],
    },
    Unnumbered {
        name: "service-being-deleted",
        hop: HopId::ServiceWiring,
        symptom: "targets drain, clients get 503",
        evidence: "the service is in status DRAINING",
        fix: "create the service again once it is gone",
        whose: Whose::Deployments,
        mended_by: &[],
    },
    Unnumbered {
        name: "task-not-placed",
        hop: HopId::Registration,
        symptom: "fewer tasks run than are desired",
        evidence: "the newest events of the service say that it cannot place a task",
        fix: "give the cluster the resources that the event names",
        whose: Whose::Deployments,
        mended_by: &[],
    },
    Unnumbered {
        name: "no-task-runs",
        hop: HopId::Registration,
        symptom: "the target group is empty, clients get 503",
        evidence: "no task of the service runs, and none is coming up",
        fix: "find out why its tasks stop; Portolan does not read stopped tasks",
        whose: Whose::App,
        mended_by: &[],
    },
    Unnumbered {
        name: "declared-target-missing",
        hop: HopId::Registration,
        symptom: "a declared target gets no request",
        evidence: "a target that the manifest declares is not registered",
        fix: "register it",
        whose: Whose::Portolan,
        mended_by: &["RegisterTargets"],
    },
    Unnumbered {
        name: "no-network",
        hop: HopId::PortBinding,
        symptom: "nothing can reach the tasks",
        evidence: "the task definition has network mode none",
        fix: "deploy a revision with another network mode",
        whose: Whose::Deployments,
        mended_by: &[],
    },
    Unnumbered {
        name: "port-not-bound",
        hop: HopId::PortBinding,
        symptom: "targets are unhealthy or are never registered",
        evidence: "a task binds no port of its host for the declared container port",
        fix: "map the port in a new revision, or wire the service to a port that is mapped",
        whose: Whose::Deployments,
        mended_by: &[],
    },
    Unnumbered {
        name: "load-balancer-error",
        hop: HopId::Application,
        symptom: "some targets fail their checks for a reason of the load balancer's own",
        evidence: "a target is unhealthy with the reason Elb.InternalError",
        fix: "wait, and open a case with AWS if it stays",
        whose: Whose::Time,
        mended_by: &[],
    },
];
