//! The SDK's clients without anything around them: each call of a steady pass by its own operation and with its own input.

use aws_config::SdkConfig;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use aws_sdk_ec2::types::Filter;
use aws_sdk_ecs::types::DesiredStatus;
use futures_util::{StreamExt, stream};
use serde_json::Value;

use super::Sent;

/// As many calls under way as the reader has.
const AT_ONCE: usize = 16;

pub struct Clients {
    ecs: aws_sdk_ecs::Client,
    elb: aws_sdk_elasticloadbalancingv2::Client,
    ec2: aws_sdk_ec2::Client,
    autoscaling: aws_sdk_applicationautoscaling::Client,
    sts: aws_sdk_sts::Client,
}

impl Clients {
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            ecs: aws_sdk_ecs::Client::new(config),
            elb: aws_sdk_elasticloadbalancingv2::Client::new(config),
            ec2: aws_sdk_ec2::Client::new(config),
            autoscaling: aws_sdk_applicationautoscaling::Client::new(config),
            sts: aws_sdk_sts::Client::new(config),
        }
    }

    pub async fn send_all(&self, all: &[Sent]) {
        stream::iter(all).map(|sent| Box::pin(self.send(sent))).buffered(AT_ONCE).for_each(async |()| {}).await;
    }

    async fn send(&self, sent: &Sent) {
        let Self { ecs, elb, ec2, autoscaling, sts } = self;
        let json: Value = serde_json::from_slice(&sent.body).unwrap_or_default();
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        let list = |name: &str| {
            json[name].as_array().map(|all| all.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        };
        let form = form(&sent.body);
        let first = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        match sent.operation.as_str() {
            "GetCallerIdentity" => drop(sts.get_caller_identity().send().await.unwrap()),
            "DescribeVpcs" => drop(ec2.describe_vpcs().max_results(1000).send().await.unwrap()),
            "DescribeSubnets" => drop(ec2.describe_subnets().max_results(1000).send().await.unwrap()),
            "DescribeSecurityGroups" => drop(ec2.describe_security_groups().max_results(1000).send().await.unwrap()),
            "DescribeSecurityGroupRules" => {
                let ids = form.iter().filter(|(key, _)| key.starts_with("Filter.1.Value."));
                let ids = ids.map(|(_, value)| value.clone()).collect();
                let filter = Filter::builder().name("group-id").set_values(Some(ids)).build();
                drop(ec2.describe_security_group_rules().filters(filter).max_results(1000).send().await.unwrap());
            }
            "DescribeClusters" => drop(ecs.describe_clusters().set_clusters(list("clusters")).send().await.unwrap()),
            "DescribeServices" => {
                let request = ecs.describe_services().set_cluster(text("cluster")).set_services(list("services"));
                drop(request.send().await.unwrap());
            }
            "ListTasks" => {
                let request = ecs.list_tasks().set_cluster(text("cluster")).set_next_token(text("nextToken"));
                drop(request.desired_status(DesiredStatus::Running).max_results(100).send().await.unwrap());
            }
            "DescribeTasks" => {
                let request = ecs.describe_tasks().set_cluster(text("cluster")).set_tasks(list("tasks"));
                drop(request.send().await.unwrap());
            }
            "DescribeScalableTargets" => {
                let request = autoscaling
                    .describe_scalable_targets()
                    .service_namespace(ServiceNamespace::Ecs)
                    .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
                    .set_resource_ids(list("ResourceIds"));
                drop(request.send().await.unwrap());
            }
            "DescribeLoadBalancers" => drop(elb.describe_load_balancers().page_size(400).send().await.unwrap()),
            "DescribeTargetGroups" => {
                let request = elb.describe_target_groups().page_size(400).set_marker(first("Marker"));
                drop(request.send().await.unwrap());
            }
            "DescribeListeners" => {
                let request = elb.describe_listeners().set_load_balancer_arn(first("LoadBalancerArn"));
                drop(request.page_size(400).send().await.unwrap());
            }
            "DescribeRules" => {
                let request = elb.describe_rules().set_listener_arn(first("ListenerArn")).set_marker(first("Marker"));
                drop(request.page_size(400).send().await.unwrap());
            }
            "DescribeTargetHealth" => {
                let request = elb.describe_target_health().set_target_group_arn(first("TargetGroupArn"));
                drop(request.send().await.unwrap());
            }
            other => panic!("the floor knows no {other}"),
        }
    }
}

/// The members of a request in AWS's query form.
fn form(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}
