//! Stops the tasks of a service that is to go, and deletes it. Never with `force`.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::ServiceField;

use crate::apply::{AwsError, ErrorKind, Performed};
use crate::aws::ecs;
use crate::aws::error::answer;
use crate::model::{Gap, Scheduling, Seen, Service, ServiceId, ServiceStatus, Tags, TargetGroupArn};

use super::retry::retrying;
use super::service::{READ, the_service};
use super::{DONE, Writer, bears, stale};

const DRAIN: &str = "ecs:UpdateService";
const CALL: &str = "ecs:DeleteService";

/// ECS counts a deployment as active for a moment after its last task has stopped; it has no code for that (aws-facts 2.8).
const STILL_ACTIVE: &str = "cannot be stopped while deployments are active";

/// What serves goes only with a consent, which was not needed when the plan was made.
const SERVES_NOW: &str = "a target group of the service has a healthy target now; it had none when it was read";

impl Writer {
    pub(super) async fn drain_service(
        &self,
        service: &ServiceId,
        from: u32,
        mark: &Tags,
        idle: &BTreeSet<TargetGroupArn>,
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
        if self.any_healthy(idle).await? {
            return stale(SERVES_NOW);
        }
        if self.is_scaled(service).await? {
            return stale("an autoscaler owns the desired count now; none did when the service was read");
        }
        let request = self.clients.writing.ecs.update_service().cluster(&service.cluster).service(&service.name);
        answer(DRAIN, request.desired_count(0).send()).await?;
        DONE
    }

    pub(super) async fn delete_service(
        &self,
        service: &ServiceId,
        mark: &Tags,
        idle: &BTreeSet<TargetGroupArn>,
    ) -> Result<Performed, AwsError> {
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
        if self.any_healthy(idle).await? {
            return stale(SERVES_NOW);
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
        let request = self.describe(id).include(ServiceField::Tags);
        let named = the_service(id, answer(READ, request.send()).await)?;
        // Its members with AWS's names are not looked at here.
        let unread = || Seen::Unknown(Gap { call: READ.to_owned(), why: "not asked".to_owned() });
        Ok(named.and_then(|named| {
            let live = ecs::service_from_sdk(id, &named, unread())?;
            Some((live, ecs::tags_from_sdk(named.tags())))
        }))
    }
}
