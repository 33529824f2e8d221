//! `serviceDefinition` of a service: a file of ecspresso, or an answer of `aws ecs describe-services`. Its members count as if they
//! were written in `spec`, in Portolan's words where it has its own.

use std::collections::BTreeSet;

use super::ecspresso::{self, ServiceDefinition};
use super::referenced_file;
use crate::model::{Definition, DesiredCount, DesiredService, LoadBalancerEntry, Network, TargetGroupArn};
use crate::yaml::{At, Position, Problems};

/// What a file says.
#[derive(Clone, Debug)]
pub(crate) struct ServiceFile {
    /// Where the manifest names it.
    pub at: Position,
    /// What it is called in messages.
    name: String,
    pub definition: ServiceDefinition,
}

/// Reads the file that a manifest names. What is wrong in it is noted as a problem of that file.
pub(super) fn read(path: &At<String>, problems: &mut Problems<'_>) -> Option<ServiceFile> {
    let (name, text) = referenced_file::read(path, "service-definition.json", problems)?;
    match ecspresso::service_definition(&name, &text) {
        Ok(definition) => Some(ServiceFile { at: path.at, name, definition }),
        Err(found) => {
            problems.adopt(found);
            None
        }
    }
}

impl ServiceFile {
    /// The name of the service.
    pub fn service_name(&self) -> Option<&str> {
        self.definition.name.as_deref()
    }

    /// The name of its cluster.
    pub fn cluster(&self) -> Option<&str> {
        self.definition.cluster.as_deref()
    }

    /// Gives a service what the file says and `spec` does not.
    pub fn fill(&self, service: &mut DesiredService) {
        let file = &self.definition;
        service.desired_count = service.desired_count.or(file.desired_count.map(DesiredCount::Exact));
        if let Some(of_file) = network(file) {
            let own = service.network.get_or_insert_default();
            own.subnets = own.subnets.take().or(of_file.subnets);
            own.security_groups = own.security_groups.take().or(of_file.security_groups);
            own.assign_public_ip = own.assign_public_ip.or(of_file.assign_public_ip);
        }
        if service.task_definition.is_none() {
            service.task_definition = file.task_definition.as_deref().map(reference);
        }
        for (name, value) in file.members.members() {
            service.members.members_mut().entry(name.clone()).or_insert_with(|| value.clone());
        }
        service.load_balancers = entries(file).collect();
        service.unsent = file.left_out.clone();
    }

    /// Where it says a member.
    pub fn place(&self, member: &str) -> String {
        match self.definition.places.get(member) {
            Some((line, column)) => format!("{}:{line}:{column}", self.name),
            None => self.name.clone(),
        }
    }
}

/// Its network in the manifest's words.
pub(super) fn network(file: &ServiceDefinition) -> Option<Network> {
    let of_file = file.network.as_ref()?;
    let sorted = |ids: &[String]| {
        let ids: BTreeSet<&String> = ids.iter().collect();
        (!ids.is_empty()).then(|| ids.into_iter().cloned().collect())
    };
    Some(Network {
        subnets: sorted(&of_file.subnets),
        security_groups: sorted(&of_file.security_groups),
        assign_public_ip: of_file.assign_public_ip.as_deref().map(|word| word == "ENABLED"),
        ..Network::default()
    })
}

/// `NAME` or `NAME:REVISION`.
fn reference(text: &str) -> Definition {
    let (family, revision) = text.split_once(':').map_or((text, None), |(family, rest)| (family, rest.parse().ok()));
    Definition::Reference { family: family.to_owned(), revision }
}

/// The load balancers as they would be sent.
pub(super) fn entries(file: &ServiceDefinition) -> impl Iterator<Item = LoadBalancerEntry> {
    file.load_balancers.iter().map(|wired| LoadBalancerEntry {
        target_group: wired.target_group.as_deref().map(TargetGroupArn::from),
        classic: wired.classic.clone(),
        container: wired.container.clone(),
        container_port: wired.port,
        advanced: None,
    })
}
