//! M32–M60: service configuration, routing and the state of services.

use super::{Code, Entry, Owner};
use crate::trace::hop::HopId;

numbered! {
    SERVICE_WITHOUT_TARGET_GROUP = 32 {
        name: "service-without-target-group",
        aliases: &[],
        hop: Some(HopId::ServiceWiring),
        symptom: "the target group is empty and clients get 503",
        evidence: "the service's loadBalancers do not include the target group",
        fix: "add the target group to the service's loadBalancers; this redeploys the service",
        owner: Owner::Portolan,
        repaired_by: &["UpdateService"],
    }
    WRONG_CONTAINER_OR_PORT = 33 {
        name: "wrong-container-or-port",
        aliases: &["wired-to-another-port"],
        hop: Some(HopId::ServiceWiring),
        symptom: "the wrong container answers, or nothing does",
        evidence: "the service's loadBalancers use a different container or port than the manifest",
        fix: "set the declared container and port in the service's loadBalancers; this redeploys the service",
        owner: Owner::Portolan,
        repaired_by: &["UpdateService"],
    }
    TARGET_GROUP_DELETED = 34 {
        name: "target-group-deleted",
        aliases: &[],
        hop: Some(HopId::TargetGroup),
        symptom: "deployments never complete, and clients get 503",
        evidence: "the service's loadBalancers include a target group that does not exist",
        fix: "create the target group again and add it to the service's loadBalancers",
        owner: Owner::Portolan,
        repaired_by: &["CreateTargetGroup", "UpdateService"],
    }
    TARGET_GROUP_IN_ANOTHER_VPC = 35 {
        name: "target-group-in-another-vpc",
        aliases: &["target-group-of-another-vpc"],
        hop: Some(HopId::TargetGroup),
        symptom: "tasks are never registered",
        evidence: "the target group and the tasks are in different VPCs",
        fix: "create a target group in the tasks' VPC; the VPC cannot be changed",
        owner: Owner::Network,
        repaired_by: &[],
    }
    TARGET_TYPE_MISMATCH = 36 {
        name: "target-type-mismatch",
        aliases: &["target-type-of-another-mode"],
        hop: Some(HopId::TargetGroup),
        symptom: "tasks are never registered, and the service cannot be updated",
        evidence: "the target type does not fit the task definition's network mode",
        fix: "create a target group of the other type; the type cannot be changed",
        owner: Owner::Deployments,
        repaired_by: &[],
    }
    NO_RULE = 37 {
        name: "no-rule",
        aliases: &[],
        hop: Some(HopId::Rule),
        symptom: "targets are unused, and the default action answers clients",
        evidence: "no rule or default action of the listener forwards to the target group",
        fix: "create the rule",
        owner: Owner::Portolan,
        repaired_by: &["CreateRule", "ModifyRule", "ModifyListener"],
    }
    ZONE_NOT_ENABLED = 38 {
        name: "zone-not-enabled",
        aliases: &[],
        hop: Some(HopId::AvailabilityZone),
        symptom: "targets are unused",
        evidence: "targets are in an Availability Zone where the load balancer has no subnet",
        fix: "enable the zone on the load balancer, or run the service only in enabled zones",
        owner: Owner::Network,
        repaired_by: &[],
    }
    ZONE_WITHOUT_TARGETS = 39 {
        name: "zone-without-targets",
        aliases: &[],
        hop: Some(HopId::AvailabilityZone),
        symptom: "some clients fail, others do not",
        evidence: "cross-zone load balancing is off, and an enabled zone has no target",
        fix: "turn cross-zone load balancing on, or run tasks in every zone",
        owner: Owner::Portolan,
        repaired_by: &["ModifyTargetGroupAttributes"],
    }
    RULE_SHADOWED = 40 {
        name: "rule-shadowed",
        aliases: &["rule-in-the-shade"],
        hop: Some(HopId::Rule),
        symptom: "targets are healthy but get no requests",
        evidence: "a rule with a lower priority number matches the same requests first",
        fix: "give the rule a lower priority number than the other one, or narrow the other rule's conditions",
        owner: Owner::Portolan,
        repaired_by: &["SetRulePriorities", "ModifyRule"],
    }
    RULE_CONDITIONS_MISMATCH = 41 {
        name: "rule-conditions-mismatch",
        aliases: &["pattern-mismatch"],
        hop: Some(HopId::Rule),
        symptom: "targets are healthy but get no requests",
        evidence: "the rule's conditions do not match the declared requests",
        fix: "correct the rule's conditions",
        owner: Owner::Portolan,
        repaired_by: &["ModifyRule"],
    }
    FORWARD_ELSEWHERE = 42 {
        name: "forward-elsewhere",
        aliases: &["weight-elsewhere"],
        hop: Some(HopId::Rule),
        symptom: "clients get 503 or reach another app",
        evidence: "the rule forwards to another target group, or gives this one weight 0",
        fix: "forward to the target group with a weight above 0, unless a blue/green deployment controls the weights",
        owner: Owner::Deployments,
        repaired_by: &["ModifyRule", "ModifyListener"],
    }
    WEIGHTS_OVERWRITTEN = 43 {
        name: "weights-overwritten",
        aliases: &["weights-reset"],
        hop: None,
        symptom: "a blue/green deployment ends on the wrong target group",
        evidence: "a client other than ECS changed the weights",
        fix: "make the other client leave the weights alone",
        owner: Owner::Deployments,
        repaired_by: &[],
    }
    DEFAULT_ACTION_ANSWERS = 44 {
        name: "default-action-answers",
        aliases: &["default-action-swallows"],
        hop: Some(HopId::Rule),
        symptom: "clients get the default action's fixed response or redirect",
        evidence: "the listener's default action does not forward to the target group",
        fix: "correct the listener's default action",
        owner: Owner::Network,
        repaired_by: &["ModifyListener"],
    }
    NO_LISTENER = 45 {
        name: "no-listener",
        aliases: &[],
        hop: Some(HopId::Listener),
        symptom: "clients are refused or time out",
        evidence: "the load balancer has no listener on the declared port",
        fix: "create the listener",
        owner: Owner::Network,
        repaired_by: &[],
    }
    AUTHENTICATION_REQUIRED = 46 {
        name: "authentication-required",
        aliases: &["login-first"],
        hop: None,
        symptom: "clients get 401, 403 or a login page",
        evidence: "the rule has a login or token action before its forward",
        fix: "send the credentials that the action requires",
        owner: Owner::App,
        repaired_by: &[],
    }
    PATH_REWRITTEN = 47 {
        name: "path-rewritten",
        aliases: &["rewritten-on-the-way"],
        hop: Some(HopId::Rule),
        symptom: "requests through the load balancer get 404, direct requests do not",
        evidence: "the rule has transforms that the manifest does not declare",
        fix: "remove the transforms from the rule, or make the app serve the rewritten path",
        owner: Owner::Network,
        repaired_by: &[],
    }
    MIXED_ACTIONS = 48 {
        name: "mixed-actions",
        aliases: &[],
        hop: None,
        symptom: "blue/green deployments fail",
        evidence: "the production rule has actions other than forward",
        fix: "keep a single forward action in the rule",
        owner: Owner::Deployments,
        repaired_by: &[],
    }
    SCALED_TO_ZERO = 49 {
        name: "scaled-to-zero",
        aliases: &[],
        hop: Some(HopId::Registration),
        symptom: "the service is steady, but clients get 503",
        evidence: "the desired count is 0",
        fix: "raise the desired count",
        owner: Owner::Portolan,
        repaired_by: &["UpdateService"],
    }
    DEPLOYMENT_STUCK = 50 {
        name: "deployment-stuck",
        aliases: &[],
        hop: Some(HopId::Registration),
        symptom: "the old revision keeps serving",
        evidence: "the deployment can neither stop nor start a task: minimumHealthyPercent and maximumPercent round to the same number of tasks",
        fix: "lower minimumHealthyPercent or raise maximumPercent",
        owner: Owner::Deployments,
        repaired_by: &[],
    }
    DEPLOYMENT_ROLLED_BACK = 51 {
        name: "deployment-rolled-back",
        aliases: &["rolled-back"],
        hop: Some(HopId::ServiceWiring),
        symptom: "the declared revision does not serve",
        evidence: "the newest deployment of the declared configuration failed",
        fix: "fix the revision and deploy it; Portolan does not deploy it again",
        owner: Owner::Deployments,
        repaired_by: &[],
    }
    HOST_PORT_IN_USE = 52 {
        name: "host-port-in-use",
        aliases: &["host-port-taken"],
        hop: Some(HopId::Registration),
        symptom: "fewer tasks run than desired",
        evidence: "the fixed host port is in use on every instance",
        fix: "use dynamic host ports, or add instances",
        owner: Owner::Deployments,
        repaired_by: &[],
    }
    NETWORK_INTERFACES_EXHAUSTED = 53 {
        name: "network-interfaces-exhausted",
        aliases: &["no-interface-left"],
        hop: Some(HopId::Registration),
        symptom: "fewer tasks run than desired",
        evidence: "no instance has a free network interface, or no subnet has a free IP address",
        fix: "use larger instances, ENI trunking, or larger subnets",
        owner: Owner::Deployments,
        repaired_by: &[],
    }
    DEREGISTRATION_DELAY_SHORTER_THAN_STOP_TIMEOUT = 54 {
        name: "deregistration-delay-shorter-than-stop-timeout",
        aliases: &["draining-shorter-than-stopping"],
        hop: None,
        symptom: "clients get occasional 502 errors during deployments",
        evidence: "the deregistration delay is not longer than the containers' stopTimeout",
        fix: "set the deregistration delay to more than stopTimeout",
        owner: Owner::Portolan,
        repaired_by: &["ModifyTargetGroupAttributes"],
    }
    FAILS_OPEN = 55 {
        name: "fails-open",
        aliases: &[],
        hop: Some(HopId::Application),
        symptom: "every target is unhealthy, but clients are still served",
        evidence: "all registered targets are unhealthy, so the load balancer sends requests to all of them",
        fix: "fix the cause first: while all targets are unhealthy, the load balancer sends traffic to every one of them",
        owner: Owner::App,
        repaired_by: &[],
    }
    CLIENT_OLDER_THAN_ENDPOINT = 56 {
        name: "client-older-than-endpoint",
        aliases: &[],
        hop: None,
        symptom: "a Service Connect name is not found",
        evidence: "the client's deployment is older than the endpoint",
        fix: "deploy the client again",
        owner: Owner::Deployments,
        repaired_by: &[],
    }
    SERVICE_CONNECT_PORT_BLOCKED = 57 {
        name: "service-connect-port-blocked",
        aliases: &["service-connect-port-closed"],
        hop: None,
        symptom: "a Service Connect call times out",
        evidence: "no security group allows ingressPortOverride",
        fix: "allow this port",
        owner: Owner::Network,
        repaired_by: &[],
    }
    STALE_SERVICE_DISCOVERY = 58 {
        name: "stale-service-discovery",
        aliases: &[],
        hop: None,
        symptom: "a service name resolves to addresses that no longer exist",
        evidence: "Cloud Map has instances that belong to no task",
        fix: "deregister these instances",
        owner: Owner::Deployments,
        repaired_by: &[],
    }
    MANAGED_BY_ECS = 59 {
        name: "managed-by-ecs",
        aliases: &[],
        hop: None,
        symptom: "AWS reverts a change",
        evidence: "ECS Express Mode or a gateway controls the resource",
        fix: "let ECS manage the resource",
        owner: Owner::Deployments,
        repaired_by: &[],
    }
    SCHEDULE_USES_INACTIVE_REVISION = 60 {
        name: "schedule-uses-inactive-revision",
        aliases: &["schedule-pins-dead-revision"],
        hop: None,
        symptom: "a scheduled task never runs",
        evidence: "the schedule's target uses an inactive task definition revision",
        fix: "use the task definition family without a revision",
        owner: Owner::Deployments,
        repaired_by: &[],
    }
}
