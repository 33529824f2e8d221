//! Stops the tasks of a service that is to go, and deletes it. Never with `force`.

use aws_sdk_ecs::types::ServiceField;

use crate::apply::{AwsError, ErrorKind, Performed};
use crate::aws::ecs;
use crate::aws::error::answer;
use crate::model::{Gap, Scheduling, Seen, Service, ServiceId, ServiceStatus, Tags};

use super::retry::retrying;
use super::{DONE, Writer, bears, refusal, stale};

const READ: &str = "ecs:DescribeServices";
const DRAIN: &str = "ecs:UpdateService";
const CALL: &str = "ecs:DeleteService";

/// ECS counts a deployment as active for a moment after its last task has stopped; it has no code for that (aws-facts 2.8).
const STILL_ACTIVE: &str = "cannot be stopped while deployments are active";

impl Writer {
    pub(super) async fn drain_service(
        &self,
        service: &ServiceId,
        from: u32,
        mark: &Tags,
    ) -> Result<Performed, AwsError> {
        let Some((live, tags)) = self.with_tags(service).await? else { return DONE };
        if live.status == ServiceStatus::Draining || live.desired_count == 0 {
            return DONE;
        }
        if !bears(&tags, mark) {
            return stale("the service no longer has this fleet's tags");
        }
        if live.desired_count != from {
            let now = live.desired_count;
            return stale(format!("the desired count is {now} now; it was {from} when the service was read"));
        }
        if self.is_scaled(service).await? {
            return stale("an autoscaler owns the desired count now; none did when the service was read");
        }
        let request = self.clients.writing.ecs.update_service().cluster(&service.cluster).service(&service.name);
        answer(DRAIN, request.desired_count(0).send()).await?;
        DONE
    }

    pub(super) async fn delete_service(&self, service: &ServiceId, mark: &Tags) -> Result<Performed, AwsError> {
        let Some((live, tags)) = self.with_tags(service).await? else { return DONE };
        if live.status == ServiceStatus::Draining {
            return DONE;
        }
        if !bears(&tags, mark) {
            return stale("the service no longer has this fleet's tags");
        }
        let has_tasks = live.desired_count > 0 || live.running_count > 0;
        if (has_tasks && live.scheduling == Scheduling::Replica) || live.is_deploying() {
            return stale("the service has tasks again, or a deployment is in progress");
        }
        let request = self.clients.writing.ecs.delete_service().cluster(&service.cluster).service(&service.name);
        let attempt = async || match answer(CALL, request.clone().send()).await {
            Ok(_) => DONE,
            Err(error) if error.kind == ErrorKind::NotFound => DONE,
            Err(error) => Err(error),
        };
        retrying(attempt, |error| error.message.contains(STILL_ACTIVE)).await
    }

    /// A service and its tags, right now; `None` when it does not exist any more.
    async fn with_tags(&self, id: &ServiceId) -> Result<Option<(Service, Tags)>, AwsError> {
        let request = self.clients.reading.ecs.describe_services().cluster(&id.cluster).services(&id.name);
        let found = match answer(READ, request.include(ServiceField::Tags).send()).await {
            Ok(found) => found,
            Err(error) if error.code == "ServiceNotFoundException" => return Ok(None),
            Err(error) => return Err(error),
        };
        let named = found.services().iter().find(|service| service.service_name() == Some(&id.name));
        let Some(named) = named else {
            let reason = found.failures().iter().find_map(|failure| failure.reason());
            return match reason {
                Some("MISSING") => Ok(None),
                _ => {
                    let reason = reason.unwrap_or("neither in the response nor among its failures");
                    Err(refusal(READ, ErrorKind::Other, reason, String::new()))
                }
            };
        };
        // Its members with AWS's names are not looked at here.
        let unread = Seen::Unknown(Gap { call: READ.to_owned(), why: "not asked".to_owned() });
        Ok(ecs::service_from_sdk(id, named, unread).map(|live| (live, ecs::tags_from_sdk(named.tags()))))
    }
}
