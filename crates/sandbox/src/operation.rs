//! From the name of a call to what it does.

use super::input::Input;
use super::refusal::{Answer, Refusal};
use super::state::State;
use super::sts::{Caller, Callers};
use super::{autoscaling, ec2, ecs, elbv2, sts};

/// What a call does. Reads may be answered from a past state, writes never.
#[derive(Clone, Copy)]
pub enum Operation {
    /// Who calls, and as whom.
    Session(fn(&mut Callers, &State, &Caller, Input) -> Answer),
    Read(fn(&State, Input) -> Answer),
    Write(fn(&mut State, Input) -> Answer),
}

/// The operation of a call by IAM's name of it, such as `ecs:DescribeServices`.
pub fn find_call(call: &str) -> Result<Operation, Refusal> {
    let (service, name) = call.split_once(':').unwrap_or(("", call));
    find(service, name)
}

/// The operation of a service, both as IAM names them: `ecs`, `DescribeServices`.
pub fn find(service: &str, name: &str) -> Result<Operation, Refusal> {
    let found = match service {
        "application-autoscaling" => autoscaling::operation(name),
        "ec2" => ec2::operation(name),
        "ecs" => ecs::operation(name),
        "elasticloadbalancing" => elbv2::operation(name),
        "sts" => sts::operation(name),
        _ => None,
    };
    found.ok_or_else(|| match service {
        "ecs" | "application-autoscaling" => {
            Refusal::new("UnknownOperationException", format!("{service} has no operation {name} here."))
        }
        _ => Refusal::new("InvalidAction", format!("The action {name} is not valid for this web service.")),
    })
}

/// What every call is checked against.
pub fn check(service: &str, name: &str, state: &State, input: Input) -> Result<(), Refusal> {
    if service == "ecs" { ecs::check(name, state, input) } else { Ok(()) }
}

/// How a service says that a call may not be made.
pub fn denial(service: &str, name: &str, caller: &Caller) -> Refusal {
    let who = &caller.arn;
    let message = format!("User: {who} is not authorized to perform: {service}:{name}");
    match service {
        "ec2" => Refusal {
            code: "UnauthorizedOperation".to_owned(),
            message: format!("You are not authorized to perform this operation. {message}"),
            status: 403,
        },
        "elasticloadbalancing" | "sts" => Refusal { code: "AccessDenied".to_owned(), message, status: 403 },
        _ => Refusal::new("AccessDeniedException", message),
    }
}

/// An error of this code, with the status that AWS's services give such codes.
pub fn refusal(code: &str) -> Refusal {
    let bare = code.strip_suffix("Exception").unwrap_or(code);
    let status = match bare {
        "ServiceUnavailable" | "Unavailable" | "RequestLimitExceeded" | "HealthUnavailable" => 503,
        "Server" | "InternalError" | "InternalFailure" | "InternalServer" | "Internal" => 500,
        _ => 400,
    };
    Refusal { code: code.to_owned(), message: "This world refuses the call on purpose.".to_owned(), status }
}

/// How a service says that there were too many calls.
pub fn throttling(service: &str) -> Refusal {
    match service {
        "ec2" => Refusal {
            code: "RequestLimitExceeded".to_owned(),
            message: "Request limit exceeded.".to_owned(),
            status: 503,
        },
        "ecs" | "application-autoscaling" => Refusal::new("ThrottlingException", "Rate exceeded"),
        _ => Refusal::new("Throttling", "Rate exceeded"),
    }
}
