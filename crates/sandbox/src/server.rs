//! A world behind a loopback port, for everything that speaks HTTP: the AWS CLI, boto3, Portolan itself.
//!
//! Beside AWS's calls it takes a few of its own under `/_sandbox/`: `advance?seconds=60`, `reset`, `app`, `trace`,
//! `request?host=…&path=…&port=…&loadBalancer=…&from=…`.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::StatusCode;
use jiff::SignedDuration;
use serde::Deserialize;
use tokio::net::TcpListener;

use super::request::Sent;
use super::shared::Shared;
use super::world::World;
use super::world_file;

/// Largest body: AWS takes no larger one either for the calls that are served.
const BODY_LIMIT: usize = 1 << 20;

/// A world that is listened to.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    served: Served,
}

#[derive(Clone, Debug)]
struct Served {
    shared: Shared,
    /// What `reset` goes back to. Behind a pointer, for every request clones this.
    first: Arc<World>,
}

impl Server {
    /// Binds a port of the loopback interface; 0 takes a free one. `speed` is the virtual seconds in a second.
    pub async fn bind(port: u16, world: World, speed: f64) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let served = Served { first: Arc::new(world.clone()), shared: Shared::following(world, speed) };
        Ok(Self { listener, served })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The world.
    pub fn shared(&self) -> Shared {
        self.served.shared.clone()
    }

    /// Serves until `stop` ends.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let router = Router::new()
            .route("/_sandbox/advance", post(advance))
            .route("/_sandbox/reset", post(reset))
            .route("/_sandbox/app", post(app))
            .route("/_sandbox/trace", get(trace))
            .route("/_sandbox/request", get(request))
            .fallback(aws)
            .with_state(self.served);
        axum::serve(self.listener, router).with_graceful_shutdown(stop).await
    }
}

async fn aws(State(served): State<Served>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut response = served.shared.answer(&http::Request::from_parts(parts, body)).map(Body::from);
    // Ages are counted by the clock of the server, and time is virtual here.
    let date = served.shared.world().now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = http::HeaderValue::from_str(&date) {
        response.headers_mut().insert(http::header::DATE, date);
    }
    response
}

#[derive(Deserialize)]
struct Advance {
    seconds: i64,
}

async fn advance(State(served): State<Served>, Query(by): Query<Advance>) -> String {
    let mut world = served.shared.world();
    world.advance(SignedDuration::from_secs(by.seconds.clamp(0, 366 * 24 * 3600)));
    format!("{}\n", world.now())
}

async fn reset(State(served): State<Served>) -> &'static str {
    *served.shared.world() = World::clone(&served.first);
    "reset\n"
}

async fn app(State(served): State<Served>, body: Bytes) -> Response {
    let Ok(text) = std::str::from_utf8(&body) else {
        return (StatusCode::BAD_REQUEST, "the body is not UTF-8 text\n").into_response();
    };
    match world_file::app(text) {
        Ok((image, app)) => {
            served.shared.world().set_app(&image, app);
            "set\n".into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}

async fn trace(State(served): State<Served>) -> String {
    let mut text = served.shared.world().trace().join("\n");
    text.push('\n');
    text
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[serde(default)]
    host: String,
    path: Option<String>,
    port: Option<u16>,
    method: Option<String>,
    load_balancer: Option<String>,
    from: Option<String>,
    transport: Option<String>,
    private_link: Option<bool>,
}

async fn request(State(served): State<Served>, Query(asked): Query<Asked>) -> Response {
    let mut sent = Sent::get(&asked.host, asked.path.as_deref().unwrap_or("/"));
    sent.port = asked.port.unwrap_or(80);
    sent.method = asked.method.unwrap_or_else(|| "GET".to_owned());
    sent.load_balancer = asked.load_balancer;
    sent.by_private_link = asked.private_link.unwrap_or_default();
    match asked.transport.as_deref() {
        None | Some("tcp") => {}
        Some("udp") => sent.by_udp = true,
        Some(other) => {
            let message = format!("transport: \"{other}\" is neither tcp nor udp\n");
            return (StatusCode::BAD_REQUEST, message).into_response();
        }
    }
    if let Some(from) = asked.from {
        match Ipv4Addr::from_str(&from) {
            Ok(from) => sent.from = from,
            Err(error) => return (StatusCode::BAD_REQUEST, format!("from: {error}\n")).into_response(),
        }
    }
    let answered = served.shared.world().request(&sent);
    let answer = serde_json::json!({"code": answered.code, "why": answered.why, "route": answered.route});
    format!("{answer}\n").into_response()
}
