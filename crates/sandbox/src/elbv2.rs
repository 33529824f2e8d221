//! Elastic Load Balancing's query API (version 2): load balancers, listeners, rules, target groups, targets.

mod action;
mod attribute;
mod balancer_attribute;
mod condition;
mod find;
#[cfg(test)]
mod fixture;
mod forward;
mod group_attribute;
mod health_check;
mod limit;
mod listener;
mod listing;
mod load_balancer;
mod login;
mod name;
mod number;
mod placement;
mod priority;
mod response;
mod rule;
mod secure;
mod tag;
mod target;
mod target_group;
mod transform;
mod usage;

use super::operation::Operation::{self, Read, Write};

/// The operation of this name.
pub fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "AddTags" => Write(tag::add),
        "CreateListener" => Write(listener::create),
        "CreateLoadBalancer" => Write(load_balancer::create),
        "CreateRule" => Write(rule::create),
        "CreateTargetGroup" => Write(target_group::create),
        "DeleteListener" => Write(listener::delete),
        "DeleteLoadBalancer" => Write(load_balancer::delete),
        "DeleteRule" => Write(rule::delete),
        "DeleteTargetGroup" => Write(target_group::delete),
        "DeregisterTargets" => Write(target::deregister),
        "DescribeAccountLimits" => Read(limit::describe),
        "DescribeListeners" => Read(listener::describe),
        "DescribeLoadBalancerAttributes" => Read(balancer_attribute::describe),
        "DescribeLoadBalancers" => Read(load_balancer::describe),
        "DescribeRules" => Read(rule::describe),
        "DescribeTags" => Read(tag::describe),
        "DescribeTargetGroupAttributes" => Read(group_attribute::describe),
        "DescribeTargetGroups" => Read(target_group::describe),
        "DescribeTargetHealth" => Read(target::describe_health),
        "ModifyListener" => Write(listener::modify),
        "ModifyLoadBalancerAttributes" => Write(balancer_attribute::modify),
        "ModifyRule" => Write(rule::modify),
        "ModifyTargetGroup" => Write(target_group::modify),
        "ModifyTargetGroupAttributes" => Write(group_attribute::modify),
        "RegisterTargets" => Write(target::register),
        "RemoveTags" => Write(tag::remove),
        "SetRulePriorities" => Write(priority::set),
        "SetSecurityGroups" => Write(placement::set_groups),
        "SetSubnets" => Write(placement::set_subnets),
        _ => return None,
    })
}
