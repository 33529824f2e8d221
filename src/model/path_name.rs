//! What a path is called: who comes from where to where.

use std::fmt;

/// The name of one path. Several routes of a target group on one listener share it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathName {
    /// The load balancer.
    pub load_balancer: Option<String>,
    /// The listener's port.
    pub listener: Option<u16>,
    /// The key of the target group.
    pub target_group: String,
    /// The cluster; none for declared targets alone.
    pub cluster: Option<String>,
    /// The key of the service.
    pub service: Option<String>,
    /// The name of the port.
    pub port: Option<String>,
}

impl fmt::Display for PathName {
    /// Such as `public:443 → checkout-http → checkout/http`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.load_balancer, self.listener) {
            (Some(balancer), Some(listener)) => write!(f, "{balancer}:{listener}")?,
            (Some(balancer), None) => f.write_str(balancer)?,
            (None, _) => f.write_str("nowhere")?,
        }
        write!(f, " → {}", self.target_group)?;
        match (&self.service, &self.port) {
            (Some(service), Some(port)) => write!(f, " → {service}/{port}"),
            _ => Ok(()),
        }
    }
}
