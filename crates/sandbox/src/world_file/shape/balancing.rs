//! Target groups, load balancers, listeners and rules.

use portolan_yaml::{At, Decode, Node, Problems, mapping};

use super::value::{AnyPort, ByName, Code, Count, Forward, List, OrDefault, Rewrite, Texts};

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
        /// Clients of AWS PrivateLink reach it.
        endpoint_service as "endpointService": OrDefault<bool>,
        /// Its security groups do not filter these.
        open_to_private_link as "openToPrivateLink": OrDefault<bool>,
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

/// What is done with a request.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    /// People log in first.
    pub login: bool,
    pub act: Act,
}

/// `{forward: cart}`, `{forward: {blue: 100, green: 0}}`, `{fixedResponse: 404}` or `{redirect: HTTPS}`
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Forward(Forward),
    FixedResponse(Code),
    /// To this protocol.
    Redirect(String),
}

mapping! {
    struct WrittenAction in "an action" {
        forward as "forward": Option<At<Forward>>,
        fixed_response as "fixedResponse": Option<At<Code>>,
        redirect as "redirect": Option<At<String>>,
        login as "login": OrDefault<bool>,
    }
}

impl Decode for Action {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let WrittenAction { forward, fixed_response, redirect, login } = Decode::decode(node, name, problems)?;
        let act = match (forward, fixed_response, redirect) {
            (Some(forward), None, None) => Act::Forward(forward.value),
            (None, Some(code), None) => Act::FixedResponse(code.value),
            (None, None, Some(protocol)) => Act::Redirect(protocol.value),
            _ => {
                let hint = problems.format().shape("an action");
                problems.push_hint(node.at, "an action is one of forward, fixedResponse and redirect", hint);
                return None;
            }
        };
        Some(Self { login: *login, act })
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
        /// Of the URL.
        rewrite as "rewrite": Option<At<Rewrite>>,
        tags as "tags": Texts,
    }
}
