//! VPCs and what is in them.

use serde_json::{Value, json};

use super::{Builder, Built, name_tag, tags, text};
use crate::sandbox::world_file::shape::{
    AclEntry, GroupRule, Instance, NetworkAcl, Ports, SecurityGroup, Subnet, Vpc, World,
};

impl Builder {
    pub(super) fn networks(&mut self, shape: &World) -> Built {
        for vpc in &shape.vpcs {
            self.within("vpc", &vpc.name, |builder| builder.vpc(vpc))?;
        }
        for instance in &shape.instances {
            self.within("instance", &instance.name, |builder| builder.instance(instance))?;
        }
        Ok(())
    }

    fn vpc(&mut self, vpc: &Vpc) -> Built {
        let input = json!({"CidrBlock": vpc.cidr, "TagSpecification": name_tag("vpc", &vpc.name)});
        let id = text(&self.call("ec2:CreateVpc", &input)?, "/vpc/vpcId");
        let public = self.public_routes(&id, vpc)?;
        for subnet in &vpc.subnets {
            self.within("subnet", &subnet.name, |builder| builder.subnet(&id, subnet, public.as_deref()))?;
        }
        for list in &vpc.prefix_lists {
            let entries: Vec<Value> = list.entries.iter().map(|cidr| json!({"Cidr": cidr})).collect();
            let input = json!({"PrefixListName": list.name, "AddressFamily": "IPv4",
                "MaxEntries": entries.len().to_string(), "Entry": entries});
            self.call("ec2:CreateManagedPrefixList", &input)?;
        }
        for group in &vpc.security_groups {
            let input = json!({"GroupName": group.name, "GroupDescription": group.name, "VpcId": id});
            self.call("ec2:CreateSecurityGroup", &input)?;
        }
        // Groups name each other, so their rules come when all of them stand.
        for group in &vpc.security_groups {
            self.within("security group", &group.name, |builder| builder.group_rules(group))?;
        }
        for acl in &vpc.network_acls {
            self.within("network ACL", &acl.name, |builder| builder.acl(&id, acl))?;
        }
        Ok(())
    }

    fn subnet(&mut self, vpc: &str, subnet: &Subnet, public: Option<&str>) -> Built {
        let zone = format!("{}{}", self.world.region(), subnet.zone);
        let input = json!({"VpcId": vpc, "CidrBlock": subnet.cidr, "AvailabilityZone": zone,
            "TagSpecification": name_tag("subnet", &subnet.name)});
        let id = text(&self.call("ec2:CreateSubnet", &input)?, "/subnet/subnetId");
        if let Some(table) = public.filter(|_| subnet.public) {
            self.call("ec2:AssociateRouteTable", &json!({"RouteTableId": table, "SubnetId": id}))?;
        }
        Ok(())
    }

    /// A route table with a way to the internet, if a subnet wants one.
    fn public_routes(&mut self, vpc: &str, shape: &Vpc) -> Built<Option<String>> {
        if !shape.subnets.iter().any(|subnet| subnet.public) {
            return Ok(None);
        }
        let gateway = self.call("ec2:CreateInternetGateway", &json!({}))?;
        let gateway = text(&gateway, "/internetGateway/internetGatewayId");
        self.call("ec2:AttachInternetGateway", &json!({"InternetGatewayId": gateway, "VpcId": vpc}))?;
        let table = text(&self.call("ec2:CreateRouteTable", &json!({"VpcId": vpc}))?, "/routeTable/routeTableId");
        let route = json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway});
        self.call("ec2:CreateRoute", &route)?;
        Ok(Some(table))
    }

    fn group_rules(&mut self, group: &SecurityGroup) -> Built {
        let id = self.find("securityGroup", &group.name)?;
        if group.egress.is_some() {
            let everything = json!({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]});
            self.call("ec2:RevokeSecurityGroupEgress", &json!({"GroupId": id, "IpPermissions": [everything]}))?;
        }
        let ingress = group.ingress.iter().map(|rule| ("ec2:AuthorizeSecurityGroupIngress", rule));
        let egress = group.egress.iter().flatten().map(|rule| ("ec2:AuthorizeSecurityGroupEgress", rule));
        for (call, rule) in ingress.chain(egress) {
            let mut input = json!({"GroupId": id, "IpPermissions": [self.permission(rule)?]});
            if !rule.tags.is_empty() {
                input["TagSpecification"] = json!([{"ResourceType": "security-group-rule", "Tag": tags(&rule.tags)}]);
            }
            self.call(call, &input)?;
        }
        Ok(())
    }

    fn permission(&self, rule: &GroupRule) -> Built<Value> {
        let mut permission = json!({"IpProtocol": rule.protocol});
        match bounds(&rule.ports)? {
            Some((from, to)) => {
                permission["FromPort"] = json!(from.to_string());
                permission["ToPort"] = json!(to.to_string());
            }
            None => permission["IpProtocol"] = json!("-1"),
        }
        let (list, member, value) = if rule.from.contains('/') {
            ("IpRanges", "CidrIp", rule.from.clone())
        } else if let Ok(list) = self.find("prefixList", &rule.from) {
            ("PrefixListIds", "PrefixListId", list)
        } else {
            ("Groups", "GroupId", self.find("securityGroup", &rule.from)?)
        };
        permission[list] = json!([{member: value, "Description": rule.description}]);
        Ok(permission)
    }

    fn acl(&mut self, vpc: &str, acl: &NetworkAcl) -> Built {
        let input = json!({"VpcId": vpc, "TagSpecification": name_tag("network-acl", &acl.name)});
        let id = text(&self.call("ec2:CreateNetworkAcl", &input)?, "/networkAcl/networkAclId");
        for entry in &acl.entries {
            self.call("ec2:CreateNetworkAclEntry", &acl_entry(&id, entry)?)?;
        }
        for subnet in self.find_all("subnet", &acl.subnets)? {
            let association = self.world.state.subnets.get(&subnet).map(|subnet| subnet.acl_association.clone());
            let input = json!({"AssociationId": association, "NetworkAclId": id});
            self.call("ec2:ReplaceNetworkAclAssociation", &input)?;
        }
        Ok(())
    }

    fn instance(&mut self, instance: &Instance) -> Built {
        let input = json!({"ImageId": "ami-0sandbox", "MinCount": "1", "MaxCount": "1",
            "InstanceType": instance.instance_type,
            "SubnetId": self.find("subnet", &instance.subnet)?,
            "SecurityGroupId": self.find_all("securityGroup", &instance.security_groups)?,
            "TagSpecification": name_tag("instance", &instance.name)});
        let id = text(&self.call("ec2:RunInstances", &input)?, "/instancesSet/0/instanceId");
        let range = instance.dynamic_ports.as_ref().map(|range| bounds(&Ports::Range(range.clone()))).transpose()?;
        if let Some(made) = self.world.state.instances.get_mut(&id) {
            made.app = instance.app.clone().into_state();
            if let Some((from, to)) = range.flatten() {
                made.dynamic_ports = from..=to;
            }
        }
        Ok(())
    }
}

/// First and last port; `None` for all.
pub fn bounds(ports: &Ports) -> Built<Option<(u16, u16)>> {
    let text = match ports {
        Ports::One(port) => return Ok(Some((*port, *port))),
        Ports::Range(text) if text == "all" => return Ok(None),
        Ports::Range(text) => text,
    };
    let range = text.split_once('-').and_then(|(from, to)| Some((from.trim().parse().ok()?, to.trim().parse().ok()?)));
    range.map(Some).ok_or_else(|| format!("`{text}` is no port, no range such as 8000-8010, and not `all`"))
}

fn acl_entry(acl: &str, entry: &AclEntry) -> Built<Value> {
    let mut input = json!({"NetworkAclId": acl, "RuleNumber": entry.number.to_string(),
        "Egress": entry.egress.to_string(), "RuleAction": if entry.deny { "deny" } else { "allow" },
        "CidrBlock": entry.cidr, "Protocol": "-1"});
    if let Some((from, to)) = bounds(&entry.ports)? {
        input["Protocol"] = json!("6");
        input["PortRange"] = json!({"From": from.to_string(), "To": to.to_string()});
    }
    Ok(input)
}
