//! What a trace is asked for.

use std::collections::BTreeMap;

use ipnet::IpNet;
use jiff::Timestamp;

use crate::model::Request;

/// Which paths to trace, and for which request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The desired state comes from a manifest, so the live state may differ from it; otherwise it was derived from the live
    /// state.
    pub is_manifest: bool,
    /// Only this service, by its key.
    pub service: Option<String>,
    /// Only this port of the service.
    pub port: Option<String>,
    /// The client's address; `None`: any client.
    pub client: Option<IpNet>,
    /// The request to follow.
    pub request: Option<Request>,
    /// The listener's port of that request.
    pub listener: Option<u16>,
    /// When the caller last changed something on the path to a target group, by the target group's key. Older health results
    /// show nothing about the current path.
    pub changed: BTreeMap<String, Timestamp>,
}
