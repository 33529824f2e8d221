//! What the environment says, apart from what the SDK reads for itself.

use url::{Host, Url};

use super::failure::Failure;
use super::profile::Profiles;
use super::variable::variable;
use crate::aws::{Authorities, Network, authority};

/// Whether `NO_PROXY` is `*`.
pub fn no_proxy() -> bool {
    variable("no_proxy").or_else(|| variable("NO_PROXY")).is_some_and(|hosts| hosts.trim() == "*")
}

/// The way to AWS. `AWS_CA_BUNDLE` comes before `ca_bundle` of the profile, as the AWS CLI has it.
pub fn network(profiles: &Profiles, profile: &str) -> Result<Network, Failure> {
    let named = variable("AWS_CA_BUNDLE").map(|path| ("AWS_CA_BUNDLE".to_owned(), path));
    let named = named.or_else(|| {
        let path = profiles.setting(profile, "ca_bundle")?;
        Some((format!("ca_bundle of the AWS profile {profile}"), path))
    });
    let authorities = named.map(|(source, path)| read_authorities(&source, &path)).transpose()?;
    let metadata_services =
        METADATA_SERVICES.into_iter().filter_map(variable).filter_map(|url| authority(&url.parse().ok()?));
    Ok(Network { no_proxy: no_proxy(), metadata_services: metadata_services.collect(), authorities })
}

fn read_authorities(source: &str, path: &str) -> Result<Authorities, Failure> {
    let pem = std::fs::read(path).map_err(|error| error.to_string());
    pem.and_then(Authorities::read).map_err(|why| {
        let hint = "set it to a PEM file with the CA certificates to trust, or unset it";
        Failure::new(format!("cannot use {path}, which {source} names: {why}"), Some(hint.to_owned()))
    })
}

/// Variables that give a metadata service another address.
const METADATA_SERVICES: [&str; 2] = ["AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];

/// Where the SDK takes endpoints from; the option first.
const ENDPOINTS: [&str; 7] = [
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_ECS",
    "AWS_ENDPOINT_URL_EC2",
    "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2",
    "AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING",
    "AWS_ENDPOINT_URL_STS",
    "AWS_ENDPOINT_URL_SQS",
];

/// The endpoints that are named, and by what.
fn endpoints(option: Option<&str>) -> impl Iterator<Item = (&'static str, String)> {
    let given = option.map(|url| ("--endpoint-url", url.to_owned()));
    let named = ENDPOINTS.into_iter().filter_map(|name| Some((name, variable(name)?)));
    given.into_iter().chain(named)
}

/// The sources of endpoints that are reached by plain HTTP over a network.
pub fn plain_endpoints(option: Option<&str>) -> Vec<&'static str> {
    endpoints(option).filter(|(_, url)| is_plain(url)).map(|(source, _)| source).collect()
}

/// Refuses an endpoint that no request could be sent to.
pub fn check_endpoints(option: Option<&str>) -> Result<(), Failure> {
    let Some((source, url)) = endpoints(option).find(|(_, url)| !is_web_address(url)) else { return Ok(()) };
    let hint = "write it like https://ecs.eu-west-1.amazonaws.com, or http://127.0.0.1:4566 for an emulator";
    Err(Failure::new(format!("{source} is not a valid http or https URL: {url:?}"), Some(hint.to_owned())))
}

fn is_web_address(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn is_plain(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => true,
    };
    url.scheme() == "http" && !is_loopback
}

#[cfg(test)]
mod tests {
    use super::{is_plain, is_web_address};

    #[test]
    fn an_endpoint_is_a_url_with_a_host() {
        for url in ["https://10.0.0.1", "http://localhost:4566/", "http://[::1]:1", "http://me:secret@emulator:1/aws"] {
            assert!(is_web_address(url), "{url}");
        }
        for url in ["nonsense", "127.0.0.1:4566", "localhost:4566", "ftp://localhost", "http://", ""] {
            assert!(!is_web_address(url), "{url}");
        }
    }

    #[test]
    fn plain_http_over_a_network_is_known() {
        for url in
            ["http://10.0.0.1:4566", "http://aws.example.com", "http://localhost.example.com", "http://[fd00::1]"]
        {
            assert!(is_plain(url), "{url}");
        }
        for url in ["https://10.0.0.1", "http://127.0.0.1:4566", "http://localhost:1", "http://[::1]:1", "nonsense", ""]
        {
            assert!(!is_plain(url), "{url}");
        }
    }
}
