//! Errors of the SDK as data, and the one table of what AWS's codes mean.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::ErrorMetadata;

use super::complete::{Unbelieved, bounded};
use super::http::Unreachable;
use crate::apply::{AwsError, ErrorKind};
use crate::model::without_user_info;

/// Longest message that is kept.
const MESSAGE_LIMIT: usize = 500;

/// Turns an error of the SDK into data. Keeps AWS's own code, message and request id, and nothing of the request.
pub fn from_sdk<E>(call: &str, error: &SdkError<E, HttpResponse>) -> AwsError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let request_id = error
        .request_id()
        .map(str::to_owned)
        .or_else(|| error.as_service_error().and_then(|error| error.meta().request_id().map(str::to_owned)));
    let (kind, code, message) = match error {
        SdkError::TimeoutError(_) => {
            (ErrorKind::Transient, "Timeout".to_owned(), "no response within the time limit".to_owned())
        }
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(connector) if connector.is_timeout() => {
                let address = connector.source().and_then(|source| source.downcast_ref::<Unreachable>());
                let to = address.map(|found| format!(" to {}", found.address)).unwrap_or_default();
                (ErrorKind::Transient, "Timeout".to_owned(), format!("no connection{to} within the time limit"))
            }
            connector => not_sent(connector.map(|error| error as &(dyn Error + 'static))),
        },
        SdkError::ConstructionFailure(_) => not_sent(error.source()),
        SdkError::ServiceError(service) => {
            answered(service.err().code(), service.err().message(), service.raw().status().as_u16())
        }
        SdkError::ResponseError(response) => answered(None, None, response.raw().status().as_u16()),
        _ => (ErrorKind::Other, "Unknown".to_owned(), String::new()),
    };
    AwsError { call: call.to_owned(), kind, code: clean(&code), message: clean(&message), request_id }
}

/// Waits for an answer, or for all pages of one, and turns an error into data.
pub(crate) async fn answer<T, E>(
    call: &str,
    request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Result<T, AwsError>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    // Boxed: what the SDK nests is kilobytes, and every layer around it would hold that by value.
    bounded(Box::pin(request)).await.map_err(|error| from_sdk(call, &error))
}

/// Nothing was sent, or nothing came back: no credentials, or no connection.
fn not_sent(first: Option<&(dyn Error + 'static)>) -> (ErrorKind, String, String) {
    let mut next = first;
    while let Some(error) = next {
        next = error.source();
        if let Some(unbelieved) = error.downcast_ref() {
            return not_believed(unbelieved);
        }
        if error.is::<CredentialsError>() {
            let cause = plain_cause(next.unwrap_or(error));
            let message = format!("no usable AWS credentials: {cause}; {RENEW}");
            return (ErrorKind::Credentials, "NoCredentials".to_owned(), message);
        }
    }
    let cause = first.map_or_else(|| "the request could not be sent".to_owned(), plain_cause);
    (ErrorKind::Transient, "Dispatch".to_owned(), cause)
}

/// How the SDK begins when no provider has credentials; what it tried follows, at length.
const NOWHERE: &str = "no credentials found in chain";

/// What libraries say of a connection or of credentials, and what it means.
const CAUSES: [(&str, &str); 6] = [
    (
        "IMDS is disabled",
        "no credentials in the environment, the profile or a web identity, and the EC2 instance metadata service returned none",
    ),
    ("failed to lookup address information", "its host name cannot be resolved"),
    ("dns error", "its host name cannot be resolved"),
    ("received corrupt message", "it does not speak TLS; is it meant to be http?"),
    (
        "invalid peer certificate: UnknownIssuer",
        "its certificate is not signed by a trusted CA; AWS_CA_BUNDLE adds trusted CAs",
    ),
    ("invalid peer certificate", "its certificate is not valid"),
];

/// The cause at the end of a chain of errors, with the address that could not be reached, if it is one of a connection, and
/// with AWS's own words, if AWS refused.
pub(super) fn plain_cause(first: &(dyn Error + 'static)) -> String {
    let (mut next, mut address, mut last) = (Some(first), None, String::new());
    while let Some(error) = next {
        let said = error.to_string();
        if said.starts_with(NOWHERE) {
            return "no credentials in the environment, the profile, a web identity, or the metadata of ECS or EC2"
                .to_owned();
        }
        if let Some(unreachable) = error.downcast_ref::<Unreachable>() {
            address = Some(unreachable.to_string());
        }
        if let Some(answer) = error.downcast_ref::<ErrorMetadata>().filter(|answer| answer.code().is_some()) {
            let (code, message) = (answer.code().unwrap_or_default(), answer.message().unwrap_or_default());
            return if message.is_empty() { code.to_owned() } else { format!("{code}: {message}") };
        }
        if !said.is_empty() {
            last = said;
        }
        next = error.source();
    }
    let cause = last.split(" (os error").next().unwrap_or_default();
    let known = CAUSES.iter().find(|(said, _)| cause.contains(said));
    let cause = known.map_or(cause, |(_, plain)| plain);
    match address {
        Some(address) if *address == *cause => address,
        Some(address) => format!("{address}: {}", lower_first(cause)),
        None => cause.to_owned(),
    }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// Something came back, and it cannot be what AWS had to say.
fn not_believed(why: &Unbelieved) -> (ErrorKind, String, String) {
    let (kind, code) = match why {
        Unbelieved::Incomplete(_) => (ErrorKind::Transient, "IncompleteAnswer"),
        Unbelieved::Endless(_) => (ErrorKind::Transient, "EndlessAnswer"),
    };
    (kind, code.to_owned(), why.to_string())
}

/// What to do about credentials.
pub(super) const RENEW: &str = "sign in again (for example `aws sso login`), or check AWS_PROFILE and the environment";

/// AWS answered with an error.
fn answered(code: Option<&str>, message: Option<&str>, status: u16) -> (ErrorKind, String, String) {
    let kind = code.map(kind_of_code).filter(|kind| *kind != ErrorKind::Other).unwrap_or(kind_of_status(status));
    let mut message = message.unwrap_or_default().to_owned();
    if kind == ErrorKind::Credentials {
        message = if message.is_empty() { RENEW.to_owned() } else { format!("{message}; {RENEW}") };
    }
    match code {
        Some(code) => (kind, code.to_owned(), message),
        // No error at all by AWS's word: what came back is not what its model says, as emulators have it now and then.
        None if (200..300).contains(&status) => {
            let what = "the response does not have the form that this operation defines";
            (kind, "UnreadableAnswer".to_owned(), what.to_owned())
        }
        None => (kind, format!("Http{status}"), message),
    }
}

fn kind_of_status(status: u16) -> ErrorKind {
    match status {
        429 => ErrorKind::Throttled,
        403 => ErrorKind::Denied,
        // 501: the endpoint does not have this operation; it will not have it in a second either.
        501 => ErrorKind::Other,
        500..=599 => ErrorKind::Transient,
        _ => ErrorKind::Other,
    }
}

/// What AWS's error codes mean. ECS and Application Auto Scaling put `Exception` behind their names, ELB and EC2 do
/// not.
pub fn kind_of_code(code: &str) -> ErrorKind {
    let bare = code.strip_suffix("Exception").unwrap_or(code);
    match bare {
        "Throttling"
        | "Throttled"
        | "ThrottledRequest"
        | "RequestThrottled"
        | "RequestLimitExceeded"
        | "TooManyRequests"
        | "EC2Throttled"
        | "PriorRequestNotComplete"
        | "BandwidthLimitExceeded"
        | "SlowDown" => ErrorKind::Throttled,
        "Server" | "InternalServer" | "InternalService" | "InternalError" | "InternalFailure" | "Internal"
        | "ServiceUnavailable" | "Unavailable" | "RequestTimeout" | "HealthUnavailable" => ErrorKind::Transient,
        "ExpiredToken"
        | "RequestExpired"
        | "InvalidClientTokenId"
        | "UnrecognizedClient"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidSignature"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "AuthFailure"
        | "InvalidToken"
        | "TokenRefreshRequired" => ErrorKind::Credentials,
        "AccessDenied"
        | "NotAuthorized"
        | "UnauthorizedOperation"
        | "UnauthorizedAccess"
        | "Forbidden"
        | "OptInRequired"
        | "Blocked" => ErrorKind::Denied,
        "PriorityInUse"
        | "DuplicateTargetGroupName"
        | "DuplicateListener"
        | "InvalidPermission.Duplicate"
        | "ConcurrentUpdate"
        | "Conflict"
        | "UpdateInProgress"
        | "ServiceNotActive"
        | "ServiceDeploymentInProgress" => ErrorKind::Conflict,
        "ResourceInUse" | "DependencyViolation" => ErrorKind::InUse,
        "LimitExceeded" | "TargetGroupAssociationLimit" | "ServiceQuotaExceeded" => ErrorKind::Quota,
        _ if bare.ends_with("NotFound") => ErrorKind::NotFound,
        _ if bare.starts_with("TooMany") || bare.ends_with("LimitExceeded") => ErrorKind::Quota,
        _ if bare.starts_with("Invalid") || bare.starts_with("Incompatible") || bare.starts_with("Validation") => {
            ErrorKind::Invalid
        }
        "Client"
        | "MissingParameter"
        | "MissingAction"
        | "UnsupportedFeature"
        | "OperationNotPermitted"
        | "PlatformTaskDefinitionIncompatibility"
        | "PlatformUnknown"
        | "UnsupportedProtocol"
        | "UnknownParameter" => ErrorKind::Invalid,
        _ => ErrorKind::Other,
    }
}

/// Whether the endpoint says that it has no such operation at all, as emulators do. AWS itself never says so of the
/// calls that Portolan makes.
pub(crate) fn is_unknown_operation(error: &AwsError, custom_endpoint: bool) -> bool {
    const CODES: [&str; 7] = [
        "UnknownOperationException",
        "UnknownOperation",
        "InvalidAction",
        "NotImplemented",
        "NotImplementedException",
        "UnsupportedOperation",
        "Http501",
    ];
    // moto answers a bare web page with status 500; from AWS that would be a failure like any other.
    CODES.contains(&error.code.as_str()) || (custom_endpoint && error.code == "Http500")
}

/// Of bounded length, and otherwise exact: what does not show is spelled out where text is shown, and nowhere else.
fn clean(text: &str) -> String {
    without_user_info(text).chars().take(MESSAGE_LIMIT).collect()
}
