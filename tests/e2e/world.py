"""What people do by hand in the seeded world, and what the API says of it."""

import boto3
from botocore.config import Config

from stand import ENDPOINT

REGION = "eu-west-1"
CLUSTER = "demo"


class World:
    """The seeded world of one emulator."""

    def __init__(self, seeded):
        def client(service):
            config = Config(retries={"total_max_attempts": 1}, read_timeout=30)
            return boto3.client(service, endpoint_url=ENDPOINT, region_name=REGION, config=config,
                                aws_access_key_id="test", aws_secret_access_key="test")

        self.ec2, self.ecs, self.elb = client("ec2"), client("ecs"), client("elbv2")
        self.listener, self.groups = seeded["listener"], seeded["targetGroups"]
        self.task_group, self.balancer_group = seeded.get("taskGroup"), seeded["balancerGroup"]

    def count(self, service, number):
        self.ecs.update_service(cluster=CLUSTER, service=service, desiredCount=number)

    def service(self, name):
        return self.ecs.describe_services(cluster=CLUSTER, services=[name])["services"][0]

    def rule(self, group):
        """The rule that forwards to a target group, or nothing."""
        rules = self.elb.describe_rules(ListenerArn=self.listener)["Rules"]
        found = [rule for rule in rules
                 if not rule["IsDefault"] and rule["Actions"][0].get("TargetGroupArn") == self.groups[group]]
        return found[0] if found else None

    def hosts(self, group):
        """The hosts that the rule of a target group takes."""
        values = [condition["HostHeaderConfig"]["Values"] for condition in self.rule(group)["Conditions"]
                  if condition["Field"] == "host-header"]
        return values[0]

    def delete_rule(self, group):
        self.elb.delete_rule(RuleArn=self.rule(group)["RuleArn"])

    def edit_rule(self, group, host):
        condition = {"Field": "host-header", "HostHeaderConfig": {"Values": [host]}}
        self.elb.modify_rule(RuleArn=self.rule(group)["RuleArn"], Conditions=[condition])

    def targets(self, group):
        """(id, port) of what is registered."""
        answer = self.elb.describe_target_health(TargetGroupArn=self.groups[group])
        return {(one["Target"]["Id"], one["Target"]["Port"]) for one in answer["TargetHealthDescriptions"]}

    def register(self, group, *targets):
        self.elb.register_targets(TargetGroupArn=self.groups[group], Targets=members(targets))

    def deregister(self, group, *targets):
        self.elb.deregister_targets(TargetGroupArn=self.groups[group], Targets=members(targets))

    def health_check(self, group):
        found = self.elb.describe_target_groups(TargetGroupArns=[self.groups[group]])["TargetGroups"][0]
        return {name: value for name, value in found.items() if name.startswith("Health") or name == "Matcher"}

    def attributes(self, group):
        found = self.elb.describe_target_group_attributes(TargetGroupArn=self.groups[group])["Attributes"]
        return {one["Key"]: one["Value"] for one in found}

    def ingress_rules(self, group):
        filters = [{"Name": "group-id", "Values": [group]}]
        rules = self.ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
        return [rule for rule in rules if not rule["IsEgress"]]

    def ingress(self, group):
        """Protocol, ports and source group of every rule that lets somebody in."""
        return {(rule["IpProtocol"], rule["FromPort"], rule["ToPort"], rule.get("ReferencedGroupInfo", {}).get("GroupId"))
                for rule in self.ingress_rules(group)}

    def close(self, group):
        """Revokes whatever lets somebody in."""
        ids = [rule["SecurityGroupRuleId"] for rule in self.ingress_rules(group)]
        self.ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=ids)


def members(targets):
    return [{"Id": name, "Port": port} for name, port in targets]
