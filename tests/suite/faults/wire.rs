//! The SDK's HTTP client of a run: the sandbox's answers, what goes wrong with one of them, and a record of them all.

use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{Request, Response};
use portolan::aws::in_process;
use portolan::sandbox::{self, Shared, World};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::bodies::cut;
use super::kinds::{Kind, Mischief, Protocol, Reach, error, respond};

/// One attempt of a call.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// By IAM's name.
    pub operation: String,
    /// What was asked, as sent.
    pub asked: String,
    pub is_write: bool,
    /// The pass of the run, from 0.
    pub pass: usize,
    /// What went wrong with it.
    pub fault: Option<Mischief>,
    /// It reached AWS and AWS took it.
    pub is_done: bool,
    /// It asked for the count of tasks that was desired already.
    pub is_idle: bool,
    /// Kept in the clean run alone.
    pub answer: Bytes,
}

/// A fault, and the call at which it begins: the number of its attempt in its pass.
#[derive(Clone, Copy, Debug)]
pub struct Armed {
    pub kind: Kind,
    pub pass: usize,
    pub at: usize,
}

/// Called with the world when a changing call was taken.
type Watch = dyn Fn(&World) + Send + Sync;

struct Inner {
    calls: Vec<Exchange>,
    pass: usize,
    /// Attempts of this pass.
    sent: usize,
    armed: Option<Armed>,
    /// The call at which it began.
    begun: Option<(String, String)>,
    past: Option<World>,
    keeps_answers: bool,
}

/// Clones share it.
#[derive(Clone)]
pub struct Wire {
    shared: Shared,
    inner: Arc<Mutex<Inner>>,
    watch: Arc<Watch>,
    /// Whether the process has been ended.
    pub killed: Arc<Notify>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    pub fn new(shared: Shared, armed: Option<Armed>, watch: impl Fn(&World) + Send + Sync + 'static) -> Self {
        let keeps_answers = armed.is_none();
        let inner = Inner { calls: Vec::new(), pass: 0, sent: 0, armed, begun: None, past: None, keeps_answers };
        Self { shared, inner: Arc::new(Mutex::new(inner)), watch: Arc::new(watch), killed: Arc::new(Notify::new()) }
    }

    /// What stale reads tell of.
    pub fn remember(&self, world: World) {
        self.inner().past = Some(world);
    }

    /// A configuration of the SDK that sends here.
    pub fn config(&self) -> SdkConfig {
        let region = self.shared.world().region().to_owned();
        // The function is never asked: the client is replaced.
        let config = in_process::config(&region, |_| Response::new(Bytes::new()));
        config.into_builder().http_client(SharedHttpClient::new(self.clone())).build()
    }

    /// The next pass begins.
    pub fn begin(&self, pass: usize) {
        let mut inner = self.inner();
        (inner.pass, inner.sent) = (pass, 0);
    }

    /// Whether nothing was sent that changed anything.
    pub fn is_untouched(&self) -> bool {
        !self.inner().calls.iter().any(|call| call.is_write && call.is_done)
    }

    pub fn calls(&self) -> Vec<Exchange> {
        self.inner().calls.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What goes wrong with this call.
    fn fault(inner: &mut Inner, operation: &str, asked: &str, is_write: bool) -> Option<Mischief> {
        let armed = inner.armed.filter(|armed| armed.pass == inner.pass)?;
        let at = inner.sent;
        inner.sent += 1;
        if at == armed.at {
            inner.begun = Some((operation.to_owned(), asked.to_owned()));
        }
        let (began, what) = inner.begun.as_ref()?;
        let happens = match armed.kind.reach {
            Reach::Once => at == armed.at,
            Reach::Same => began == operation && what == asked,
            Reach::Operation => began == operation,
            Reach::Pass => true,
        };
        (happens && armed.kind.mischief.suits(operation, is_write)).then_some(armed.kind.mischief)
    }

    fn exchange(&self, request: &Request<Bytes>) -> HttpConnectorFuture {
        let (protocol, operation) = name(request);
        let asked = String::from_utf8_lossy(request.body()).into_owned();
        let bare = operation.split(':').nth(1).unwrap_or_default();
        let is_write = !["Describe", "List", "Get"].iter().any(|prefix| bare.starts_with(prefix));
        let mut inner = self.inner();
        let fault = Self::fault(&mut inner, &operation, &asked, is_write);
        let is_idle = operation == "ecs:UpdateService" && asks_for_the_same(&mut self.shared.world(), &asked);
        let is_told_of_the_past = matches!(fault, Some(Mischief::Stale | Mischief::StaleOwn));
        let answer = match (fault, &mut inner.past) {
            (Some(mischief), _) if !mischief.is_applied() && !is_told_of_the_past => None,
            (Some(_), Some(past)) if is_told_of_the_past => Some(sandbox::answer(past, request)),
            _ => Some(self.shared.answer(request)),
        };
        let is_done = !is_told_of_the_past && answer.as_ref().is_some_and(|answer| answer.status().is_success());
        let kept = answer.as_ref().filter(|_| inner.keeps_answers).map(|answer| answer.body().clone());
        let pass = inner.pass;
        let answer_kept = kept.unwrap_or_default();
        inner.calls.push(Exchange { operation, asked, is_write, pass, fault, is_done, is_idle, answer: answer_kept });
        drop(inner);
        if is_write && is_done {
            (self.watch)(&self.shared.world());
        }
        self.told(protocol, fault, answer)
    }

    /// What the client gets to hear.
    fn told(
        &self,
        protocol: Protocol,
        fault: Option<Mischief>,
        answer: Option<Response<Bytes>>,
    ) -> HttpConnectorFuture {
        let Some(mischief) = fault else { return ready(answer) };
        let lost = || {
            let error = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "connection reset by peer");
            HttpConnectorFuture::ready(Err(ConnectorError::io(Box::new(error))))
        };
        let changed = |body: &dyn Fn(&[u8]) -> Bytes| {
            let answer = answer.clone().filter(|answer| answer.status().is_success());
            ready(answer.map(|answer| {
                let (parts, old) = answer.into_parts();
                Response::from_parts(parts, body(&old))
            }))
        };
        let throttling = match protocol {
            Protocol::Json => (400, "ThrottlingException"),
            Protocol::Query => (400, "Throttling"),
            Protocol::Ec2 => (503, "RequestLimitExceeded"),
        };
        let denial = match protocol {
            Protocol::Json => (400, "AccessDeniedException"),
            Protocol::Query => (403, "AccessDenied"),
            Protocol::Ec2 => (403, "UnauthorizedOperation"),
        };
        match mischief {
            Mischief::Refused | Mischief::Lost => lost(),
            Mischief::Hang | Mischief::HangApplied => HttpConnectorFuture::new(pending()),
            Mischief::Error | Mischief::ErrorApplied => ready(Some(error(protocol, 500, "InternalFailure"))),
            Mischief::Unavailable => ready(Some(error(protocol, 503, "ServiceUnavailable"))),
            Mischief::Throttled => ready(Some(error(protocol, throttling.0, throttling.1))),
            Mischief::Denied => ready(Some(error(protocol, denial.0, denial.1))),
            Mischief::Malformed => ready(Some(respond(200, "text/html", "<html><p>Hello"))),
            Mischief::Empty => changed(&|_| Bytes::new()),
            Mischief::Braces => changed(&|body| super::bodies::braces(body)),
            Mischief::Cut(place) => changed(&|body| cut(body, place)),
            Mischief::Failures => changed(&|body| super::bodies::failures(body)),
            Mischief::Stale | Mischief::StaleOwn => ready(answer),
            Mischief::KillBefore | Mischief::KillAfter => {
                self.killed.notify_one();
                HttpConnectorFuture::new(pending())
            }
        }
    }
}

/// Whether an `UpdateService` changes nothing: it carries the count alone, and that is the count already.
fn asks_for_the_same(world: &mut World, asked: &str) -> bool {
    let asked: Value = serde_json::from_str(asked).unwrap_or_default();
    let is_count_alone =
        asked.as_object().is_some_and(|members| members.len() == 3 && members.contains_key("desiredCount"));
    let named = json!({"cluster": asked["cluster"], "services": [asked["service"]]});
    let read = is_count_alone.then(|| world.call("ecs:DescribeServices", &named).ok()).flatten();
    read.is_some_and(|read| read["services"][0]["desiredCount"] == asked["desiredCount"])
}

fn ready(answer: Option<Response<Bytes>>) -> HttpConnectorFuture {
    let user = |error| ConnectorError::user(Box::new(error));
    let answer = answer.unwrap_or_else(|| respond(500, "text/plain", "nothing"));
    HttpConnectorFuture::ready(HttpResponse::try_from(answer.map(SdkBody::from)).map_err(user))
}

/// The protocol of a request, and its operation by IAM's name.
fn name(request: &Request<Bytes>) -> (Protocol, String) {
    if let Some(target) = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok()) {
        let (of, name) = target.rsplit_once('.').unwrap_or(("", target));
        let service = if of.contains("Container") { "ecs" } else { "application-autoscaling" };
        return (Protocol::Json, format!("{service}:{name}"));
    }
    let body = String::from_utf8_lossy(request.body());
    let field = |name: &str| body.split('&').find_map(|pair| pair.strip_prefix(name)).unwrap_or_default().to_owned();
    let (protocol, service) = match field("Version=").as_str() {
        "2016-11-15" => (Protocol::Ec2, "ec2"),
        "2011-06-15" => (Protocol::Query, "sts"),
        _ => (Protocol::Query, "elasticloadbalancing"),
    };
    (protocol, format!("{service}:{}", field("Action=")))
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let user = |error| ConnectorError::user(Box::new(error));
        let request = request.try_into_http1x().map_err(user);
        match request {
            Ok(request) => self.exchange(&request.map(|body| Bytes::copy_from_slice(body.bytes().unwrap_or_default()))),
            Err(error) => HttpConnectorFuture::ready(Err(error)),
        }
    }
}
