//! Who made a thing: the mark that Portolan leaves on what it creates, and on nothing else.

use std::collections::BTreeMap;
use std::fmt;

use super::id::ObjectRef;

/// Tags of one AWS resource.
pub type Tags = BTreeMap<String, String>;

/// Tag that names the fleet which created the resource.
pub const FLEET_TAG: &str = "portolan.dev/fleet";
/// Tag that names the object of the manifest (`Kind/key`) which the resource was created for.
pub const OBJECT_TAG: &str = "portolan.dev/object";
/// Tag on a copied task definition: the fingerprint of its content (rule R7a).
pub const FINGERPRINT_TAG: &str = "portolan.dev/fingerprint";

/// Tag on a service: fingerprints of what a person rolled back from (rule R7a).
pub const ROLLED_BACK_TAG: &str = "portolan.dev/rolled-back";

/// Tag on a temporary rule: the ARN of the target group that the object's own one replaces.
pub const REPLACES_TAG: &str = "portolan.dev/replaces";
/// Tag on a temporary rule: when requests moved to the new target group (RFC 3339).
pub const MOVED_TAG: &str = "portolan.dev/moved";

/// Tag that people put on a resource that Portolan must not remove, whatever its value.
pub const PROTECT_TAG: &str = "portolan.dev/protect";

/// The mark to write on something new.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// `metadata.name` of the Fleet.
    pub fleet: String,
    /// The object that the thing is for.
    pub object: ObjectRef,
}

impl Mark {
    /// The mark as tags.
    pub fn tags(&self) -> Tags {
        Tags::from([(FLEET_TAG.to_owned(), self.fleet.clone()), (OBJECT_TAG.to_owned(), self.object.to_string())])
    }
}

/// What the tags of a resource say about its maker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// No fleet marked it.
    Unmarked,
    /// This fleet made it, for the object written there (`Kind/key`).
    Ours(String),
    /// Another fleet made it: never touched.
    AnotherFleet(String),
}

impl Owner {
    /// Reads the mark.
    pub fn of(tags: &Tags, fleet: &str) -> Self {
        match tags.get(FLEET_TAG) {
            None => Self::Unmarked,
            Some(name) if name == fleet => Self::Ours(tags.get(OBJECT_TAG).cloned().unwrap_or_default()),
            Some(name) => Self::AnotherFleet(name.clone()),
        }
    }

    /// Whether this fleet made it for `object`.
    pub fn is_ours_for(&self, object: &ObjectRef) -> bool {
        matches!(self, Self::Ours(written) if object.is_written(written))
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unmarked => f.write_str("no fleet"),
            Self::Ours(object) => write!(f, "this fleet, for {object}"),
            Self::AnotherFleet(name) => write!(f, "fleet {name}"),
        }
    }
}
