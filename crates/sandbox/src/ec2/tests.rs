//! What EC2 refuses and what it makes of what it takes.

use serde_json::{Value, json};

use crate::World;
use crate::state::InterfaceOwner;

/// A world with a VPC.
struct Account {
    world: World,
    vpc: String,
}

impl Account {
    fn new() -> Self {
        let mut world = World::new(1);
        let answer = world.call("ec2:CreateVpc", &json!({"CidrBlock": "10.0.0.0/16"})).expect("a VPC");
        Self { world, vpc: text(&answer["vpc"]["vpcId"]) }
    }

    fn ok(&mut self, name: &str, input: Value) -> Value {
        self.world.call(&format!("ec2:{name}"), &input).expect(name)
    }

    /// The code and the message of a refusal.
    fn no(&mut self, name: &str, input: Value) -> (String, String) {
        let refusal = self.world.call(&format!("ec2:{name}"), &input).expect_err(name);
        (refusal.code, refusal.message)
    }

    fn code(&mut self, name: &str, input: Value) -> String {
        self.no(name, input).0
    }

    fn group(&mut self, name: &str) -> String {
        let vpc = self.vpc.clone();
        let input = json!({"GroupName": name, "GroupDescription": "of a test", "VpcId": vpc});
        text(&self.ok("CreateSecurityGroup", input)["groupId"])
    }

    fn subnet(&mut self, cidr: &str) -> String {
        let vpc = self.vpc.clone();
        text(&self.ok("CreateSubnet", json!({"VpcId": vpc, "CidrBlock": cidr}))["subnet"]["subnetId"])
    }

    fn authorize(&mut self, group: &str, permissions: Value) -> Value {
        self.ok("AuthorizeSecurityGroupIngress", json!({"GroupId": group, "IpPermissions": permissions}))
    }

    /// The rules that let something into a group.
    fn ingress(&mut self, group: &str) -> Vec<Value> {
        let filter = json!([{"Name": "group-id", "Value": [group]}]);
        let answer = self.ok("DescribeSecurityGroupRules", json!({"Filter": filter}));
        let rules = answer["securityGroupRuleSet"].as_array().cloned().unwrap_or_default();
        rules.into_iter().filter(|rule| rule["isEgress"] == json!(false)).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn tcp(port: u16, cidrs: &[&str]) -> Value {
    let ranges: Vec<_> = cidrs.iter().map(|cidr| json!({"CidrIp": cidr})).collect();
    json!({"IpProtocol": "tcp", "FromPort": port.to_string(), "ToPort": port.to_string(), "IpRanges": ranges})
}

#[test]
fn a_vpc_comes_with_a_default_group_acl_and_main_route_table() {
    let mut account = Account::new();
    let groups = account.ok("DescribeSecurityGroups", json!({}));
    let [group] = groups["securityGroupInfo"].as_array().expect("groups").as_slice() else { panic!("{groups}") };
    assert_eq!(group["groupName"], "default");
    assert_eq!(group["ipPermissions"][0]["groups"][0]["groupId"], group["groupId"]);
    assert_eq!(group["ipPermissions"][0]["groups"][0]["userId"], "123456789012");
    assert_eq!(group["ipPermissions"][0]["fromPort"], Value::Null);
    assert_eq!(group["ipPermissionsEgress"][0]["ipRanges"][0]["cidrIp"], "0.0.0.0/0");
    let acls = account.ok("DescribeNetworkAcls", json!({}));
    assert_eq!(acls["networkAclSet"][0]["entrySet"].as_array().map(Vec::len), Some(4));
    let tables = account.ok("DescribeRouteTables", json!({}));
    assert_eq!(tables["routeTableSet"][0]["routeSet"][0]["gatewayId"], "local");
    assert_eq!(tables["routeTableSet"][0]["associationSet"][0]["main"], true);
    let group = text(&group["groupId"]);
    assert_eq!(account.code("DeleteSecurityGroup", json!({"GroupId": group})), "CannotDelete");
    let vpc = account.vpc.clone();
    account.ok("DeleteVpc", json!({"VpcId": vpc}));
    let state = &account.world.state;
    assert!(state.groups.is_empty() && state.group_rules.is_empty() && state.acls.is_empty());
    assert!(state.route_tables.is_empty());
}

#[test]
fn networks_lie_inside_of_each_other_and_beside_each_other() {
    let mut account = Account::new();
    assert_eq!(account.code("CreateVpc", json!({"CidrBlock": "10.0.0.0/8"})), "InvalidVpc.Range");
    assert_eq!(account.code("CreateVpc", json!({"CidrBlock": "nonsense"})), "InvalidParameterValue");
    assert_eq!(account.code("CreateVpc", json!({})), "MissingParameter");
    account.subnet("10.0.1.7/24");
    let vpc = account.vpc.clone();
    let mut place = |cidr: &str, vpc: &str| account.code("CreateSubnet", json!({"VpcId": vpc, "CidrBlock": cidr}));
    assert_eq!(place("10.0.1.128/25", &vpc), "InvalidSubnet.Conflict");
    assert_eq!(place("10.1.0.0/24", &vpc), "InvalidSubnet.Range");
    assert_eq!(place("10.0.2.0/24", "vpc-0"), "InvalidVpcID.NotFound");
    assert_eq!(account.code("DeleteVpc", json!({"VpcId": vpc})), "DependencyViolation");
    let subnets = account.ok("DescribeSubnets", json!({"Filter": [{"Name": "vpc-id", "Value": [vpc]}]}));
    assert_eq!(subnets["subnetSet"][0]["cidrBlock"], "10.0.1.0/24");
    assert_eq!(subnets["subnetSet"][0]["availableIpAddressCount"], 251);
    assert_eq!(subnets["subnetSet"][0]["availabilityZoneId"], "euw1-az1");
}

#[test]
fn a_rule_is_kept_in_its_canonical_form_and_its_other_forms_are_duplicates() {
    let mut account = Account::new();
    let group = account.group("web");
    account.authorize(&group, json!([tcp(80, &["100.68.0.18/18"])]));
    let again = json!({"IpProtocol": "6", "FromPort": "80", "ToPort": "80", "IpRanges": [{"CidrIp": "100.68.0.0/18", "Description": "again"}]});
    let input = json!({"GroupId": group, "IpPermissions": [again]});
    let (code, message) = account.no("AuthorizeSecurityGroupIngress", input);
    assert_eq!(code, "InvalidPermission.Duplicate");
    let rule = "peer: 100.68.0.0/18, TCP, from port: 80, to port: 80, ALLOW";
    assert_eq!(message, format!("the specified rule \"{rule}\" already exists"));
    let all = json!([{"IpProtocol": "-1", "FromPort": "1", "ToPort": "2", "Groups": [{"GroupId": group}]}]);
    let answer = account.authorize(&group, all);
    let rule = &answer["securityGroupRuleSet"][0];
    assert_eq!((&rule["fromPort"], &rule["toPort"]), (&json!(-1), &json!(-1)));
    assert_eq!(rule["referencedGroupInfo"]["userId"], "123456789012");
}

#[test]
fn authorising_is_all_or_nothing() {
    let mut account = Account::new();
    let group = account.group("web");
    account.authorize(&group, json!([tcp(80, &["10.0.0.0/8"])]));
    let mut refused = |permissions: Value| {
        account.no("AuthorizeSecurityGroupIngress", json!({"GroupId": group, "IpPermissions": permissions}))
    };
    let twice = refused(json!([tcp(81, &["10.0.0.0/8"]), tcp(81, &["10.1.2.3/8"])]));
    assert_eq!(twice.0, "InvalidParameterValue");
    assert_eq!(twice.1, "The same permission must not appear multiple times");
    assert_eq!(refused(json!([tcp(81, &["10.0.0.0/8"]), tcp(80, &["10.0.0.0/8"])])).0, "InvalidPermission.Duplicate");
    let unknown = json!({"IpProtocol": "tcp", "FromPort": "1", "ToPort": "1", "Groups": [{"GroupId": "sg-0"}]});
    assert_eq!(refused(json!([tcp(81, &["10.0.0.0/8"]), unknown])).0, "InvalidGroup.NotFound");
    assert_eq!(account.ingress(&group).len(), 1);
}

#[test]
fn permissions_that_mean_nothing_are_refused() {
    let mut account = Account::new();
    let group = account.group("web");
    let any = json!([{"CidrIp": "0.0.0.0/0"}]);
    for (permission, code) in [
        (json!({"IpProtocol": "tcp", "IpRanges": any}), "InvalidParameterValue"),
        (json!({"IpProtocol": "tcp", "FromPort": "9", "ToPort": "8", "IpRanges": any}), "InvalidParameterValue"),
        (json!({"IpProtocol": "tcp", "FromPort": "1", "ToPort": "65536", "IpRanges": any}), "InvalidParameterValue"),
        (json!({"IpProtocol": "icmp", "FromPort": "-1", "ToPort": "3", "IpRanges": any}), "InvalidParameterValue"),
        (json!({"IpProtocol": "nonsense", "IpRanges": any}), "InvalidParameterValue"),
        (json!({"IpProtocol": "-1"}), "MissingParameter"),
        (json!({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/33"}]}), "InvalidParameterValue"),
        (
            json!({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "é"}]}),
            "InvalidParameterValue",
        ),
        (json!({"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": "pl-0"}]}), "InvalidPrefixListID.NotFound"),
        (json!({"IpProtocol": "-1", "Groups": [{"GroupId": "web"}]}), "InvalidGroupId.Malformed"),
    ] {
        let input = json!({"GroupId": group, "IpPermissions": [permission]});
        assert_eq!(account.code("AuthorizeSecurityGroupIngress", input), code, "{permission}");
    }
    assert_eq!(account.code("AuthorizeSecurityGroupIngress", json!({"GroupId": group})), "MissingParameter");
}

#[test]
fn the_sixty_first_rule_is_one_too_many_in_each_family_alone() {
    let mut account = Account::new();
    let group = account.group("web");
    let cidrs: Vec<String> = (0..60).map(|index| format!("10.0.{index}.0/24")).collect();
    let cidrs: Vec<&str> = cidrs.iter().map(String::as_str).collect();
    account.authorize(&group, json!([tcp(80, &cidrs)]));
    let input = json!({"GroupId": group, "IpPermissions": [tcp(81, &["10.0.0.0/8"])]});
    assert_eq!(account.code("AuthorizeSecurityGroupIngress", input.clone()), "RulesPerSecurityGroupLimitExceeded");
    account.ok("AuthorizeSecurityGroupEgress", input);
    let ipv6 = json!([{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "fd00::1/8"}]}]);
    let answer = account.authorize(&group, ipv6);
    assert_eq!(answer["securityGroupRuleSet"][0]["cidrIpv6"], "fd00::/8");
}

#[test]
fn a_prefix_list_counts_with_what_it_may_hold() {
    let mut account = Account::new();
    let group = account.group("web");
    let input = json!({
        "PrefixListName": "offices",
        "AddressFamily": "IPv4",
        "MaxEntries": "59",
        "Entry": [{"Cidr": "192.0.2.9/24"}],
    });
    let list = text(&account.ok("CreateManagedPrefixList", input)["prefixList"]["prefixListId"]);
    let entries = account.ok("GetManagedPrefixListEntries", json!({"PrefixListId": list}));
    assert_eq!(entries["entrySet"][0]["cidr"], "192.0.2.0/24");
    account.authorize(&group, json!([{"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": list}]}]));
    account.authorize(&group, json!([tcp(80, &["10.0.0.0/8"])]));
    let input = json!({"GroupId": group, "IpPermissions": [tcp(81, &["10.0.0.0/8"])]});
    assert_eq!(account.code("AuthorizeSecurityGroupIngress", input), "RulesPerSecurityGroupLimitExceeded");
}

#[test]
fn revoking_in_vain_is_refused_unless_the_vpc_is_the_default_one() {
    let mut account = Account::new();
    let group = account.group("web");
    account.authorize(&group, json!([tcp(80, &["10.0.0.0/8"])]));
    let input = json!({"GroupId": group, "IpPermissions": [tcp(80, &["10.0.0.0/8"]), tcp(81, &["10.0.0.0/8"])]});
    assert_eq!(account.code("RevokeSecurityGroupIngress", input.clone()), "InvalidPermission.NotFound");
    assert_eq!(account.ingress(&group).len(), 1);
    account.world.state.vpcs.values_mut().for_each(|vpc| vpc.is_default = true);
    let answer = account.ok("RevokeSecurityGroupIngress", input);
    assert_eq!(answer["unknownIpPermissionSet"][0]["fromPort"], 81);
    assert_eq!(answer["revokedSecurityGroupRuleSet"].as_array().map(Vec::len), Some(1));
    assert!(account.ingress(&group).is_empty());
}

#[test]
fn a_rule_can_be_revoked_by_its_id_once() {
    let mut account = Account::new();
    let group = account.group("web");
    let answer = account.authorize(&group, json!([tcp(80, &["10.0.0.0/8"])]));
    let id = text(&answer["securityGroupRuleSet"][0]["securityGroupRuleId"]);
    let input = json!({"GroupId": group, "SecurityGroupRuleId": [id]});
    assert_eq!(account.code("RevokeSecurityGroupEgress", input.clone()), "InvalidSecurityGroupRuleId.NotFound");
    account.ok("RevokeSecurityGroupIngress", input.clone());
    assert_eq!(account.code("RevokeSecurityGroupIngress", input), "InvalidSecurityGroupRuleId.NotFound");
}

#[test]
fn a_rule_keeps_the_type_of_its_source_and_may_not_become_another_rule() {
    let mut account = Account::new();
    let group = account.group("web");
    let answer = account.authorize(&group, json!([tcp(80, &["10.0.0.0/8"]), tcp(81, &["10.0.0.0/8"])]));
    let id = text(&answer["securityGroupRuleSet"][0]["securityGroupRuleId"]);
    let update = |port: &str, source: &str, value: &str| {
        let rule = json!({"IpProtocol": "tcp", "FromPort": port, "ToPort": port, source: value});
        json!({"GroupId": group, "SecurityGroupRule": [{"SecurityGroupRuleId": id, "SecurityGroupRule": rule}]})
    };
    let other_type = update("82", "CidrIpv6", "fd00::/8");
    assert_eq!(account.code("ModifySecurityGroupRules", other_type), "InvalidParameterValue");
    let taken = update("81", "CidrIpv4", "10.9.9.9/8");
    assert_eq!(account.code("ModifySecurityGroupRules", taken), "InvalidPermission.Duplicate");
    account.ok("ModifySecurityGroupRules", update("82", "CidrIpv4", "10.9.9.9/8"));
    let ports: Vec<_> = account.ingress(&group).iter().map(|rule| rule["fromPort"].clone()).collect();
    assert!(ports.contains(&json!(82)) && !ports.contains(&json!(80)), "{ports:?}");
    let described = json!({"IpProtocol": "TCP", "FromPort": "82", "ToPort": "82", "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "new"}]});
    let input = json!({"GroupId": group, "IpPermissions": [described]});
    account.ok("UpdateSecurityGroupRuleDescriptionsIngress", input.clone());
    assert!(account.ingress(&group).iter().any(|rule| rule["description"] == "new"));
    let code = account.code("UpdateSecurityGroupRuleDescriptionsEgress", input);
    assert_eq!(code, "InvalidPermission.NotFound");
}

#[test]
fn a_group_that_is_worn_or_named_cannot_be_deleted() {
    let mut account = Account::new();
    let (worn, named, naming) = (account.group("worn"), account.group("named"), account.group("naming"));
    let subnet = account.subnet("10.0.1.0/24");
    let input = json!({"SubnetId": subnet, "SecurityGroupId": [worn]});
    let interface = account.ok("CreateNetworkInterface", input)["networkInterface"].clone();
    assert_eq!((&interface["privateIpAddress"], &interface["status"]), (&json!("10.0.1.4"), &json!("available")));
    account.authorize(&naming, json!([{"IpProtocol": "-1", "Groups": [{"GroupId": named}]}]));
    assert_eq!(account.code("DeleteSecurityGroup", json!({"GroupId": worn})), "DependencyViolation");
    assert_eq!(account.code("DeleteSecurityGroup", json!({"GroupId": named})), "DependencyViolation");
    assert_eq!(account.code("DeleteSubnet", json!({"SubnetId": subnet})), "DependencyViolation");
    account.ok("DeleteSecurityGroup", json!({"GroupId": naming}));
    account.ok("DeleteSecurityGroup", json!({"GroupId": named}));
    account.ok("DeleteNetworkInterface", json!({"NetworkInterfaceId": interface["networkInterfaceId"]}));
    account.ok("DeleteSecurityGroup", json!({"GroupId": worn}));
    assert_eq!(account.code("DeleteSecurityGroup", json!({"GroupId": worn})), "InvalidGroup.NotFound");
}

#[test]
fn names_of_groups_are_unique_in_a_vpc_and_not_all_are_allowed() {
    let mut account = Account::new();
    account.group("web");
    let vpc = account.vpc.clone();
    for (name, code) in [
        ("web", "InvalidGroup.Duplicate"),
        ("default", "InvalidParameterValue"),
        ("sg-web", "InvalidParameterValue"),
        ("wéb", "InvalidParameterValue"),
        ("", "MissingParameter"),
    ] {
        let input = json!({"GroupName": name, "GroupDescription": "d", "VpcId": vpc});
        assert_eq!(account.code("CreateSecurityGroup", input), code, "{name}");
    }
    let input = json!({"GroupName": "other", "GroupDescription": "d"});
    assert_eq!(account.code("CreateSecurityGroup", input), "VPCIdNotSpecified");
}

#[test]
fn pages_filters_and_ids_are_checked_before_anything_is_told() {
    let mut account = Account::new();
    let group = account.group("web");
    let mut code = |input: Value| account.code("DescribeSecurityGroups", input);
    assert_eq!(code(json!({"MaxResults": "4"})), "InvalidParameterValue");
    assert_eq!(code(json!({"MaxResults": "1001"})), "InvalidParameterValue");
    assert_eq!(code(json!({"MaxResults": "5", "GroupId": [group]})), "InvalidParameterCombination");
    assert_eq!(code(json!({"NextToken": "nonsense"})), "InvalidNextToken");
    assert_eq!(code(json!({"GroupId": ["web"]})), "InvalidGroupId.Malformed");
    assert_eq!(code(json!({"GroupId": [group, "sg-0"]})), "InvalidGroup.NotFound");
    let (code, message) = account.no("DescribeVpcs", json!({"Filter": [{"Name": "nonsense", "Value": ["1"]}]}));
    assert_eq!((code.as_str(), message.as_str()), ("InvalidParameterValue", "The filter 'nonsense' is invalid"));
    account.world.limit_pages(1);
    let first = account.ok("DescribeSecurityGroups", json!({}));
    let second = account.ok("DescribeSecurityGroups", json!({"NextToken": first["nextToken"]}));
    assert_ne!(first["securityGroupInfo"][0]["groupId"], second["securityGroupInfo"][0]["groupId"]);
    assert_eq!(second["nextToken"], Value::Null);
}

#[test]
fn entries_of_an_acl_have_one_number_each_and_are_replaced_not_changed() {
    let mut account = Account::new();
    let vpc = account.vpc.clone();
    let acl = account.ok("CreateNetworkAcl", json!({"VpcId": vpc}))["networkAcl"].clone();
    assert_eq!(acl["entrySet"].as_array().map(Vec::len), Some(2));
    let id = text(&acl["networkAclId"]);
    let entry = |number: &str, action: &str| {
        json!({"NetworkAclId": id, "RuleNumber": number, "Egress": "false", "Protocol": "tcp", "RuleAction": action,
            "CidrBlock": "10.0.0.9/8", "PortRange": {"From": "80", "To": "81"}})
    };
    assert_eq!(account.code("ReplaceNetworkAclEntry", entry("100", "allow")), "InvalidNetworkAclEntry.NotFound");
    account.ok("CreateNetworkAclEntry", entry("100", "allow"));
    assert_eq!(account.code("CreateNetworkAclEntry", entry("100", "allow")), "NetworkAclEntryAlreadyExists");
    assert_eq!(account.code("CreateNetworkAclEntry", entry("32767", "allow")), "InvalidParameterValue");
    account.ok("ReplaceNetworkAclEntry", entry("100", "deny"));
    let acls = account.ok("DescribeNetworkAcls", json!({"NetworkAclId": [id]}));
    let shown = json!({"ruleNumber": 100, "egress": false, "protocol": "6", "ruleAction": "deny",
        "cidrBlock": "10.0.0.0/8", "portRange": {"from": 80, "to": 81}, "icmpTypeCode": null});
    assert_eq!(acls["networkAclSet"][0]["entrySet"][0], shown);
    let gone = json!({"NetworkAclId": id, "RuleNumber": "100", "Egress": "false"});
    account.ok("DeleteNetworkAclEntry", gone.clone());
    assert_eq!(account.code("DeleteNetworkAclEntry", gone), "InvalidNetworkAclEntry.NotFound");
}

#[test]
fn a_subnet_has_exactly_one_acl() {
    let mut account = Account::new();
    let (vpc, subnet) = (account.vpc.clone(), account.subnet("10.0.1.0/24"));
    let filter = json!({"Filter": [{"Name": "association.subnet-id", "Value": [subnet]}]});
    let before = account.ok("DescribeNetworkAcls", filter.clone())["networkAclSet"][0].clone();
    let acl = account.ok("CreateNetworkAcl", json!({"VpcId": vpc}))["networkAcl"]["networkAclId"].clone();
    let association = before["associationSet"][0]["networkAclAssociationId"].clone();
    let input = json!({"AssociationId": association, "NetworkAclId": acl});
    account.ok("ReplaceNetworkAclAssociation", input.clone());
    assert_eq!(account.code("ReplaceNetworkAclAssociation", input), "InvalidAssociationID.NotFound");
    let after = account.ok("DescribeNetworkAcls", filter);
    assert_eq!(after["networkAclSet"].as_array().map(Vec::len), Some(1));
    assert_eq!(after["networkAclSet"][0]["networkAclId"], acl);
}

#[test]
fn routes_lead_to_gateways_of_their_own_vpc() {
    let mut account = Account::new();
    let vpc = account.vpc.clone();
    let table = account.ok("CreateRouteTable", json!({"VpcId": vpc}))["routeTable"]["routeTableId"].clone();
    let gateway = account.ok("CreateInternetGateway", json!({}))["internetGateway"]["internetGatewayId"].clone();
    let route = json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway});
    assert_eq!(account.code("CreateRoute", route.clone()), "InvalidParameterValue");
    let attachment = json!({"InternetGatewayId": gateway, "VpcId": vpc});
    account.ok("AttachInternetGateway", attachment.clone());
    assert_eq!(account.code("AttachInternetGateway", attachment), "Resource.AlreadyAssociated");
    account.ok("CreateRoute", route.clone());
    assert_eq!(account.code("CreateRoute", route.clone()), "RouteAlreadyExists");
    account.ok("DeleteRoute", route.clone());
    assert_eq!(account.code("DeleteRoute", route), "InvalidRoute.NotFound");
    let local = json!({"RouteTableId": table, "DestinationCidrBlock": "10.0.0.0/16"});
    assert_eq!(account.code("DeleteRoute", local), "InvalidParameterValue");
}

#[test]
fn an_instance_has_one_interface_and_leaves_none_behind() {
    let mut account = Account::new();
    let (subnet, group) = (account.subnet("10.0.1.0/24"), account.group("host"));
    account.ok("ModifySubnetAttribute", json!({"SubnetId": subnet, "MapPublicIpOnLaunch": {"Value": "true"}}));
    let run = json!({"ImageId": "ami-1", "MinCount": "2", "MaxCount": "2", "SubnetId": subnet,
        "SecurityGroupId": [group], "TagSpecification": [{"ResourceType": "instance", "Tag": [{"Key": "k", "Value": "v"}]}]});
    account.ok("RunInstances", run);
    let filter =
        json!({"Filter": [{"Name": "tag:k", "Value": ["?"]}, {"Name": "instance-state-name", "Value": ["run*"]}]});
    let answer = account.ok("DescribeInstances", filter.clone());
    let instances = answer["reservationSet"][0]["instancesSet"].as_array().cloned().expect("instances");
    assert_eq!(instances.len(), 2);
    let instance = &instances[0];
    assert!(instance["ipAddress"].is_string() && instance["privateIpAddress"].is_string());
    assert_eq!(instance["networkInterfaceSet"][0]["groupSet"][0]["groupId"], json!(group));
    let interface = instance["networkInterfaceSet"][0]["networkInterfaceId"].clone();
    let input = json!({"NetworkInterfaceId": interface});
    assert_eq!(account.code("DeleteNetworkInterface", input.clone()), "InvalidParameterValue");
    let ids = json!({"InstanceId": [instance["instanceId"]]});
    account.ok("StopInstances", ids.clone());
    assert_eq!(account.ok("DescribeInstances", filter)["reservationSet"].as_array().map(Vec::len), Some(1));
    let change = account.ok("TerminateInstances", ids.clone());
    assert_eq!(change["instancesSet"][0]["previousState"]["name"], "stopped");
    assert_eq!(account.code("DeleteNetworkInterface", input), "InvalidNetworkInterfaceID.NotFound");
    assert_eq!(account.code("StartInstances", ids), "IncorrectInstanceState");
    assert_eq!(account.code("StopInstances", json!({"InstanceId": ["i-0"]})), "InvalidInstanceID.NotFound");
}

#[test]
fn interfaces_that_a_service_manages_are_not_the_callers_to_delete() {
    let mut account = Account::new();
    let subnet = account.subnet("10.0.1.0/24");
    let owner = InterfaceOwner::Task("arn:aws:ecs:eu-west-1:123456789012:task/c/1".to_owned());
    let id = super::interface::attach(&mut account.world.state, &subnet, &[], owner, "of a task").expect("one");
    let filter = json!([{"Name": "addresses.private-ip-address", "Value": ["10.0.1.4"]}]);
    let answer = account.ok("DescribeNetworkInterfaces", json!({"Filter": filter}));
    let shown = &answer["networkInterfaceSet"][0];
    assert_eq!((&shown["requesterManaged"], &shown["status"]), (&json!(true), &json!("in-use")));
    assert_eq!(shown["groupSet"][0]["groupName"], "default");
    let code = account.code("DeleteNetworkInterface", json!({"NetworkInterfaceId": id}));
    assert_eq!(code, "OperationNotPermitted");
}

#[test]
fn tags_of_aws_itself_cannot_be_written_or_taken_away() {
    let mut account = Account::new();
    let vpc = account.vpc.clone();
    let tags = |key: &str| json!({"ResourceId": [vpc], "Tag": [{"Key": key, "Value": "v"}]});
    assert_eq!(account.code("CreateTags", tags("aws:x")), "InvalidParameterValue");
    account.ok("CreateTags", tags("k"));
    account.ok("CreateTags", tags("l"));
    let both = json!({"ResourceId": [vpc], "Tag": [{"Key": "k", "Value": "other"}, {"Key": "l"}]});
    account.ok("DeleteTags", both);
    let left = account.ok("DescribeTags", json!({"Filter": [{"Name": "resource-id", "Value": [vpc]}]}));
    let row = json!({"key": "k", "value": "v", "resourceId": vpc, "resourceType": "vpc"});
    assert_eq!(left["tagSet"], json!([row]));
    let nothing = json!({"ResourceId": ["vpc-0"], "Tag": [{"Key": "k"}]});
    assert_eq!(account.code("CreateTags", nothing), "InvalidID");
    let wrong = json!({"CidrBlock": "10.0.0.0/16", "TagSpecification": [{"ResourceType": "subnet"}]});
    assert_eq!(account.code("CreateVpc", wrong), "InvalidParameterValue");
}
