//! What Fargate offers (aws-facts 1.3): sizes, and no more of a task definition than it can run (aws-facts 1.9).

use serde_json::Value;

use crate::input::Input;
use crate::refusal::Refusal;

/// Memory in MiB for each number of CPU units: smallest, largest, and the step between.
const SIZES: [(i64, i64, i64, i64); 6] = [
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16384, 1024),
    (4096, 8192, 30720, 1024),
    (8192, 16384, 61440, 4096),
    (16384, 32768, 122_880, 8192),
];

/// The log drivers that it has.
const LOG_DRIVERS: [&str; 3] = ["awslogs", "splunk", "awsfirelens"];

/// The members of a container that it cannot do, where they say anything: the path, and how AWS calls what is refused.
const OF_CONTAINER: [(&[&str], &str); 5] = [
    (&["dockerSecurityOptions"], "dockerSecurityOptions"),
    (&["linuxParameters", "devices"], "devices"),
    (&["linuxParameters", "sharedMemorySize"], "sharedMemorySize"),
    (&["linuxParameters", "maxSwap"], "maxSwap"),
    (&["linuxParameters", "swappiness"], "swappiness"),
];

fn no<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::client(message))
}

fn not_supported<T>(what: &str) -> Result<T, Refusal> {
    no(format!("Fargate compatible task definitions do not support {what}"))
}

/// Whether Fargate can run a definition.
pub fn check(body: Input) -> Result<(), Refusal> {
    if body.text("networkMode") != Some("awsvpc") {
        return no("Fargate only supports network mode 'awsvpc'.");
    }
    check_size(body.int("cpu"), body.int("memory"))?;
    let has_secret = body.list("containerDefinitions").any(|container| container.list("secrets").next().is_some());
    if has_secret && !body.has("executionRoleArn") {
        return no("Fargate requires task definition to have execution role ARN to support secrets.");
    }
    check_task(body)?;
    body.list("containerDefinitions").try_for_each(check_container)
}

fn check_size(cpu: Option<i64>, memory: Option<i64>) -> Result<(), Refusal> {
    let (Some(cpu), Some(memory)) = (cpu, memory) else {
        return no("Fargate requires that 'cpu' be defined at the task level.");
    };
    let is_offered = match cpu {
        256 => [512, 1024, 2048].contains(&memory),
        cpu => SIZES.iter().any(|(units, low, high, step)| {
            *units == cpu && (*low..=*high).contains(&memory) && (memory - low) % step == 0
        }),
    };
    if is_offered { Ok(()) } else { no("No Fargate configuration exists for given values.") }
}

fn check_task(body: Input) -> Result<(), Refusal> {
    if body.has("ipcMode") {
        return no("Tasks using the Fargate launch type do not support ipcMode.");
    }
    if let Some(mode) = body.text("pidMode").filter(|mode| *mode != "task") {
        return no(format!(
            "Tasks using the Fargate launch type do not support pidMode '{mode}'. The supported value for pidMode is 'task'."
        ));
    }
    if body.list("placementConstraints").next().is_some() {
        return not_supported("constraints");
    }
    for volume in body.list("volumes") {
        if volume.get("host").is_some_and(|host| host.has("sourcePath")) {
            return not_supported("sourcePath");
        }
        if volume.has("dockerVolumeConfiguration") {
            return not_supported("dockerVolumeConfiguration");
        }
    }
    Ok(())
}

fn check_container(container: Input) -> Result<(), Refusal> {
    if container.flag("privileged") == Some(true) {
        return no("Fargate requires that the 'privileged' setting be 'false'.");
    }
    for (path, what) in OF_CONTAINER {
        let found = path.iter().try_fold(container, |at, name| at.get(name));
        let says_something = |value: &Value| value.as_array().is_none_or(|items| !items.is_empty());
        if found.is_some_and(|found| says_something(found.0)) {
            return not_supported(what);
        }
    }
    let driver = container.get("logConfiguration").and_then(|log| log.text("logDriver"));
    if let Some(driver) = driver.filter(|driver| !LOG_DRIVERS.contains(driver)) {
        return no(format!("{driver} is not a valid log driver. Must be one of [{}]", LOG_DRIVERS.join(", ")));
    }
    if container.list("resourceRequirements").any(|resource| resource.text("type") == Some("GPU")) {
        return no("Tasks using the Fargate launch type do not support GPU resource requirements.");
    }
    Ok(())
}
