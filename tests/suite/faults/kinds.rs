//! What can go wrong with a call, and with how many of those that follow it.

use bytes::Bytes;
use http::Response;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mischief {
    /// There is no connection: nothing was applied.
    Refused,
    /// It was applied, and the answer is lost.
    Lost,
    /// Nothing was applied, and nobody ever answers.
    Hang,
    /// It was applied, and nobody ever answers.
    HangApplied,
    /// 500, not applied.
    Error,
    /// 500, and applied all the same.
    ErrorApplied,
    /// 503
    Unavailable,
    Throttled,
    Denied,
    /// 200 with what is no document.
    Malformed,
    /// 200 with nothing.
    Empty,
    /// 200 with an empty object: `{}`, or a root without members.
    Braces,
    /// 200, ended in the middle.
    Cut(Cut),
    /// Told as it was before somebody broke it.
    Stale,
    /// Told as it was before the pass that went before.
    StaleOwn,
    /// ECS says 200, and of each thing that it could not be described.
    Failures,
    /// The process ends before it is sent.
    KillBefore,
    /// The process ends after it was applied.
    KillAfter,
}

/// Where a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cut {
    /// After a tenth of its bytes, times this.
    Tenths(usize),
    /// After so many bytes.
    At(usize),
}

/// Which calls it happens to, from the one on at which it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    Once,
    /// And whenever the same is asked again.
    Same,
    /// And every call of this operation.
    Operation,
    /// And every call of the pass.
    Pass,
}

/// One kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    pub mischief: Mischief,
    pub reach: Reach,
}

/// Every kind that is tried at every call, by its name on the command line. Bodies that are cut by their elements and second
/// writers are counted out elsewhere.
pub const KINDS: &[(&str, Kind)] = {
    use Mischief::*;
    use Reach::*;
    const fn kind(mischief: Mischief, reach: Reach) -> Kind {
        Kind { mischief, reach }
    }
    &[
        ("refused-once", kind(Refused, Once)),
        ("refused", kind(Refused, Same)),
        ("lost-once", kind(Lost, Once)),
        ("lost", kind(Lost, Same)),
        ("hang-once", kind(Hang, Once)),
        ("hang", kind(Hang, Same)),
        ("hang-applied", kind(HangApplied, Same)),
        ("500-once", kind(Error, Once)),
        ("500", kind(Error, Same)),
        ("500-applied-once", kind(ErrorApplied, Once)),
        ("500-applied", kind(ErrorApplied, Same)),
        ("503", kind(Unavailable, Same)),
        ("throttled-once", kind(Throttled, Once)),
        ("throttled-pass", kind(Throttled, Pass)),
        ("denied-once", kind(Denied, Once)),
        ("denied", kind(Denied, Operation)),
        ("malformed-once", kind(Malformed, Once)),
        ("malformed", kind(Malformed, Same)),
        ("empty", kind(Empty, Same)),
        ("braces", kind(Braces, Same)),
        ("cut-third", kind(Cut(self::Cut::Tenths(3)), Same)),
        ("cut-last", kind(Cut(self::Cut::Tenths(9)), Same)),
        ("stale-once", kind(Stale, Once)),
        ("stale", kind(Stale, Operation)),
        ("stale-own", kind(StaleOwn, Operation)),
        ("page", kind(Error, Same)),
        ("failures", kind(Failures, Same)),
        ("kill-before", kind(KillBefore, Once)),
        ("kill-after", kind(KillAfter, Once)),
    ]
};

impl Mischief {
    /// Whether the call reaches AWS.
    pub fn is_applied(self) -> bool {
        match self {
            Self::Lost | Self::HangApplied | Self::ErrorApplied | Self::KillAfter => true,
            Self::Malformed | Self::Empty | Self::Braces | Self::Cut(_) | Self::Failures => true,
            Self::Stale | Self::StaleOwn => false,
            Self::Refused | Self::Hang | Self::Error | Self::Unavailable | Self::Throttled => false,
            Self::Denied | Self::KillBefore => false,
        }
    }

    /// Whether a read that ends so was not answered.
    pub fn fails(self) -> bool {
        !matches!(self, Self::Stale | Self::StaleOwn)
    }

    /// Whether it can happen to a call of this kind at all.
    pub fn suits(self, operation: &str, is_write: bool) -> bool {
        match self {
            Self::Stale | Self::StaleOwn => !is_write,
            Self::Failures => ["DescribeServices", "DescribeTasks", "DescribeClusters", "DescribeContainerInstances"]
                .iter()
                .any(|name| operation == format!("ecs:{name}")),
            // Many changing calls are answered with nothing.
            Self::Empty | Self::Braces => !is_write,
            _ => true,
        }
    }
}

/// Protocols write errors in three ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Json,
    Query,
    Ec2,
}

/// An error as AWS writes it.
pub fn error(protocol: Protocol, status: u16, code: &str) -> Response<Bytes> {
    let (kind, body) = match protocol {
        Protocol::Json => ("application/x-amz-json-1.1", format!(r#"{{"__type":"{code}","message":"on purpose"}}"#)),
        Protocol::Query => (
            "text/xml",
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>on purpose</Message></Error>\
                 <RequestId>r</RequestId></ErrorResponse>"
            ),
        ),
        Protocol::Ec2 => (
            "text/xml",
            format!(
                "<Response><Errors><Error><Code>{code}</Code><Message>on purpose</Message></Error></Errors>\
                 <RequestID>r</RequestID></Response>"
            ),
        ),
    };
    respond(status, kind, body)
}

/// An answer.
pub fn respond(status: u16, kind: &str, body: impl Into<Bytes>) -> Response<Bytes> {
    let response = Response::builder().status(status).header("content-type", kind);
    response.body(body.into()).expect("an answer")
}
