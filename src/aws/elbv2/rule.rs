//! Conditions and actions of rules and listeners.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_elasticloadbalancingv2::types as sdk;

use crate::model::{
    Conditions, Forward, HeaderCondition, QueryCondition, RegexField, Rule, RuleActions, RuleArn, Seen, Serve, Tags,
    TargetGroupArn, Unsayable,
};

/// A rule that is not the default one.
pub(crate) fn rule_from_sdk(rule: &sdk::Rule, tags: Seen<Tags>) -> Option<Rule> {
    if rule.is_default() == Some(true) {
        return None;
    }
    Some(Rule {
        arn: RuleArn::from(rule.rule_arn()?),
        priority: rule.priority()?.parse().ok()?,
        conditions: conditions_from_sdk(rule.conditions()),
        actions: actions_from_sdk(rule.actions()),
        transforms: rule.transforms().iter().map(transform_from_sdk).collect(),
        tags,
    })
}

/// What people see of a transform: its kind, and each regular expression with its replacement.
fn transform_from_sdk(transform: &sdk::RuleTransform) -> String {
    let host = transform.host_header_rewrite_config().map(|config| config.rewrites());
    let url = transform.url_rewrite_config().map(|config| config.rewrites());
    let rewrites = [host, url].into_iter().flatten().flatten();
    let shown: Vec<String> = rewrites
        .map(|rewrite| format!("{} → {}", rewrite.regex().unwrap_or_default(), rewrite.replace().unwrap_or_default()))
        .collect();
    format!("{} {}", transform.r#type().map_or("", |kind| kind.as_str()), shown.join(", ")).trim_end().to_owned()
}

pub(crate) fn conditions_from_sdk(list: &[sdk::RuleCondition]) -> Conditions {
    let mut conditions = Conditions::default();
    let mut fields = BTreeSet::new();
    for condition in list {
        let field = condition.field().unwrap_or_default();
        let single = !matches!(field, "http-header" | "query-string");
        // Two conditions of one field must both hold, which one set of values cannot say.
        let repeated = single && !fields.insert(field);
        if repeated || add_condition(&mut conditions, condition).is_none() {
            conditions.unsayable.push(unsayable(condition));
        }
    }
    conditions.unsayable.sort();
    conditions
}

/// Adds a condition; `None`, with nothing added, if the manifest cannot say it.
fn add_condition(conditions: &mut Conditions, condition: &sdk::RuleCondition) -> Option<()> {
    if has_regex(condition) {
        return None;
    }
    match condition.field()? {
        "host-header" => {
            let hosts = values(condition, condition.host_header_config().map(|config| config.values()))?;
            conditions.hosts.extend(hosts.iter().map(|host| host.to_ascii_lowercase()));
        }
        "path-pattern" => {
            let paths = values(condition, condition.path_pattern_config().map(|config| config.values()))?;
            conditions.paths.extend(paths.iter().cloned());
        }
        "http-request-method" => {
            let methods = values(condition, condition.http_request_method_config().map(|config| config.values()))?;
            conditions.methods.extend(methods.iter().cloned());
        }
        "source-ip" => {
            let config = condition.source_ip_config();
            if config.is_some_and(|config| config.ip_address_type().is_some()) {
                return None;
            }
            let blocks = values(condition, config.map(|config| config.values()))?;
            let blocks: Option<Vec<ipnet::IpNet>> = blocks.iter().map(|block| block.parse().ok()).collect();
            conditions.source_ips.extend(blocks?.iter().map(ipnet::IpNet::trunc));
        }
        "http-header" => {
            let config = condition.http_header_config()?;
            let name = config.http_header_name()?.to_ascii_lowercase();
            let values = config.values().iter().cloned().collect();
            conditions.headers.insert(HeaderCondition { name, values });
        }
        "query-string" => {
            let pairs = condition.query_string_config()?.values().iter();
            let pairs = pairs.map(|pair| {
                (
                    pair.key().filter(|key| !key.is_empty()).map(str::to_owned),
                    pair.value().unwrap_or_default().to_owned(),
                )
            });
            conditions.queries.insert(QueryCondition { pairs: pairs.collect() });
        }
        _ => return None,
    }
    Some(())
}

/// The values: AWS repeats those of the `*Config` member in the older one, emulators know one of the two.
fn values<'a>(condition: &'a sdk::RuleCondition, config: Option<&'a [String]>) -> Option<&'a [String]> {
    let values = config.filter(|values| !values.is_empty()).unwrap_or(condition.values());
    (!values.is_empty()).then_some(values)
}

fn has_regex(condition: &sdk::RuleCondition) -> bool {
    !condition.regex_values().is_empty()
        || condition.host_header_config().is_some_and(|config| !config.regex_values().is_empty())
        || condition.path_pattern_config().is_some_and(|config| !config.regex_values().is_empty())
        || condition.http_header_config().is_some_and(|config| !config.regex_values().is_empty())
}

/// A condition that the manifest cannot say.
fn unsayable(condition: &sdk::RuleCondition) -> Unsayable {
    let host = condition.host_header_config().map(|config| config.regex_values());
    let path = condition.path_pattern_config().map(|config| config.regex_values());
    let header = condition.http_header_config().map(|config| config.regex_values());
    let patterns: BTreeSet<String> =
        [host, path, header].into_iter().flatten().flatten().chain(condition.regex_values()).cloned().collect();
    let name = condition.field().unwrap_or("an unknown field");
    let field = match name {
        "host-header" => Some(RegexField::Host),
        "path-pattern" => Some(RegexField::Path),
        "http-header" => condition
            .http_header_config()
            .and_then(|config| config.http_header_name())
            .map(|name| RegexField::Header(name.to_ascii_lowercase())),
        _ => None,
    };
    match field {
        Some(field) if !patterns.is_empty() => Unsayable::Regex { field, patterns },
        Some(_) | None => Unsayable::Other(name.to_owned()),
    }
}

/// Conditions as they are sent: by the `*Config` members, which all fields have.
pub(crate) fn conditions_to_sdk(conditions: &Conditions) -> Vec<sdk::RuleCondition> {
    // A rule with a condition that the manifest cannot express is not sent.
    let Conditions { hosts, paths, methods, source_ips, headers, queries, unsayable: _ } = conditions;
    let list = |set: &BTreeSet<String>| (!set.is_empty()).then(|| set.iter().cloned().collect::<Vec<_>>());
    let field = |name: &str| sdk::RuleCondition::builder().field(name);
    let mut all = Vec::new();
    if let Some(hosts) = list(hosts) {
        let config = sdk::HostHeaderConditionConfig::builder().set_values(Some(hosts)).build();
        all.push(field("host-header").host_header_config(config).build());
    }
    if let Some(paths) = list(paths) {
        let config = sdk::PathPatternConditionConfig::builder().set_values(Some(paths)).build();
        all.push(field("path-pattern").path_pattern_config(config).build());
    }
    if let Some(methods) = list(methods) {
        let config = sdk::HttpRequestMethodConditionConfig::builder().set_values(Some(methods)).build();
        all.push(field("http-request-method").http_request_method_config(config).build());
    }
    if !source_ips.is_empty() {
        let blocks = source_ips.iter().map(ToString::to_string).collect();
        let config = sdk::SourceIpConditionConfig::builder().set_values(Some(blocks)).build();
        all.push(field("source-ip").source_ip_config(config).build());
    }
    for HeaderCondition { name, values } in headers {
        let config = sdk::HttpHeaderConditionConfig::builder().http_header_name(name).set_values(list(values)).build();
        all.push(field("http-header").http_header_config(config).build());
    }
    for QueryCondition { pairs } in queries {
        let pairs = pairs
            .iter()
            .map(|(key, value)| sdk::QueryStringKeyValuePair::builder().set_key(key.clone()).value(value).build());
        let config = sdk::QueryStringConditionConfig::builder().set_values(Some(pairs.collect())).build();
        all.push(field("query-string").query_string_config(config).build());
    }
    all
}

pub(crate) fn actions_from_sdk(actions: &[sdk::Action]) -> RuleActions {
    let has = |wanted: &[sdk::ActionTypeEnum]| {
        actions.iter().any(|action| action.r#type().is_some_and(|kind| wanted.contains(kind)))
    };
    RuleActions {
        login: has(&[sdk::ActionTypeEnum::AuthenticateOidc, sdk::ActionTypeEnum::AuthenticateCognito]),
        token: has(&[sdk::ActionTypeEnum::JwtValidation]),
        serve: last(actions).map_or_else(|| Serve::Other("nothing".to_owned()), serve_from_sdk),
    }
}

/// The action with the highest order; the order may be left out when there is one action only.
fn last(actions: &[sdk::Action]) -> Option<&sdk::Action> {
    actions.iter().max_by_key(|action| action.order().unwrap_or(0))
}

fn serve_from_sdk(action: &sdk::Action) -> Serve {
    match action.r#type() {
        Some(sdk::ActionTypeEnum::Forward) => Serve::Forward(forward_from_sdk(action)),
        Some(sdk::ActionTypeEnum::Redirect) => Serve::Redirect(destination(action.redirect_config())),
        Some(sdk::ActionTypeEnum::FixedResponse) => {
            let code = action.fixed_response_config().and_then(|config| config.status_code());
            Serve::FixedResponse(code.unwrap_or_default().to_owned())
        }
        other => Serve::Other(other.map_or("nothing", |kind| kind.as_str()).to_owned()),
    }
}

/// Where a redirect leads; what is left out stays as it is (`RedirectActionConfig`).
fn destination(config: Option<&sdk::RedirectActionConfig>) -> String {
    let part = |value: fn(&sdk::RedirectActionConfig) -> Option<&str>, kept: &str| {
        config.and_then(value).filter(|value| !value.is_empty()).unwrap_or(kept).to_owned()
    };
    let protocol = part(sdk::RedirectActionConfig::protocol, "#{protocol}").to_ascii_lowercase();
    let host = part(sdk::RedirectActionConfig::host, "#{host}");
    let port = part(sdk::RedirectActionConfig::port, "#{port}");
    let path = part(sdk::RedirectActionConfig::path, "/#{path}");
    let query = config.and_then(sdk::RedirectActionConfig::query).filter(|query| *query != "#{query}");
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{protocol}://{host}:{port}{path}{query}")
}

/// AWS answers a forward to one target group in both forms, and a weighted one in `ForwardConfig` alone.
fn forward_from_sdk(action: &sdk::Action) -> Forward {
    let tuples = action.forward_config().map(|config| config.target_groups()).unwrap_or_default();
    let mut weights: BTreeMap<TargetGroupArn, u32> = tuples
        .iter()
        .filter_map(|tuple| {
            let weight = u32::try_from(tuple.weight().unwrap_or(1)).unwrap_or(0);
            Some((TargetGroupArn::from(tuple.target_group_arn()?), weight))
        })
        .collect();
    if weights.is_empty() {
        weights.extend(action.target_group_arn().map(|arn| (TargetGroupArn::from(arn), 1)));
    }
    if weights.len() == 1 {
        weights.values_mut().for_each(|weight| *weight = 1);
    }
    Forward { weights }
}

/// A forward to one target group.
pub(crate) fn forward_to_sdk(target_group: &TargetGroupArn) -> sdk::Action {
    sdk::Action::builder().r#type(sdk::ActionTypeEnum::Forward).target_group_arn(target_group.as_str()).build()
}

/// A forward that gives one target group everything and keeps another one attached.
pub(crate) fn forward_beside_to_sdk(to: &TargetGroupArn, idle: &TargetGroupArn) -> sdk::Action {
    let tuple = |arn: &TargetGroupArn, weight| {
        sdk::TargetGroupTuple::builder().target_group_arn(arn.as_str()).weight(weight).build()
    };
    let config = sdk::ForwardActionConfig::builder().target_groups(tuple(to, 1)).target_groups(tuple(idle, 0)).build();
    sdk::Action::builder().r#type(sdk::ActionTypeEnum::Forward).forward_config(config).build()
}

/// The actions that stand, with the last one replaced by a forward to one target group.
///
/// What comes before is sent back as AWS answered it, except that AWS does not answer the secret of an OIDC client:
/// the call keeps the one it has. Sticky sessions among target groups are kept where they are on.
pub(crate) fn forward_instead(actions: &[sdk::Action], target_group: &TargetGroupArn) -> Vec<sdk::Action> {
    let mut sorted: Vec<&sdk::Action> = actions.iter().collect();
    sorted.sort_by_key(|action| action.order().unwrap_or(0));
    let Some((replaced, before)) = sorted.split_last() else {
        return vec![forward_to_sdk(target_group)];
    };
    let mut result: Vec<sdk::Action> = before.iter().map(|action| keep_secret((*action).clone())).collect();
    let mut forward = forward_to_sdk(target_group);
    let sticky = replaced.forward_config().and_then(|config| config.target_group_stickiness_config());
    if let Some(sticky) = sticky.filter(|sticky| sticky.enabled() == Some(true)) {
        let only = sdk::TargetGroupTuple::builder().target_group_arn(target_group.as_str()).weight(1).build();
        let config = sdk::ForwardActionConfig::builder()
            .target_groups(only)
            .target_group_stickiness_config(sticky.clone())
            .build();
        forward.target_group_arn = None;
        forward.forward_config = Some(config);
    }
    result.push(forward);
    if result.len() > 1 {
        for (action, order) in result.iter_mut().zip(1..) {
            action.order = Some(order);
        }
    }
    result
}

fn keep_secret(mut action: sdk::Action) -> sdk::Action {
    if let Some(config) = &mut action.authenticate_oidc_config {
        config.client_secret = None;
        config.use_existing_client_secret = Some(true);
    }
    action
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_says_where_it_leads_and_what_it_keeps() {
        let to = |config: sdk::builders::RedirectActionConfigBuilder| {
            let action = sdk::Action::builder().r#type(sdk::ActionTypeEnum::Redirect);
            serve_from_sdk(&action.redirect_config(config.build()).build())
        };
        let config = || sdk::RedirectActionConfig::builder().protocol("HTTPS").port("443");
        assert_eq!(to(config()), Serve::Redirect("https://#{host}:443/#{path}".to_owned()));
        let kept = config().host("#{host}").path("/#{path}").query("#{query}");
        assert_eq!(to(kept), Serve::Redirect("https://#{host}:443/#{path}".to_owned()));
        let other = sdk::RedirectActionConfig::builder().host("new.example.com").path("/v2").query("from=old");
        assert_eq!(to(other), Serve::Redirect("#{protocol}://new.example.com:#{port}/v2?from=old".to_owned()));
    }
}
