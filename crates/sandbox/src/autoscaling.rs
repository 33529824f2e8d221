//! Application Auto Scaling: scalable targets of ECS services. No policy ever scales here; what a target does is to
//! keep a desired count in its range.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::due::Due;
use super::id::Ids;
use super::input::Input;
use super::operation::Operation;
use super::page::page;
use super::refusal::{Answer, Refusal};
use super::state::{ScalableTarget, Service, State};

/// The operation of this name.
pub fn operation(name: &str) -> Option<Operation> {
    match name {
        "DeregisterScalableTarget" => Some(Operation::Write(deregister)),
        "DescribeScalableTargets" => Some(Operation::Read(describe)),
        "RegisterScalableTarget" => Some(Operation::Write(register)),
        _ => None,
    }
}

const DIMENSION: &str = "ecs:service:DesiredCount";
/// In the order in which a target keeps them.
const SUSPENDED: [&str; 3] = ["DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"];

fn validation(message: impl Into<String>) -> Refusal {
    Refusal::new("ValidationException", message)
}

/// The resource of a call, once its namespace and dimension are found to be those of services.
fn resource<'a>(input: Input<'a>) -> Result<&'a str, Refusal> {
    let need = |name| input.need(name, |name| validation(format!("A value for '{name}' must be specified")));
    let (namespace, resource, dimension) = (need("ServiceNamespace")?, need("ResourceId")?, need("ScalableDimension")?);
    if namespace != "ecs" || dimension != DIMENSION {
        let message = format!("Unsupported service namespace, resource type or scalable dimension: {dimension}");
        return Err(validation(message));
    }
    Ok(resource)
}

/// The service of a resource such as `service/<cluster>/<service>`; both are names, and ARNs are refused.
fn service<'a>(state: &'a State, resource: &str) -> Result<&'a Service, Refusal> {
    let malformed = || validation(format!("Unsupported resource type or malformed resource ID: {resource}"));
    let (cluster, name) =
        resource.strip_prefix("service/").and_then(|rest| rest.split_once('/')).ok_or_else(malformed)?;
    if cluster.is_empty() || name.is_empty() || name.contains('/') {
        return Err(malformed());
    }
    let is_it = |service: &&Service| {
        service.name == name && service.cluster.rsplit('/').next() == Some(cluster) && service.status == "ACTIVE"
    };
    let found = state.services.values().find(is_it);
    found.ok_or_else(|| validation(format!("ECS service doesn't exist: {resource}")))
}

fn register(state: &mut State, input: Input) -> Answer {
    let resource = resource(input)?.to_owned();
    let service = service(state, &resource)?;
    if service.scheduling == "DAEMON" {
        return Err(validation(format!("ECS service has the DAEMON scheduling strategy: {resource}")));
    }
    let (arn, desired) = (service.arn.clone(), service.desired_count);
    let standing = state.scalable_targets.get(&resource);
    let (minimum, maximum) = range(input, standing)?;
    let kept = standing.map(|target| target.suspended).unwrap_or_default();
    let target = ScalableTarget {
        dimension: DIMENSION.to_owned(),
        minimum,
        maximum,
        suspended: suspended(input, kept),
        created: standing.map_or(state.now, |target| target.created),
        resource: resource.clone(),
    };
    let answer = json!({"ScalableTargetARN": arn_of(state, &resource)});
    state.scalable_targets.insert(resource, target);
    let clamped = desired.clamp(minimum, maximum);
    if let Some(service) = state.services.get_mut(&arn).filter(|_| clamped != desired) {
        service.desired_count = clamped;
        state.after(0, Due::Service(arn));
    }
    Ok(answer)
}

/// The range of a call. A new target needs both ends, a standing one keeps what is left out.
fn range(input: Input, standing: Option<&ScalableTarget>) -> Result<(i64, i64), Refusal> {
    let end = |name: &str, kept: Option<i64>| {
        let given = if input.has(name) { input.int(name) } else { kept };
        let missing = || validation(format!("{name} must be specified, and a number that is not negative"));
        given.filter(|given| (0..=i64::from(i32::MAX)).contains(given)).ok_or_else(missing)
    };
    let minimum = end("MinCapacity", standing.map(|target| target.minimum))?;
    let maximum = end("MaxCapacity", standing.map(|target| target.maximum))?;
    if minimum > maximum {
        return Err(validation("Maximum capacity cannot be less than minimum capacity"));
    }
    Ok((minimum, maximum))
}

fn suspended(input: Input, kept: [bool; 3]) -> [bool; 3] {
    let Some(given) = input.get("SuspendedState") else { return kept };
    let mut suspended = kept;
    for (flag, name) in suspended.iter_mut().zip(SUSPENDED) {
        *flag = given.flag(name).unwrap_or(*flag);
    }
    suspended
}

fn deregister(state: &mut State, input: Input) -> Answer {
    let resource = resource(input)?;
    match state.scalable_targets.remove(resource) {
        Some(_) => Ok(json!({})),
        None => {
            let message = format!(
                "No scalable target found for service namespace: ecs, resource ID: {resource}, scalable dimension: \
                 {DIMENSION}"
            );
            Err(Refusal::new("ObjectNotFoundException", message))
        }
    }
}

fn describe(state: &State, input: Input) -> Answer {
    let namespace =
        input.need("ServiceNamespace", |name| validation(format!("A value for '{name}' must be specified")))?;
    let wanted = input.texts("ResourceIds");
    if wanted.len() > 50 {
        return Err(validation("At most 50 resource IDs can be specified"));
    }
    let dimension = input.text("ScalableDimension").unwrap_or(DIMENSION);
    let asked = input.int("MaxResults");
    if input.has("MaxResults") && !asked.is_some_and(|asked| (1..=50).contains(&asked)) {
        return Err(validation("MaxResults must be between 1 and 50"));
    }
    let is_wanted = |target: &&ScalableTarget| {
        let is_named = wanted.is_empty() || wanted.contains(&target.resource.as_str());
        namespace == "ecs" && target.dimension == dimension && is_named
    };
    let targets: Vec<Value> =
        state.scalable_targets.values().filter(is_wanted).map(|target| shown(state, target)).collect();
    let bad_token = |token: &str| Refusal::new("InvalidNextTokenException", format!("Invalid token {token}"));
    let page = page(targets, input.text("NextToken"), state.page_size(asked, 50), bad_token)?;
    let mut answer = json!({"ScalableTargets": page.items});
    if let Some(next) = page.next {
        answer["NextToken"] = json!(next);
    }
    Ok(answer)
}

fn shown(state: &State, target: &ScalableTarget) -> Value {
    let suspended = SUSPENDED.iter().zip(target.suspended).map(|(name, flag)| ((*name).to_owned(), json!(flag)));
    let role = "role/aws-service-role/ecs.application-autoscaling.amazonaws.com/\
                AWSServiceRoleForApplicationAutoScaling_ECSService";
    json!({
        "ServiceNamespace": "ecs",
        "ResourceId": target.resource,
        "ScalableDimension": target.dimension,
        "MinCapacity": target.minimum,
        "MaxCapacity": target.maximum,
        "RoleARN": format!("arn:aws:iam::{}:{role}", state.account),
        "CreationTime": epoch(target.created),
        "SuspendedState": Value::Object(suspended.collect()),
        "ScalableTargetARN": arn_of(state, &target.resource),
    })
}

/// Seconds since 1970, with thousandths.
fn epoch(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

/// The ARN of a target comes from its resource alone: the same one registered again has the same.
fn arn_of(state: &State, resource: &str) -> String {
    let seed = resource.bytes().fold(0_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    state.arn("application-autoscaling", &format!("scalable-target/0ec5{}", Ids::new(seed).long()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::World;

    fn service(name: &str, scheduling: &str) -> Service {
        Service {
            arn: format!("arn:aws:ecs:eu-west-1:123456789012:service/shop/{name}"),
            cluster: "arn:aws:ecs:eu-west-1:123456789012:cluster/shop".to_owned(),
            name: name.to_owned(),
            status: "ACTIVE".to_owned(),
            scheduling: scheduling.to_owned(),
            controller: "ECS".to_owned(),
            desired_count: 1,
            revision: Default::default(),
            launch_type: None,
            capacity_providers: Value::Null,
            minimum_percent: 100,
            maximum_percent: 200,
            breaker: false,
            rollback: false,
            deployment: Value::Null,
            strategy: "ROLLING".to_owned(),
            grace: 0,
            extras: Value::Null,
            deployments: Vec::new(),
            past: Vec::new(),
            events: Vec::new(),
            not_before: Timestamp::UNIX_EPOCH,
            failures_in_a_row: 0,
            client_token: None,
            created: Timestamp::UNIX_EPOCH,
            tags: Default::default(),
            last_event: String::new(),
            steady: false,
        }
    }

    fn world() -> World {
        let mut world = World::new(1);
        for service in [service("web", "REPLICA"), service("agent", "DAEMON")] {
            world.state.services.insert(service.arn.clone(), service);
        }
        world
    }

    fn input(resource: &str) -> Value {
        json!({"ServiceNamespace": "ecs", "ScalableDimension": DIMENSION, "ResourceId": resource})
    }

    fn ranged(resource: &str, minimum: i64, maximum: i64) -> Value {
        let mut input = input(resource);
        input["MinCapacity"] = json!(minimum);
        input["MaxCapacity"] = json!(maximum);
        input
    }

    fn desired(world: &World) -> Option<i64> {
        world.state.services.values().find(|service| service.name == "web").map(|service| service.desired_count)
    }

    #[test]
    fn a_registration_moves_the_count_into_its_range_and_keeps_the_range_that_is_left_out() {
        let mut world = world();
        let register = "application-autoscaling:RegisterScalableTarget";
        world.call(register, &ranged("service/shop/web", 2, 4)).expect("a target");
        assert_eq!(desired(&world), Some(2));
        for service in world.state.services.values_mut() {
            service.desired_count = 9;
        }
        world.call(register, &input("service/shop/web")).expect("the same target");
        assert_eq!(desired(&world), Some(4));
        let described =
            world.call("application-autoscaling:DescribeScalableTargets", &json!({"ServiceNamespace": "ecs"}));
        let target = &described.expect("targets")["ScalableTargets"][0];
        assert_eq!((&target["MinCapacity"], &target["MaxCapacity"]), (&json!(2), &json!(4)));
        assert!(target["CreationTime"].is_number());
    }

    #[test]
    fn daemons_absent_services_arns_and_ranges_without_an_end_are_refused() {
        let mut world = world();
        let arn = "service/arn:aws:ecs:eu-west-1:123456789012:service/shop/web";
        let open = input("service/shop/web");
        let inverted = ranged("service/shop/web", 3, 2);
        for input in
            [ranged("service/shop/agent", 1, 2), ranged("service/shop/no", 1, 2), ranged(arn, 1, 2), open, inverted]
        {
            let refusal = world.call("application-autoscaling:RegisterScalableTarget", &input).expect_err("a refusal");
            assert_eq!(refusal.code, "ValidationException");
        }
        let gone = world.call("application-autoscaling:DeregisterScalableTarget", &input("service/shop/web"));
        assert_eq!(gone.expect_err("a refusal").code, "ObjectNotFoundException");
    }
}
