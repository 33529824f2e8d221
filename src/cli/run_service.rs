//! `portolan run`: the long-lived service.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::args::{Global, Inputs, Listen, RunArgs};
use super::exit::Exit;
use super::failure::{Answer, Failure};
use super::files::Files;
use super::form::Texts;
use super::run::{Run, now};
use super::signals::{Signals, hang_ups};
use super::terminal::Terminal;
use crate::aws::{EventsQueue, Writer};
use crate::controller::event_queue::{self, EventReceiver};
use crate::controller::reachability;
use crate::controller::{Controller, PASS_DEADLINE, Settings};
use crate::http::host::AllowedHosts;
use crate::http::{Counts, Endpoint, Place};
use crate::manifest::{Reads, STDIN};
use crate::model::without_user_info;

/// After a signal, running calls get this long; then the process ends all the same.
const GRACE: Duration = Duration::from_secs(25);

/// Runs until a signal comes.
pub async fn serve(
    args: &RunArgs,
    inputs: &Inputs,
    global: &Global,
    terminal: Terminal,
    signals: &Signals,
) -> Result<Answer, Failure> {
    if inputs.files.iter().any(|path| path == STDIN) {
        let hint = "pass files or folders with -f; the service re-reads them when they change";
        return Err(Failure::new("`portolan run` cannot read its manifest from standard input", Some(hint.to_owned())));
    }
    let inputs = &Inputs { reads: Reads::Repeatedly, ..inputs.clone() };
    let listener = listen(args.listen).await?;
    let run = Run::open(global, terminal, signals, inputs, false, &[]).await?;
    let calls = run.clients.calls().clone();
    let place = Place {
        fleet: run.desired.fleet.name.clone(),
        region: run.clients.region().to_owned(),
        cluster: run.desired.fleet.cluster.clone().unwrap_or_default(),
    };
    let counts = move || Counts { sent: calls.snapshot(), refused: calls.refused(), fill: calls.fill() };
    let endpoint = Endpoint::at(&place, counts, now);
    let stop = CancellationToken::new();
    let serving = listener.map(|listener| {
        let allowed = AllowedHosts::new(args.allowed_hosts.iter().cloned());
        tokio::spawn(endpoint.clone().serve(listener, allowed, stop.clone()))
    });
    let has_ended = work(args, inputs, run, &endpoint).await;
    stop.cancel();
    drop(serving);
    let headline = if has_ended { "stopped" } else { "stopped: the outcome of the last call is unknown" };
    Ok(Answer {
        texts: Texts::default(),
        headline: Some(headline.to_owned()),
        exit: signals.exit().unwrap_or(Exit::Sound),
    })
}

/// Passes until a signal comes; whether what was sent has been answered.
async fn work(args: &RunArgs, inputs: &Inputs, run: Run<'_>, endpoint: &Endpoint) -> bool {
    let Run { desired, clients, reader, signals, sources, .. } = run;
    // The controller reads and keeps the texts itself: they are not held twice for years, nor is the manifest.
    drop(sources);
    let writer = (!args.observe).then(|| Writer::new(&clients));
    let files = Files::new(inputs.clone());
    let settings =
        Settings { interval: args.interval, deadline: PASS_DEADLINE, share: args.elb_share, seed: fastrand::u64(..) };
    let fleet = desired.fleet.name.clone();
    let controller = Controller::new(&reader, writer.as_ref(), &files, now, settings, desired);
    let (reload, token) = (Notify::new(), signals.token());
    let queue = args.events_queue.as_deref().map(|url| EventsQueue::new(&clients, url));
    let (receiver, line) = match &queue {
        Some(queue) => {
            let (receiver, line) = event_queue::connect(queue, clients.region(), fastrand::u64(..));
            (receiver, Some(line))
        }
        None => (EventReceiver::none(), None),
    };
    let (path_tracer, network_reader) = reachability::path_tracer(&reader);
    let mut controller = controller.with_events(receiver).with_path_tracer(path_tracer);
    let receiving = async {
        match line {
            Some(line) => line.run().await,
            None => std::future::pending().await,
        }
    };
    let mut tell = |event: crate::controller::Event<'_>| endpoint.tell(event);
    tracing::info!(
        fleet,
        region = clients.region(),
        observe = args.observe,
        interval = args.interval.as_secs_f64(),
        events = args.events_queue.as_deref().map(without_user_info).as_deref(),
        "running"
    );
    tokio::select! {
        biased;
        never = hang_ups(&reload) => match never {},
        never = receiving => match never {},
        never = network_reader.run() => match never {},
        () = controller.run(&reload, token, &mut tell) => true,
        () = async { token.cancelled().await; tokio::time::sleep(GRACE).await } => false,
    }
}

/// The endpoint's socket, before anything is sent to AWS.
async fn listen(address: Listen) -> Result<Option<TcpListener>, Failure> {
    let Listen::At(address) = address else { return Ok(None) };
    let failed = |error| {
        let hint = "choose another address with --listen, or `--listen none`; port 0 picks a free one";
        Failure::new(format!("cannot listen on {address}: {error}"), Some(hint.to_owned()))
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    announce(listener.local_addr().map_err(failed)?);
    Ok(Some(listener))
}

fn announce(address: SocketAddr) {
    tracing::info!("metrics and status on http://{address}");
    if !address.ip().is_loopback() {
        tracing::warn!(
            "{address} is not a loopback address: any client that reaches it can read the fleet's status without a password"
        );
    }
}
