//! `UpdateService` with members that change in place, and `TagResource`.

use crate::apply::{AwsError, ErrorKind, Performed};
use crate::aws::error::answer;
use crate::aws::{ecs, raw};
use crate::model::{Seen, ServiceId, Tags};
use crate::shape::Tree;

use super::{DONE, Writer, stale};

impl Writer {
    pub(super) async fn update_service_members(
        &self,
        id: &ServiceId,
        members: &Tree,
        expect: &Tree,
    ) -> Result<Performed, AwsError> {
        match self.members_now(id).await? {
            None => return stale("the service no longer exists"),
            // An earlier attempt of ours got through, or somebody did the same.
            Some(live) if has(&live, members) => return DONE,
            Some(live) if !is_same(&live, expect, members) => {
                return stale("the service has changed since it was read");
            }
            Some(_) => {}
        }
        let request = self.clients.writing.ecs.update_service().cluster(&id.cluster).service(&id.name);
        let sent = members.members().clone();
        let request = request.customize().mutate_request(move |request| raw::add_members(request, &sent));
        match answer("ecs:UpdateService", request.send()).await {
            Ok(_) => DONE,
            // It may have got through, its answer lost.
            Err(error) if error.kind == ErrorKind::Transient => {
                let live = self.members_now(id).await?;
                if live.is_some_and(|live| has(&live, members)) { DONE } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn tag_service(&self, arn: &str, tags: &Tags) -> Result<Performed, AwsError> {
        let request = self.clients.writing.ecs.tag_resource().resource_arn(arn).set_tags(Some(ecs::tags_to_sdk(tags)));
        // To set a tag again changes nothing, so an attempt whose answer was lost is simply made again.
        answer("ecs:TagResource", request.send()).await?;
        DONE
    }

    /// The members of a service, right now; `None` when it does not exist any more.
    async fn members_now(&self, id: &ServiceId) -> Result<Option<Tree>, AwsError> {
        match self.service_now(id).await?.map(|live| *live.members) {
            None | Some(Seen::Absent) => Ok(None),
            Some(Seen::Present(members)) => Ok(Some(members)),
            Some(Seen::Unknown(gap)) => {
                Err(super::refusal("ecs:DescribeServices", ErrorKind::Other, "NotAnswered", gap.why))
            }
        }
    }
}

/// Whether the live service has all members as they are sent.
fn has(live: &Tree, members: &Tree) -> bool {
    members.members().iter().all(|(name, value)| live.get(name) == Some(value))
}

/// Whether the members that are sent are in the live service what they were.
fn is_same(live: &Tree, expect: &Tree, members: &Tree) -> bool {
    members.members().keys().all(|name| live.get(name) == expect.get(name))
}
