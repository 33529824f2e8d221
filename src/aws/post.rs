//! One POST to a third party's server over the HTTP and TLS stack that the SDK brings along: a second one would double what
//! has to be kept safe. `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are followed, redirects are not.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::base64;
use aws_smithy_types::body::SdkBody;

/// What is posted, and where to.
#[derive(Clone)]
pub struct Post {
    /// Absolute, `http` or `https`, without user and password.
    pub uri: String,
    /// User and password, sent as HTTP's basic authentication.
    pub user: Option<(String, String)>,
    /// JSON.
    pub body: String,
    /// `NO_PROXY` is `*`: no proxy is used, whatever host is named. `ProxyConfig` takes `*` for names alone.
    pub no_proxy: bool,
}

/// How long it may take at most: `attempts` × `attempt`, and the pauses between them, each twice as long as the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// At least 1.
    pub attempts: u32,
    /// Time for one, connecting included.
    pub attempt: Duration,
    /// The first pause.
    pub pause: Duration,
}

/// Half a minute altogether, at the very most.
pub const LIMITS: Limits = Limits { attempts: 3, attempt: Duration::from_secs(8), pause: Duration::from_secs(1) };

/// Why it did not arrive. Never names the URI: it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostError {
    /// It was answered with this status.
    Status(u16),
    /// It was not answered in time.
    TimedOut,
    /// There was no connection, or it broke.
    Unreachable(String),
}

impl PostError {
    /// Whether it is worth another attempt: who answers that the request is wrong will do so again.
    fn may_pass(&self) -> bool {
        match self {
            Self::Status(status) => matches!(status, 408 | 429 | 500..=599),
            Self::TimedOut | Self::Unreachable(_) => true,
        }
    }
}

impl fmt::Display for PostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "it answered {status}"),
            Self::TimedOut => f.write_str("it did not answer in time"),
            Self::Unreachable(why) => write!(f, "it cannot be reached ({why})"),
        }
    }
}

impl Error for PostError {}

/// Posts, and tries again where that may help. An answer from 200 to 299 is a success.
pub async fn post(post: &Post, limits: &Limits) -> Result<(), PostError> {
    let connector = Connector::builder()
        .proxy_config(if post.no_proxy { ProxyConfig::disabled() } else { ProxyConfig::from_env() })
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .build();
    let mut pause = limits.pause;
    let mut left = limits.attempts;
    loop {
        left = left.saturating_sub(1);
        let attempt = tokio::time::timeout(limits.attempt, attempt(&connector, post)).await;
        match attempt.unwrap_or(Err(PostError::TimedOut)) {
            Err(error) if left > 0 && error.may_pass() => {}
            ended => return ended,
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}

async fn attempt(connector: &Connector, post: &Post) -> Result<(), PostError> {
    let response = connector.call(request(post)?).await;
    match response {
        Ok(response) => match response.status().as_u16() {
            200..=299 => Ok(()),
            status => Err(PostError::Status(status)),
        },
        Err(error) if error.is_timeout() => Err(PostError::TimedOut),
        Err(error) => Err(PostError::Unreachable(innermost(&*error.into_source()))),
    }
}

fn request(post: &Post) -> Result<HttpRequest, PostError> {
    let wrong = |_| PostError::Unreachable("the address cannot be used".to_owned());
    let mut request = HttpRequest::new(SdkBody::from(post.body.as_str()));
    request.set_method("POST").map_err(wrong)?;
    request.set_uri(post.uri.as_str()).map_err(|_| PostError::Unreachable("the address cannot be used".to_owned()))?;
    let headers = request.headers_mut();
    headers.insert("content-type", "application/json");
    headers.insert("content-length", post.body.len().to_string());
    headers.insert("user-agent", concat!("portolan/", env!("CARGO_PKG_VERSION")));
    if let Some((user, password)) = &post.user {
        headers.insert("authorization", format!("Basic {}", base64::encode(format!("{user}:{password}"))));
    }
    Ok(request)
}

/// The cause of all causes: those around it say no more than that there was one.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
