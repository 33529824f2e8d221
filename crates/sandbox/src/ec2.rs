//! EC2's query API: networks, security groups, interfaces, instances.

mod account;
mod endpoint_service;
mod filter;
mod gateway;
mod group_permission;
mod group_rule;
mod instance;
mod instance_filter;
mod instance_status;
pub mod interface;
mod ipv6;
mod listing;
mod network_acl;
pub mod network_interface;
mod prefix_list;
pub mod route_table;
mod rule_change;
mod security_group;
mod subnet;
mod tag;
#[cfg(test)]
mod tests;
mod vpc;

use super::operation::Operation::{self, Read, Write};

/// The operation of this name.
pub fn operation(name: &str) -> Option<Operation> {
    network_operation(name).or_else(|| group_operation(name)).or_else(|| thing_operation(name))
}

fn network_operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateVpc" => Write(vpc::create),
        "CreateDefaultVpc" => Write(vpc::create_default),
        "DescribeVpcs" => Read(vpc::describe),
        "DeleteVpc" => Write(vpc::delete),
        "ModifyVpcAttribute" => Write(vpc::modify_attribute),
        "DescribeVpcAttribute" => Read(vpc::describe_attribute),
        "CreateSubnet" => Write(subnet::create),
        "DescribeSubnets" => Read(subnet::describe),
        "DeleteSubnet" => Write(subnet::delete),
        "ModifySubnetAttribute" => Write(subnet::modify_attribute),
        "DescribeAvailabilityZones" => Read(subnet::describe_zones),
        "CreateRouteTable" => Write(route_table::create),
        "DescribeRouteTables" => Read(route_table::describe),
        "CreateRoute" => Write(route_table::create_route),
        "DeleteRoute" => Write(route_table::delete_route),
        "AssociateRouteTable" => Write(route_table::associate),
        "DisassociateRouteTable" => Write(route_table::disassociate),
        "DeleteRouteTable" => Write(route_table::delete),
        "CreateInternetGateway" => Write(gateway::create),
        "AttachInternetGateway" => Write(gateway::attach),
        "DetachInternetGateway" => Write(gateway::detach),
        "DeleteInternetGateway" => Write(gateway::delete),
        "DescribeInternetGateways" => Read(gateway::describe),
        "CreateNetworkAcl" => Write(network_acl::create),
        "DescribeNetworkAcls" => Read(network_acl::describe),
        "CreateNetworkAclEntry" => Write(network_acl::create_entry),
        "ReplaceNetworkAclEntry" => Write(network_acl::replace_entry),
        "DeleteNetworkAcl" => Write(network_acl::delete),
        "DeleteNetworkAclEntry" => Write(network_acl::delete_entry),
        "ReplaceNetworkAclAssociation" => Write(network_acl::replace_association),
        _ => return None,
    })
}

fn group_operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateSecurityGroup" => Write(security_group::create),
        "DescribeSecurityGroups" => Read(security_group::describe),
        "DeleteSecurityGroup" => Write(security_group::delete),
        "DescribeSecurityGroupRules" => Read(group_rule::describe),
        "AuthorizeSecurityGroupIngress" => Write(group_rule::authorize_ingress),
        "AuthorizeSecurityGroupEgress" => Write(group_rule::authorize_egress),
        "RevokeSecurityGroupIngress" => Write(group_rule::revoke_ingress),
        "RevokeSecurityGroupEgress" => Write(group_rule::revoke_egress),
        "ModifySecurityGroupRules" => Write(rule_change::modify),
        "UpdateSecurityGroupRuleDescriptionsIngress" => Write(rule_change::describe_ingress),
        "UpdateSecurityGroupRuleDescriptionsEgress" => Write(rule_change::describe_egress),
        "CreateManagedPrefixList" => Write(prefix_list::create),
        "DeleteManagedPrefixList" => Write(prefix_list::delete),
        "DescribeManagedPrefixLists" => Read(prefix_list::describe),
        "GetManagedPrefixListEntries" => Read(prefix_list::describe_entries),
        _ => return None,
    })
}

fn thing_operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateNetworkInterface" => Write(network_interface::create),
        "DescribeNetworkInterfaces" => Read(network_interface::describe),
        "DeleteNetworkInterface" => Write(network_interface::delete),
        "RunInstances" => Write(instance::run),
        "DescribeInstances" => Read(instance::describe),
        "DescribeInstanceStatus" => Read(instance_status::describe),
        "StopInstances" => Write(instance::stop),
        "StartInstances" => Write(instance::start),
        "TerminateInstances" => Write(instance::terminate),
        "DescribeAccountAttributes" => Read(account::describe),
        "CreateVpcEndpointServiceConfiguration" => Write(endpoint_service::create),
        "DescribeVpcEndpointServiceConfigurations" => Read(endpoint_service::describe),
        "DeleteVpcEndpointServiceConfigurations" => Write(endpoint_service::delete),
        "CreateTags" => Write(tag::create),
        "DeleteTags" => Write(tag::delete),
        "DescribeTags" => Read(tag::describe),
        _ => return None,
    })
}
