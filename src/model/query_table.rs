//! What Portolan asks AWS: a row for each kind of query, with the field of `Observed` that holds its answer and what it costs.
//! [`super::query`] and `answered` make their types and functions of it.

/// Passes the rows to a macro.
macro_rules! query_table {
    ($make:ident) => {
        $make! {
            lists {
                /// The account of the credentials.
                Account => account: String, facts(&[Op::GetCallerIdentity], Batch::List, "1");
                /// The clusters of the region.
                ClusterNames => cluster_names: Vec<String>,
                    facts(&[Op::ListClusters], Batch::List, "only when a cluster does not exist")
                    .to_outline();
                /// The VPCs of the region.
                Vpcs => vpcs: Vec<Vpc>, facts(&[Op::DescribeVpcs], Batch::List, "one for each page");
                /// The subnets of the region.
                Subnets => subnets: Vec<Subnet>, facts(&[Op::DescribeSubnets], Batch::List, "one for each page");
                /// The security groups of the region.
                SecurityGroups => security_groups: Vec<SecurityGroup>,
                    facts(&[Op::DescribeSecurityGroups], Batch::List, "one for each page");
                /// The load balancers of the region.
                LoadBalancers => load_balancers: Vec<LoadBalancer>,
                    facts(&[Op::DescribeLoadBalancers], Batch::List, "one for each page");
                /// The target groups of the region.
                TargetGroups => target_groups: Vec<TargetGroup>,
                    facts(&[Op::DescribeTargetGroups], Batch::List, "one for each page");
                /// Quotas.
                Limits => limits: AccountLimits,
                    facts(&[Op::DescribeAccountLimits], Batch::List, "1").kept(Keep::Hour);
                /// Endpoint services of the account.
                EndpointServices => endpoint_services: EndpointServices,
                    facts(
                        &[Op::DescribeVpcEndpointServiceConfigurations],
                        Batch::List,
                        "one for each page, only if a network load balancer preserves client IP addresses, or its security groups do \
                         not filter clients of AWS PrivateLink",
                    )
                    .to_trace();
            }
            one {
                /// The ingress rules with the tag of a fleet, by its name.
                MarkedIngress(String) => marked_ingress: Rules,
                    facts(&[Op::DescribeSecurityGroupRules], Batch::Each, "one for each page, with prune");
            }
            keyed {
                /// The names of the services of a cluster.
                ServiceNames(String) => service_names: Vec<String>,
                    facts(&[Op::ListServices], Batch::PerCluster(100), "services / 100")
                    .to_outline();
                /// A cluster by its name.
                Cluster(String) => clusters: Cluster, facts(&[Op::DescribeClusters], Batch::Of(100), "clusters / 100");
                /// A service.
                Service(ServiceId) => services: Service, facts(&[Op::DescribeServices], Batch::Of(10), "N / 10");
                /// The scalable target of a service.
                ScalableTarget(ServiceId) => scalable_targets: ScalableTarget,
                    facts(&[Op::DescribeScalableTargets], Batch::Of(50), "N / 50");
                /// A revision of a task definition.
                TaskDefinition(TaskDefinitionArn) => task_definitions: TaskDefinition,
                    facts(&[Op::DescribeTaskDefinition], Batch::Each, "once for each revision in use").after(&[Kind::Service]);
                /// The tasks of a service from PROVISIONING to STOPPING.
                Tasks(ServiceId) => tasks: Vec<Task>,
                    facts(
                        &[Op::ListTasks, Op::DescribeTasks, Op::DescribeContainerInstances, Op::DescribeInstances],
                        Batch::PerCluster(100),
                        "tasks / 100 each, per cluster",
                    );
                /// Tasks of a cluster that belong to no service that was asked about.
                OtherTasks(String) => other_tasks: Vec<Task>, facts(&[], Batch::With(Kind::Tasks), "");
                /// Whether the instances are known that carry the tasks of a cluster.
                TaskPlacements(String) => task_placements: (), facts(&[], Batch::With(Kind::Tasks), "");
                /// The tasks of a cluster that ECS lists as STOPPED before they are.
                StoppingTasks(String) => stopping_tasks: BTreeMap<ServiceId, Vec<Task>>,
                    facts(
                        &[Op::ListTasks, Op::DescribeTasks, Op::DescribeContainerInstances, Op::DescribeInstances],
                        Batch::PerCluster(100),
                        "tasks / 100 each, per cluster, only where nothing explains a registered target",
                    );
                /// How the last deployments of a service ended.
                PastDeployments(ServiceId) => past_deployments: Vec<PastDeployment>,
                    facts(
                        &[Op::ListServiceDeployments, Op::DescribeServiceRevisions, Op::DescribeTaskDefinition],
                        Batch::Each,
                        "one for each service that a repair would redeploy",
                    );
                /// The newest deployments of a service, whatever their state.
                ServiceDeployments(ServiceId) => service_deployments: Vec<ServiceDeployment>,
                    facts(
                        &[Op::ListServiceDeployments],
                        Batch::Each,
                        "one for each service whose deployment `--wait` has followed to its end, or that `rollout.timeout` limits, and for \
                         `rollback`",
                    );
                /// What becomes of the deployment of a service that is in progress.
                UnderWay(ServiceId) => under_way: UnderWay,
                    facts(
                        &[Op::ListServiceDeployments, Op::ListTasks, Op::DescribeTasks],
                        Batch::Each,
                        "one more of each for such a service while its rolling deployment is in progress",
                    );
                /// The revisions of a service that may have tasks.
                Revisions(ServiceId) => revisions: Vec<Revision>,
                    facts(
                        &[Op::ListServiceDeployments, Op::DescribeServiceRevisions],
                        Batch::Each,
                        "one for each service whose registered tasks have an older wiring, for example while a deployment moves a port; \
                         revisions / 20",
                    );
                /// The tasks of a service that have stopped.
                StoppedTasks(ServiceId) => stopped_tasks: Vec<StoppedTask>,
                    facts(
                        &[Op::ListTasks, Op::DescribeTasks],
                        Batch::Each,
                        "one of each for each service that lacks tasks or healthy targets",
                    )
                    .to_trace();
                /// All services of a cluster.
                ClusterServices(String) => cluster_services: Vec<ServiceOutline>,
                    facts(
                        &[Op::ListServices, Op::DescribeServices],
                        Batch::PerCluster(10),
                        "only when a service would be created, when something tagged may have to be removed, when an untagged target group is replaced, or when a \
                         registered address is not that of a known task",
                    );
                /// The instance behind a container instance, by the ARN of that.
                ContainerInstance(String) => container_instances: InstanceId,
                    facts(&[Op::DescribeContainerInstances], Batch::Of(100), "instances / 100, if tasks run on EC2")
                    .to_trace();
                /// An instance.
                Host(InstanceId) => hosts: Host,
                    facts(&[Op::DescribeInstances], Batch::Of(200), "instances / 200, if tasks run on EC2")
                        .after(&[Kind::ContainerInstance, Kind::Tasks, Kind::StoppingTasks]);
                /// Whose network interface has an address.
                AddressOwner(IpAddr) => address_owners: AddressOwner,
                    facts(&[Op::DescribeNetworkInterfaces], Batch::Of(200), "only where nothing explains a registered target");
                /// The network interface with an address. Where VPCs share the address, one in a VPC whose network ACLs are read.
                Interface(IpAddr) => interfaces: Interface,
                    facts(&[Op::DescribeNetworkInterfaces], Batch::Of(200), "addresses of tasks and targets / 200")
                        .after(&[Kind::NetworkAcls])
                    .to_trace();
                /// The addresses of the nodes of a network load balancer.
                Nodes(LoadBalancerArn) => nodes: NodeAddresses,
                    facts(
                        &[Op::DescribeNetworkInterfaces],
                        Batch::Of(200),
                        "network load balancers / 200; for a plan, only where no rule allows the load balancer's group and one \
                         allows addresses in its subnets",
                    );
                /// The addresses of the network interfaces that have a security group.
                GroupAddresses(GroupId) => group_addresses: BTreeSet<IpAddr>,
                    facts(&[Op::DescribeNetworkInterfaces], Batch::Each, "only when a tagged rule may have to be removed");
                /// The rules of a security group.
                SecurityGroupRules(GroupId) => ingress: Rules,
                    facts(
                        &[Op::DescribeSecurityGroupRules],
                        Batch::Of(200),
                        "security groups of the manifest / 200; for tracing, those of load balancers, tasks and instances as well",
                    )
                    .after(&[Kind::Interface, Kind::Host]);
                /// The egress rules of a security group.
                Egress(GroupId) => egress: Rules, facts(&[], Batch::With(Kind::SecurityGroupRules), "");
                /// The entries of a prefix list.
                PrefixList(String) => prefix_lists: Blocks,
                    facts(&[Op::GetManagedPrefixListEntries], Batch::Each, "one for each prefix list that a rule names");
                /// The network ACLs of a VPC.
                NetworkAcls(VpcId) => network_acls: Vec<NetworkAcl>,
                    facts(&[Op::DescribeNetworkAcls], Batch::Of(200), "one for each page")
                    .to_trace();
                /// The route tables of a VPC.
                RouteTables(VpcId) => route_tables: Vec<RouteTable>,
                    facts(&[Op::DescribeRouteTables], Batch::Of(200), "one for each page")
                    .to_trace();
                /// Where the routes of a VPC lead, the default routes apart.
                Routes(VpcId) => routes: Destinations,
                    facts(
                        &[Op::DescribeRouteTables, Op::GetManagedPrefixListEntries],
                        Batch::Of(200),
                        "one for each page, only if a rule is missing or parked",
                    );
                /// The attributes of a load balancer.
                LoadBalancerAttributes(LoadBalancerArn) => balancer_attributes: Attributes,
                    facts(&[Op::DescribeLoadBalancerAttributes], Batch::Each, "A").kept(Keep::Hour)
                    .to_trace();
                /// The listeners of a load balancer.
                Listeners(LoadBalancerArn) => listeners: Vec<Listener>, facts(&[Op::DescribeListeners], Batch::Each, "A");
                /// The rules of a listener of an application load balancer.
                Rules(ListenerArn) => rules: Vec<Rule>,
                    facts(&[Op::DescribeRules], Batch::Each, "L of application load balancers").after(&[Kind::Listeners]);
                /// The tags of a rule or target group, by its ARN.
                Tags(String) => tags: Tags,
                    facts(&[Op::DescribeTags], Batch::Of(20), "(target groups + rules) / 20")
                        .after(&[Kind::LoadBalancers, Kind::TargetGroups, Kind::Listeners, Kind::Rules])
                        .kept(Keep::Hour);
                /// The attributes of a target group.
                Attributes(TargetGroupArn) => attributes: Attributes,
                    facts(
                        &[Op::DescribeTargetGroupAttributes],
                        Batch::Each,
                        "one for each target group with declared attributes; for tracing, one for each target group",
                    )
                    .kept(Keep::Hour);
                /// The registered targets of a target group, and their health.
                Health(TargetGroupArn) => targets: Vec<Target>,
                    facts(&[Op::DescribeTargetHealth], Batch::Each, "N: AWS takes one target group in a call").kept(Keep::InTurn);
            }
        }
    };
}
