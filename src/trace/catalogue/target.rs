//! M01–M31: the network, the app and the registered targets.

use super::{Code, Entry, Owner};
use crate::trace::hop::HopId;

numbered! {
    TARGET_SECURITY_GROUP_BLOCKS_LOAD_BALANCER = 1 {
        name: "target-security-group-blocks-load-balancer",
        aliases: &["target-group-closed-to-load-balancer"],
        hop: Some(HopId::TargetSecurityGroup),
        symptom: "targets time out, clients get 504",
        evidence: "no security group of the target allows the load balancer on the traffic port",
        fix: "allow the load balancer's security group on the traffic port",
        owner: Owner::Portolan,
        repaired_by: &["AuthorizeSecurityGroupIngress"],
    }
    LOAD_BALANCER_EGRESS_BLOCKED = 2 {
        name: "load-balancer-egress-blocked",
        aliases: &["load-balancer-egress-closed"],
        hop: Some(HopId::LoadBalancerEgress),
        symptom: "targets time out although their own security groups allow the load balancer",
        evidence: "no egress rule of the load balancer's security groups allows the target's port or its health-check port",
        fix: "add an egress rule to the load balancer's security group that allows the targets' security group and port",
        owner: Owner::Network,
        repaired_by: &[],
    }
    HEALTH_CHECK_PORT_BLOCKED = 3 {
        name: "health-check-port-blocked",
        aliases: &["health-check-port-closed"],
        hop: Some(HopId::TargetSecurityGroup),
        symptom: "health checks time out although the traffic port is open",
        evidence: "the health check uses its own port, and no security group of the target allows the load balancer on that port",
        fix: "allow the load balancer on the health-check port, or set the health-check port to traffic-port",
        owner: Owner::Portolan,
        repaired_by: &["AuthorizeSecurityGroupIngress", "ModifyTargetGroup"],
    }
    DYNAMIC_HOST_PORTS_BLOCKED = 4 {
        name: "dynamic-host-ports-blocked",
        aliases: &["dynamic-ports-closed"],
        hop: Some(HopId::TargetSecurityGroup),
        symptom: "some targets are healthy and others time out",
        evidence: "no security group of the instance allows the dynamic host port that Docker assigned",
        fix: "allow the load balancer's security group on the whole range of dynamic host ports",
        owner: Owner::Portolan,
        repaired_by: &["AuthorizeSecurityGroupIngress"],
    }
    RULE_IN_WRONG_SECURITY_GROUP = 5 {
        name: "rule-in-wrong-security-group",
        aliases: &["wrong-group-edited"],
        hop: Some(HopId::TargetSecurityGroup),
        symptom: "targets time out although a rule was added",
        evidence: "the rule is in the instance's security group, but the task's network interface has other security groups",
        fix: "add the rule to a security group of the task's network interface",
        owner: Owner::Portolan,
        repaired_by: &["AuthorizeSecurityGroupIngress"],
    }
    DEFAULT_SECURITY_GROUP = 6 {
        name: "default-security-group",
        aliases: &["default-group"],
        hop: Some(HopId::TargetSecurityGroup),
        symptom: "targets time out",
        evidence: "the service sets no security groups, so its tasks use the VPC's default one, which allows only its own members",
        fix: "set security groups in the service's network configuration; this redeploys the service",
        owner: Owner::Portolan,
        repaired_by: &["UpdateService"],
    }
    TARGET_NETWORK_ACL_DENIES = 7 {
        name: "target-network-acl-denies",
        aliases: &["acl-of-target-subnet"],
        hop: Some(HopId::NetworkAcl),
        symptom: "targets time out although every security group allows the traffic",
        evidence: "the network ACL of the target's subnet denies requests (from clients, if client IP addresses are preserved) or responses",
        fix: "change the network ACL: allow the traffic and health-check ports inbound and 1024-65535 outbound, for the load balancer's subnets and, if client IP addresses are preserved, for the clients",
        owner: Owner::Network,
        repaired_by: &[],
    }
    LOAD_BALANCER_NETWORK_ACL_DENIES = 8 {
        name: "load-balancer-network-acl-denies",
        aliases: &["acl-of-load-balancer-subnet"],
        hop: Some(HopId::NetworkAcl),
        symptom: "clients or targets time out although every security group allows the traffic",
        evidence: "the network ACL of the load balancer's subnet denies clients, requests to targets, or responses",
        fix: "change the network ACL: allow listener ports and 1024-65535 inbound, target ports and 1024-65535 outbound",
        owner: Owner::Network,
        repaired_by: &[],
    }
    CLIENTS_BLOCKED = 9 {
        name: "clients-blocked",
        aliases: &["clients-kept-out"],
        hop: Some(HopId::LoadBalancer),
        symptom: "targets are healthy, but clients time out and the load balancer counts no request",
        evidence: "no ingress rule of the load balancer's security groups allows any client on the listener's port",
        fix: "allow the clients on the listener's port; the owner decides which",
        owner: Owner::Network,
        repaired_by: &[],
    }
    PUBLIC_LOAD_BALANCER_IN_PRIVATE_SUBNETS = 10 {
        name: "public-load-balancer-in-private-subnets",
        aliases: &[],
        hop: Some(HopId::LoadBalancer),
        symptom: "targets are healthy, clients from the internet time out",
        evidence: "the scheme is internet-facing, but the route table of a subnet has no route to an internet gateway",
        fix: "move the load balancer to subnets with a route to an internet gateway",
        owner: Owner::Network,
        repaired_by: &[],
    }
    STALE_SECURITY_GROUP_RULE = 11 {
        name: "stale-security-group-rule",
        aliases: &["stale-group-reference"],
        hop: None,
        symptom: "targets time out across a VPC peering connection",
        evidence: "a rule refers to a security group in a VPC whose peering connection was deleted",
        fix: "replace it with a CIDR rule",
        owner: Owner::Network,
        repaired_by: &[],
    }
    PRESERVED_CLIENT_IP_BLOCKED = 12 {
        name: "preserved-client-ip-blocked",
        aliases: &["client-addresses-kept-out"],
        hop: Some(HopId::TargetSecurityGroup),
        symptom: "health checks pass, clients time out",
        evidence: "the network load balancer preserves client IP addresses, but the target's security groups allow only the load balancer's nodes, or only clients and not the nodes, from which clients of AWS PrivateLink come",
        fix: "allow the load balancer's security group or the clients' addresses, or set preserve_client_ip.enabled to false (not for UDP)",
        owner: Owner::Portolan,
        repaired_by: &["AuthorizeSecurityGroupIngress", "ModifyTargetGroupAttributes"],
    }
    HEALTH_CHECK_EGRESS_BLOCKED = 13 {
        name: "health-check-egress-blocked",
        aliases: &["network-load-balancer-egress-closed-to-checks"],
        hop: Some(HopId::LoadBalancerEgress),
        symptom: "targets are unhealthy, but traffic may still flow",
        evidence: "no egress rule of the network load balancer's security groups allows the health-check port",
        fix: "add an egress rule for the health-check port",
        owner: Owner::Network,
        repaired_by: &[],
    }
    LOAD_BALANCER_WITHOUT_SECURITY_GROUPS = 14 {
        name: "load-balancer-without-security-groups",
        aliases: &["load-balancer-without-groups"],
        hop: Some(HopId::TargetSecurityGroup),
        symptom: "targets are unhealthy, clients time out",
        evidence: "the target allows a security group, but the network load balancer was created without security groups and cannot get any",
        fix: "allow its subnets and clients by CIDR, or create a new load balancer with a security group",
        owner: Owner::Network,
        repaired_by: &[],
    }
    HAIRPIN = 15 {
        name: "hairpin",
        aliases: &[],
        hop: None,
        symptom: "a target's requests to itself through the load balancer time out",
        evidence: "client IP addresses are preserved and the client is also a target",
        fix: "turn client IP preservation off, or register targets by IP address",
        owner: Owner::Network,
        repaired_by: &[],
    }
    HEALTH_CHECK_PATH_OR_MATCHER = 16 {
        name: "health-check-path-or-matcher",
        aliases: &["health-path-or-matcher"],
        hop: Some(HopId::Application),
        symptom: "targets answer health checks with an unexpected code, so the network works",
        evidence: "the app answers the health-check path with a code that the matcher does not list",
        fix: "correct the path or the success codes of the health check",
        owner: Owner::Portolan,
        repaired_by: &["ModifyTargetGroup"],
    }
    HOST_HEADER_REJECTED = 17 {
        name: "host-header-rejected",
        aliases: &["host-header-refused"],
        hop: Some(HopId::Application),
        symptom: "health checks get 400 or 404, requests by name work",
        evidence: "the app answers the health check's Host header, which is an address, with an error",
        fix: "make the app accept its own address as Host, or add the code to the matcher",
        owner: Owner::App,
        repaired_by: &[],
    }
    APP_ON_ANOTHER_PORT = 18 {
        name: "app-on-another-port",
        aliases: &[],
        hop: Some(HopId::Application),
        symptom: "connections are refused, clients get 502",
        evidence: "nothing answers on the registered port",
        fix: "correct the container port in a new task definition revision",
        owner: Owner::App,
        repaired_by: &[],
    }
    APP_ON_LOOPBACK = 19 {
        name: "app-on-loopback",
        aliases: &[],
        hop: Some(HopId::Application),
        symptom: "connections are refused although the container health check passes",
        evidence: "the app is bound to 127.0.0.1",
        fix: "bind the app to 0.0.0.0",
        owner: Owner::App,
        repaired_by: &[],
    }
    CONTAINER_HEALTH_CHECK_FAILS = 20 {
        name: "container-health-check-fails",
        aliases: &["container-check-fails"],
        hop: Some(HopId::Application),
        symptom: "targets are healthy, but ECS stops the tasks",
        evidence: "the container health check fails while the load balancer's health check passes",
        fix: "correct the container health check, or make the app listen on localhost too",
        owner: Owner::App,
        repaired_by: &[],
    }
    PROTOCOL_MISMATCH = 21 {
        name: "protocol-mismatch",
        aliases: &[],
        hop: Some(HopId::Application),
        symptom: "health checks fail or use another protocol, clients get 502",
        evidence: "the target group uses HTTP and the app HTTPS, or the reverse",
        fix: "create a target group with the app's protocol; the protocol cannot be changed",
        owner: Owner::App,
        repaired_by: &[],
    }
    PROTOCOL_VERSION_MISMATCH = 22 {
        name: "protocol-version-mismatch",
        aliases: &[],
        hop: Some(HopId::TargetGroup),
        symptom: "targets are healthy, clients get 464",
        evidence: "the target group's protocol version differs from the declared one",
        fix: "create a target group with that version; the version cannot be changed",
        owner: Owner::App,
        repaired_by: &[],
    }
    GRPC_HEALTH_CHECK_CODE = 23 {
        name: "grpc-health-check-code",
        aliases: &["grpc-health-code"],
        hop: Some(HopId::Application),
        symptom: "targets answer health checks with an unexpected gRPC code",
        evidence: "the health-check method answers with a code that the matcher does not list",
        fix: "add the code (such as 0) to the matcher, or implement the method",
        owner: Owner::Portolan,
        repaired_by: &["ModifyTargetGroup"],
    }
    KILLED_DURING_STARTUP = 24 {
        name: "killed-during-startup",
        aliases: &["killed-before-it-is-up"],
        hop: Some(HopId::Application),
        symptom: "ECS repeatedly starts tasks, finds them unhealthy and stops them",
        evidence: "the service's events alternate, and the grace period is shorter than the time a health check needs to fail",
        fix: "set healthCheckGracePeriodSeconds to more than the app's startup time",
        owner: Owner::Deployments,
        repaired_by: &[],
    }
    HEALTH_CHECK_TIMEOUT = 25 {
        name: "health-check-timeout",
        aliases: &["too-slow"],
        hop: Some(HopId::Application),
        symptom: "targets time out although every security group and network ACL allows the traffic",
        evidence: "the network allows the traffic, but health checks get no answer in time",
        fix: "increase the health-check timeout, or make the app faster",
        owner: Owner::App,
        repaired_by: &["ModifyTargetGroup"],
    }
    STOPPED_FOR_ANOTHER_TARGET_GROUP = 26 {
        name: "stopped-for-another-target-group",
        aliases: &[],
        hop: Some(HopId::Application),
        symptom: "ECS stops tasks of this target group because another target group finds them unhealthy",
        evidence: "one of the service's target groups finds the tasks unhealthy",
        fix: "repair the other target group's path",
        owner: Owner::Portolan,
        repaired_by: &["ModifyTargetGroup", "AuthorizeSecurityGroupIngress"],
    }
    ADDRESS_OF_ANOTHER_SERVICE = 27 {
        name: "address-of-another-service",
        aliases: &[],
        hop: Some(HopId::Registration),
        symptom: "another app answers some requests",
        evidence: "a registered address belongs to a task of another service",
        fix: "deregister it",
        owner: Owner::Portolan,
        repaired_by: &["DeregisterTargets"],
    }
    STALE_TARGET_REGISTERED = 28 {
        name: "stale-target-registered",
        aliases: &["dead-address"],
        hop: Some(HopId::Registration),
        symptom: "a target stays unhealthy or unused",
        evidence: "no task, interface or instance has the registered address",
        fix: "deregister it",
        owner: Owner::Portolan,
        repaired_by: &["DeregisterTargets"],
    }
    UNKNOWN_TARGET_REGISTERED = 29 {
        name: "unknown-target-registered",
        aliases: &["stranger-among-the-targets"],
        hop: Some(HopId::Registration),
        symptom: "an undeclared target answers some requests",
        evidence: "a registered target exists, but it is not a target of the service's tasks and is not declared",
        fix: "find out who registered it; then declare it or deregister it",
        owner: Owner::Network,
        repaired_by: &[],
    }
    TASK_NOT_REGISTERED = 30 {
        name: "task-not-registered",
        aliases: &[],
        hop: Some(HopId::Registration),
        symptom: "a task runs but gets no requests",
        evidence: "a task has been running for minutes but is not registered as a target",
        fix: "ECS registers it again automatically; if it does not, force a new deployment; if Portolan is the registrar, run `portolan reconcile`",
        owner: Owner::Deployments,
        repaired_by: &["RegisterTargets"],
    }
    STILL_DRAINING = 31 {
        name: "still-draining",
        aliases: &[],
        hop: Some(HopId::Registration),
        symptom: "no target is in use",
        evidence: "a required target is draining and can be used again only after draining ends",
        fix: "wait until the deregistration delay has passed",
        owner: Owner::Time,
        repaired_by: &["RegisterTargets"],
    }
}
