//! The options of `portolan rollback` and `portolan restart`.

use std::time::Duration;

use clap::Args;

use super::duration::parse_duration;
use super::inputs::Inputs;

/// `portolan rollback` and `portolan restart`
#[derive(Args, Clone, Debug)]
pub struct CommandArgs {
    /// The service, by its key in the manifest
    #[arg(value_name = "SERVICE")]
    pub service: String,
    /// The manifest.
    #[command(flatten)]
    pub inputs: Inputs,
    /// Show the plan and stop
    #[arg(long, conflicts_with_all = ["yes", "wait"])]
    pub dry_run: bool,
    /// Apply without asking
    #[arg(short, long)]
    pub yes: bool,
    /// After applying, wait until the deployment has ended and targets are healthy
    #[arg(long)]
    pub wait: bool,
    /// Longest wait, such as 90s, 10m or 1h
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = parse_duration, requires = "wait")]
    pub timeout: Duration,
}
