//! The command line as clap reads it.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub use super::form::{Form, Output};
use super::notify::Secret;

/// Keeps every declared port of an Amazon ECS fleet reachable.
///
/// Reads the intended chain from listener to container out of YAML and the live one out of AWS, shows the
/// difference, and repairs it.
#[derive(Debug, Parser)]
#[command(name = "portolan", version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "\
Exit codes:
  0         in sync, or everything was applied, or every traced path is sound
  1         difference: pending changes, drift, a difference that is blocked, or a path that is broken
  2         error: usage, manifest, credentials, AWS refused, apply failed
  3         incomplete: something could not be read and nothing else differs (only with --strict)
  130, 143  interrupted, terminated

Examples:
  portolan validate -f manifests/
  portolan reconcile -f manifests/ --dry-run
  portolan reconcile -f manifests/ --yes --wait
  kustomize build . | portolan drift -f - -o json")]
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

/// Where the manifest is. Everything given in one run is one fleet.
#[derive(Args, Clone, Debug, Default)]
pub struct Inputs {
    /// File or folder (*.yaml, *.yml) with the manifest; `-` is standard input; may repeat
    #[arg(short = 'f', long = "file", value_name = "PATH", action = clap::ArgAction::Append)]
    pub files: Vec<String>,
    /// Read the folders below the given ones too
    #[arg(short = 'R', long)]
    pub recursive: bool,
}

impl Inputs {
    /// What was given before and after the verb is one list: leaving half of a fleet out would be dangerous.
    pub fn and(&self, after_verb: &Self) -> Self {
        let files = self.files.iter().chain(&after_verb.files).cloned().collect();
        Self { files, recursive: self.recursive || after_verb.recursive }
    }
}

/// What every verb understands.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Form of the answer on standard output; junit, sarif, github and markdown are `drift`'s alone
    #[arg(short = 'o', long = "output", global = true, value_enum, value_name = "FORM", default_value_t = Form::Text)]
    pub form: Form,
    /// Exit with 3 when something could not be read and nothing else differs
    #[arg(long, global = true)]
    pub strict: bool,
    /// AWS region, where the Fleet names none; another one than the Fleet's is an error
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// Profile of the AWS configuration
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Send every AWS call there, such as to an emulator
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Role to assume with the credentials
    #[arg(long, global = true, value_name = "ARN")]
    pub assume_role_arn: Option<String>,
    /// When to use colour; NO_COLOR turns `auto` off
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub color: Color,
    /// Log more to standard error: -v what is sent, -vv every call
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// No progress on standard error
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Form of the log on standard error
    #[arg(long, global = true, value_enum, value_name = "FORM", default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

impl Global {
    /// The form, for a verb that knows the two that every verb knows.
    pub fn output(&self) -> Output {
        if self.form == Form::Text { Output::Text } else { Output::Json }
    }
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
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
    /// Check a manifest without asking AWS: syntax, references, AWS constraints
    #[command(after_help = "\
Examples:
  portolan validate -f fleet.yaml
  portolan validate -f manifests/ -R -o json")]
    Validate(Inputs),
    /// Observe, plan, show, and apply: one pass
    #[command(after_help = "\
Without --yes the plan is shown and you are asked; where there is no terminal to ask on, nothing is applied.

Examples:
  portolan reconcile -f manifests/ --dry-run
  portolan reconcile -f manifests/ --yes --wait --timeout 15m
  portolan reconcile -f manifests/ --only service/checkout")]
    Reconcile(ReconcileArgs),
    /// Show what differs, change nothing: for cron and CI
    #[command(after_help = "\
The line of the manifest is in every form but text. --notify-url gets the document of `-o json` whenever the exit code is
not 0; it may be given as PORTOLAN_NOTIFY_URL, so that its secret stays out of the list of processes.

Examples:
  portolan drift -f manifests/
  portolan drift -f manifests/ -o json --strict
  portolan drift -f manifests/ -o sarif > drift.sarif
  portolan drift -f manifests/ -o markdown >> \"$GITHUB_STEP_SUMMARY\"
  portolan drift -f manifests/ -q --notify-url https://hooks.example.com/portolan")]
    Drift(DriftArgs),
    /// Write the manifest of what stands; changes nothing
    #[command(after_help = "\
A dry run of what it writes shows no difference as long as nobody changes anything. What the format cannot say is a
comment at its place.

Examples:
  portolan init --cluster prod > fleet.yaml
  portolan init --cluster prod --service checkout --service cart > fleet.yaml
  portolan init --cluster prod --name payments-prod --split manifests/prod")]
    Init(InitArgs),
    /// Show each service in a line: in sync, reachable, tasks, targets
    #[command(after_help = "\
Examples:
  portolan status --cluster prod         # without any file
  portolan status -f manifests/ -o json")]
    Status(StatusArgs),
    /// Walk each path from listener to container, and name the first broken hop
    #[command(after_help = "\
Codes such as M01 are explained in docs/trace.md.

Examples:
  portolan trace -f manifests/
  portolan trace checkout/http -f manifests/ --client 203.0.113.7/32
  portolan trace -f manifests/ --request 'GET https://shop.example.com/cart/1'
  portolan trace --cluster prod
  portolan trace -f manifests/ --planned")]
    Trace(TraceArgs),
    /// Keep the fleet as declared, pass after pass, until a signal comes
    #[command(after_help = "\
The manifest is read again when its files change, and on SIGHUP. SIGTERM awaits what was sent and starts nothing new.
Over HTTP: /healthz, /readyz, /metrics, /api/v1/status; nothing there changes anything.

Examples:
  portolan run -f manifests/
  portolan run -f manifests/ --observe --interval 5m
  portolan run -f manifests/ --events-queue https://sqs.eu-west-1.amazonaws.com/123456789012/portolan-events
  portolan run -f manifests/ --listen 0.0.0.0:9797 --log-format json")]
    Run(RunArgs),
    /// See Portolan at work: a broken fleet on an AWS in memory, its dry run, its repair
    #[cfg(feature = "sandbox")]
    #[command(after_help = "\
Nothing is installed, nothing is sent anywhere: the AWS is in this process.

Examples:
  portolan demo
  portolan demo --port 4566              # then go on yourself, on the same broken fleet
  portolan demo --print manifest > fleet.yaml")]
    Demo(DemoArgs),
    /// Serve an AWS in memory on a loopback port, for the AWS CLI, for boto3, for tests
    #[cfg(feature = "sandbox")]
    #[command(after_help = "\
It rejects what AWS rejects, starts tasks, and works target health out from the path that a request would take.
Its own calls: POST /_sandbox/advance?seconds=60, POST /_sandbox/reset, GET /_sandbox/trace,
GET /_sandbox/request?host=shop.example.com&path=/cart.

Examples:
  portolan sandbox
  portolan sandbox --port 4566 --world world.yaml --speed 10
  AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test aws ecs list-clusters")]
    Sandbox(SandboxArgs),
    /// Print the JSON Schema of the manifest, for editors
    #[command(after_help = "\
Example:
  portolan schema > portolan.schema.json")]
    Schema,
    /// Print the completions of a shell
    #[command(after_help = "\
Examples:
  portolan completions bash > ~/.local/share/bash-completion/completions/portolan
  portolan completions zsh > ~/.zfunc/_portolan")]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// `portolan init`
#[derive(Args, Clone, Debug)]
pub struct InitArgs {
    /// The ECS cluster; may repeat
    #[arg(long = "cluster", value_name = "NAME", action = clap::ArgAction::Append, required = true)]
    pub clusters: Vec<String>,
    /// Only this service, and those that share a target group with it; may repeat; CLUSTER/NAME where several are named
    #[arg(long = "service", value_name = "NAME", action = clap::ArgAction::Append)]
    pub services: Vec<String>,
    /// Name of the Fleet: the owner id; the cluster's, or the one that made things here before, where it is left out
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Attributes of target groups: `changed` writes those at their defaults as comments, `all` writes every one
    #[arg(long, value_name = "WHICH", value_enum, default_value_t)]
    pub attributes: super::init::AttributesArg,
    /// Write fleet.yaml and a file for each service into this folder; existing files are never overwritten
    #[arg(long, value_name = "DIR")]
    pub split: Option<std::path::PathBuf>,
}

/// `portolan status`
#[derive(Args, Clone, Debug)]
pub struct StatusArgs {
    /// The manifest.
    #[command(flatten)]
    pub inputs: Inputs,
    /// An ECS cluster instead of a manifest; may repeat
    #[arg(long = "cluster", value_name = "NAME", action = clap::ArgAction::Append)]
    pub clusters: Vec<String>,
}

/// `portolan demo`
#[cfg(feature = "sandbox")]
#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// Afterwards serve the broken fleet on this loopback port; 0 takes a free one
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Print a file of the demonstration instead
    #[arg(long, value_name = "FILE", conflicts_with = "port")]
    pub print: Option<DemoFile>,
}

/// The files of the demonstration.
#[cfg(feature = "sandbox")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DemoFile {
    /// What is declared
    Manifest,
    /// What stands
    World,
}

/// `portolan sandbox`
#[cfg(feature = "sandbox")]
#[derive(Args, Clone, Debug)]
pub struct SandboxArgs {
    /// Loopback port to listen on; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 4566)]
    pub port: u16,
    /// World file to start with; an empty account without
    #[arg(long, value_name = "FILE")]
    pub world: Option<std::path::PathBuf>,
    /// Virtual seconds in a second; 0 lets time stand still
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = parse_speed)]
    pub speed: f64,
    /// Refuse calls that AWS's documented rate limits would refuse
    #[arg(long)]
    pub rate_limits: bool,
    /// Let reads tell what was so many virtual seconds ago, as AWS's reads may just after a change
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(..=3600))]
    pub lag: Option<u32>,
}

/// `portolan drift`
#[derive(Args, Clone, Debug)]
pub struct DriftArgs {
    /// The manifest.
    #[command(flatten)]
    pub inputs: Inputs,
    /// Terraform's exit codes: 2 for a difference, 1 for an error
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Post the JSON of the pass there (http or https) when there is a difference or an error
    #[arg(long, value_name = "URL", env = "PORTOLAN_NOTIFY_URL", hide_env_values = true)]
    pub notify_url: Option<Secret>,
}

/// `portolan trace`
#[derive(Args, Clone, Debug)]
pub struct TraceArgs {
    /// This service alone, or this port of it
    #[arg(value_name = "SERVICE[/PORT]")]
    pub path: Option<String>,
    /// The manifest.
    #[command(flatten)]
    pub inputs: Inputs,
    /// What stands in this cluster, without a manifest
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// The state that the plan would make
    #[arg(long, conflicts_with = "cluster")]
    pub planned: bool,
    /// Where the client is; anywhere without
    #[arg(long, value_name = "CIDR", value_parser = parse_block)]
    pub client: Option<ipnet::IpNet>,
    /// Follow this request, such as 'GET https://shop.example.com/cart/1'
    #[arg(long, value_name = "REQUEST")]
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
    /// Lift the removal budget, and the rules that no traffic moves to nothing and no sound path is broken
    #[arg(long)]
    pub force: bool,
    /// Delete rules of this fleet that the manifest no longer names even if they give requests to healthy targets; neither
    /// --yes nor --force implies it
    #[arg(long)]
    pub prune_serving: bool,
    /// After applying, wait until deployments are complete and targets healthy
    #[arg(long)]
    pub wait: bool,
    /// Longest wait, such as 90s, 10m or 1h
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = parse_duration, requires = "wait")]
    pub timeout: Duration,
    /// Only this object, such as service/checkout; a service brings its target groups; may repeat; never prunes
    #[arg(long, value_name = "KIND/KEY", action = clap::ArgAction::Append)]
    pub only: Vec<String>,
    /// Terraform's exit codes: 2 for a difference, 1 for an error
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// `portolan run`
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// The manifest.
    #[command(flatten)]
    pub inputs: Inputs,
    /// From the start of one pass to the start of the next, such as 30s or 5m
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_duration)]
    pub interval: Duration,
    /// Address for probes, metrics and status; `none` turns them off
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9797", value_parser = parse_listen)]
    pub listen: Listen,
    /// Host names, separated by commas, that metrics and status are served to besides localhost and IP addresses
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = crate::door::host::parse_name)]
    pub allowed_hosts: Vec<String>,
    /// SQS queue of AWS's events (docs/deploy/events): what they name is looked at at once
    #[arg(long, value_name = "URL", value_parser = parse_queue)]
    pub events_queue: Option<String>,
    /// Look and tell, change nothing
    #[arg(long)]
    pub observe: bool,
    /// Most of the account's Elastic Load Balancing calls that reading target health in turn may use
    #[arg(long, value_name = "PERCENT", default_value = "40%", value_parser = parse_share)]
    pub elb_share: f64,
}

/// Where the service listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// Nowhere.
    Nowhere,
    /// There.
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

fn parse_duration(text: &str) -> Result<Duration, String> {
    let parsed: Result<jiff::SignedDuration, _> = text.parse();
    let duration = parsed.ok().and_then(|duration| Duration::try_from(duration).ok());
    duration.filter(|duration| !duration.is_zero()).ok_or_else(|| "write it like 90s, 10m or 1h".to_owned())
}
