//! The codes with which AWS refuses a call by its nature are codes of these operations by the SDK's model, as they are written on
//! the wire. EC2's errors are in no model.

use aws_sdk_ecs::Client as Ecs;
use aws_sdk_elasticloadbalancingv2::Client as Elb;

use super::script::{Script, elb_error, json_error};

/// Whether the SDK knows this code of an operation, by the name of the variant that it makes of it.
fn is_modelled(error: &impl std::fmt::Debug) -> bool {
    let shown = format!("{error:?}");
    !shown.contains("Unhandled") && shown.contains("no reason")
}

async fn of_elb(operation: &str, code: &'static str) -> bool {
    let elb = Elb::new(&Script::new(move |_| elb_error(400, code, "no reason")).config());
    match operation {
        "CreateRule" => is_modelled(&elb.create_rule().send().await.unwrap_err().into_service_error()),
        "ModifyRule" => is_modelled(&elb.modify_rule().send().await.unwrap_err().into_service_error()),
        "ModifyListener" => is_modelled(&elb.modify_listener().send().await.unwrap_err().into_service_error()),
        "CreateTargetGroup" => is_modelled(&elb.create_target_group().send().await.unwrap_err().into_service_error()),
        "ModifyTargetGroup" => is_modelled(&elb.modify_target_group().send().await.unwrap_err().into_service_error()),
        "ModifyTargetGroupAttributes" => {
            is_modelled(&elb.modify_target_group_attributes().send().await.unwrap_err().into_service_error())
        }
        other => panic!("{other}"),
    }
}

async fn of_ecs(operation: &str, code: &'static str) -> bool {
    let ecs = Ecs::new(&Script::new(move |_| json_error(400, code, "no reason")).config());
    match operation {
        "UpdateService" => is_modelled(&ecs.update_service().send().await.unwrap_err().into_service_error()),
        "RegisterTaskDefinition" => {
            is_modelled(&ecs.register_task_definition().send().await.unwrap_err().into_service_error())
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn refusals_by_nature_are_codes_of_these_operations() {
    let forwards = ["CreateRule", "ModifyRule", "ModifyListener"];
    let settings =
        ["CreateRule", "ModifyListener", "CreateTargetGroup", "ModifyTargetGroup", "ModifyTargetGroupAttributes"];
    let elb: [(&str, &[&str]); 4] = [
        ("InvalidConfigurationRequest", &settings),
        ("IncompatibleProtocols", &forwards),
        ("UnsupportedProtocol", &forwards),
        ("InvalidLoadBalancerAction", &forwards),
    ];
    for (code, operations) in elb {
        for operation in operations {
            assert!(of_elb(operation, code).await, "{operation} has no {code}");
        }
    }
    let ecs: [(&str, &[&str]); 4] = [
        ("InvalidParameterException", &["UpdateService", "RegisterTaskDefinition"]),
        ("UnsupportedFeatureException", &["UpdateService"]),
        ("PlatformUnknownException", &["UpdateService"]),
        ("PlatformTaskDefinitionIncompatibilityException", &["UpdateService"]),
    ];
    for (code, operations) in ecs {
        for operation in operations {
            assert!(of_ecs(operation, code).await, "{operation} has no {code}");
        }
    }
    assert!(
        !of_elb("ModifyTargetGroup", "InvalidConfigurationRequestException").await,
        "that is a name of the SDK's own"
    );
}
