//! `deploymentConfiguration` and placement of a service: what AWS refuses, and what no deployment can get past.

use super::name::{self, ROLE_HINT, is_role};
use crate::manifest::document::{Count, Members, WholeServiceSpec};
use crate::yaml::{At, Node, Problems, Value as NodeValue, quoted};

/// ECS `CreateServiceRequest$placementStrategy`, `$placementConstraints`.
const MOST_STRATEGIES: usize = 5;
const MOST_CONSTRAINTS: usize = 10;
/// The launch type, and how its capacity providers begin.
const FARGATE: &str = "FARGATE";
/// Stages at which ECS waits for no person (ECS `DeploymentLifecycleHook$targetType`).
const WITHOUT_PAUSE: [&str; 2] = ["TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"];
/// What ECS takes for a service.
const MOST_TAGS: usize = 50;

pub(super) fn check(spec: &At<WholeServiceSpec>, problems: &mut Problems<'_>) {
    let members = &spec.members;
    let hidden = problems.hide_lines(members.has_details() || problems.hides_lines());
    check_launch(members, spec, problems);
    check_percentages(members, &spec.desired_count, problems);
    check_strategy(members, problems);
    check_placement(members, problems);
    check_tags(members, problems);
    problems.hide_lines(hidden);
}

/// Launch type, capacity providers and scheduling: what goes together.
fn check_launch(members: &Members, spec: &WholeServiceSpec, problems: &mut Problems<'_>) {
    let (launch, providers) = (members.node("launchType"), members.node("capacityProviderStrategy"));
    let listed = entries(providers);
    if let (Some(launch), Some(_)) = (launch, listed.first()) {
        let hint = "keep one of them; capacityProviderStrategy: [] returns a service to its launch type";
        problems.add_hint(launch.at, "launchType and capacityProviderStrategy exclude each other", hint);
    }
    let on_fargate = runs_on_fargate(members);
    let mut names = listed.iter().filter_map(|entry| within(entry, "capacityProvider"));
    let of_instances = names.find(|name| !text(Some(name)).is_some_and(|name| name.starts_with(FARGATE)));
    if let Some(node) = of_instances.filter(|_| on_fargate && launch.is_none()) {
        problems.add(node.at, "a strategy has capacity providers of Fargate or of instances, not both");
    }
    let bases: Vec<&Node> =
        listed.iter().filter_map(|entry| within(entry, "base")).filter(|base| number(Some(base)) != Some(0)).collect();
    if let Some(second) = bases.get(1) {
        problems.add(second.at, "only one capacity provider may have a base");
    }
    let weights = listed.iter().map(|entry| number(within(entry, "weight")).unwrap_or(0));
    if let (Some(node), false) = (providers.filter(|_| !listed.is_empty()), weights.clone().any(|weight| weight > 0)) {
        problems.add(node.at, "one capacity provider at least needs a weight above 0");
    }
    if on_fargate {
        for name in ["placementConstraints", "placementStrategy"] {
            if let Some(first) = entries(members.node(name)).first() {
                problems.add(first.at, format!("Fargate has no {name}"));
            }
        }
    }
    if let (Some("EC2" | "EXTERNAL"), Some(node)) = (text(launch), members.node("platformVersion")) {
        problems.add(node.at, "platformVersion is for Fargate");
    }
    if text(members.node("schedulingStrategy")) == Some("DAEMON") {
        if let Some(count) = &spec.desired_count {
            problems.add_hint(count.at, "a DAEMON service has no desiredCount", "it has one task on every instance");
        }
        if let Some(first) = entries(members.node("placementStrategy")).first() {
            problems.add(first.at, "a DAEMON service has no placementStrategy");
        }
        if let Some(launch) = launch.filter(|_| on_fargate) {
            problems.add(launch.at, "Fargate has no DAEMON services");
        }
    }
}

/// The declared launch type.
pub(super) fn launch_type(members: &Members) -> Option<&str> {
    text(members.node("launchType"))
}

/// Whether a service says that its tasks run on Fargate.
pub(super) fn runs_on_fargate(members: &Members) -> bool {
    let listed = entries(members.node("capacityProviderStrategy"));
    let mut names = listed.iter().filter_map(|entry| text(within(entry, "capacityProvider")));
    launch_type(members) == Some(FARGATE) || names.any(|name| name.starts_with(FARGATE))
}

/// A member of a mapping.
pub(super) fn within<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    match &node.value {
        NodeValue::Mapping(entries) => entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value),
        NodeValue::Scalar(_) | NodeValue::Sequence(_) | NodeValue::Broken => None,
    }
}

/// The entries of a list.
pub(super) fn entries(node: Option<&Node>) -> &[Node] {
    match node.map(|node| &node.value) {
        Some(NodeValue::Sequence(nodes)) => nodes,
        Some(NodeValue::Scalar(_) | NodeValue::Mapping(_) | NodeValue::Broken) | None => &[],
    }
}

/// The text of a scalar, whatever it is.
pub(super) fn text(node: Option<&Node>) -> Option<&str> {
    match node.map(|node| &node.value) {
        Some(NodeValue::Scalar(scalar)) => Some(&scalar.text),
        Some(NodeValue::Sequence(_) | NodeValue::Mapping(_) | NodeValue::Broken) | None => None,
    }
}

fn number(node: Option<&Node>) -> Option<u64> {
    text(node)?.parse().ok()
}

/// A deployment replaces tasks between a floor and a ceiling; where the two meet, it can neither stop nor start any.
fn check_percentages(members: &Members, count: &Option<At<Count>>, problems: &mut Problems<'_>) {
    let Some(block) = members.node("deploymentConfiguration") else { return };
    let (minimum, maximum) = (within(block, "minimumHealthyPercent"), within(block, "maximumPercent"));
    let (Some(low), Some(high), Some(at)) = (number(minimum), number(maximum), maximum) else { return };
    if high < low {
        return problems.add(at.at, format!("maximumPercent {high} is below minimumHealthyPercent {low}"));
    }
    let hint = "raise maximumPercent, or lower minimumHealthyPercent";
    if high == 100 && low == 100 {
        let message = "minimumHealthyPercent 100 and maximumPercent 100: no deployment could stop or start a task";
        return problems.add_hint(at.at, message, hint);
    }
    if let Some(Count::Exact(count)) = count.as_ref().map(|count| &count.value)
        && *count > 0
        && (u64::from(*count) * low).div_ceil(100) == u64::from(*count)
        && u64::from(*count) * high / 100 == u64::from(*count)
    {
        let message = format!(
            "with desiredCount {count}, minimumHealthyPercent {low} and maximumPercent {high} both mean {count} tasks: no \
             deployment could stop or start one"
        );
        problems.add_hint(at.at, message, hint);
    }
    if let Some(node) = members.node("availabilityZoneRebalancing")
        && text(Some(node)) == Some("ENABLED")
        && high <= 100
    {
        let message = format!("availabilityZoneRebalancing needs a maximumPercent above 100, found {high}");
        problems.add_hint(node.at, message, "ECS starts a task in the other zone before it stops one");
    }
}

fn check_strategy(members: &Members, problems: &mut Problems<'_>) {
    let Some(block) = members.node("deploymentConfiguration") else { return };
    let strategy = text(within(block, "strategy"));
    for (name, of) in [("linearConfiguration", "LINEAR"), ("canaryConfiguration", "CANARY")] {
        if let Some(node) = within(block, name)
            && strategy != Some(of)
        {
            problems.add_hint(node.at, format!("{name} belongs to strategy {of}"), format!("add strategy: {of}"));
        }
    }
    if strategy == Some("BLUE_GREEN") && within(block, "bakeTimeInMinutes").is_none() {
        let hint = "how long both revisions run after the traffic has moved: 0 or more";
        problems.add_hint(block.at, "strategy BLUE_GREEN needs bakeTimeInMinutes", hint);
    }
    for hook in entries(within(block, "lifecycleHooks")) {
        let pauses = text(within(hook, "targetType")) == Some("PAUSE");
        for stage in entries(within(hook, "lifecycleStages")).iter().filter(|_| pauses) {
            if let Some(found) = text(Some(stage)).filter(|found| WITHOUT_PAUSE.contains(found)) {
                problems.add(stage.at, format!("a PAUSE hook cannot wait at {found}"));
            }
        }
        if let Some(role) = within(hook, "roleArn")
            && text(Some(role)).is_some_and(|text| !is_role(text))
        {
            problems.add_hint(role.at, "roleArn is not a role", ROLE_HINT);
        }
        for name in ["hookTargetArn", "roleArn"] {
            if !pauses && within(hook, name).is_none() {
                problems.add(hook.at, format!("a hook that calls a function needs {name}"));
            }
        }
    }
}

fn check_placement(members: &Members, problems: &mut Problems<'_>) {
    let constraints = entries(members.node("placementConstraints"));
    if let Some(more) = constraints.get(MOST_CONSTRAINTS) {
        problems.add(more.at, format!("a service has at most {MOST_CONSTRAINTS} placementConstraints"));
    }
    for constraint in constraints {
        let expression = within(constraint, "expression");
        match (text(within(constraint, "type")), expression) {
            (Some("distinctInstance"), Some(node)) => problems.add(node.at, "distinctInstance takes no expression"),
            (Some("memberOf"), None) => {
                let hint = "such as expression: \"attribute:ecs.instance-type =~ m7g.*\"";
                problems.add_hint(constraint.at, "memberOf needs an expression", hint);
            }
            _ => {}
        }
    }
    let strategies = entries(members.node("placementStrategy"));
    if let Some(more) = strategies.get(MOST_STRATEGIES) {
        problems.add(more.at, format!("a service has at most {MOST_STRATEGIES} placementStrategy entries"));
    }
    for strategy in strategies {
        let field = within(strategy, "field");
        match (text(within(strategy, "type")), field, text(field)) {
            (Some("random"), Some(node), _) => problems.add(node.at, "random takes no field"),
            (Some("binpack"), Some(node), Some(found))
                if !["cpu", "memory"].contains(&found.to_lowercase().as_str()) =>
            {
                problems.add(node.at, format!("binpack fills cpu or memory, found {}", quoted(found)));
            }
            (Some("binpack"), None, _) => problems.add(strategy.at, "binpack needs a field: cpu or memory"),
            (Some("spread"), None, _) => {
                let hint = "such as field: \"attribute:ecs.availability-zone\" or field: instanceId";
                problems.add_hint(strategy.at, "spread needs a field", hint);
            }
            _ => {}
        }
    }
}

fn check_tags(members: &Members, problems: &mut Problems<'_>) {
    let tags = entries(members.node("tags"));
    if let Some(more) = tags.get(MOST_TAGS) {
        problems.add(more.at, format!("a service has at most {MOST_TAGS} tags"));
    }
    for tag in tags {
        let key = within(tag, "key");
        check_tag_key(key, problems);
    }
}

/// Keys that only AWS, or only Portolan, may write.
pub(super) fn check_tag_key(key: Option<&Node>, problems: &mut Problems<'_>) {
    let (Some(node), Some(key)) = (key, text(key)) else { return };
    if let Some(why) = name::reserved_tag(key) {
        problems.add(node.at, why);
    }
}
