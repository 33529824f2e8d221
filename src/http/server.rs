//! Connections, with bounds: how long one may take, how many there are, how much of a request is read. A client that stalls
//! must never use up the descriptors that calls to AWS need.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// From the first byte of a request to the last of its headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// From the accept to the last byte of the answer: each connection carries one request.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(15);

/// Most connections. One more closes the oldest: a request that is well needs milliseconds, so the oldest is the one that
/// stalls, and probes are answered however many others stall.
const CONNECTIONS: usize = 64;

/// Most bytes of a request line with its headers; more is answered 431.
const HEADER_BYTES: usize = 16 << 10;

/// Most header fields; more is answered 431.
const HEADERS: usize = 64;

/// Pause after the system refused a connection, for example because there are no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Serves HTTP/1.1 until `stop`; requests that were read by then are answered.
pub(super) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let (mut open, tasks) = (VecDeque::<AbortHandle>::with_capacity(CONNECTIONS), TaskTracker::new());
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let Some(stream) = take(accepted).await else { continue };
        open.retain(|connection| !connection.is_finished());
        if open.len() >= CONNECTIONS
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        let connection = answer(stream, router.clone(), stop.clone());
        open.push_back(tasks.spawn(connection).abort_handle());
    }
    tasks.close();
    tasks.wait().await;
}

/// The stream, if there is one. A client that has gone already is no reason to wait.
async fn take<A>(accepted: io::Result<(TcpStream, A)>) -> Option<TcpStream> {
    match accepted {
        Ok((stream, _)) => Some(stream),
        Err(error) if is_of_the_client(&error) => None,
        Err(error) => {
            tracing::warn!(error = error.to_string(), "cannot accept an HTTP connection");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

async fn answer(stream: TcpStream, router: Router, stop: CancellationToken) {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).keep_alive(false);
    builder.max_buf_size(HEADER_BYTES).max_headers(HEADERS);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    // How it ended is the client's affair: it stalled, sent what is no HTTP, or went away.
    let _ = tokio::time::timeout(CONNECTION_TIMEOUT, async {
        tokio::select! {
            biased;
            ended = connection.as_mut() => return ended,
            () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        connection.await
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// A server, and its address.
    async fn served(stop: &CancellationToken) -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new()
            .route("/", get(async || "ok"))
            .route("/body", post(async |body: axum::body::Bytes| body.len().to_string()));
        tokio::spawn(serve(listener, router, stop.clone()));
        address
    }

    /// All that is answered until the server closes the connection.
    async fn answered(stream: &mut TcpStream) -> String {
        let mut answer = Vec::new();
        // A reset is an end as well.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).expect("text")
    }

    async fn ask(address: std::net::SocketAddr, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("it is sent");
        stream
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_stalls_is_closed() {
        let address = served(&CancellationToken::new()).await;
        for begun in [
            "",
            "GET",
            "GET / HTTP/1.1\r\nhost: x\r\n",
            "POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf",
        ] {
            let mut stream = ask(address, begun).await;
            assert!(!answered(&mut stream).await.contains("200 OK"), "{begun:?}");
        }
    }

    #[tokio::test]
    async fn a_connection_carries_one_request() {
        let address = served(&CancellationToken::new()).await;
        let twice = "GET / HTTP/1.1\r\nhost: x\r\n\r\n".repeat(2);
        let answer = answered(&mut ask(address, &twice).await).await;
        assert_eq!(answer.matches("200 OK").count(), 1, "{answer}");
    }

    #[tokio::test]
    async fn however_many_stall_the_next_is_answered() {
        let address = served(&CancellationToken::new()).await;
        let mut stalled = Vec::new();
        for _ in 0..2 * CONNECTIONS {
            stalled.push(ask(address, "GET / HTTP/1.1\r\n").await);
        }
        let mut next = ask(address, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(answered(&mut next).await.starts_with("HTTP/1.1 200 OK"));
        assert_eq!(answered(&mut stalled[0]).await, "", "the oldest was closed for it");
    }

    #[tokio::test]
    async fn what_is_too_large_or_no_http_1_is_refused() {
        let address = served(&CancellationToken::new()).await;
        let long = format!("GET / HTTP/1.1\r\nhost: x\r\nlong: {}\r\n\r\n", "x".repeat(2 * HEADER_BYTES));
        let many = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(2 * HEADERS));
        for large in [long, many] {
            let answer = answered(&mut ask(address, &large).await).await;
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
        }
        let answer = answered(&mut ask(address, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await).await;
        assert!(!answer.contains("200"), "{answer}");
    }

    #[tokio::test]
    async fn it_ends_with_the_service() {
        let stop = CancellationToken::new();
        let address = served(&stop).await;
        let mut idle = ask(address, "").await;
        stop.cancel();
        assert_eq!(answered(&mut idle).await, "");
    }
}
