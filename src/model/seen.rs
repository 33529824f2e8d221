//! Certainty: every observation is absent, present or unknown.

/// Why something is not known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// The call that would have told, with its IAM prefix, such as `ecs:DescribeServices`.
    pub call: String,
    /// The error code or reason, such as `AccessDenied`.
    pub why: String,
}

/// The error codes with which IAM refuses a call: ECS and Elastic Load Balancing, EC2, and older services.
const NOT_ALLOWED: [&str; 5] =
    ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedAccess", "NotAuthorized"];

/// Why a question has no answer that was not put.
const NOT_ASKED: &str = "not asked";

impl Gap {
    /// The question was not put: nothing needed its answer.
    pub fn not_asked(call: &str) -> Self {
        Self { call: call.to_owned(), why: NOT_ASKED.to_owned() }
    }

    /// Whether the question was not put.
    pub fn is_not_asked(&self) -> bool {
        self.why == NOT_ASKED
    }

    /// The IAM action that the credentials lack, where that is why nothing was read: it has the name of the call.
    pub fn permission(&self) -> Option<&str> {
        NOT_ALLOWED.contains(&self.why.as_str()).then_some(self.call.as_str())
    }
}

/// Certainty of one observation. *Unknown is not absent* (rule R1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen<T> {
    /// AWS said that it does not exist.
    Absent,
    /// AWS said what it is.
    Present(T),
    /// AWS did not say.
    Unknown(Gap),
}

impl<T> Seen<T> {
    /// By reference.
    pub fn as_ref(&self) -> Seen<&T> {
        match self {
            Self::Absent => Seen::Absent,
            Self::Present(value) => Seen::Present(value),
            Self::Unknown(gap) => Seen::Unknown(gap.clone()),
        }
    }

    /// The value, if it is known to exist.
    pub fn present(self) -> Option<T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Absent | Self::Unknown(_) => None,
        }
    }

    /// The gap, if it is unknown.
    pub fn gap(&self) -> Option<&Gap> {
        match self {
            Self::Unknown(gap) => Some(gap),
            Self::Absent | Self::Present(_) => None,
        }
    }
}
