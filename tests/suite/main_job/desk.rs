//! Where Portolan is run: a manifest, and a way to AWS. The binary is started in a folder, with AWS behind a port.

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::run::Run;
use crate::emulator::{Emulator, OverHttp};
use crate::proxy::Proxy;

/// One manifest, and an AWS to run against.
pub trait Desk {
    /// Replaces the manifest.
    fn write(&mut self, manifest: &str);

    /// Runs Portolan on the manifest, with these words of the command line.
    async fn portolan(&self, words: &str) -> Run;
}

/// An AWS that Portolan can be run against.
pub trait Place: Emulator {
    /// How it is run here.
    type Desk: Desk;

    /// A desk with a manifest.
    fn desk(&self, manifest: &str) -> Self::Desk;

    /// The same, where AWS refuses one operation.
    fn refusing(&self, operation: &'static str, manifest: &str) -> Self::Desk;
}

/// The binary in a folder of its own.
pub struct Folder {
    home: TempDir,
    endpoint: String,
}

impl Folder {
    /// A folder with a manifest, and the endpoint to send everything to.
    pub fn new(endpoint: &str, manifest: &str) -> Self {
        let mut desk = Self { home: TempDir::new().expect("a folder"), endpoint: endpoint.to_owned() };
        desk.write(manifest);
        desk
    }
}

impl Desk for Folder {
    fn write(&mut self, manifest: &str) {
        fs::write(self.home.path().join("fleet.yaml"), manifest).expect("the manifest can be written");
    }

    async fn portolan(&self, words: &str) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
        command.args(words.split_whitespace()).args(["-f", "fleet.yaml", "--endpoint-url", &self.endpoint]);
        command.current_dir(self.home.path()).env_clear().envs([
            ("HOME", self.home.path().to_str().expect("a path")),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]);
        let Output { status, stdout, stderr } = command.output().expect("portolan starts");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Run::new(status.code().expect("an exit code"), text(stdout), text(stderr))
    }
}

impl<T: OverHttp> Place for T {
    type Desk = Folder;

    fn desk(&self, manifest: &str) -> Folder {
        Folder::new(self.endpoint(), manifest)
    }

    fn refusing(&self, operation: &'static str, manifest: &str) -> Folder {
        Folder::new(Proxy::refusing(self.endpoint(), operation).endpoint(), manifest)
    }
}
