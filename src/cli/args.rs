//! The command line as clap reads it.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::after_help;
pub use super::command_args::CommandArgs;
use super::duration::parse_duration;
pub use super::form::{Form, Output};
use super::form::{Wanted, WantedParser};
pub use super::init_args::InitArgs;
pub use super::inputs::Inputs;
use super::notify::Secret;
use super::outputs::Outputs;
use super::terminal::Color;
use crate::model::Arn;

/// Keep every declared port of an Amazon ECS fleet reachable.
///
/// Compares the listener-to-container paths that a YAML manifest declares with the live state on AWS, shows each
/// difference, and repairs it.
#[derive(Debug, Parser)]
#[command(name = "portolan", version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = after_help::OF_ALL)]
pub struct Cli {
    /// The manifest, when it is given before the verb.
    #[command(flatten)]
    pub inputs: Inputs,
    /// What every verb understands.
    #[command(flatten)]
    pub global: Global,
    /// The verb.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What every verb understands.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Output format; FORMAT=FILE writes it to a file; may repeat, at most one on standard output
    #[arg(short = 'o', long = "output", global = true, value_name = "FORMAT[=FILE]", action = clap::ArgAction::Append,
        value_parser = WantedParser { shows_ci: true })]
    pub forms: Vec<Wanted>,
    /// Where each form goes.
    #[arg(skip)]
    pub outputs: Outputs,
    /// Exit with 3 if a read failed and nothing differs
    #[arg(long, global = true)]
    pub strict: bool,
    /// AWS region if the Fleet sets none; must not contradict the Fleet
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// Profile in the AWS configuration files
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Send every AWS call to this URL, such as an emulator's
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// IAM role to assume with the credentials
    #[arg(long, global = true, value_name = "ARN", value_parser = parse_role)]
    pub assume_role_arn: Option<String>,
    /// Use colour; NO_COLOR turns `auto` off
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub color: Color,
    /// Log more to standard error: -v changes sent, -vv every call
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Show no progress on standard error
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Log format on standard error
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

impl Global {
    /// The form of the answer on standard output: text, where every form has a file.
    pub fn form(&self) -> Form {
        self.forms.iter().find(|wanted| wanted.file.is_none()).map_or(Form::Text, |wanted| wanted.form)
    }
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object per line
    Json,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Check a manifest without calling AWS: syntax, references, AWS limits
    #[command(after_help = after_help::OF_VALIDATE)]
    Validate(Inputs),
    /// Run one pass: read, plan, show the plan, apply
    #[command(after_help = after_help::OF_RECONCILE)]
    Reconcile(ReconcileArgs),
    /// Deploy what a service ran before, or stop its deployment
    #[command(after_help = after_help::OF_ROLLBACK)]
    Rollback(CommandArgs),
    /// Start new tasks of a service, which read their secrets and images again
    #[command(after_help = after_help::OF_RESTART)]
    Restart(CommandArgs),
    /// Report differences and change nothing, for cron and CI
    #[command(after_help = after_help::OF_DRIFT)]
    Drift(DriftArgs),
    /// Write a manifest of the live state; change nothing
    #[command(after_help = after_help::OF_INIT)]
    Init(InitArgs),
    /// Show one line per service: in sync, reachable, tasks, targets
    #[command(after_help = after_help::OF_STATUS)]
    Status(StatusArgs),
    /// Check each path from listener to container and report the first broken hop
    #[command(after_help = after_help::OF_TRACE)]
    Trace(TraceArgs),
    /// Run passes continuously to keep the fleet as declared
    #[command(after_help = after_help::OF_RUN)]
    Run(RunArgs),
    /// Show Portolan diagnose and repair a broken fleet on an in-memory AWS
    #[cfg(feature = "sandbox")]
    #[command(after_help = after_help::OF_DEMO)]
    Demo(DemoArgs),
    /// Serve an in-memory AWS on a loopback port, for the AWS CLI, boto3 and tests
    #[cfg(feature = "sandbox")]
    #[command(after_help = after_help::OF_SANDBOX)]
    Sandbox(SandboxArgs),
    /// Print the JSON Schema of the manifest, for editors
    #[command(after_help = after_help::OF_SCHEMA)]
    Schema,
    /// Print shell completions
    #[command(after_help = after_help::OF_COMPLETIONS)]
    Completions {
        /// The shell
        shell: Shell,
    },
}

impl Verb {
    /// The manifest, where the verb takes one.
    pub fn inputs(&self) -> Option<&Inputs> {
        match self {
            Self::Validate(inputs) => Some(inputs),
            Self::Reconcile(args) => Some(&args.inputs),
            Self::Rollback(args) | Self::Restart(args) => Some(&args.inputs),
            Self::Drift(args) => Some(&args.inputs),
            Self::Status(args) => Some(&args.inputs),
            Self::Trace(args) => Some(&args.inputs),
            Self::Run(args) => Some(&args.inputs),
            #[cfg(feature = "sandbox")]
            Self::Demo(_) | Self::Sandbox(_) => None,
            Self::Init(_) | Self::Schema | Self::Completions { .. } => None,
        }
    }

    /// Whether it has the forms for CI.
    pub fn has_ci_forms(&self) -> bool {
        matches!(self, Self::Drift(_) | Self::Validate(_))
    }

    /// Whether its answer has forms at all.
    pub fn has_forms(&self) -> bool {
        match self {
            Self::Validate(_)
            | Self::Reconcile(_)
            | Self::Rollback(_)
            | Self::Restart(_)
            | Self::Drift(_)
            | Self::Status(_)
            | Self::Trace(_)
            | Self::Init(_) => true,
            #[cfg(feature = "sandbox")]
            Self::Demo(_) => true,
            #[cfg(feature = "sandbox")]
            Self::Sandbox(_) => false,
            Self::Run(_) | Self::Schema | Self::Completions { .. } => false,
        }
    }
}

/// `portolan status`
#[derive(Args, Clone, Debug)]
pub struct StatusArgs {
    /// Show only these services
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
    /// The manifest.
    #[command(flatten)]
    pub inputs: Inputs,
    /// Read this ECS cluster instead of a manifest; may repeat
    #[arg(long = "cluster", value_name = "NAME", action = clap::ArgAction::Append)]
    pub clusters: Vec<String>,
}

/// `portolan demo`
#[cfg(feature = "sandbox")]
#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// Afterwards serve the broken fleet on this loopback port; 0 picks a free one
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// What to show: a broken fleet that is repaired, or services that are created and rolled out
    #[arg(long, value_name = "CHAPTER", default_value = "repair")]
    pub chapter: DemoChapter,
    /// Print a file of the demo and stop
    #[arg(long, value_name = "FILE", conflicts_with = "port")]
    pub print: Option<DemoFile>,
}

/// The chapters of the demonstration.
#[cfg(feature = "sandbox")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DemoChapter {
    /// A broken fleet is repaired
    Repair,
    /// A service is created, one gets a new image, one is rolled back
    Rollout,
}

/// The files of the demonstration.
#[cfg(feature = "sandbox")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DemoFile {
    /// The declared state
    Manifest,
    /// The live state
    World,
}

/// `portolan sandbox`
#[cfg(feature = "sandbox")]
#[derive(Args, Clone, Debug)]
pub struct SandboxArgs {
    /// Loopback port to listen on; 0 picks a free one
    #[arg(long, value_name = "PORT", default_value_t = 4566)]
    pub port: u16,
    /// World file to start from (default: an empty account)
    #[arg(long, value_name = "FILE")]
    pub world: Option<std::path::PathBuf>,
    /// Virtual seconds per real second; 0 freezes time
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = parse_speed)]
    pub speed: f64,
    /// Throttle calls by AWS's documented rate limits
    #[arg(long)]
    pub rate_limits: bool,
    /// Let reads lag this many virtual seconds behind writes, as AWS's reads sometimes do
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(..=3600))]
    pub lag: Option<u32>,
}

/// `portolan drift`
#[derive(Args, Clone, Debug)]
pub struct DriftArgs {
    /// The manifest.
    #[command(flatten)]
    pub inputs: Inputs,
    /// Use Terraform's exit codes: 2 for a difference, 1 for an error
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Post the JSON document to this URL (http or https) if there is a difference or an error
    #[arg(long, value_name = "URL", env = "PORTOLAN_NOTIFY_URL", hide_env_values = true)]
    pub notify_url: Option<Secret>,
}

/// `portolan trace`
#[derive(Args, Clone, Debug)]
pub struct TraceArgs {
    /// Trace only this service, or this port of it
    #[arg(value_name = "SERVICE[/PORT]")]
    pub path: Option<String>,
    /// The manifest.
    #[command(flatten)]
    pub inputs: Inputs,
    /// Trace the live state of this cluster, without a manifest
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// Trace the state after the plan is applied
    #[arg(long, conflicts_with = "cluster")]
    pub planned: bool,
    /// Client address or CIDR (default: any)
    #[arg(long, value_name = "CIDR", value_parser = parse_block)]
    pub client: Option<ipnet::IpNet>,
    /// Show only paths not known to be reachable: broken, degraded, starting, unknown
    #[arg(long)]
    pub broken: bool,
    /// The request to follow.
    #[arg(long, value_name = "REQUEST", help = "Follow this request, such as 'GET https://shop.example.com/cart/1'")]
    pub request: Option<String>,
}

/// `portolan reconcile`
#[derive(Args, Clone, Debug)]
pub struct ReconcileArgs {
    /// The manifest.
    #[command(flatten)]
    pub inputs: Inputs,
    /// Show the plan and stop
    #[arg(long, conflicts_with_all = ["yes", "wait"])]
    pub dry_run: bool,
    /// Apply without asking
    #[arg(short, long)]
    pub yes: bool,
    /// Override the safety checks (removal budget, no healthy target, breaking a working path)
    #[arg(long)]
    pub force: bool,
    /// Delete this fleet's undeclared listener rules even if they send requests to healthy targets; neither --yes nor
    /// --force implies this
    #[arg(long)]
    pub prune_serving: bool,
    /// After applying, wait until deployments are complete and targets are healthy
    #[arg(long)]
    pub wait: bool,
    /// Longest wait, such as 90s, 10m or 1h
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = parse_duration, requires = "wait")]
    pub timeout: Duration,
    /// Change only this object, such as service/checkout and its target groups; may repeat; never prunes
    #[arg(long, value_name = "KIND/KEY", action = clap::ArgAction::Append)]
    pub only: Vec<String>,
    /// Image of a container in this run, where the manifest has none: a pipeline's whole deploy step; may repeat
    #[arg(long = "image", value_name = "SERVICE[/CONTAINER]=IMAGE", action = clap::ArgAction::Append)]
    pub images: Vec<String>,
    /// Use Terraform's exit codes: 2 for a difference, 1 for an error
    #[arg(long)]
    pub detailed_exitcode: bool,
}

impl CommandArgs {
    /// The same options of `reconcile`.
    pub fn as_reconcile(&self) -> ReconcileArgs {
        let Self { service: _, inputs, dry_run, yes, wait, timeout } = self.clone();
        ReconcileArgs {
            inputs,
            dry_run,
            yes,
            force: false,
            prune_serving: false,
            wait,
            timeout,
            only: Vec::new(),
            images: Vec::new(),
            detailed_exitcode: false,
        }
    }
}

/// `portolan run`
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// The manifest.
    #[command(flatten)]
    pub inputs: Inputs,
    /// Time between the starts of two passes, such as 30s or 5m
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_duration)]
    pub interval: Duration,
    /// Address of the HTTP endpoints (probes, metrics, status); `none` turns them off
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9797", value_parser = parse_listen)]
    pub listen: Listen,
    /// Host names, separated by commas, accepted for metrics and status in addition to localhost and IP addresses
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = crate::http::host::parse_name)]
    pub allowed_hosts: Vec<String>,
    /// SQS queue of EventBridge events (docs/deploy/events); the objects they mention are re-read immediately
    #[arg(long, value_name = "URL", value_parser = parse_queue)]
    pub events_queue: Option<String>,
    /// Report differences, never repair
    #[arg(long)]
    pub observe: bool,
    /// Largest share of the account's Elastic Load Balancing calls that background reads of target health may use
    #[arg(long, value_name = "PERCENT", default_value = "40%", value_parser = parse_share)]
    pub elb_share: f64,
}

/// Where the service listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// Not at all.
    Nowhere,
    /// At this address.
    At(SocketAddr),
}

fn parse_listen(text: &str) -> Result<Listen, String> {
    if text == "none" {
        return Ok(Listen::Nowhere);
    }
    text.parse().map(Listen::At).map_err(|_| "an address and a port such as 127.0.0.1:9797, or none".to_owned())
}

fn parse_share(text: &str) -> Result<f64, String> {
    let percent =
        text.strip_suffix('%').unwrap_or(text).parse::<u8>().ok().filter(|percent| (1..=100).contains(percent));
    percent.map(|percent| f64::from(percent) / 100.0).ok_or_else(|| "1% to 100%, such as 40%".to_owned())
}

/// `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`, as SQS gives it.
fn parse_queue(text: &str) -> Result<String, String> {
    let path =
        text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).and_then(|rest| rest.split_once('/'));
    let is_queue = path
        .is_some_and(|(host, path)| !host.is_empty() && path.split('/').filter(|part| !part.is_empty()).count() >= 2);
    let example = "the URL of an SQS queue such as https://sqs.eu-west-1.amazonaws.com/123456789012/portolan-events";
    if is_queue { Ok(text.to_owned()) } else { Err(example.to_owned()) }
}

/// `arn:PARTITION:iam::ACCOUNT:role/NAME`; the name may have a path.
fn parse_role(text: &str) -> Result<String, String> {
    let is_role = match Arn::parse(text) {
        Some(Arn { service: "iam", region: "", account, resource, .. }) => {
            let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
            let name = resource.strip_prefix("role/");
            is_account && name.is_some_and(|name| !name.is_empty() && !name.ends_with('/'))
        }
        _ => false,
    };
    let example = "the ARN of a role such as arn:aws:iam::123456789012:role/portolan";
    if is_role { Ok(text.to_owned()) } else { Err(example.to_owned()) }
}

#[cfg(feature = "sandbox")]
fn parse_speed(text: &str) -> Result<f64, String> {
    let speed = text.parse::<f64>().ok().filter(|speed| (0.0..=100_000.0).contains(speed));
    speed.ok_or_else(|| "a factor between 0 and 100000".to_owned())
}

/// A block, or an address alone.
fn parse_block(text: &str) -> Result<ipnet::IpNet, String> {
    let block = text.parse::<ipnet::IpNet>().or_else(|_| text.parse::<std::net::IpAddr>().map(ipnet::IpNet::from));
    block.map(|block| block.trunc()).map_err(|_| "an address or a block such as 203.0.113.0/24".to_owned())
}
