//! Target groups, load balancers, listeners and rules.

use super::value::{AnyPort, ByName, Count, Forward, List, OrDefault, Texts};
use crate::yaml::{At, mapping};

mapping! {
    struct TargetGroup in "targetGroups" {
        name as "name": At<String>,
        vpc as "vpc": At<String>,
        protocol as "protocol": At<String>,
        protocol_version as "protocolVersion": Option<At<String>>,
        port as "port": At<AnyPort>,
        /// `ip` where it is absent.
        target_type as "targetType": Option<At<String>>,
        health_check as "healthCheck": OrDefault<HealthCheck>,
        attributes as "attributes": Texts,
        tags as "tags": Texts,
        targets as "targets": List<Target>,
    }
}

mapping! {
    /// Members of `CreateTargetGroup` by the names that a manifest uses; times are seconds.
    #[derive(Default)]
    struct HealthCheck in "targetGroups.healthCheck" {
        protocol as "protocol": Option<At<String>>,
        port as "port": Option<At<String>>,
        path as "path": Option<At<String>>,
        matcher as "matcher": Option<At<String>>,
        interval as "interval": Option<At<Count>>,
        timeout as "timeout": Option<At<Count>>,
        healthy_threshold as "healthyThreshold": Option<At<Count>>,
        unhealthy_threshold as "unhealthyThreshold": Option<At<Count>>,
    }
}

mapping! {
    struct Target in "targetGroups.targets" {
        /// An address, or the name of an instance.
        id as "id": At<String>,
        port as "port": Option<At<AnyPort>>,
        zone as "zone": Option<At<String>>,
    }
}

mapping! {
    struct LoadBalancer in "loadBalancers" {
        name as "name": At<String>,
        /// `application` where it is absent.
        kind as "kind": Option<At<String>>,
        /// `internet-facing` where it is absent.
        scheme as "scheme": Option<At<String>>,
        subnets as "subnets": At<Vec<At<String>>>,
        security_groups as "securityGroups": List<String>,
        attributes as "attributes": Texts,
        listeners as "listeners": List<Listener>,
    }
}

mapping! {
    struct Listener in "loadBalancers.listeners" {
        port as "port": At<AnyPort>,
        /// `HTTP` where it is absent.
        protocol as "protocol": Option<At<String>>,
        default as "default": At<Action>,
        rules as "rules": List<Rule>,
    }
}

mapping! {
    /// `{forward: cart}`, `{forward: {blue: 100, green: 0}}`, `{fixedResponse: 404}` or `{redirect: HTTPS}`, with
    /// `login: true` before it.
    struct Action in "an action" {
        forward as "forward": Option<At<Forward>>,
        fixed_response as "fixedResponse": Option<At<AnyPort>>,
        redirect as "redirect": Option<At<String>>,
        login as "login": OrDefault<bool>,
    }
}

mapping! {
    struct Rule in "loadBalancers.listeners.rules" {
        priority as "priority": At<Count>,
        hosts as "hosts": List<String>,
        paths as "paths": List<String>,
        methods as "methods": List<String>,
        headers as "headers": OrDefault<ByName<Vec<At<String>>>>,
        query_strings as "queryStrings": Texts,
        source_ips as "sourceIps": List<String>,
        action as "action": At<Action>,
        /// `[regex, replacement]` of the URL.
        rewrite as "rewrite": Option<At<Vec<At<String>>>>,
        tags as "tags": Texts,
    }
}
