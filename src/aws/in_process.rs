//! AWS without a network: the SDK's HTTP client as a function, for an AWS that lives in this process. Requests are
//! serialised, signed, retried and timed as ever; only the wire is missing.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{Request, Response};

/// What answers.
type Answer = dyn Fn(&Request<Bytes>) -> Response<Bytes> + Send + Sync;

#[derive(Clone)]
struct InProcess {
    answer: Arc<Answer>,
    /// From the sending of a request to its answer.
    latency: Duration,
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl HttpClient for InProcess {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if self.latency.is_zero() {
            return HttpConnectorFuture::ready(self.exchange(request));
        }
        let far = self.clone();
        HttpConnectorFuture::new(async move {
            tokio::time::sleep(far.latency / 2).await;
            let answer = far.exchange(request);
            tokio::time::sleep(far.latency / 2).await;
            answer
        })
    }
}

impl InProcess {
    fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let user = |error| ConnectorError::user(Box::new(error));
        let request = request.try_into_http1x().map_err(user)?;
        // None of the calls streams its body.
        let request = request.map(|body| Bytes::copy_from_slice(body.bytes().unwrap_or_default()));
        let response = (self.answer)(&request).map(SdkBody::from);
        HttpResponse::try_from(response).map_err(user)
    }
}

/// A configuration whose requests all go to a function. The credentials belong to no account.
pub fn config(region: &str, answer: impl Fn(&Request<Bytes>) -> Response<Bytes> + Send + Sync + 'static) -> SdkConfig {
    far_config(region, Duration::ZERO, answer)
}

/// The same for a function that is far away, by Tokio's clock.
pub fn far_config(
    region: &str,
    latency: Duration,
    answer: impl Fn(&Request<Bytes>) -> Response<Bytes> + Send + Sync + 'static,
) -> SdkConfig {
    let nobody = Credentials::new("sandbox", "sandbox", None, None, "sandbox");
    SdkConfig::builder()
        .behavior_version(super::behavior())
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(nobody))
        .http_client(SharedHttpClient::new(InProcess { answer: Arc::new(answer), latency }))
        .build()
}
