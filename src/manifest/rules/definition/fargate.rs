//! What Fargate refuses (ECS `RegisterTaskDefinitionRequest`).

use serde_json::{Map, Value as Json};

use super::{Definition, block, is_true, list, name_of, text, texts};
use crate::shape::{Kind, size};
use crate::yaml::{Problems, quoted};

/// Sizes of a task: CPU units, and lowest and highest memory with the step between, in MiB.
const SIZES: [(i64, i64, i64, i64); 7] = [
    (256, 512, 2_048, 512),
    (512, 1_024, 4_096, 1_024),
    (1_024, 2_048, 8_192, 1_024),
    (2_048, 4_096, 16_384, 1_024),
    (4_096, 8_192, 30_720, 1_024),
    (8_192, 16_384, 61_440, 4_096),
    (16_384, 32_768, 122_880, 8_192),
];
/// Longest wait for a container that starts or stops, in seconds.
const MOST_TIMEOUT: i64 = 120;
/// Log drivers that it has.
const LOG_DRIVERS: [&str; 3] = ["awslogs", "splunk", "awsfirelens"];
/// The image of a repository of Amazon ECR.
const ECR: &str = ".dkr.ecr.";

pub(super) fn check(definition: &Definition<'_>, problems: &mut Problems<'_>) {
    check_size(definition, problems);
    for (name, what) in [("ipcMode", "ipcMode"), ("placementConstraints", "placementConstraints")] {
        let is_set =
            definition.members().get(name).is_some_and(|value| value.as_array().is_none_or(|list| !list.is_empty()));
        if is_set {
            definition.refuse(&[name], format!("Fargate has no {what}"), problems);
        }
    }
    if let Some(mode) = definition.mode.filter(|mode| *mode != "awsvpc") {
        definition.refuse(&["networkMode"], format!("Fargate needs networkMode awsvpc, found {mode}"), problems);
    }
    if definition.text("pidMode") == Some("host") {
        definition.refuse(&["pidMode"], "Fargate takes pidMode task, not host", problems);
    }
    for container in definition.containers() {
        check_container(definition, container, problems);
    }
    for volume in definition.list("volumes") {
        let path = ["volumes", name_of(volume)];
        if block(volume, "host").is_some_and(|host| host.contains_key("sourcePath")) {
            definition.refuse(&path, "Fargate mounts no directory of the instance", problems);
        }
        if volume.contains_key("dockerVolumeConfiguration") {
            definition.refuse(&path, "Fargate has no volumes of Docker", problems);
        }
    }
    check_execution_role(definition, problems);
}

fn check_size(definition: &Definition<'_>, problems: &mut Problems<'_>) {
    let of = |name: &str, kind: Kind| definition.members().get(name).and_then(|value| size(&kind, value));
    let (cpu, memory) = match (of("cpu", Kind::Cpu), of("memory", Kind::Memory)) {
        (Some(cpu), Some(memory)) => (cpu, memory),
        (cpu, memory) if definition.is_whole => {
            let missing: Vec<&str> = [(cpu, "cpu"), (memory, "memory")]
                .into_iter()
                .filter(|(size, _)| size.is_none())
                .map(|(_, name)| name)
                .collect();
            let message = format!("Fargate needs {} of the task", missing.join(" and "));
            return definition.refuse(&[], message, problems);
        }
        _ => return,
    };
    let Some((_, least, most, step)) = SIZES.iter().find(|(units, ..)| *units == cpu) else {
        let all: Vec<String> = SIZES.iter().map(|(units, ..)| units.to_string()).collect();
        return definition.refuse(
            &["cpu"],
            format!("Fargate has tasks with cpu {}, found {cpu}", all.join(", ")),
            problems,
        );
    };
    let fits = (*least..=*most).contains(&memory) && (memory - least) % step == 0;
    let system =
        block(definition.members(), "runtimePlatform").and_then(|platform| text(platform, "operatingSystemFamily"));
    if system.is_some_and(|system| system.starts_with("WINDOWS")) && !(1_024..=4_096).contains(&cpu) {
        return definition.refuse(
            &["cpu"],
            format!("Windows on Fargate takes cpu 1024, 2048 or 4096, found {cpu}"),
            problems,
        );
    }
    // The smallest size is 512, 1024 or 2048.
    if !fits || (cpu == 256 && memory == 1_536) {
        let steps =
            if cpu == 256 { "512, 1024 or 2048".to_owned() } else { format!("{least} to {most} in steps of {step}") };
        let message = format!("with cpu {cpu}, Fargate takes memory {steps}, found {memory}");
        definition.refuse(&["memory"], message, problems);
    }
}

fn check_container(definition: &Definition<'_>, container: &Map<String, Json>, problems: &mut Problems<'_>) {
    let name = name_of(container);
    if is_true(container, "privileged") {
        definition.refuse(
            &["containerDefinitions", name, "privileged"],
            "Fargate runs no privileged containers",
            problems,
        );
    }
    for member in ["startTimeout", "stopTimeout"] {
        if let Some(found) = container.get(member).and_then(Json::as_i64).filter(|found| *found > MOST_TIMEOUT) {
            let path = ["containerDefinitions", name, member];
            definition.refuse(
                &path,
                format!("on Fargate, {member} is at most {MOST_TIMEOUT}, found {found}"),
                problems,
            );
        }
    }
    for member in ["links", "dockerSecurityOptions"] {
        if texts(container, member).next().is_some() {
            definition.refuse(&["containerDefinitions", name, member], format!("Fargate has no {member}"), problems);
        }
    }
    if let Some(linux) = block(container, "linuxParameters") {
        for member in ["devices", "sharedMemorySize", "maxSwap", "swappiness"] {
            let is_set = linux.get(member).is_some_and(|value| value.as_array().is_none_or(|list| !list.is_empty()));
            if is_set {
                let path = ["containerDefinitions", name, "linuxParameters", member];
                definition.refuse(&path, format!("Fargate has no {member}"), problems);
            }
        }
    }
    if let Some(log) = block(container, "logConfiguration") {
        let driver = text(log, "logDriver").unwrap_or_default();
        let path = ["containerDefinitions", name, "logConfiguration", "logDriver"];
        if !driver.is_empty() && !LOG_DRIVERS.contains(&driver) {
            let message = format!("Fargate has the log drivers {}, not {}", LOG_DRIVERS.join(", "), quoted(driver));
            definition.refuse(&path, message, problems);
        }
        let options = block(log, "options");
        if driver == "awslogs" && options.is_some_and(|options| !options.contains_key("awslogs-stream-prefix")) {
            let path = ["containerDefinitions", name, "logConfiguration", "options"];
            definition.refuse(&path, "on Fargate, awslogs needs the option awslogs-stream-prefix", problems);
        }
    }
    if let Some(router) = block(container, "firelensConfiguration")
        && let Some(kind) = block(router, "options").and_then(|options| text(options, "config-file-type"))
        && kind != "file"
    {
        let path = ["containerDefinitions", name, "firelensConfiguration", "options"];
        definition.refuse(
            &path,
            format!("on Fargate, config-file-type must be file, found {}", quoted(kind)),
            problems,
        );
    }
}

/// Pulling from ECR, reading secrets and writing to CloudWatch Logs take the execution role.
fn check_execution_role(definition: &Definition<'_>, problems: &mut Problems<'_>) {
    if !definition.is_whole || definition.text("executionRoleArn").is_some() {
        return;
    }
    let reason = |container: &Map<String, Json>| {
        let log = block(container, "logConfiguration");
        if text(container, "image").is_some_and(|image| image.contains(ECR)) {
            Some("pulls its image from Amazon ECR")
        } else if list(container, "secrets").next().is_some() {
            Some("has secrets")
        } else if log.is_some_and(|log| text(log, "logDriver") == Some("awslogs")) {
            Some("logs to CloudWatch Logs")
        } else {
            None
        }
    };
    let found = definition.containers().find_map(|container| Some((name_of(container), reason(container)?)));
    if let Some((name, why)) = found {
        let message = format!("on Fargate, container {} {why}, which needs executionRoleArn", quoted(name));
        definition.refuse(&[], message, problems);
    }
}
