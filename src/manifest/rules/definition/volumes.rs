//! Volumes and their mounts.

use super::{Definition, block, is_true, list, name_of, text};
use crate::yaml::{Problems, quoted};

/// Kinds of a volume: it has one of them at most.
const KINDS: [&str; 6] = [
    "host",
    "dockerVolumeConfiguration",
    "efsVolumeConfiguration",
    "s3filesVolumeConfiguration",
    "fsxWindowsFileServerVolumeConfiguration",
    "configuredAtLaunch",
];

pub(super) fn check(definition: &Definition<'_>, problems: &mut Problems<'_>) {
    let mut at_launch = 0;
    for volume in definition.list("volumes") {
        let path = ["volumes", name_of(volume)];
        if is_true(volume, "configuredAtLaunch") {
            let message =
                "a volume that is configuredAtLaunch needs volumeConfigurations, which this release cannot declare";
            definition.refuse_hint(
                &path,
                message,
                "refer to such a definition: {family: NAME, revision: NUMBER}",
                problems,
            );
        }
        at_launch += usize::from(is_true(volume, "configuredAtLaunch"));
        if at_launch > 1 {
            definition.refuse(
                &path,
                "a second volume that is configuredAtLaunch; a task definition has at most one",
                problems,
            );
        }
        let is_set = |kind: &&&str| match **kind {
            "configuredAtLaunch" => is_true(volume, "configuredAtLaunch"),
            kind => volume.contains_key(kind),
        };
        let kinds: Vec<&str> = KINDS.iter().filter(is_set).copied().collect();
        if kinds.len() > 1 {
            definition.refuse(&path, format!("a volume has one kind, found {}", kinds.join(" and ")), problems);
        }
        let Some(efs) = block(volume, "efsVolumeConfiguration") else { continue };
        let access = block(efs, "authorizationConfig");
        let point = access.and_then(|access| text(access, "accessPointId"));
        let by_iam = access.and_then(|access| text(access, "iam")) == Some("ENABLED");
        if (point.is_some() || by_iam) && text(efs, "transitEncryption") != Some("ENABLED") {
            let what = if by_iam { "iam" } else { "an access point" };
            let message = format!("{what} needs transitEncryption: ENABLED");
            definition.refuse(&["volumes", name_of(volume), "efsVolumeConfiguration"], message, problems);
        }
        if let Some(root) = text(efs, "rootDirectory").filter(|root| point.is_some() && *root != "/") {
            let message = format!("rootDirectory {} beside an access point, which has a root of its own", quoted(root));
            definition.refuse(
                &["volumes", name_of(volume), "efsVolumeConfiguration", "rootDirectory"],
                message,
                problems,
            );
        }
    }
    // Volumes that are written are all volumes.
    if definition.is_flawed || !(definition.is_whole || definition.members().contains_key("volumes")) {
        return;
    }
    for container in definition.containers() {
        for mount in list(container, "mountPoints") {
            let Some(source) = text(mount, "sourceVolume") else { continue };
            if !definition.list("volumes").any(|volume| name_of(volume) == source) {
                let place = text(mount, "containerPath").unwrap_or_default();
                let path = ["containerDefinitions", name_of(container), "mountPoints", place];
                definition.refuse(&path, format!("no volume is called {}", quoted(source)), problems);
            }
        }
    }
}
