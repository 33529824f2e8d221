//! Ingress rules of security groups.

use std::collections::BTreeSet;
use std::net::IpAddr;

use aws_sdk_ec2::types as sdk;

use crate::apply::{AwsError, ErrorKind, Performed};
use crate::aws::ec2;
use crate::aws::error::answer;
use crate::model::{GroupId, GroupRuleId, IngressRule, IpProtocol, PortRange, RuleSource, Tags};

use super::retry::retrying;
use super::{DONE, Writer, bears, refusal, stale};

const AUTHORIZE: &str = "ec2:AuthorizeSecurityGroupIngress";
const REVOKE: &str = "ec2:RevokeSecurityGroupIngress";
const READ: &str = "ec2:DescribeSecurityGroupRules";
const DUPLICATE: &str = "InvalidPermission.Duplicate";

/// A rule to be made.
pub(super) struct NewRule<'a> {
    pub(super) group: &'a GroupId,
    pub(super) protocol: &'a IpProtocol,
    pub(super) ports: PortRange,
    pub(super) source: &'a RuleSource,
    pub(super) description: &'a Option<String>,
    pub(super) tags: &'a Tags,
}

impl NewRule<'_> {
    /// Whether that rule does what this one is to do; description and tags are no part of a rule.
    fn is(&self, rule: &IngressRule) -> bool {
        let Self { group: _, protocol, ports, source, description: _, tags: _ } = self;
        let ports = (**protocol != IpProtocol::All).then_some(*ports);
        rule.protocol == **protocol && rule.source == **source && (ports.is_none() || rule.ports == ports)
    }
}

impl Writer {
    pub(super) async fn authorize_ingress(&self, new: NewRule<'_>) -> Result<Performed, AwsError> {
        let NewRule { group, protocol, ports, source, description, tags } = &new;
        let permission = ec2::permission_to_sdk(protocol, *ports, source, description.as_deref());
        let request = self
            .clients
            .writing
            .ec2
            .authorize_security_group_ingress()
            .group_id(group.as_str())
            .ip_permissions(permission)
            .set_tag_specifications(ec2::rule_tags_to_sdk(tags).map(|tags| vec![tags]));
        match answer(AUTHORIZE, request.send()).await {
            Ok(_) => DONE,
            Err(error) if error.code == DUPLICATE => self.seen_to_stand(&new, error).await,
            Err(error) => Err(error),
        }
    }

    /// It is done once the rule that stands already is seen to be the one that was to be made; reads may be behind.
    async fn seen_to_stand(&self, new: &NewRule<'_>, duplicate: AwsError) -> Result<Performed, AwsError> {
        let look = async || {
            let rules = self.ingress_of(new.group).await?;
            if rules.iter().any(|rule| new.is(rule)) { DONE } else { Err(duplicate.clone()) }
        };
        retrying(look, |error| error.code == DUPLICATE).await
    }

    pub(super) async fn revoke_ingress(
        &self,
        group: &GroupId,
        id: &GroupRuleId,
        mark: &Tags,
        carriers: &BTreeSet<IpAddr>,
    ) -> Result<Performed, AwsError> {
        let Some(rule) = self.ingress_rule(id).await? else { return DONE };
        if rule.group != *group || !bears(&rule.tags, mark) {
            return stale("the rule is no longer tagged for this fleet");
        }
        if let Some(address) = self.carriers(group).await?.difference(carriers).next() {
            return stale(format!(
                "network interface {address} has security group {group} now; it did not when it was read"
            ));
        }
        tracing::info!(
            group = group.as_str(),
            protocol = rule.protocol.as_str(),
            ports = rule.ports.map(|ports| ports.to_string()),
            source = rule.source.to_string(),
            "ingress rule before it is revoked"
        );
        let client = &self.clients.writing.ec2;
        let request =
            client.revoke_security_group_ingress().group_id(group.as_str()).security_group_rule_ids(id.as_str());
        let error = match answer(REVOKE, request.send()).await {
            Ok(answer) if answer.r#return() != Some(false) && answer.unknown_ip_permissions().is_empty() => {
                return DONE;
            }
            Ok(_) => refusal(REVOKE, ErrorKind::Other, "NotRevoked", "EC2 did not find the rule".to_owned()),
            Err(error) if error.kind == ErrorKind::NotFound => error,
            Err(error) => return Err(error),
        };
        if self.ingress_rule(id).await?.is_none() { DONE } else { Err(error) }
    }

    /// The addresses of everything that carries a group, right now.
    async fn carriers(&self, group: &GroupId) -> Result<BTreeSet<IpAddr>, AwsError> {
        let filter = sdk::Filter::builder().name("group-id").values(group.as_str()).build();
        Ok(self.network_interfaces(filter).await?.iter().flat_map(ec2::addresses_from_sdk).collect())
    }

    /// A rule as it stands; `None`: it is gone.
    async fn ingress_rule(&self, id: &GroupRuleId) -> Result<Option<IngressRule>, AwsError> {
        let request = self.clients.reading.ec2.describe_security_group_rules().security_group_rule_ids(id.as_str());
        match answer(READ, request.send()).await {
            Ok(found) => Ok(found.security_group_rules().iter().find_map(ec2::ingress_from_sdk)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn ingress_of(&self, group: &GroupId) -> Result<Vec<IngressRule>, AwsError> {
        let filter = sdk::Filter::builder().name("group-id").values(group.as_str()).build();
        let request = self.clients.reading.ec2.describe_security_group_rules().filters(filter);
        let pages = request.into_paginator().page_size(1000).items().send();
        let rules: Vec<sdk::SecurityGroupRule> = answer(READ, pages.try_collect()).await?;
        Ok(rules.iter().filter_map(ec2::ingress_from_sdk).collect())
    }
}
