//! VPCs and what is in them.

use serde_json::{Value, json};

use super::{Builder, Built, name_tag, or, tags, text};
use crate::world_file::shape::{AclEntry, GroupRule, Instance, NetworkAcl, SecurityGroup, Subnet, Vpc, World};

impl Builder {
    pub(super) fn networks(&mut self, shape: &World) -> Built {
        for vpc in shape.vpcs.iter() {
            self.within("vpc", &vpc.name, vpc.at, |builder| builder.vpc(vpc))?;
            for peer in vpc.peers.iter() {
                self.within("peer", peer, peer.at, |builder| builder.peering(&vpc.name, peer))?;
            }
        }
        for instance in shape.instances.iter() {
            self.within("instance", &instance.name, instance.at, |builder| builder.instance(instance))?;
        }
        Ok(())
    }

    fn vpc(&mut self, vpc: &Vpc) -> Built {
        let input = json!({"CidrBlock": vpc.cidr, "TagSpecification": name_tag("vpc", &vpc.name)});
        let id = text(&self.call("ec2:CreateVpc", &input)?, "/vpc/vpcId");
        let public = self.public_routes(&id, vpc)?;
        for subnet in vpc.subnets.iter() {
            self.within("subnet", &subnet.name, subnet.at, |builder| builder.subnet(&id, subnet, public.as_deref()))?;
        }
        for list in vpc.prefix_lists.iter() {
            let entries: Vec<Value> = list.entries.iter().map(|cidr| json!({"Cidr": cidr})).collect();
            let input = json!({"PrefixListName": list.name, "AddressFamily": "IPv4",
                "MaxEntries": entries.len().to_string(), "Entry": entries});
            self.within("prefix list", &list.name, list.at, |builder| {
                builder.call("ec2:CreateManagedPrefixList", &input).map(drop)
            })?;
        }
        for group in vpc.security_groups.iter() {
            let input = json!({"GroupName": group.name, "GroupDescription": group.name, "VpcId": id});
            self.within("security group", &group.name, group.at, |builder| {
                builder.call("ec2:CreateSecurityGroup", &input).map(drop)
            })?;
        }
        // Groups name each other, so their rules come when all of them stand.
        for group in vpc.security_groups.iter() {
            self.within("security group", &group.name, group.at, |builder| builder.group_rules(group))?;
        }
        for acl in vpc.network_acls.iter() {
            self.within("network ACL", &acl.name, acl.at, |builder| builder.acl(&id, acl))?;
        }
        Ok(())
    }

    fn subnet(&mut self, vpc: &str, subnet: &Subnet, public: Option<&str>) -> Built {
        let zone = format!("{}{}", self.world.region(), subnet.zone);
        let input = json!({"VpcId": vpc, "CidrBlock": subnet.cidr, "AvailabilityZone": zone,
            "TagSpecification": name_tag("subnet", &subnet.name)});
        let id = text(&self.call("ec2:CreateSubnet", &input)?, "/subnet/subnetId");
        if let Some(table) = public.filter(|_| *subnet.public) {
            self.call("ec2:AssociateRouteTable", &json!({"RouteTableId": table, "SubnetId": id}))?;
        }
        Ok(())
    }

    /// Routes of every table of both VPCs to the other one.
    fn peering(&mut self, one: &str, other: &str) -> Built {
        let ids = [self.find("vpc", one)?, self.find("vpc", other)?];
        let cidr = |id: &String| self.world.state.vpcs.get(id).map(|vpc| vpc.cidr.to_string());
        let cidrs = [cidr(&ids[1]), cidr(&ids[0])];
        for (id, cidr) in ids.iter().zip(cidrs) {
            let tables = self.world.state.route_tables.values().filter(|table| table.vpc == *id);
            let tables: Vec<String> = tables.map(|table| table.id.clone()).collect();
            for table in tables {
                let route = json!({"RouteTableId": table, "DestinationCidrBlock": cidr,
                    "VpcPeeringConnectionId": "pcx-0123456789abcdef0"});
                self.call("ec2:CreateRoute", &route)?;
            }
        }
        Ok(())
    }

    /// A route table with a way to the internet, if a subnet wants one.
    fn public_routes(&mut self, vpc: &str, shape: &Vpc) -> Built<Option<String>> {
        if !shape.subnets.iter().any(|subnet| *subnet.public) {
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
        let egress =
            group.egress.iter().flat_map(|rules| rules.iter()).map(|rule| ("ec2:AuthorizeSecurityGroupEgress", rule));
        for (call, rule) in ingress.chain(egress) {
            self.within("peer", &rule.peer, rule.at, |builder| builder.group_rule(&id, call, rule))?;
        }
        Ok(())
    }

    fn group_rule(&mut self, group: &str, call: &str, rule: &GroupRule) -> Built {
        let mut input = json!({"GroupId": group, "IpPermissions": [self.permission(rule)?]});
        if !rule.tags.is_empty() {
            input["TagSpecification"] = json!([{"ResourceType": "security-group-rule", "Tag": tags(&rule.tags)}]);
        }
        self.call(call, &input).map(drop)
    }

    fn permission(&self, rule: &GroupRule) -> Built<Value> {
        let mut permission = json!({"IpProtocol": or(&rule.protocol, "tcp")});
        match rule.ports.0 {
            Some((from, to)) => {
                permission["FromPort"] = json!(from.to_string());
                permission["ToPort"] = json!(to.to_string());
            }
            None => permission["IpProtocol"] = json!("-1"),
        }
        let peer = rule.peer.as_str();
        let (list, member, value) = if peer.contains(':') {
            ("Ipv6Ranges", "CidrIpv6", peer.to_owned())
        } else if peer.contains('/') {
            ("IpRanges", "CidrIp", peer.to_owned())
        } else if let Ok(list) = self.find("prefixList", peer) {
            ("PrefixListIds", "PrefixListId", list)
        } else {
            ("Groups", "GroupId", self.find("securityGroup", peer)?)
        };
        permission[list] = json!([{member: value, "Description": rule.description}]);
        Ok(permission)
    }

    fn acl(&mut self, vpc: &str, acl: &NetworkAcl) -> Built {
        let input = json!({"VpcId": vpc, "TagSpecification": name_tag("network-acl", &acl.name)});
        let id = text(&self.call("ec2:CreateNetworkAcl", &input)?, "/networkAcl/networkAclId");
        for entry in acl.entries.iter() {
            self.within("entry", &entry.number, entry.at, |builder| {
                builder.call("ec2:CreateNetworkAclEntry", &acl_entry(&id, entry)).map(drop)
            })?;
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
            "InstanceType": or(&instance.instance_type, "c5.large"),
            "SubnetId": self.find("subnet", &instance.subnet)?,
            "SecurityGroupId": self.find_all("securityGroup", &instance.security_groups)?,
            "TagSpecification": name_tag("instance", &instance.name)});
        let id = text(&self.call("ec2:RunInstances", &input)?, "/instancesSet/0/instanceId");
        if let Some(made) = self.world.state.instances.get_mut(&id) {
            made.app = instance.app.to_state();
            if let Some((from, to)) = instance.dynamic_ports.as_ref().and_then(|ports| ports.0) {
                made.dynamic_ports = from..=to;
            }
        }
        Ok(())
    }
}

fn acl_entry(acl: &str, entry: &AclEntry) -> Value {
    let mut input = json!({"NetworkAclId": acl, "RuleNumber": entry.number.to_string(),
        "Egress": entry.egress.to_string(), "RuleAction": if *entry.deny { "deny" } else { "allow" },
        "CidrBlock": entry.cidr, "Protocol": "-1"});
    if let Some((from, to)) = entry.ports.0 {
        input["Protocol"] = json!(if or(&entry.protocol, "tcp") == "udp" { "17" } else { "6" });
        input["PortRange"] = json!({"From": from.to_string(), "To": to.to_string()});
    }
    input
}
