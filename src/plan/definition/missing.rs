//! What a declared definition lacks.

use serde_json::{Map, Value};

use super::super::draft::Obstacle;
use super::super::reason::Reason;
use super::{IMAGE, NAME, TASK_DEFINITION_FIELD, containers};
use crate::model::TaskDefinition;

/// Why a declared definition cannot be drawn up.
pub(super) enum Missing {
    /// Nobody says which image this container has.
    Image(String),
    /// An image is given for this container, and there is none.
    Container(String),
}

impl Missing {
    /// The first container without an image.
    pub(super) fn image_of(content: &Map<String, Value>) -> Option<Self> {
        let found = containers(content).find(|container| container.get(IMAGE).is_none_or(Value::is_null))?;
        Some(Self::Image(found.get(NAME).and_then(Value::as_str).unwrap_or_default().to_owned()))
    }

    /// `running`: the revision that runs, if one does.
    pub(super) fn of(self, running: Option<&TaskDefinition>) -> Obstacle {
        let reason = match (self, running) {
            (Self::Image(container), running) => Reason::new(
                match running {
                    Some(running) => {
                        let revision = running.arn.name();
                        format!("container {container:?} has no image, and {revision} has no such container")
                    }
                    None => format!("container {container:?} has no image, and no running revision provides one"),
                },
                format!("write its image, or give one: --image SERVICE/{container}=IMAGE"),
            ),
            (Self::Container(container), None) => Reason::new(
                format!("--image is for container {container:?}, which the manifest does not have"),
                "name one of its containers, or declare the new one in the manifest",
            ),
            (Self::Container(container), Some(running)) => {
                let names: Vec<&str> = containers(running.content.members())
                    .filter_map(|container| container.get(NAME).and_then(Value::as_str))
                    .collect();
                let (revision, names) = (running.arn.name(), names.join(", "));
                Reason::new(
                    format!(
                        "--image is for container {container:?}, which neither the manifest nor {revision} has ({revision} has {names})"
                    ),
                    "name one of its containers, or declare the new one in the manifest",
                )
            }
        };
        Obstacle::difference(TASK_DEFINITION_FIELD, reason)
    }
}
