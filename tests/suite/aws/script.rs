//! AWS as a function: every request of the SDK is kept, and answered by a closure. For what no emulator shows:
//! pages, batches, failures, denials.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use http_body::{Body, Frame};
use portolan::aws::Clients;
use serde_json::Value;

use crate::moto::{REGION, credentials};

/// A request as it went out.
#[derive(Clone, Debug)]
pub struct Request {
    /// The operation's name.
    pub operation: String,
    /// The members of a JSON request; null for the others.
    pub json: Value,
    /// The members of a query request; empty for the others.
    pub form: BTreeMap<String, String>,
}

impl Request {
    /// A member of a query request.
    pub fn member(&self, name: &str) -> Option<&str> {
        self.form.get(name).map(String::as_str)
    }

    /// The members of a query request without the protocol's own.
    pub fn members(&self) -> Vec<(&str, &str)> {
        let own = |name: &str| matches!(name, "Action" | "Version");
        self.form.iter().filter(|(name, _)| !own(name)).map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

/// What AWS says.
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    body: String,
    /// The body does not come to its end.
    stalls: bool,
}

impl Answer {
    fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into(), stalls: false }
    }

    fn into_body(self) -> SdkBody {
        if self.stalls { SdkBody::from_body_1_x(Stalling) } else { SdkBody::from(self.body) }
    }
}

/// A body of which nothing ever comes.
struct Stalling;

impl Body for Stalling {
    type Data = bytes::Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Poll::Pending
    }
}

/// 200 and a JSON body.
pub fn json(body: Value) -> Answer {
    Answer::new(200, body.to_string())
}

/// 200 and an XML body.
pub fn xml(body: impl Into<String>) -> Answer {
    Answer::new(200, body)
}

/// 200, and nothing after the headers.
pub fn stalling() -> Answer {
    Answer { stalls: true, ..Answer::new(200, "") }
}

/// An answer of ELB or STS: `<FooResponse><FooResult>…`
pub fn result(operation: &str, inner: &str) -> Answer {
    xml(format!("<{operation}Response><{operation}Result>{inner}</{operation}Result></{operation}Response>"))
}

/// An answer of EC2: `<FooResponse>…`
pub fn response(operation: &str, inner: &str) -> Answer {
    xml(format!("<{operation}Response>{inner}</{operation}Response>"))
}

/// An error of ECS or Application Auto Scaling.
pub fn json_error(status: u16, code: &str, message: &str) -> Answer {
    Answer::new(status, serde_json::json!({"__type": code, "message": message}).to_string())
}

/// An error of ELB or STS.
pub fn elb_error(status: u16, code: &str, message: &str) -> Answer {
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
    Answer::new(status, format!("<ErrorResponse>{error}<RequestId>r-1</RequestId></ErrorResponse>"))
}

/// An error of EC2.
pub fn ec2_error(status: u16, code: &str, message: &str) -> Answer {
    let error = format!("<Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>");
    Answer::new(status, format!("<Response>{error}<RequestID>r-1</RequestID></Response>"))
}

/// An answer that is not AWS's at all.
pub fn page(status: u16) -> Answer {
    Answer::new(status, "<html><body>no such thing</body></html>")
}

/// The list that AWS sends even when there is nothing in it.
const EMPTY: [(&str, &str); 29] = [
    ("DescribeClusters", "clusters"),
    ("DescribeServices", "services"),
    ("DescribeTasks", "tasks"),
    ("DescribeContainerInstances", "containerInstances"),
    ("DescribeServiceRevisions", "serviceRevisions"),
    ("ListClusters", "clusterArns"),
    ("ListServices", "serviceArns"),
    ("ListTasks", "taskArns"),
    ("ListServiceDeployments", "serviceDeployments"),
    ("DescribeScalableTargets", "ScalableTargets"),
    ("DescribeLoadBalancers", "LoadBalancers"),
    ("DescribeLoadBalancerAttributes", "Attributes"),
    ("DescribeListeners", "Listeners"),
    ("DescribeRules", "Rules"),
    ("DescribeTargetGroups", "TargetGroups"),
    ("DescribeTargetGroupAttributes", "Attributes"),
    ("DescribeTargetHealth", "TargetHealthDescriptions"),
    ("DescribeAccountLimits", "Limits"),
    ("DescribeTags", "TagDescriptions"),
    ("DescribeVpcs", "vpcSet"),
    ("DescribeSubnets", "subnetSet"),
    ("DescribeSecurityGroups", "securityGroupInfo"),
    ("DescribeSecurityGroupRules", "securityGroupRuleSet"),
    ("DescribeNetworkInterfaces", "networkInterfaceSet"),
    ("DescribeInstances", "reservationSet"),
    ("DescribeNetworkAcls", "networkAclSet"),
    ("DescribeRouteTables", "routeTableSet"),
    ("DescribeVpcEndpointServiceConfigurations", "serviceConfigurationSet"),
    ("GetManagedPrefixListEntries", "entrySet"),
];

/// An answer with nothing in it, good for every operation.
pub fn empty(request: &Request) -> Answer {
    if request.operation == "DescribeTags" {
        return untagged(request);
    }
    let operation = request.operation.as_str();
    match EMPTY.iter().find(|(name, _)| *name == operation) {
        Some((_, member)) if request.form.is_empty() => json(serde_json::json!({*member: []})),
        Some((_, member)) if member.ends_with("Set") || member.ends_with("Info") => {
            response(operation, &format!("<{member}/>"))
        }
        Some((_, member)) => result(operation, &format!("<{member}/>")),
        None if operation == "GetCallerIdentity" => result(operation, "<Account>123456789012</Account>"),
        None if operation == "DescribeTaskDefinition" => {
            let arn = &request.json["taskDefinition"];
            json(serde_json::json!({"taskDefinition": {"taskDefinitionArn": arn, "containerDefinitions": []}}))
        }
        None if request.form.is_empty() => json(serde_json::json!({})),
        None => result(operation, ""),
    }
}

/// Stands for the first resource that was asked for, which AWS names in its answer.
pub const ASKED: &str = "the-first-resource-asked-for";

/// AWS names every resource that it was asked for, tags or not.
fn untagged(request: &Request) -> Answer {
    let arns = request.form.iter().filter(|(name, _)| name.starts_with("ResourceArns.member."));
    let members: String =
        arns.map(|(_, arn)| format!("<member><ResourceArn>{arn}</ResourceArn><Tags/></member>")).collect();
    result("DescribeTags", &format!("<TagDescriptions>{members}</TagDescriptions>"))
}

type Answering = dyn Fn(&Request) -> Answer + Send + Sync;

/// AWS as a function.
#[derive(Clone)]
pub struct Script {
    answering: Arc<Answering>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

impl Script {
    /// Answers each request by the closure.
    pub fn new(answering: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self { answering: Arc::new(answering), requests: Arc::default() }
    }

    /// Portolan's clients.
    pub fn clients(&self) -> Clients {
        Clients::new(&self.config()).unwrap()
    }

    /// For clients of the SDK itself.
    pub fn config(&self) -> SdkConfig {
        let connector = SharedHttpConnector::new(self.clone());
        let http = http_client_fn(move |_settings, _components| connector.clone());
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(REGION))
            .credentials_provider(credentials())
            .http_client(http)
            .build()
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The requests of one operation.
    pub fn sent(&self, operation: &str) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.operation == operation).collect()
    }

    /// The one request of one operation.
    pub fn only(&self, operation: &str) -> Request {
        let mut sent = self.sent(operation);
        assert_eq!(sent.len(), 1, "{operation} was sent {} times", sent.len());
        sent.remove(0)
    }
}

impl HttpConnector for Script {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = read(&request);
        self.requests.lock().unwrap().push(request.clone());
        let mut answer = (self.answering)(&request);
        if let Some(arn) = request.form.get("ResourceArns.member.1") {
            answer.body = answer.body.replace(ASKED, arn);
        }
        let status = StatusCode::try_from(answer.status).unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, answer.into_body())))
    }
}

fn read(request: &HttpRequest) -> Request {
    let body = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
    if let Some(target) = request.headers().get("x-amz-target") {
        let operation = target.rsplit('.').next().unwrap().to_owned();
        return Request { operation, json: serde_json::from_str(&body).unwrap(), form: BTreeMap::new() };
    }
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    let form: BTreeMap<String, String> = pairs.map(|(name, value)| (decode(name), decode(value))).collect();
    Request { operation: form["Action"].clone(), json: Value::Null, form }
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                let digits = std::str::from_utf8(&digits).unwrap().to_owned();
                bytes.push(u8::from_str_radix(&digits, 16).unwrap());
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).unwrap()
}
