//! `portolan sandbox`: an AWS in memory behind a loopback port.

use std::net::SocketAddr;

use jiff::SignedDuration;

use super::args::SandboxArgs;
use super::exit::Exit;
use super::failure::{Answer, Failure};
use super::form::Texts;
use super::signals::Signals;
use super::terminal::Terminal;
use crate::sandbox::server::Server;
use crate::sandbox::{World, world_file};

/// Serves until a signal comes.
pub async fn serve(args: &SandboxArgs, terminal: Terminal, signals: &Signals) -> Result<Answer, Failure> {
    let mut world = match &args.world {
        None => World::new(1),
        Some(path) => {
            let file = path.display().to_string();
            let text = std::fs::read_to_string(path)
                .map_err(|error| Failure::new(format!("cannot read {file}: {error}"), None))?;
            world_file::load(&file, &text).map_err(|error| Failure::of_world(&error.0))?
        }
    };
    world.settings.buckets |= args.rate_limits;
    if let Some(seconds) = args.lag {
        world.settings.lag = SignedDuration::from_secs(seconds.into());
    }
    let bound = bind(args.port, world, args.speed).await?;
    listen(bound, terminal, signals).await
}

/// A world that has its port, and is not served yet.
pub struct Bound {
    server: Server,
    address: SocketAddr,
    region: String,
}

/// Takes a loopback port for a world; 0 takes a free one.
pub async fn bind(port: u16, world: World, speed: f64) -> Result<Bound, Failure> {
    let region = world.region().to_owned();
    let bound = match Server::bind(port, world, speed).await {
        Ok(server) => server.address().map(|address| Bound { server, address, region }),
        Err(error) => Err(error),
    };
    bound.map_err(|error| {
        let hint = "choose another port with --port; 0 picks a free one";
        Failure::new(format!("cannot listen on loopback port {port}: {error}"), Some(hint.to_owned()))
    })
}

/// Serves until a signal comes, and says how to reach it.
pub async fn listen(bound: Bound, terminal: Terminal, signals: &Signals) -> Result<Answer, Failure> {
    let Bound { server, address, region } = bound;
    terminal.progress(&format!("portolan: in-memory AWS listening on http://{address} until Ctrl-C; to use it:"));
    terminal.progress(&format!(
        "export AWS_ENDPOINT_URL=http://{address} AWS_REGION={region} AWS_DEFAULT_REGION={region} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test"
    ));
    let stop = signals.token().clone();
    let served = server.serve(async move { stop.cancelled().await }).await;
    served.map_err(|error| Failure::new(format!("the sandbox stopped: {error}"), None))?;
    let exit = signals.exit().unwrap_or(Exit::Sound);
    Ok(Answer { texts: Texts::default(), headline: Some("stopped: the sandbox has ended".to_owned()), exit })
}
