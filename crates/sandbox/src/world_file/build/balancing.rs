//! Target groups, load balancers, listeners and rules.

use serde_json::{Value, json};

use super::{Builder, Built, or, tags, text};
use crate::world_file::shape::{Act, Action, Forward, Listener, LoadBalancer, Rule, TargetGroup, World};

impl Builder {
    pub(super) fn balancers(&mut self, shape: &World) -> Built {
        for group in shape.target_groups.iter() {
            self.within("target group", &group.name, group.at, |builder| builder.target_group(group))?;
        }
        for balancer in shape.load_balancers.iter() {
            self.within("load balancer", &balancer.name, balancer.at, |builder| builder.load_balancer(balancer))?;
        }
        // Targets can be in use once the rules stand.
        for group in shape.target_groups.iter() {
            self.within("target group", &group.name, group.at, |builder| builder.targets(group))?;
        }
        Ok(())
    }

    fn target_group(&mut self, group: &TargetGroup) -> Built {
        let check = &group.health_check;
        let mut input = json!({"Name": group.name, "VpcId": self.find("vpc", &group.vpc)?,
            "Protocol": group.protocol, "Port": group.port, "TargetType": or(&group.target_type, "ip"),
            "Tags": tags(&group.tags)});
        let matcher = check.matcher.as_ref().map(|codes| {
            let kind = if or(&group.protocol_version, "") == "GRPC" { "GrpcCode" } else { "HttpCode" };
            json!({kind: codes})
        });
        let optional = [
            ("ProtocolVersion", json!(group.protocol_version)),
            ("HealthCheckProtocol", json!(check.protocol)),
            ("HealthCheckPort", json!(check.port)),
            ("HealthCheckPath", json!(check.path)),
            ("HealthCheckIntervalSeconds", json!(check.interval)),
            ("HealthCheckTimeoutSeconds", json!(check.timeout)),
            ("HealthyThresholdCount", json!(check.healthy_threshold)),
            ("UnhealthyThresholdCount", json!(check.unhealthy_threshold)),
            ("Matcher", json!(matcher)),
        ];
        for (member, value) in optional.into_iter().filter(|(_, value)| !value.is_null()) {
            input[member] = value;
        }
        let made = self.call("elasticloadbalancing:CreateTargetGroup", &input)?;
        let arn = text(&made, "/TargetGroups/0/TargetGroupArn");
        if group.attributes.is_empty() {
            return Ok(());
        }
        let input = json!({"TargetGroupArn": arn, "Attributes": tags(&group.attributes)});
        self.call("elasticloadbalancing:ModifyTargetGroupAttributes", &input).map(drop)
    }

    fn targets(&mut self, group: &TargetGroup) -> Built {
        let arn = self.find("targetGroup", &group.name)?;
        for target in group.targets.iter() {
            let (name, at) = (&target.id, target.at);
            let id = self.find("instance", &target.id).unwrap_or_else(|_| target.id.value.clone());
            let target = json!({"Id": id, "Port": target.port, "AvailabilityZone": target.zone});
            let input = json!({"TargetGroupArn": arn, "Targets": [target]});
            self.within("target", name, at, |builder| {
                builder.call("elasticloadbalancing:RegisterTargets", &input).map(drop)
            })?;
        }
        Ok(())
    }

    fn load_balancer(&mut self, balancer: &LoadBalancer) -> Built {
        let mut input = json!({"Name": balancer.name, "Type": or(&balancer.kind, "application"),
            "Scheme": or(&balancer.scheme, "internet-facing"),
            "Subnets": self.find_all("subnet", &balancer.subnets)?});
        if !balancer.security_groups.is_empty() {
            input["SecurityGroups"] = json!(self.find_all("securityGroup", &balancer.security_groups)?);
        }
        let made = self.call("elasticloadbalancing:CreateLoadBalancer", &input)?;
        let arn = text(&made, "/LoadBalancers/0/LoadBalancerArn");
        if !balancer.attributes.is_empty() {
            let input = json!({"LoadBalancerArn": arn, "Attributes": tags(&balancer.attributes)});
            self.call("elasticloadbalancing:ModifyLoadBalancerAttributes", &input)?;
        }
        if *balancer.endpoint_service {
            let input = json!({"NetworkLoadBalancerArn": [arn]});
            self.call("ec2:CreateVpcEndpointServiceConfiguration", &input)?;
        }
        if *balancer.open_to_private_link {
            let input = json!({"LoadBalancerArn": arn, "SecurityGroups": input["SecurityGroups"],
                "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic": "off"});
            self.call("elasticloadbalancing:SetSecurityGroups", &input)?;
        }
        for listener in balancer.listeners.iter() {
            self.within("listener", &listener.port, listener.at, |builder| builder.listener(&arn, listener))?;
        }
        Ok(())
    }

    fn listener(&mut self, arn: &str, listener: &Listener) -> Built {
        let protocol = or(&listener.protocol, "HTTP");
        let mut input = json!({"LoadBalancerArn": arn, "Protocol": protocol, "Port": listener.port,
            "DefaultActions": self.actions(&listener.default)?});
        if matches!(protocol, "HTTPS" | "TLS") {
            let certificate = self.world.state.arn("acm", "certificate/00000000-0000-0000-0000-000000000000");
            input["Certificates"] = json!([{"CertificateArn": certificate}]);
        }
        let made = self.call("elasticloadbalancing:CreateListener", &input)?;
        let listener_arn = text(&made, "/Listeners/0/ListenerArn");
        for rule in listener.rules.iter() {
            self.within("rule", &rule.priority, rule.at, |builder| builder.rule(&listener_arn, rule))?;
        }
        Ok(())
    }

    fn rule(&mut self, listener: &str, rule: &Rule) -> Built {
        let mut input = json!({"ListenerArn": listener, "Priority": rule.priority,
            "Conditions": conditions(rule), "Actions": self.actions(&rule.action)?, "Tags": tags(&rule.tags)});
        if let Some(rewrite) = &rule.rewrite {
            let rewrites = json!({"Rewrites": [{"Regex": rewrite.regex, "Replace": rewrite.replacement}]});
            input["Transforms"] = json!([{"Type": "url-rewrite", "UrlRewriteConfig": rewrites}]);
        }
        self.call("elasticloadbalancing:CreateRule", &input).map(drop)
    }

    fn actions(&self, action: &Action) -> Built<Value> {
        let mut actions = Vec::new();
        if action.login {
            let issuer = "https://login.example.com";
            actions.push(json!({"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": {
                "Issuer": issuer, "AuthorizationEndpoint": format!("{issuer}/authorize"),
                "TokenEndpoint": format!("{issuer}/token"), "UserInfoEndpoint": format!("{issuer}/user"),
                "ClientId": "sandbox", "ClientSecret": "sandbox"}}));
        }
        let order = actions.len() + 1;
        let last = match &action.act {
            Act::Forward(forward) => {
                let groups = self.forwarded(forward)?;
                json!({"Type": "forward", "Order": order, "ForwardConfig": {"TargetGroups": groups}})
            }
            Act::FixedResponse(code) => json!({"Type": "fixed-response", "Order": order,
                "FixedResponseConfig": {"StatusCode": code.to_string(), "ContentType": "text/plain"}}),
            Act::Redirect(protocol) => json!({"Type": "redirect", "Order": order,
                "RedirectConfig": {"Protocol": protocol, "Port": "443", "StatusCode": "HTTP_301"}}),
        };
        actions.push(last);
        Ok(Value::Array(actions))
    }

    fn forwarded(&self, forward: &Forward) -> Built<Vec<Value>> {
        forward
            .iter()
            .map(|(group, weight)| Ok(json!({"TargetGroupArn": self.find("targetGroup", group)?, "Weight": weight})))
            .collect()
    }
}

fn conditions(rule: &Rule) -> Vec<Value> {
    let lists = [
        ("host-header", "HostHeaderConfig", &rule.hosts),
        ("path-pattern", "PathPatternConfig", &rule.paths),
        ("http-request-method", "HttpRequestMethodConfig", &rule.methods),
        ("source-ip", "SourceIpConfig", &rule.source_ips),
    ];
    let lists = lists.into_iter().filter(|(.., values)| !values.is_empty());
    let mut conditions: Vec<Value> =
        lists.map(|(field, config, values)| json!({"Field": field, config: {"Values": **values}})).collect();
    conditions.extend(rule.headers.iter().map(|(name, values)| {
        json!({"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": name, "Values": values}})
    }));
    conditions.extend(rule.query_strings.iter().map(|(key, value)| {
        json!({"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": key, "Value": value}]}})
    }));
    conditions
}
