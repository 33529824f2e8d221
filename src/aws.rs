//! AWS through its SDK: the only tree that names it. [`Reader`] fills [`crate::model::Observed`], [`Writer`]
//! sends the actions of a plan; both work on the same [`Clients`].
//!
//! What the SDK answers is turned into the model immediately (`ecs`, `elbv2`, `ec2`), and its errors into data
//! (`error`). No value of the SDK is ever formatted with `{:?}`: its types show the environment of containers.

pub mod calls;
mod complete;
mod credentials;
mod ec2;
mod ecs;
mod elbv2;
mod ended;
pub mod error;
pub mod events_queue;
mod http;
pub mod in_process;
pub mod post;
mod rate_limit;
mod raw;
pub mod reader;
pub mod writer;

use std::fmt;
use std::time::Duration;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_ecs::config::retry::RetryPartition;

pub use calls::Calls;
pub use events_queue::EventsQueue;
pub use http::{Authorities, Network, authority};
pub use reader::Reader;
pub use writer::Writer;

use crate::model::without_user_info;
use credentials::Paced;

/// AWS's defaults as of this version, so that an update of the SDK does not change retries or time-outs unseen.
fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

const CONNECT_TIMEOUT: Duration = Duration::from_millis(3100);
const READ_TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(20);

/// Attempts of a call that only reads.
const READ_ATTEMPTS: u32 = 3;
/// Attempts of a call that changes something: the next pass reads again, which is better than sending blindly.
const WRITE_ATTEMPTS: u32 = 2;

/// Where to go and as whom; everything that is `None` follows the SDK's usual chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `--region`
    pub region: Option<String>,
    /// `--profile`
    pub profile: Option<String>,
    /// `--endpoint-url`
    pub endpoint_url: Option<String>,
    /// `--assume-role-arn`
    pub assume_role_arn: Option<String>,
    /// Proxies and certificate authorities.
    pub network: Network,
}

/// Why there are no clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// Neither the settings nor the environment nor the profile name a region.
    NoRegion,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRegion => f.write_str(
                "no region: set spec.region of the Fleet, --region, AWS_REGION, or a region in the AWS profile",
            ),
        }
    }
}

impl std::error::Error for ConnectError {}

/// The SDK's clients of one kind of call.
#[derive(Clone, Debug)]
pub(crate) struct Sdk {
    pub(crate) ecs: aws_sdk_ecs::Client,
    pub(crate) elb: aws_sdk_elasticloadbalancingv2::Client,
    pub(crate) ec2: aws_sdk_ec2::Client,
    pub(crate) autoscaling: aws_sdk_applicationautoscaling::Client,
    pub(crate) sts: aws_sdk_sts::Client,
}

/// Clients of every AWS service that Portolan calls, and the count of what they sent.
#[derive(Clone, Debug)]
pub struct Clients {
    region: String,
    /// The calls go to something that speaks like AWS, not to AWS itself.
    custom_endpoint: bool,
    calls: Calls,
    rate_limiter: rate_limit::RateLimiter,
    /// What the clients were made of.
    config: SdkConfig,
    pub(crate) reading: Sdk,
    pub(crate) writing: Sdk,
}

impl Clients {
    /// Clients of a configuration that is complete already: region, credentials, endpoint, HTTP client.
    pub fn new(config: &SdkConfig) -> Result<Self, ConnectError> {
        let region = config.region().ok_or(ConnectError::NoRegion)?.to_string();
        let custom_endpoint = config.endpoint_url().is_some();
        let rate_limiter = rate_limit::RateLimiter::default();
        let calls = Calls::new(rate_limiter.clone());
        let config = complete::checked(config);
        let reading = sdk(&config, &calls, READ_ATTEMPTS, "portolan-read");
        let writing = sdk(&config, &calls, WRITE_ATTEMPTS, "portolan-write");
        Ok(Self { region, custom_endpoint, calls, rate_limiter, config, reading, writing })
    }

    /// The region that is asked.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// What was sent so far.
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Fetches the credentials that calls will use. An error is their cause in plain words: nothing can be read without them.
    pub async fn check_credentials(&self) -> Result<(), String> {
        let Some(provider) = self.config.credentials_provider() else { return Ok(()) };
        provider
            .provide_credentials()
            .await
            .map(drop)
            .map_err(|error| without_user_info(&error::plain_cause(&error)).into_owned())
    }
}

/// Resolves region, credentials and endpoint, and makes the clients. Sends nothing, except what the credential
/// chain itself sends later.
pub async fn connect(settings: &Settings) -> Result<Clients, ConnectError> {
    let client = settings.network.client();
    let mut loader = aws_config::defaults(behavior()).timeout_config(timeouts()).http_client(client.clone());
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &settings.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    let mut config = loader.load().await;
    let Some(region) = config.region().cloned() else { return Err(ConnectError::NoRegion) };
    if let Some(profile) = &settings.profile {
        let provider = ProviderConfig::default().with_http_client(client).with_region(Some(region));
        config = with_credentials(config, SharedCredentialsProvider::new(of_profile(profile, &provider)));
    }
    if let Some(role) = &settings.assume_role_arn {
        let provider = AssumeRoleProvider::builder(role).session_name("portolan").configure(&config).build().await;
        config = with_credentials(config, SharedCredentialsProvider::new(provider));
    } else if let Some(provider) = config.credentials_provider() {
        config = with_credentials(config, provider);
    }
    Clients::new(&config)
}

/// The credentials of a profile that was asked for by name: keys in the environment don't count then. A profile without
/// credentials of its own leaves it to the container's or the instance's role, as the AWS CLI has it.
fn of_profile(profile: &str, config: &ProviderConfig) -> CredentialsProviderChain {
    let own = ProfileFileCredentialsProvider::builder().configure(config).profile_name(profile).build();
    CredentialsProviderChain::first_try("Profile", own)
        .or_else("EcsContainer", EcsCredentialsProvider::builder().configure(config).build())
        .or_else("Ec2InstanceMetadata", ImdsCredentialsProvider::builder().configure(config).build())
}

fn with_credentials(config: SdkConfig, provider: SharedCredentialsProvider) -> SdkConfig {
    let paced = SharedCredentialsProvider::new(Paced::new(provider));
    config.into_builder().credentials_provider(paced).build()
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}

/// The clients of one part of the process. Each part has its own token bucket of retries: by default the SDK
/// shares one among everything that calls the same service, and a storm in one part would silence the other.
fn sdk(config: &SdkConfig, calls: &Calls, attempts: u32, part: &'static str) -> Sdk {
    macro_rules! client {
        ($sdk:ident) => {
            $sdk::Client::from_conf(
                $sdk::config::Builder::from(config)
                    .behavior_version(behavior())
                    .timeout_config(timeouts())
                    // An answer that stalls is ended by the time-outs: they cover the body too.
                    .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
                    .retry_config(RetryConfig::standard().with_max_attempts(attempts))
                    .retry_partition(RetryPartition::custom(part).build())
                    .interceptor(calls.clone())
                    .build(),
            )
        };
    }
    Sdk {
        ecs: client!(aws_sdk_ecs),
        elb: client!(aws_sdk_elasticloadbalancingv2),
        ec2: client!(aws_sdk_ec2),
        autoscaling: client!(aws_sdk_applicationautoscaling),
        sts: client!(aws_sdk_sts),
    }
}
