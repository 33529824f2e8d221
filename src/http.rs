//! What the service tells over HTTP: `/healthz`, `/readyz`, `/metrics`, `/api/v1/status`. Nothing that changes state is
//! served, and nothing here asks AWS.

pub mod host;
mod metrics;
mod server;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Version, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::controller::Event;
use crate::controller::status::Board;
use crate::report::text::plain;

use host::AllowedHosts;
use metrics::Metrics;
pub use metrics::Place;

/// The form that Prometheus calls OpenMetrics.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Prometheus's own older form.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What was sent to AWS so far.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Attempts by IAM's name of the action.
    pub sent: BTreeMap<String, u64>,
    /// Those that AWS refused because there were too many.
    pub refused: BTreeMap<String, u64>,
    /// How full the mirrored buckets of calls are, from 0 (the next call waits) to 1.
    pub fill: BTreeMap<String, f64>,
}

/// The counts at this moment.
type Calls = Box<dyn Fn() -> Counts + Send + Sync>;
/// The wall clock.
type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;

/// What is reported; clones share it.
#[derive(Clone)]
pub struct Endpoint(Arc<Told>);

struct Told {
    board: Mutex<Board>,
    metrics: Metrics,
    calls: Calls,
    clock: Clock,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoint")
    }
}

impl Endpoint {
    /// An endpoint behind which nothing has happened yet.
    pub fn new(
        calls: impl Fn() -> Counts + Send + Sync + 'static,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        Self::at(&Place::default(), calls, clock)
    }

    /// As [`Self::new`], with labels that say what the service works on.
    pub fn at(
        place: &Place,
        calls: impl Fn() -> Counts + Send + Sync + 'static,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        let (calls, clock) = (Box::new(calls), Box::new(clock));
        Self(Arc::new(Told { board: Mutex::default(), metrics: Metrics::new(place), calls, clock }))
    }

    /// Takes in what the service tells.
    pub fn tell(&self, event: Event<'_>) {
        match event {
            Event::Passed(desired, pass) => {
                self.board().record(desired, pass);
                self.0.metrics.count(pass);
            }
            Event::Reloaded(_, vanished) => {
                let now = (self.0.clock)();
                let mut board = self.board();
                board.refused = None;
                if let Some(vanished) = vanished {
                    board.note_vanished(vanished, now);
                    self.0.metrics.count_vanished(vanished);
                }
            }
            Event::ChangedByOthers(changes) => {
                self.board().note_foreign(changes);
                self.0.metrics.count_foreign(changes.len());
            }
            Event::Received(tally) => self.0.metrics.count_events(tally),
            Event::Refused(problems) => {
                self.board().refused = Some(problems.first().map(ToString::to_string).unwrap_or_default());
            }
        }
    }

    /// What is known.
    pub fn board(&self) -> MutexGuard<'_, Board> {
        // A board is whole between any two statements, so a panic elsewhere does not spoil it.
        self.0.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text of `/metrics`.
    pub fn metrics(&self) -> String {
        let (calls, now) = ((self.0.calls)(), (self.0.clock)());
        self.0.metrics.render(&self.board(), &calls, now)
    }

    /// Serves until `stop`. Status and metrics are answered to the hosts of `allowed` alone, probes to every name.
    pub async fn serve(self, listener: TcpListener, allowed: AllowedHosts, stop: CancellationToken) {
        server::serve(listener, self.router(allowed), stop).await;
    }

    fn router(self, allowed: AllowedHosts) -> Router {
        Router::new()
            .route("/metrics", get(scrape))
            .route("/api/v1/status", get(status))
            .route_layer(from_fn_with_state(Arc::new(allowed), check_host))
            .route("/healthz", get(async || "ok\n"))
            .route("/readyz", get(ready))
            .layer(from_fn(check_version))
            .with_state(self)
    }
}

/// An HTTP/1.0 request need not say which host it is for, and no client of today sends one.
async fn check_version(request: Request, next: Next) -> Response {
    if request.version() == Version::HTTP_11 {
        return next.run(request).await;
    }
    (StatusCode::HTTP_VERSION_NOT_SUPPORTED, "only HTTP/1.1 is served\n").into_response()
}

async fn check_host(State(allowed): State<Arc<AllowedHosts>>, request: Request, next: Next) -> Response {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let sole = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    };
    // A proxy's form of a request names the host in its target as well, and that one counts (RFC 9112, section 3.2.2).
    let named = [request.uri().authority().map(|authority| authority.as_str()), sole];
    if sole.is_some() && named.into_iter().flatten().all(|host| allowed.allows(host)) {
        return next.run(request).await;
    }
    let why = "this host name is not allowed; use an IP address or localhost, or add it to --allowed-hosts\n";
    (StatusCode::MISDIRECTED_REQUEST, why).into_response()
}

async fn ready(State(endpoint): State<Endpoint>) -> Response {
    let board = endpoint.board();
    // Without the excerpt of the file: this is answered under every host name.
    let refused = board.refused.as_deref().and_then(|problem| problem.lines().next());
    let why = match (refused, board.is_ready, board.gaps.first()) {
        (None, true, _) => return "ready\n".into_response(),
        (Some(problem), ..) => {
            format!("the manifest is not valid; Portolan keeps using the last valid one: {}\n", plain(problem))
        }
        (None, false, Some(gap)) => format!("no complete pass yet: {}\n", plain(gap)),
        (None, false, None) => "no complete pass yet\n".to_owned(),
    };
    (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
}

async fn scrape(State(endpoint): State<Endpoint>, headers: HeaderMap) -> Response {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    if metrics::wants_text(&accepted.collect::<Vec<_>>().join(",")) {
        return ([(header::CONTENT_TYPE, PROMETHEUS_TEXT)], metrics::prometheus_text(&endpoint.metrics()))
            .into_response();
    }
    ([(header::CONTENT_TYPE, OPEN_METRICS)], endpoint.metrics()).into_response()
}

async fn status(State(endpoint): State<Endpoint>) -> Response {
    let text = format!("{:#}\n", endpoint.board().document());
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}
