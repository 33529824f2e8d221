//! The HTTP client under every call: which proxy, and whose certificates.
//!
//! As the AWS CLI has it: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` count, `NO_PROXY=*` means no proxy at all, `AWS_CA_BUNDLE`
//! replaces the certificate authorities of the system, and the metadata services of instances and containers, which give
//! out credentials, are never asked through a proxy.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use url::{Host, Url};

/// What the environment says of the way to AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// `NO_PROXY` is `*`.
    pub no_proxy: bool,
    /// Metadata services at addresses that the environment names, as [`authority`] has them.
    pub metadata_services: BTreeSet<String>,
    /// Certificate authorities in place of the system's.
    pub authorities: Option<Authorities>,
}

/// The certificates of a PEM file; at least one, all readable.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorities(Vec<u8>);

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorities")
    }
}

impl Authorities {
    /// Reads a PEM text. An error says what is wrong with it.
    pub fn read(pem: Vec<u8>) -> Result<Self, String> {
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| format!("it is not PEM: {error}"))?;
            store.add(certificate).map_err(|error| format!("it has a certificate that cannot be read: {error}"))?;
        }
        if store.is_empty() { Err("it has no certificate".to_owned()) } else { Ok(Self(pem)) }
    }

    fn tls(&self) -> TlsContext {
        let store = TrustStore::empty().with_pem_certificate(self.0.clone());
        // Fails for additional server names only, and none are given.
        TlsContext::builder().with_trust_store(store).build().unwrap_or_default()
    }
}

impl Network {
    pub(super) fn proxies(&self) -> ProxyConfig {
        if self.no_proxy { ProxyConfig::disabled() } else { ProxyConfig::from_env() }
    }

    /// The SDK's client.
    pub(super) fn client(&self) -> SharedHttpClient {
        SharedHttpClient::new(ByHost {
            metadata_services: Arc::new(self.metadata_services.clone()),
            direct: self.through(ProxyConfig::disabled()),
            proxied: self.through(self.proxies()),
        })
    }

    /// A client through these proxies.
    fn through(&self, proxies: ProxyConfig) -> SharedHttpClient {
        let tls = self.authorities.as_ref().map(Authorities::tls);
        Builder::new().build_with_connector_fn(move |settings, components| {
            let mut builder = Connector::builder().proxy_config(proxies.clone());
            builder.set_connector_settings(settings.cloned());
            builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
            let mut builder = builder.tls_provider(Provider::Rustls(CryptoMode::AwsLc));
            if let Some(tls) = &tls {
                builder.set_tls_context(tls.clone());
            }
            builder.build()
        })
    }
}

/// Two ways, chosen by the host that is asked.
#[derive(Clone, Debug)]
struct ByHost<T> {
    metadata_services: Arc<BTreeSet<String>>,
    direct: T,
    proxied: T,
}

impl HttpClient for ByHost<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(ByHost {
            metadata_services: self.metadata_services.clone(),
            direct: self.direct.http_connector(settings, components),
            proxied: self.proxied.http_connector(settings, components),
        })
    }
}

impl HttpConnector for ByHost<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let is_metadata = Url::parse(request.uri()).is_ok_and(|url| {
            is_metadata_service(&url) || authority(&url).is_some_and(|named| self.metadata_services.contains(&named))
        });
        let address =
            Url::parse(request.uri()).ok().and_then(|url| Some(format!("{}://{}", url.scheme(), authority(&url)?)));
        let answer = if is_metadata { self.direct.call(request) } else { self.proxied.call(request) };
        HttpConnectorFuture::new(async move { answer.await.map_err(|error| at(address, error)) })
    }
}

/// Which address could not be reached: the errors of a connection do not say.
#[derive(Debug)]
pub(super) struct Unreachable {
    /// Scheme, host and port.
    pub(super) address: String,
    cause: ConnectorError,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot reach {}", self.address)
    }
}

impl Error for Unreachable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

/// Puts the address to an error of a connection, which stays of its kind: by that the SDK decides whether to try again.
fn at(address: Option<String>, cause: ConnectorError) -> ConnectorError {
    // What broke on a connection that stood is no question of the address, and the SDK has to know that connection.
    let Some(address) = address.filter(|_| cause.connection_metadata().is_none()) else { return cause };
    let (is_timeout, is_user, is_io, other) = (cause.is_timeout(), cause.is_user(), cause.is_io(), cause.as_other());
    let unreachable = Box::new(Unreachable { address, cause });
    match other {
        _ if is_timeout => ConnectorError::timeout(unreachable),
        _ if is_user => ConnectorError::user(unreachable),
        _ if is_io => ConnectorError::io(unreachable),
        kind => ConnectorError::other(unreachable, kind),
    }
}

/// The addresses of EC2's instance metadata, of ECS's task metadata and credentials, and of EKS's pod identity agent
/// (AWS documentation: "Instance metadata and user data", "Task IAM role", "EKS Pod Identity").
const METADATA_SERVICES: [IpAddr; 5] = [
    IpAddr::V4(std::net::Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(std::net::Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(std::net::Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V6(std::net::Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(std::net::Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
];

fn is_metadata_service(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => METADATA_SERVICES.contains(&address.into()),
        Some(Host::Ipv6(address)) => METADATA_SERVICES.contains(&address.into()),
        Some(Host::Domain(_)) | None => false,
    }
}

/// Host and port of a URL as `host:port`. `None` if it has no host.
pub fn authority(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_services_are_known_by_their_addresses() {
        for uri in [
            "http://169.254.169.254/latest/api/token",
            "http://169.254.170.2/v2/credentials/x",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::254]/latest",
            "http://[fd00:0ec2:0::23]:80/v1/credentials",
        ] {
            assert!(is_metadata_service(&uri.parse().expect("a URL")), "{uri}");
        }
        for uri in
            ["http://169.254.169.254.evil.example/", "https://sts.eu-west-1.amazonaws.com/", "http://169.254.1.1/"]
        {
            assert!(!is_metadata_service(&uri.parse().expect("a URL")), "{uri}");
        }
    }

    #[test]
    fn what_is_no_bundle_of_certificates_is_refused() {
        for (pem, why) in [
            ("", "it has no certificate"),
            ("hello", "it has no certificate"),
            ("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", "it is not PEM"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read"),
        ] {
            let error = Authorities::read(pem.as_bytes().to_vec()).expect_err(pem);
            assert!(error.contains(why), "{pem}: {error}");
        }
    }
}
