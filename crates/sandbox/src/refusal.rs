//! The sandbox's no, as AWS says it.

use serde_json::Value;

/// An error of AWS: its code, its message, its HTTP status. ECS and Application Auto Scaling put `Exception` behind
/// their codes, EC2 and Elastic Load Balancing do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Such as `PriorityInUse`.
    pub code: String,
    /// In AWS's words.
    pub message: String,
    /// HTTP's status.
    pub status: u16,
}

/// What an operation answers.
pub type Answer = Result<Value, Refusal>;

impl Refusal {
    /// The caller's fault: status 400.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), status: 400 }
    }

    /// ECS: a parameter that is not taken.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    /// ECS: what a client got wrong in general.
    pub fn client(message: impl Into<String>) -> Self {
        Self::new("ClientException", message)
    }

    /// Elastic Load Balancing: a value that is not taken.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationError", message)
    }

    /// EC2: a value that is not taken.
    pub fn parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterValue", message)
    }

    /// EC2: a parameter that is missing.
    pub fn missing(name: &str) -> Self {
        Self::new("MissingParameter", format!("The request must contain the parameter {name}"))
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}
