//! Faults without a number.

use super::{Named, Owner};
use crate::trace::hop::HopId;

unnumbered! {
    NO_LOAD_BALANCER {
        name: "no-load-balancer",
        aliases: &[],
        hop: HopId::LoadBalancer,
        symptom: "clients cannot resolve the name, or reach something else",
        evidence: "the declared load balancer does not exist, or several have its name",
        fix: "create the load balancer, or correct its name in the manifest",
        owner: Owner::Network,
        repaired_by: &[],
    }
    LOAD_BALANCER_NOT_ACTIVE {
        name: "load-balancer-not-active",
        aliases: &[],
        hop: HopId::LoadBalancer,
        symptom: "clients time out",
        evidence: "the load balancer is being provisioned, or has failed",
        fix: "wait until the load balancer is active",
        owner: Owner::Time,
        repaired_by: &[],
    }
    RULE_PARKED {
        name: "rule-parked",
        aliases: &[],
        hop: HopId::Rule,
        symptom: "health checks run, but another rule or the default action answers clients",
        evidence: "a rule of this fleet forwards to the target group, but its only condition is a source address that no client has",
        fix: "wait until its targets are healthy: the next `portolan reconcile` then sets the rule's conditions; `portolan run` does so automatically",
        owner: Owner::Portolan,
        repaired_by: &["ModifyRule"],
    }
    NO_TARGET_GROUP {
        name: "no-target-group",
        aliases: &[],
        hop: HopId::TargetGroup,
        symptom: "no request can be forwarded",
        evidence: "the declared target group does not exist",
        fix: "run `portolan reconcile` to create it",
        owner: Owner::Portolan,
        repaired_by: &["CreateTargetGroup"],
    }
    TARGET_GROUP_OF_ANOTHER_LOAD_BALANCER {
        name: "target-group-of-another-load-balancer",
        aliases: &[],
        hop: HopId::TargetGroup,
        symptom: "no rule of the declared load balancer can forward to it",
        evidence: "the target group belongs to another load balancer, and a target group can belong to only one",
        fix: "declare another target group for this load balancer",
        owner: Owner::Network,
        repaired_by: &[],
    }
    FIXED_HEALTH_PORT_WITH_DYNAMIC_HOST_PORTS {
        name: "fixed-health-port-with-dynamic-host-ports",
        aliases: &[],
        hop: HopId::TargetGroup,
        symptom: "every target is unhealthy even if the app works",
        evidence: "health checks go to a fixed port of the instances, but the tasks use dynamic host ports",
        fix: "set the health-check port to traffic-port",
        owner: Owner::Portolan,
        repaired_by: &["ModifyTargetGroup"],
    }
    NO_SERVICE {
        name: "no-service",
        aliases: &[],
        hop: HopId::ServiceWiring,
        symptom: "no task runs",
        evidence: "the declared ECS service does not exist",
        fix: "create the service",
        owner: Owner::Deployments,
        repaired_by: &["CreateService"],
    }
    SERVICE_BEING_DELETED {
        name: "service-being-deleted",
        aliases: &[],
        hop: HopId::ServiceWiring,
        symptom: "tasks stop, and ECS does not replace them",
        evidence: "the service is DRAINING",
        fix: "create it again after ECS has deleted it",
        owner: Owner::Deployments,
        repaired_by: &[],
    }
    NO_TASK_RUNS {
        name: "no-task-runs",
        aliases: &[],
        hop: HopId::Registration,
        symptom: "clients get 503, or no connection behind a network load balancer",
        evidence: "the desired count is above 0 but no task runs, because tasks fail or none started within the start limit",
        fix: "find out why its tasks stop (trace shows the reason while AWS keeps it) and fix that",
        owner: Owner::Deployments,
        repaired_by: &[],
    }
    TASKS_KEEP_STOPPING {
        name: "tasks-keep-stopping",
        aliases: &[],
        hop: HopId::Registration,
        symptom: "clients get 503, or no connection behind a network load balancer",
        evidence: "tasks stop before a target is healthy, and ECS starts new ones",
        fix: "find out why they stop (trace shows the reason while AWS keeps it) and fix that",
        owner: Owner::App,
        repaired_by: &[],
    }
    TASK_NOT_PLACED {
        name: "task-not-placed",
        aliases: &[],
        hop: HopId::Registration,
        symptom: "fewer tasks run than desired",
        evidence: "the service's newest events say that ECS was unable to place a task",
        fix: "add the capacity that the event asks for",
        owner: Owner::Deployments,
        repaired_by: &[],
    }
    DEPLOYMENT_DOES_NOT_COMPLETE {
        name: "deployment-does-not-complete",
        aliases: &["deployment-does-not-arrive"],
        hop: HopId::Registration,
        symptom: "the old revision keeps serving",
        evidence: "a deployment is in progress while older tasks serve, and its own tasks fail or none started within the start limit",
        fix: "find out why its tasks stop and fix that, or deploy the old revision again",
        owner: Owner::Deployments,
        repaired_by: &[],
    }
    FEWER_TASKS_THAN_DESIRED {
        name: "fewer-tasks-than-desired",
        aliases: &[],
        hop: HopId::Registration,
        symptom: "every request is answered, but with less capacity than desired",
        evidence: "fewer tasks run than desired, because the others fail or did not start within the start limit",
        fix: "find out why its tasks stop and fix that",
        owner: Owner::Deployments,
        repaired_by: &[],
    }
    DAEMON_WITHOUT_INSTANCES {
        name: "daemon-without-instances",
        aliases: &[],
        hop: HopId::Registration,
        symptom: "clients get 503, or no connection behind a network load balancer",
        evidence: "the service is a daemon service, and its cluster has no instance for it",
        fix: "register an instance that matches the service's placement constraints",
        owner: Owner::Deployments,
        repaired_by: &[],
    }
    DECLARED_TARGET_MISSING {
        name: "declared-target-missing",
        aliases: &[],
        hop: HopId::Registration,
        symptom: "the declared target gets no requests",
        evidence: "a target that the manifest declares is not registered",
        fix: "run `portolan reconcile` to register it",
        owner: Owner::Portolan,
        repaired_by: &["RegisterTargets"],
    }
    NO_TARGET_REGISTERED {
        name: "no-target-registered",
        aliases: &[],
        hop: HopId::Registration,
        symptom: "clients get 503, or no connection behind a network load balancer",
        evidence: "no target is registered, or all registered targets are draining",
        fix: "find out who deregistered the targets; ECS and `portolan reconcile` register declared targets again",
        owner: Owner::Deployments,
        repaired_by: &[],
    }
    TARGET_INSTANCE_NOT_RUNNING {
        name: "target-instance-not-running",
        aliases: &[],
        hop: HopId::Registration,
        symptom: "clients get 503, or no connection behind a network load balancer",
        evidence: "every target is unused because its instance is not running",
        fix: "start the instance, or register a running one",
        owner: Owner::Network,
        repaired_by: &[],
    }
    TARGETS_UNUSED {
        name: "targets-unused",
        aliases: &[],
        hop: HopId::Registration,
        symptom: "clients get 503, or no connection behind a network load balancer",
        evidence: "every target is unused for a reason that AWS reports",
        fix: "fix the cause that AWS reports",
        owner: Owner::Network,
        repaired_by: &[],
    }
    NETWORK_MODE_NONE {
        name: "network-mode-none",
        aliases: &["no-network"],
        hop: HopId::PortBinding,
        symptom: "no task can be registered",
        evidence: "the network mode of the task definition is none",
        fix: "deploy a task definition revision with another network mode",
        owner: Owner::App,
        repaired_by: &[],
    }
    PORT_NOT_BOUND {
        name: "port-not-bound",
        aliases: &[],
        hop: HopId::PortBinding,
        symptom: "no task can be registered",
        evidence: "the task definition does not map the container's port, or a task did not bind it",
        fix: "map the port in a new task definition revision",
        owner: Owner::App,
        repaired_by: &[],
    }
    LOAD_BALANCER_ERROR {
        name: "load-balancer-error",
        aliases: &[],
        hop: HopId::Application,
        symptom: "targets are unhealthy",
        evidence: "the load balancer reports an internal error as the reason",
        fix: "wait; if it persists, contact AWS Support",
        owner: Owner::Time,
        repaired_by: &[],
    }
    APP_REPORTS_UNHEALTHY {
        name: "app-reports-unhealthy",
        aliases: &[],
        hop: HopId::Application,
        symptom: "targets are unhealthy, and ECS stops the tasks",
        evidence: "the app repeatedly answers health checks with an error code",
        fix: "fix the error that the app reports",
        owner: Owner::App,
        repaired_by: &[],
    }
}
