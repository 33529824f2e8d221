//! `CreateService`.

use aws_sdk_ecs::operation::create_service::builders::CreateServiceFluentBuilder;
use jiff::Timestamp;

use crate::apply::{AwsError, ErrorKind, Outputs, Performed};
use crate::aws::ecs;
use crate::aws::error::answer;
use crate::aws::raw;
use crate::model::ServiceId;
use crate::plan::NewService;

use super::retry::retrying;
use super::service::{READ, begun, entries_to_sdk, primary_id, the_service};
use super::{Writer, refusal, stale, task_definition};

const CALL: &str = "ecs:CreateService";

/// What ECS says of a thing that was just made and that it does not know everywhere yet: a rule, a role, a cluster. It has no
/// codes for that; the sentences have been the same for years (aws-facts 2.1).
const NOT_YET: [&str; 3] = [
    "does not have an associated load balancer",
    "Unable to assume the service linked role",
    "verify that the ECS service role being passed has the proper permissions",
];

impl Writer {
    pub(super) async fn create_service(&self, new: &NewService, outputs: &Outputs) -> Result<Performed, AwsError> {
        let before = match self.before_creation(&new.service).await? {
            Ok(before) => before,
            Err(why) => return stale(why),
        };
        let request = self.request(new, outputs)?.client_token(token(&new.client_token, before));
        let attempt = async || {
            let members = new.members.members().clone();
            let request = request.clone().customize();
            let created = answer(CALL, request.mutate_request(move |to| raw::add_members(to, &members)).send()).await?;
            let made = created.service();
            match made.and_then(|made| made.status()) {
                Some("ACTIVE") | None => Ok(begun(made.and_then(primary_id))),
                // The token of a service that was deleted since: AWS answers with that one and makes none.
                Some(status) => Err(refusal(CALL, ErrorKind::Other, "NotActive", format!("the service is {status}"))),
            }
        };
        let sent = retrying(attempt, |error| NOT_YET.iter().any(|sentence| error.message.contains(sentence))).await;
        match sent {
            // The same token makes it the same request: whether the first one got through shows by itself.
            Err(error) if error.kind == ErrorKind::Transient => attempt().await,
            sent => sent,
        }
    }

    fn request(&self, new: &NewService, outputs: &Outputs) -> Result<CreateServiceFluentBuilder, AwsError> {
        let NewService {
            service,
            task_definition: revision,
            desired_count,
            load_balancers,
            network,
            members: _,
            client_token: _,
        } = new;
        let definition = task_definition(CALL, revision, outputs)?;
        let balancers = entries_to_sdk(CALL, load_balancers, outputs)?;
        let network = network.as_ref().map(ecs::awsvpc_to_sdk).transpose();
        let network = network.map_err(|message| refusal(CALL, ErrorKind::Invalid, "NoSubnets", message))?;
        let count = desired_count.map(i32::try_from).transpose().map_err(|_| {
            refusal(CALL, ErrorKind::Invalid, "TooLarge", "desiredCount is not a valid number of tasks".to_owned())
        })?;
        let client = &self.clients.writing.ecs;
        Ok(client
            .create_service()
            .cluster(&service.cluster)
            .service_name(&service.name)
            .task_definition(definition.to_string())
            .set_desired_count(count)
            .set_load_balancers((!balancers.is_empty()).then_some(balancers))
            .set_network_configuration(network))
    }

    /// When the deleted service of this name was created, if AWS still shows one; or why the name is not free.
    async fn before_creation(&self, id: &ServiceId) -> Result<Result<Option<Timestamp>, String>, AwsError> {
        let named = the_service(id, answer(READ, self.describe(id).send()).await)?;
        Ok(match named.as_ref().map(|service| (service.status(), service.created_at())) {
            Some((Some("INACTIVE"), created)) => Ok(created.and_then(ecs::timestamp_from_sdk)),
            Some((status, _)) => Err(format!("the service exists now and is {}", status.unwrap_or("there"))),
            None => Ok(None),
        })
    }
}

/// At most 36 characters. ECS may remember the token of a service that was deleted: the next one of this name needs another.
fn token(token: &str, before: Option<Timestamp>) -> String {
    match before {
        Some(created) => format!("{token}-{:x}", created.as_second()),
        None => token.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::token;

    #[test]
    fn the_token_of_a_name_that_was_used_before_is_another_and_not_too_long() {
        let first = "portolan-0123456789abcdef";
        assert_eq!(token(first, None), first);
        let again = token(first, jiff::Timestamp::from_second(1_800_000_000).ok());
        assert_eq!(again, "portolan-0123456789abcdef-6b49d200");
        assert!(again.len() <= 36);
    }
}
