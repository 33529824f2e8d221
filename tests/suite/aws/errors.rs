//! Errors of AWS as data.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use portolan::apply::{AwsError, ErrorKind, Outputs, Perform};
use portolan::aws::error::kind_of_code;
use portolan::aws::{Clients, ConnectError, Writer};
use portolan::model::ServiceId;
use portolan::plan::Action;

use super::script::{Answer, Script, json, json_error, page, stalling};
use super::writing::standing_service;
use crate::moto::{REGION, credentials};

#[test]
fn codes_have_one_meaning() {
    let table = [
        ("ThrottlingException", ErrorKind::Throttled),
        ("Throttling", ErrorKind::Throttled),
        ("RequestLimitExceeded", ErrorKind::Throttled),
        ("PriorRequestNotComplete", ErrorKind::Throttled),
        ("ServerException", ErrorKind::Transient),
        ("InternalFailure", ErrorKind::Transient),
        ("HealthUnavailable", ErrorKind::Transient),
        ("ClusterNotFoundException", ErrorKind::NotFound),
        ("TargetGroupNotFound", ErrorKind::NotFound),
        ("InvalidGroup.NotFound", ErrorKind::NotFound),
        ("InvalidPermission.NotFound", ErrorKind::NotFound),
        ("InvalidSecurityGroupRuleId.NotFound", ErrorKind::NotFound),
        ("ObjectNotFoundException", ErrorKind::NotFound),
        ("PriorityInUse", ErrorKind::Conflict),
        ("DuplicateTargetGroupName", ErrorKind::Conflict),
        ("InvalidPermission.Duplicate", ErrorKind::Conflict),
        ("ServiceNotActiveException", ErrorKind::Conflict),
        ("ConcurrentUpdateException", ErrorKind::Conflict),
        ("ResourceInUse", ErrorKind::InUse),
        ("DependencyViolation", ErrorKind::InUse),
        ("AccessDeniedException", ErrorKind::Denied),
        ("AccessDenied", ErrorKind::Denied),
        ("UnauthorizedOperation", ErrorKind::Denied),
        ("ExpiredTokenException", ErrorKind::Credentials),
        ("ExpiredToken", ErrorKind::Credentials),
        ("RequestExpired", ErrorKind::Credentials),
        ("UnrecognizedClientException", ErrorKind::Credentials),
        ("InvalidClientTokenId", ErrorKind::Credentials),
        ("AuthFailure", ErrorKind::Credentials),
        ("SignatureDoesNotMatch", ErrorKind::Credentials),
        ("TooManyRules", ErrorKind::Quota),
        ("TargetGroupAssociationLimit", ErrorKind::Quota),
        ("RulesPerSecurityGroupLimitExceeded", ErrorKind::Quota),
        ("LimitExceededException", ErrorKind::Quota),
        ("InvalidParameterException", ErrorKind::Invalid),
        ("InvalidParameterValue", ErrorKind::Invalid),
        ("ValidationError", ErrorKind::Invalid),
        ("ClientException", ErrorKind::Invalid),
        ("IncompatibleProtocols", ErrorKind::Invalid),
        ("SomethingNew", ErrorKind::Other),
    ];
    for (code, kind) in table {
        assert_eq!(kind_of_code(code), kind, "{code}");
    }
}

/// The error of an `UpdateService` that AWS answers like this.
async fn error_of(answer: Answer) -> AwsError {
    let script = Script::new(move |request| standing_service(request).unwrap_or_else(|| answer.clone()));
    error_with(&script.clients()).await
}

async fn error_with(clients: &Clients) -> AwsError {
    let service = ServiceId { cluster: "prod".to_owned(), name: "checkout".to_owned() };
    let action = Action::UpdateServiceCount { service, desired_count: 2, from: 5, unscaled: false };
    Writer::new(clients).perform(&action, &Outputs::new()).await.unwrap_err()
}

#[tokio::test]
async fn an_error_keeps_code_and_message() {
    let error = error_of(json_error(400, "AccessDeniedException", "no identity-based policy allows it")).await;
    assert_eq!(error.call, "ecs:UpdateService");
    assert_eq!(error.kind, ErrorKind::Denied);
    assert_eq!(error.to_string(), "ecs:UpdateService: AccessDeniedException: no identity-based policy allows it");
}

#[tokio::test]
async fn expired_credentials_say_what_to_do() {
    let error = error_of(json_error(400, "ExpiredTokenException", "The security token has expired")).await;
    assert_eq!(error.kind, ErrorKind::Credentials);
    assert!(error.message.starts_with("The security token has expired; sign in again"), "{}", error.message);
}

#[tokio::test]
async fn messages_are_one_line_of_bounded_length() {
    let text = format!("a\u{1b}[31mb\r\nc{}", "x".repeat(2000));
    let error = error_of(json_error(400, "InvalidParameterException", &text)).await;
    assert!(error.message.starts_with("a[31mbcxxx"), "{}", error.message);
    assert_eq!(error.message.chars().count(), 500);
}

#[tokio::test]
async fn an_answer_that_is_not_awss_is_told_by_its_status() {
    let error = error_of(page(404)).await;
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Other, "Http404"));
    let error = error_of(page(403)).await;
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Denied, "Http403"));
    let error = error_of(json(serde_json::json!({"service": {"serviceArn": 5}}))).await;
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Other, "UnreadableAnswer"));
    assert!(error.message.contains("does not have the form"), "{}", error.message);
}

#[tokio::test(start_paused = true)]
async fn a_server_error_is_tried_twice_and_no_more() {
    let script = Script::new(|request| {
        standing_service(request).unwrap_or_else(|| json_error(500, "ServerException", "try again"))
    });
    let clients = script.clients();
    let error = error_with(&clients).await;
    assert_eq!(error.kind, ErrorKind::Transient);
    assert_eq!(script.sent("UpdateService").len(), 2);
    assert_eq!(clients.calls().snapshot()["ecs:UpdateService"], 2, "every attempt counts");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_stalls_after_its_headers_is_ended_and_tried_again() {
    let script = Script::new(|request| standing_service(request).unwrap_or_else(stalling));
    let clients = script.clients();
    let ended = tokio::time::timeout(Duration::from_secs(3600), error_with(&clients)).await;
    let error = ended.expect("no time-out covers the body");
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Transient, "Timeout"));
    assert_eq!(script.sent("UpdateService").len(), 2);
}

/// Nobody listens there.
fn nowhere(credentials: SharedCredentialsProvider) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(REGION))
        .endpoint_url("http://127.0.0.1:1")
        .credentials_provider(credentials)
        .build()
}

#[tokio::test]
async fn an_endpoint_that_does_not_listen_is_transient_and_said_in_a_few_words() {
    let error = error_with(&Clients::new(&nowhere(credentials())).unwrap()).await;
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Transient, "Dispatch"));
    assert!(error.message.contains("refused") && !error.message.contains('{'), "{}", error.message);
    assert_eq!(error.message, "cannot reach http://127.0.0.1:1: connection refused");
}

#[derive(Debug)]
struct Nobody;

impl ProvideCredentials for Nobody {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("no profile named somebody")))
    }
}

#[tokio::test]
async fn missing_credentials_are_no_trouble_of_the_network() {
    let error = error_with(&Clients::new(&nowhere(SharedCredentialsProvider::new(Nobody))).unwrap()).await;
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Credentials, "NoCredentials"));
    assert!(error.message.contains("no profile named somebody"), "{}", error.message);
}

#[test]
fn a_region_is_needed() {
    let config = SdkConfig::builder().behavior_version(BehaviorVersion::v2026_01_12()).build();
    assert_eq!(Clients::new(&config).err(), Some(ConnectError::NoRegion));
}
