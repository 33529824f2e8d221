//! Listeners. Their default rule is theirs: it is no rule of its own.

use serde_json::{Value, json};

use super::action::{self, Front};
use super::listing::listed;
use super::{find, limit, number, secure, tag, usage};
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::state::{Listener, LoadBalancer, State};

/// `CreateListener`. The same one again is the existing one.
pub fn create(state: &mut State, input: Input) -> Answer {
    let balancer = find::load_balancer(state, find::need(input, "LoadBalancerArn")?)?;
    let protocol = find::need(input, "Protocol")?;
    check_protocol(balancer, protocol)?;
    let port = number::port(input, "Port")?.ok_or_else(|| Refusal::validation("A port must be specified"))?;
    let (certificates, ssl_policy) = secure::read(state, input, protocol, (&[], None))?;
    let front = Front { balancer, protocol, port };
    let actions = action::read(input, "DefaultActions", front)?;
    let tags = tag::read(input)?;
    let is_same = |standing: &&Listener| {
        standing.protocol == protocol
            && standing.actions == actions
            && (&standing.certificates, &standing.ssl_policy) == (&certificates, &ssl_policy)
            && standing.tags == tags
    };
    if let Some(standing) = on_port(state, &balancer.arn, port).filter(is_same) {
        return Ok(json!({"Listeners": [shown(standing)]}));
    }
    check_free(state, &balancer.arn, port, "")?;
    check_quota(state, balancer)?;
    action::check(state, front, &actions)?;
    usage::check(state, balancer, "", &actions)?;
    let (load_balancer, path) = (balancer.arn.clone(), balancer.path().to_owned());
    let path = format!("{path}/{}", state.ids.short());
    let default = state.ids.short();
    let arn = state.arn("elasticloadbalancing", &format!("listener/{path}"));
    let default_rule = state.arn("elasticloadbalancing", &format!("listener-rule/{path}/{default}"));
    let protocol = protocol.to_owned();
    let made = Listener { arn, load_balancer, port, protocol, actions, certificates, ssl_policy, default_rule, tags };
    Ok(put(state, made))
}

fn put(state: &mut State, listener: Listener) -> Value {
    let answer = json!({"Listeners": [shown(&listener)]});
    state.listeners.insert(listener.arn.clone(), listener);
    answer
}

fn check_protocol(balancer: &LoadBalancer, protocol: &str) -> Result<(), Refusal> {
    let words: &[&str] = if balancer.is_application() { &["HTTP", "HTTPS"] } else { &["TCP", "TLS", "UDP", "TCP_UDP"] };
    if !words.contains(&protocol) {
        let message = format!("Listener protocol '{protocol}' must be one of '{}'", words.join(", "));
        return Err(Refusal::validation(message));
    }
    Ok(())
}

/// That no other listener of a load balancer has a port. TCP and UDP do not share one: that is TCP_UDP.
fn check_free(state: &State, balancer: &str, port: u16, but: &str) -> Result<(), Refusal> {
    if on_port(state, balancer, port).is_some_and(|other| other.arn != but) {
        let message = format!("A listener already exists on this port for this load balancer '{balancer}'");
        return Err(Refusal::new("DuplicateListener", message));
    }
    Ok(())
}

fn on_port<'a>(state: &'a State, balancer: &str, port: u16) -> Option<&'a Listener> {
    state.listeners.values().find(|listener| listener.load_balancer == balancer && listener.port == port)
}

fn check_quota(state: &State, balancer: &LoadBalancer) -> Result<(), Refusal> {
    let own = state.listeners.values().filter(|listener| listener.load_balancer == balancer.arn).count();
    if own >= limit::LISTENERS {
        let message = format!("A load balancer can have at most '{}' listeners", limit::LISTENERS);
        return Err(Refusal::new("TooManyListeners", message));
    }
    Ok(())
}

/// `ModifyListener`. What a call leaves out stays.
pub fn modify(state: &mut State, input: Input) -> Answer {
    let listener = find::listener(state, find::need(input, "ListenerArn")?)?;
    let balancer = find::balancer_of(state, listener)?;
    let protocol = input.text("Protocol").unwrap_or(&listener.protocol);
    check_protocol(balancer, protocol)?;
    let port = number::port(input, "Port")?.unwrap_or(listener.port);
    let standing = (listener.certificates.as_slice(), listener.ssl_policy.as_deref());
    let (certificates, ssl_policy) = secure::read(state, input, protocol, standing)?;
    let front = Front { balancer, protocol, port };
    let actions = match input.has("DefaultActions") {
        true => action::read(input, "DefaultActions", front)?,
        false => listener.actions.clone(),
    };
    check_free(state, &balancer.arn, port, &listener.arn)?;
    action::check(state, front, &actions)?;
    // A new protocol has to suit the rules too.
    for rule in state.rules.values().filter(|rule| rule.listener == listener.arn) {
        action::check(state, front, &rule.actions)?;
    }
    usage::check(state, balancer, &listener.arn, &actions)?;
    let protocol = protocol.to_owned();
    let changed = Listener { port, protocol, actions, certificates, ssl_policy, ..listener.clone() };
    Ok(put(state, changed))
}

/// `DescribeListeners`: of a load balancer, or by ARN.
pub fn describe(state: &State, input: Input) -> Answer {
    let arns = input.texts("ListenerArns");
    let found: Vec<&Listener> = match (input.text("LoadBalancerArn"), arns.is_empty()) {
        (Some(arn), true) => {
            let balancer = find::load_balancer(state, arn)?;
            state.listeners.values().filter(|listener| listener.load_balancer == balancer.arn).collect()
        }
        (None, false) => arns.into_iter().map(|arn| find::listener(state, arn)).collect::<Result<_, _>>()?,
        _ => return Err(Refusal::validation("Either a load balancer or listeners must be specified")),
    };
    listed(state, input, "Listeners", found.into_iter().map(shown).collect())
}

/// `DeleteListener`, with its rules.
pub fn delete(state: &mut State, input: Input) -> Answer {
    let arn = find::need(input, "ListenerArn")?;
    find::listener(state, arn)?;
    state.rules.retain(|_, rule| rule.listener != arn);
    state.listeners.remove(arn);
    Ok(json!({}))
}

/// A listener as it is described.
fn shown(listener: &Listener) -> Value {
    let mutual = (listener.protocol == "HTTPS").then(|| json!({"Mode": "off"}));
    json!({
        "ListenerArn": listener.arn,
        "LoadBalancerArn": listener.load_balancer,
        "Port": listener.port,
        "Protocol": listener.protocol,
        "Certificates": secure::shown(&listener.certificates),
        "SslPolicy": listener.ssl_policy,
        "DefaultActions": listener.actions,
        "MutualAuthentication": mutual,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fixture::{CERTIFICATE, balancer, done, group, listener, network_balancer, refused, world};

    fn input(balancer: &str, protocol: &str, port: u16, actions: Value) -> Value {
        json!({"LoadBalancerArn": balancer, "Protocol": protocol, "Port": port, "DefaultActions": actions})
    }

    #[test]
    fn a_single_forward_reads_back_with_both_forms_and_stickiness_and_without_an_order() {
        let mut world = world();
        let (web, group) = (balancer(&mut world, "web"), group(&mut world, "web", "HTTP"));
        let arn = listener(&mut world, &web, 80, &group);
        let described = done(&mut world, "DescribeListeners", json!({"ListenerArns": [arn]}));
        let expected = json!([{
            "Type": "forward",
            "TargetGroupArn": group,
            "ForwardConfig": {
                "TargetGroups": [{"TargetGroupArn": group, "Weight": 1}],
                "TargetGroupStickinessConfig": {"Enabled": false},
            },
        }]);
        assert_eq!(described["Listeners"][0]["DefaultActions"], expected);
        let path = web.replace(":loadbalancer/", ":listener/");
        assert!(arn.starts_with(&format!("{path}/")), "{arn}");
        let groups = done(&mut world, "DescribeTargetGroups", json!({"LoadBalancerArn": web}));
        assert_eq!(groups["TargetGroups"][0]["LoadBalancerArns"], json!([web]));
    }

    #[test]
    fn redirects_and_fixed_responses_read_back_with_their_defaults() {
        let mut world = world();
        let web = balancer(&mut world, "web");
        let redirect = json!([{"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "StatusCode": "HTTP_301"}}]);
        let made = done(&mut world, "CreateListener", input(&web, "HTTP", 80, redirect));
        let config = &made["Listeners"][0]["DefaultActions"][0]["RedirectConfig"];
        assert_eq!((&config["Host"], &config["Path"]), (&json!("#{host}"), &json!("/#{path}")));
        let fixed = json!([{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]);
        let made = done(&mut world, "CreateListener", input(&web, "HTTP", 81, fixed));
        assert_eq!(made["Listeners"][0]["DefaultActions"][0]["FixedResponseConfig"], json!({"StatusCode": "404"}));
        let looping = json!([{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301"}}]);
        assert_eq!(
            refused(&mut world, "CreateListener", input(&web, "HTTP", 82, looping)),
            "InvalidLoadBalancerAction"
        );
    }

    #[test]
    fn ports_protocols_and_certificates_are_checked() {
        let mut world = world();
        let (web, net) = (balancer(&mut world, "web"), network_balancer(&mut world, "net"));
        let (http, tcp) = (group(&mut world, "http", "HTTP"), group(&mut world, "tcp", "TCP"));
        let forward = |group: &str| json!([{"Type": "forward", "TargetGroupArn": group}]);
        listener(&mut world, &web, 80, &http);
        let nothing = json!([{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]);
        for (input, code) in [
            (input(&web, "HTTP", 80, nothing), "DuplicateListener"),
            (input(&web, "TCP", 81, forward(&tcp)), "ValidationError"),
            (input(&web, "HTTP", 81, forward(&tcp)), "IncompatibleProtocols"),
            (input(&net, "TCP", 81, forward(&http)), "IncompatibleProtocols"),
            (input(&web, "HTTPS", 443, forward(&http)), "ValidationError"),
            (input(&web, "HTTP", 0, forward(&http)), "ValidationError"),
            (input(&web, "HTTP", 81, forward(&format!("{http}0"))), "TargetGroupNotFound"),
            (input(&format!("{web}0"), "HTTP", 81, forward(&http)), "LoadBalancerNotFound"),
            (input(&http, "HTTP", 81, forward(&http)), "ValidationError"),
        ] {
            assert_eq!(refused(&mut world, "CreateListener", input.clone()), code, "{input}");
        }
        let mut secure = input(&web, "HTTPS", 443, forward(&http));
        secure["Certificates"] = json!([{"CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1"}]);
        assert_eq!(refused(&mut world, "CreateListener", secure.clone()), "CertificateNotFound");
        secure["Certificates"] = json!([{"CertificateArn": CERTIFICATE}]);
        let made = done(&mut world, "CreateListener", secure);
        assert_eq!(made["Listeners"][0]["SslPolicy"], json!("ELBSecurityPolicy-2016-08"));
    }

    #[test]
    fn the_same_creation_twice_is_one_and_another_one_on_its_port_is_refused() {
        let mut world = world();
        let (web, group) = (balancer(&mut world, "web"), group(&mut world, "web", "HTTP"));
        assert_eq!(listener(&mut world, &web, 80, &group), listener(&mut world, &web, 80, &group));
        let mut tagged = input(&web, "HTTP", 80, json!([{"Type": "forward", "TargetGroupArn": group}]));
        tagged["Tags"] = json!([{"Key": "team", "Value": "web"}]);
        assert_eq!(refused(&mut world, "CreateListener", tagged), "DuplicateListener");
    }

    #[test]
    fn a_target_group_serves_one_load_balancer() {
        let mut world = world();
        let (web, other) = (balancer(&mut world, "web"), balancer(&mut world, "other"));
        let group = group(&mut world, "web", "HTTP");
        listener(&mut world, &web, 80, &group);
        let second = input(&other, "HTTP", 80, json!([{"Type": "forward", "TargetGroupArn": group}]));
        assert_eq!(refused(&mut world, "CreateListener", second), "TargetGroupAssociationLimit");
        listener(&mut world, &web, 81, &group);
        assert_eq!(refused(&mut world, "DeleteTargetGroup", json!({"TargetGroupArn": group})), "ResourceInUse");
    }

    #[test]
    fn grpc_needs_https_and_modifying_keeps_what_is_left_out() {
        let mut world = world();
        let (web, plain) = (balancer(&mut world, "web"), group(&mut world, "web", "HTTP"));
        let grpc = json!({
            "Name": "grpc", "Protocol": "HTTP", "ProtocolVersion": "GRPC", "Port": 80, "VpcId": "vpc-1",
            "TargetType": "ip",
        });
        let made = done(&mut world, "CreateTargetGroup", grpc);
        let grpc = made["TargetGroups"][0]["TargetGroupArn"].clone();
        let forward = json!([{"Type": "forward", "TargetGroupArn": grpc}]);
        assert_eq!(refused(&mut world, "CreateListener", input(&web, "HTTP", 80, forward)), "ValidationError");
        let arn = listener(&mut world, &web, 80, &plain);
        let moved = done(&mut world, "ModifyListener", json!({"ListenerArn": arn, "Port": "8080"}));
        assert_eq!(moved["Listeners"][0]["Port"], json!(8080));
        assert_eq!(moved["Listeners"][0]["DefaultActions"][0]["TargetGroupArn"], json!(plain));
        listener(&mut world, &web, 80, &plain);
        let back = json!({"ListenerArn": arn, "Port": "80"});
        assert_eq!(refused(&mut world, "ModifyListener", back), "DuplicateListener");
    }
}
