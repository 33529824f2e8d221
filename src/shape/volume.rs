//! A volume of a task definition (ECS `Volume`).

use super::member::{Absent, Kind, SWITCH, Structure, TEXT, number, row, text};

pub(super) static VOLUME: Structure = Structure {
    name: "Volume",
    members: &[
        row("name", text(255), "Name of the volume.").required(),
        row(
            "host",
            Kind::Structure(&HOST),
            "A directory of the instance, or an empty one that lives as long as the task.",
        ),
        row("dockerVolumeConfiguration", Kind::Structure(&DOCKER), "A volume of Docker. EC2 only."),
        row("efsVolumeConfiguration", Kind::Structure(&EFS), "A file system of Amazon EFS."),
        row("s3filesVolumeConfiguration", Kind::Structure(&S3_FILES), "A file system of Amazon S3 Files."),
        row(
            "fsxWindowsFileServerVolumeConfiguration",
            Kind::Structure(&FSX),
            "A file system of FSx for Windows File Server.",
        ),
        row("configuredAtLaunch", Kind::Boolean, "Whether the service's volumeConfigurations describe it.")
            .absent(Absent::Boolean(false)),
    ],
};

static HOST: Structure = Structure {
    name: "HostVolumeProperties",
    members: &[row("sourcePath", TEXT, "Path on the instance. Not on Fargate.")],
};

static DOCKER: Structure = Structure {
    name: "DockerVolumeConfiguration",
    members: &[
        row("scope", Kind::Word(&["task", "shared"]), "How long it lives.").absent(Absent::Text("task")),
        row("autoprovision", Kind::Boolean, "Whether a shared one is created.").absent(Absent::Boolean(false)),
        row("driver", TEXT, "Docker's driver.").absent(Absent::Text("local")),
        row("driverOpts", Kind::Map, "Options of the driver."),
        row("labels", Kind::Map, "Labels of the volume."),
    ],
};

static EFS: Structure = Structure {
    name: "EFSVolumeConfiguration",
    members: &[
        row("fileSystemId", TEXT, "The file system.").required(),
        row("rootDirectory", TEXT, "Directory that is mounted.").absent(Absent::Text("/")),
        row("transitEncryption", SWITCH, "Whether traffic to the file system is encrypted.")
            .absent(Absent::Text("DISABLED")),
        row("transitEncryptionPort", number(1, 65_535), "Port for encrypted traffic."),
        row("authorizationConfig", Kind::Structure(&EFS_AUTHORIZATION), "Access point and IAM."),
    ],
};

static EFS_AUTHORIZATION: Structure = Structure {
    name: "EFSAuthorizationConfig",
    members: &[
        row("accessPointId", TEXT, "The access point."),
        row("iam", SWITCH, "Whether the task role must be allowed to mount.").absent(Absent::Text("DISABLED")),
    ],
};

static S3_FILES: Structure = Structure {
    name: "S3FilesVolumeConfiguration",
    members: &[
        row("fileSystemArn", TEXT, "The file system.").required(),
        row("rootDirectory", TEXT, "Directory that is mounted.").absent(Absent::Text("/")),
        row("transitEncryptionPort", number(1, 65_535), "Port for encrypted traffic."),
        row("accessPointArn", TEXT, "The access point."),
    ],
};

static FSX: Structure = Structure {
    name: "FSxWindowsFileServerVolumeConfiguration",
    members: &[
        row("fileSystemId", TEXT, "The file system.").required(),
        row("rootDirectory", TEXT, "Directory that is mounted.").required(),
        row("authorizationConfig", Kind::Structure(&FSX_AUTHORIZATION), "How ECS logs in.").required(),
    ],
};

static FSX_AUTHORIZATION: Structure = Structure {
    name: "FSxWindowsFileServerAuthorizationConfig",
    members: &[
        row("credentialsParameter", TEXT, "ARN of the secret or parameter.").required(),
        row("domain", TEXT, "The Active Directory domain.").required(),
    ],
};
