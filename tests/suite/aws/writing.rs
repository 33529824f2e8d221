//! Each action as the request that it becomes, member by member.

use std::collections::{BTreeMap, BTreeSet};

use portolan::apply::{AwsError, Outputs, Perform, Performed};
use portolan::aws::Writer;
use portolan::model::{
    Conditions, Forward, HeaderCondition, HealthCheck, HealthPort, IpProtocol, Matcher, ObjectRef, PortRange, Protocol,
    ProtocolVersion, QueryCondition, RuleActions, RuleSource, Serve, ServiceId, StaticTarget, Tags, TargetGroupArn,
    TargetKey, TargetType,
};
use portolan::plan::{Action, NewTargetGroup, Output, Ref, RuleBelief, RuleEdit, ServiceBelief};

use super::script::{self, Answer, Request, Script};

pub const TG: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/checkout/3";
pub const LISTENER: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/public/1/2";
pub const RULE: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/public/1/2/4";

/// Sends one action; the closure answers what it cares for.
pub async fn perform(
    action: Action,
    answering: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static,
) -> (Script, Result<Performed, AwsError>) {
    let script = Script::new(move |request| {
        answering(request).or_else(|| standing_service(request)).unwrap_or_else(|| script::empty(request))
    });
    let made = Output::TargetGroup(TargetGroupArn::from(TG));
    let outputs = Outputs::from([(ObjectRef::target_group("checkout"), made)]);
    let done = Writer::new(&script.clients()).perform(&action, &outputs).await;
    (script, done)
}

/// Sends one action that AWS takes, and answers its request.
pub async fn sent(action: Action, answering: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static) -> Request {
    let operation = action.operation();
    let (script, done) = perform(action, answering).await;
    assert!(matches!(done, Ok(Performed::Done(_))), "{done:?}");
    script.only(operation)
}

pub fn mark() -> Tags {
    Tags::from([
        ("portolan.dev/fleet".to_owned(), "harbour".to_owned()),
        ("portolan.dev/object".to_owned(), "TargetGroup/checkout".to_owned()),
    ])
}

pub fn service() -> ServiceId {
    ServiceId { cluster: "prod".to_owned(), name: "checkout".to_owned() }
}

/// The service as the writer finds it when it looks again.
pub fn standing_service(request: &Request) -> Option<Answer> {
    let service = serde_json::json!({
        "serviceName": "checkout", "status": "ACTIVE", "desiredCount": 5, "taskDefinition": "app:7",
        "deployments": [{"status": "PRIMARY", "rolloutState": "COMPLETED", "taskDefinition": "app:7"}],
    });
    let answer = serde_json::json!({"services": [service], "failures": []});
    (request.operation == "DescribeServices").then(|| script::json(answer))
}

/// What a plan made from that believes.
pub fn belief() -> ServiceBelief {
    ServiceBelief {
        members: Default::default(),
        task_definition: "app:7".into(),
        load_balancers: Vec::new(),
        network: None,
        deployment: None,
        ended: None,
    }
}

pub fn known() -> Ref<TargetGroupArn> {
    Ref::Known(TargetGroupArn::from(TG))
}

pub fn output() -> Ref<TargetGroupArn> {
    Ref::Output(ObjectRef::target_group("checkout"))
}

pub fn forwards_to(arn: &str) -> RuleActions {
    RuleActions { login: false, token: false, serve: Serve::Forward(Forward::to(TargetGroupArn::from(arn))) }
}

pub fn target(id: &str) -> TargetKey {
    TargetKey { id: id.to_owned(), port: 8080 }
}

pub fn new_target_group() -> NewTargetGroup {
    NewTargetGroup {
        name: "checkout".to_owned(),
        vpc: "vpc-1".into(),
        protocol: Protocol::Http,
        protocol_version: Some(ProtocolVersion::Grpc),
        port: 8080,
        target_type: TargetType::Ip,
        health_check: HealthCheck {
            path: Some("/svc/Check".to_owned()),
            matcher: Some(Matcher::Grpc("0".to_owned())),
            port: Some(HealthPort::Fixed(9090)),
            interval: Some(15),
            ..HealthCheck::default()
        },
        tags: mark(),
    }
}

#[tokio::test]
async fn a_new_target_group_has_the_declared_fields_and_the_mark() {
    let action = Action::CreateTargetGroup(new_target_group());
    let (script, done) = perform(action, |request| {
        let arn = format!("<TargetGroups><member><TargetGroupArn>{TG}</TargetGroupArn></member></TargetGroups>");
        (request.operation == "CreateTargetGroup").then(|| script::result("CreateTargetGroup", &arn))
    })
    .await;
    assert_eq!(done, Ok(Performed::Done(Some(Output::TargetGroup(TargetGroupArn::from(TG))))));
    assert_eq!(
        script.only("CreateTargetGroup").members(),
        [
            ("HealthCheckIntervalSeconds", "15"),
            ("HealthCheckPath", "/svc/Check"),
            ("HealthCheckPort", "9090"),
            ("Matcher.GrpcCode", "0"),
            ("Name", "checkout"),
            ("Port", "8080"),
            ("Protocol", "HTTP"),
            ("ProtocolVersion", "GRPC"),
            ("Tags.member.1.Key", "portolan.dev/fleet"),
            ("Tags.member.1.Value", "harbour"),
            ("Tags.member.2.Key", "portolan.dev/object"),
            ("Tags.member.2.Value", "TargetGroup/checkout"),
            ("TargetType", "ip"),
            ("VpcId", "vpc-1"),
        ]
    );
}

#[tokio::test]
async fn a_health_check_is_changed_in_the_given_fields_alone() {
    let health_check = HealthCheck {
        path: Some("/healthz".to_owned()),
        matcher: Some(Matcher::Http("200-299".to_owned())),
        port: Some(HealthPort::Traffic),
        unhealthy_threshold: Some(3),
        ..HealthCheck::default()
    };
    let request = sent(Action::ModifyTargetGroup { target_group: TG.into(), health_check }, |_| None).await;
    assert_eq!(
        request.members(),
        [
            ("HealthCheckPath", "/healthz"),
            ("HealthCheckPort", "traffic-port"),
            ("Matcher.HttpCode", "200-299"),
            ("TargetGroupArn", TG),
            ("UnhealthyThresholdCount", "3"),
        ]
    );
}

#[tokio::test]
async fn attributes_are_sent_by_key() {
    let attributes = BTreeMap::from([("deregistration_delay.timeout_seconds".to_owned(), "30".to_owned())]);
    let request = sent(Action::ModifyTargetGroupAttributes { target_group: output(), attributes }, |_| None).await;
    assert_eq!(
        request.members(),
        [
            ("Attributes.member.1.Key", "deregistration_delay.timeout_seconds"),
            ("Attributes.member.1.Value", "30"),
            ("TargetGroupArn", TG),
        ]
    );
}

pub fn conditions() -> Conditions {
    let header = HeaderCondition { name: "x-beta".to_owned(), values: BTreeSet::from(["on".to_owned()]) };
    let pairs = [(Some("v".to_owned()), "2".to_owned()), (None, "debug".to_owned())];
    Conditions {
        hosts: BTreeSet::from(["app.example.com".to_owned()]),
        paths: BTreeSet::from(["/api/*".to_owned()]),
        methods: BTreeSet::from(["GET".to_owned()]),
        source_ips: BTreeSet::from(["10.0.0.0/8".parse().unwrap()]),
        headers: BTreeSet::from([header]),
        queries: BTreeSet::from([QueryCondition { pairs: BTreeSet::from(pairs) }]),
        unsayable: Vec::new(),
    }
}

const CONDITIONS: [(&str, &str); 16] = [
    ("Conditions.member.1.Field", "host-header"),
    ("Conditions.member.1.HostHeaderConfig.Values.member.1", "app.example.com"),
    ("Conditions.member.2.Field", "path-pattern"),
    ("Conditions.member.2.PathPatternConfig.Values.member.1", "/api/*"),
    ("Conditions.member.3.Field", "http-request-method"),
    ("Conditions.member.3.HttpRequestMethodConfig.Values.member.1", "GET"),
    ("Conditions.member.4.Field", "source-ip"),
    ("Conditions.member.4.SourceIpConfig.Values.member.1", "10.0.0.0/8"),
    ("Conditions.member.5.Field", "http-header"),
    ("Conditions.member.5.HttpHeaderConfig.HttpHeaderName", "x-beta"),
    ("Conditions.member.5.HttpHeaderConfig.Values.member.1", "on"),
    ("Conditions.member.6.Field", "query-string"),
    ("Conditions.member.6.QueryStringConfig.Values.member.1.Value", "debug"),
    ("Conditions.member.6.QueryStringConfig.Values.member.2.Key", "v"),
    ("Conditions.member.6.QueryStringConfig.Values.member.2.Value", "2"),
    ("ListenerArn", LISTENER),
];

#[tokio::test]
async fn a_new_rule_forwards_by_target_group_arn_and_bears_the_mark() {
    let action = Action::CreateRule {
        listener: LISTENER.into(),
        priority: 100,
        conditions: conditions(),
        target_group: output(),
        tags: mark(),
    };
    let request = sent(action, |_| None).await;
    let mut expected = vec![("Actions.member.1.TargetGroupArn", TG), ("Actions.member.1.Type", "forward")];
    expected.extend(CONDITIONS);
    expected.extend([
        ("Priority", "100"),
        ("Tags.member.1.Key", "portolan.dev/fleet"),
        ("Tags.member.1.Value", "harbour"),
        ("Tags.member.2.Key", "portolan.dev/object"),
        ("Tags.member.2.Value", "TargetGroup/checkout"),
    ]);
    assert_eq!(request.members(), expected);
}

/// `DescribeRules` of one rule with these actions.
pub fn rule(actions: &str) -> Answer {
    let inner = format!(
        "<Rules><member><RuleArn>{RULE}</RuleArn><Priority>100</Priority><IsDefault>false</IsDefault>\
         <Conditions><member><Field>path-pattern</Field><Values><member>/api/*</member></Values></member></Conditions>\
         <Actions>{actions}</Actions></member></Rules>"
    );
    script::result("DescribeRules", &inner)
}

/// What a plan made from [`rule`] believes.
pub fn believed(actions: RuleActions) -> RuleBelief {
    let paths = BTreeSet::from(["/api/*".to_owned()]);
    RuleBelief { priority: 100, conditions: Conditions { paths, ..Conditions::default() }, actions }
}

pub fn forward(arn: &str) -> String {
    format!("<member><Type>forward</Type><TargetGroupArn>{arn}</TargetGroupArn></member>")
}

#[tokio::test]
async fn a_forward_is_replaced_and_conditions_are_left_out() {
    let edit = RuleEdit { forward: Some(known()), conditions: None };
    let action = Action::ModifyRule { rule: RULE.into(), edit, expect: believed(forwards_to("old")) };
    let request = sent(action, |request| (request.operation == "DescribeRules").then(|| rule(&forward("old")))).await;
    assert_eq!(
        request.members(),
        [("Actions.member.1.TargetGroupArn", TG), ("Actions.member.1.Type", "forward"), ("RuleArn", RULE)]
    );
}

#[tokio::test]
async fn conditions_are_replaced_and_actions_are_left_out() {
    let paths = BTreeSet::from(["/new/*".to_owned()]);
    let edit = RuleEdit { forward: None, conditions: Some(Conditions { paths, ..Conditions::default() }) };
    let action = Action::ModifyRule { rule: RULE.into(), edit, expect: believed(forwards_to(TG)) };
    let request = sent(action, |request| (request.operation == "DescribeRules").then(|| rule(&forward(TG)))).await;
    assert_eq!(
        request.members(),
        [
            ("Conditions.member.1.Field", "path-pattern"),
            ("Conditions.member.1.PathPatternConfig.Values.member.1", "/new/*"),
            ("RuleArn", RULE),
        ]
    );
}

#[tokio::test]
async fn a_login_before_the_forward_is_carried_over_without_its_secret() {
    let actions = "<member><Type>forward</Type><Order>2</Order><ForwardConfig><TargetGroups>\
                   <member><TargetGroupArn>old</TargetGroupArn><Weight>1</Weight></member></TargetGroups>\
                   <TargetGroupStickinessConfig><Enabled>false</Enabled></TargetGroupStickinessConfig>\
                   </ForwardConfig></member>\
                   <member><Type>authenticate-oidc</Type><Order>1</Order><AuthenticateOidcConfig>\
                   <Issuer>https://id.example.com</Issuer><ClientId>portolan</ClientId><Scope>openid</Scope>\
                   <TokenEndpoint>https://id.example.com/t</TokenEndpoint>\
                   <AuthorizationEndpoint>https://id.example.com/a</AuthorizationEndpoint>\
                   <UserInfoEndpoint>https://id.example.com/u</UserInfoEndpoint>\
                   </AuthenticateOidcConfig></member>";
    let expect = believed(RuleActions { login: true, ..forwards_to("old") });
    let edit = RuleEdit { forward: Some(known()), conditions: None };
    let action = Action::ModifyRule { rule: RULE.into(), edit, expect };
    let request = sent(action, move |request| (request.operation == "DescribeRules").then(|| rule(actions))).await;
    assert_eq!(
        request.members(),
        [
            ("Actions.member.1.AuthenticateOidcConfig.AuthorizationEndpoint", "https://id.example.com/a"),
            ("Actions.member.1.AuthenticateOidcConfig.ClientId", "portolan"),
            ("Actions.member.1.AuthenticateOidcConfig.Issuer", "https://id.example.com"),
            ("Actions.member.1.AuthenticateOidcConfig.Scope", "openid"),
            ("Actions.member.1.AuthenticateOidcConfig.TokenEndpoint", "https://id.example.com/t"),
            ("Actions.member.1.AuthenticateOidcConfig.UseExistingClientSecret", "true"),
            ("Actions.member.1.AuthenticateOidcConfig.UserInfoEndpoint", "https://id.example.com/u"),
            ("Actions.member.1.Order", "1"),
            ("Actions.member.1.Type", "authenticate-oidc"),
            ("Actions.member.2.Order", "2"),
            ("Actions.member.2.TargetGroupArn", TG),
            ("Actions.member.2.Type", "forward"),
            ("RuleArn", RULE),
        ]
    );
}

#[tokio::test]
async fn all_moves_of_a_listener_are_one_call() {
    let priorities = BTreeMap::from([("r-1".into(), 20), ("r-2".into(), 10)]);
    let expect = BTreeMap::from([("r-1".into(), 100), ("r-2".into(), 100)]);
    let standing = |request: &Request| (request.operation == "DescribeRules").then(|| rule(&forward(TG)));
    let action = |expect| {
        let priorities = priorities.clone();
        Action::SetRulePriorities { listener: LISTENER.into(), priorities, expect }
    };
    let request = sent(action(expect), standing).await;
    assert_eq!(
        request.members(),
        [
            ("RulePriorities.member.1.Priority", "20"),
            ("RulePriorities.member.1.RuleArn", "r-1"),
            ("RulePriorities.member.2.Priority", "10"),
            ("RulePriorities.member.2.RuleArn", "r-2"),
        ]
    );
    let moved_since = BTreeMap::from([("r-1".into(), 99)]);
    let (script, done) = perform(action(moved_since), standing).await;
    assert!(matches!(done, Ok(Performed::Stale(_))), "{done:?}");
    assert_eq!(script.sent("SetRulePriorities").len(), 0);
}

#[tokio::test]
async fn a_default_action_names_another_target_group_with_weight_0() {
    let action = Action::ModifyListener {
        listener: LISTENER.into(),
        target_group: known(),
        idle: Some(Ref::Known("old".into())),
        expect: forwards_to("old"),
    };
    let request = sent(action, |request| {
        let inner = format!(
            "<Listeners><member><ListenerArn>{LISTENER}</ListenerArn><DefaultActions>{}</DefaultActions></member></Listeners>",
            forward("old")
        );
        (request.operation == "DescribeListeners").then(|| script::result("DescribeListeners", &inner))
    })
    .await;
    assert_eq!(
        request.members(),
        [
            ("DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn", TG),
            ("DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.Weight", "1"),
            ("DefaultActions.member.1.ForwardConfig.TargetGroups.member.2.TargetGroupArn", "old"),
            ("DefaultActions.member.1.ForwardConfig.TargetGroups.member.2.Weight", "0"),
            ("DefaultActions.member.1.Type", "forward"),
            ("ListenerArn", LISTENER),
        ]
    );
}

#[tokio::test]
async fn a_default_action_becomes_a_forward() {
    let action = Action::ModifyListener {
        listener: LISTENER.into(),
        target_group: known(),
        idle: None,
        expect: forwards_to("old"),
    };
    let request = sent(action, |request| {
        let inner = format!(
            "<Listeners><member><ListenerArn>{LISTENER}</ListenerArn><DefaultActions>{}</DefaultActions></member></Listeners>",
            forward("old")
        );
        (request.operation == "DescribeListeners").then(|| script::result("DescribeListeners", &inner))
    })
    .await;
    assert_eq!(
        request.members(),
        [
            ("DefaultActions.member.1.TargetGroupArn", TG),
            ("DefaultActions.member.1.Type", "forward"),
            ("ListenerArn", LISTENER)
        ]
    );
}

#[tokio::test]
async fn targets_are_registered_two_hundred_at_a_time() {
    let targets = (0..250).map(|number| StaticTarget {
        key: target(&format!("10.0.{}.{}", number / 250, number % 250)),
        zone: (number == 0).then(|| "all".to_owned()),
    });
    let action = Action::RegisterTargets { target_group: known(), targets: targets.collect() };
    let (script, done) = perform(action, |_| None).await;
    assert_eq!(done, Ok(Performed::Done(None)));
    let [first, second] = script.requests().try_into().unwrap();
    assert_eq!(first.member("Targets.member.1.AvailabilityZone"), Some("all"));
    assert_eq!(first.member("Targets.member.200.Port"), Some("8080"));
    assert_eq!(first.member("Targets.member.201.Port"), None);
    assert_eq!(second.member("Targets.member.50.Id"), Some("10.0.0.249"));
}

pub fn ingress(source: RuleSource) -> Action {
    Action::AuthorizeSecurityGroupIngress {
        group: "sg-1".into(),
        protocol: IpProtocol::Tcp,
        ports: PortRange { from: 8080, to: 8081 },
        source,
        description: Some("load balancer public".to_owned()),
        tags: mark(),
    }
}

#[tokio::test]
async fn an_ingress_rule_has_its_description_on_the_source_and_the_mark_on_itself() {
    let group = RuleSource::Group("sg-lb".into());
    let cases = [
        (group, "IpPermissions.1.Groups.1.Description", "IpPermissions.1.Groups.1.GroupId", "sg-lb"),
        (
            RuleSource::Cidr("10.20.0.0/16".parse().unwrap()),
            "IpPermissions.1.IpRanges.1.Description",
            "IpPermissions.1.IpRanges.1.CidrIp",
            "10.20.0.0/16",
        ),
        (
            RuleSource::Cidr("fd00::/8".parse().unwrap()),
            "IpPermissions.1.Ipv6Ranges.1.Description",
            "IpPermissions.1.Ipv6Ranges.1.CidrIpv6",
            "fd00::/8",
        ),
    ];
    for (source, description, member, value) in cases {
        let request = sent(ingress(source), |_| None).await;
        let mut expected = vec![
            ("GroupId", "sg-1"),
            ("IpPermissions.1.FromPort", "8080"),
            ("IpPermissions.1.IpProtocol", "tcp"),
            ("IpPermissions.1.ToPort", "8081"),
            (description, "load balancer public"),
            (member, value),
            ("TagSpecification.1.ResourceType", "security-group-rule"),
            ("TagSpecification.1.Tag.1.Key", "portolan.dev/fleet"),
            ("TagSpecification.1.Tag.1.Value", "harbour"),
            ("TagSpecification.1.Tag.2.Key", "portolan.dev/object"),
            ("TagSpecification.1.Tag.2.Value", "TargetGroup/checkout"),
        ];
        expected.sort_unstable();
        assert_eq!(request.members(), expected);
    }
}
