//! `portolan trace`: the path from listener to container, for a manifest or a live cluster.

use std::collections::BTreeSet;

use super::args::{Global, Inputs, Output, TraceArgs};
use super::exit::Exit;
use super::failure::{Answer, Failure};
use super::progress::{self, Needed};
use super::run::{Run, aws_now, check_credentials, clients, now};
use super::signals::Signals;
use super::terminal::{Terminal, note};
use super::{cluster, named, usage};
use crate::aws::Reader;
use crate::model::{Desired, Gap, Observed};
use crate::pass;
use crate::plan::{Policy, plan};
use crate::report::{Traced, json, text};
use crate::survey::outline;
use crate::trace::{Asked, Trace, Verdict, Witness, trace};
use crate::yaml::nearest;

mod question;

/// Runs `portolan trace`.
pub async fn paths(
    args: &TraceArgs,
    inputs: &Inputs,
    global: &Global,
    terminal: Terminal,
    signals: &Signals,
) -> Result<Answer, Failure> {
    let mut asked = question::asked(args)?;
    let run = match &args.cluster {
        Some(cluster) if inputs.files.is_empty() => found(cluster, global, terminal, signals).await?,
        Some(_) => return Err(Failure::new("--cluster traces a live cluster and cannot be combined with -f", None)),
        None => {
            if let Some(file) = args.path.as_ref().filter(|path| inputs.files.is_empty() && usage::is_file(path)) {
                let hint = usage::named_by_option("trace", file);
                return Err(Failure::new(format!("{file} is not a service"), Some(hint)));
            }
            asked.is_manifest = true;
            Run::open(global, terminal, signals, inputs, false, &[]).await?
        }
    };
    if let Some(path) = &args.path {
        choose(path, &mut asked, &run.desired)?;
    }
    let look = run.look_around().await?;
    let traced = if args.planned {
        planned(&run, &look.observed, &asked)
    } else {
        let at = aws_now(&run.clients);
        let mut traced = trace(&run.desired, &look.observed, &asked, at);
        if asked.is_manifest {
            pass::link(&run.desired, &look.observed, &look.plan, &asked, at, &mut traced);
        }
        traced
    };
    let gaps = look.observed.gaps.iter().chain(&look.observed.gaps_around).cloned().collect();
    Ok(answer(args, &run, &traced, &gaps))
}

/// The state after the plan, including steps that would break a path: `--planned` exists to show those.
fn planned(run: &Run<'_>, observed: &Observed, asked: &Asked) -> Trace {
    let plan = plan(&run.desired, observed, &run.policy, now());
    let later = pass::after(&plan.steps, observed);
    let mut traced = trace(&run.desired, &later, asked, aws_now(&run.clients));
    if !plan.steps.is_empty() {
        for path in &mut traced.paths {
            path.witness = (Witness::Silent, "the planned state is not live yet".to_owned());
        }
    }
    traced
}

/// A run on the live state of a cluster.
async fn found<'a>(
    cluster: &str,
    global: &'a Global,
    terminal: Terminal,
    signals: &'a Signals,
) -> Result<Run<'a>, Failure> {
    let clients = clients(None, global).await?;
    let scope = cluster::scope(&[cluster.to_owned()], &[])?;
    check_credentials(&clients, global).await?;
    let observed = tokio::select! {
        biased;
        () = signals.token().cancelled() => {
            return Err(Failure::interrupted(signals.exit().unwrap_or(Exit::Interrupted)));
        }
        observed = async { pass::observe_scope(&scope, &Reader::new(&clients)).await } => observed,
        never = progress::show(terminal, Needed::default(), clients.region(), clients.calls()) => match never {},
    };
    let desired = outline(&observed, &scope, clients.region()).map_err(cluster::failure)?;
    Ok(Run::on(clients, global, terminal, signals, desired, Policy::default()))
}

/// Limits the trace to the service and port with these names.
fn choose(path: &str, asked: &mut Asked, desired: &Desired) -> Result<(), Failure> {
    let (key, port) = named::service_and_port(path, desired)?;
    let ports = desired.services.get(&key).into_iter().flat_map(|service| service.ports.iter().flatten());
    let ports: Vec<&str> = ports.map(|port| port.name.as_str()).collect();
    if let Some(port) = port.as_ref().filter(|port| !ports.contains(&port.as_str())) {
        let hint = match nearest(port, ports.iter().copied()) {
            Some(near) => format!("did you mean {key}/{near}?"),
            None => format!("its ports: {}", ports.join(", ")),
        };
        return Err(Failure::new(format!("service {key} has no port {port}"), Some(hint)));
    }
    (asked.service, asked.port) = (Some(key), port);
    Ok(())
}

fn answer(args: &TraceArgs, run: &Run<'_>, traced: &Trace, gaps: &BTreeSet<(String, Gap)>) -> Answer {
    let shown = if args.broken { Traced::not_known_reachable(traced) } else { Traced::from(traced) };
    let texts = run.global.outputs.render(run.terminal.answer, |form, style| match form.output() {
        Output::Text => text::render_trace(&shown, gaps, style),
        Output::Json => json::render_trace(&shown, gaps, run.clients.calls().snapshot()),
    });
    let exit = match traced.verdict() {
        Verdict::Broken => Exit::Difference,
        Verdict::Unknown if traced.is_unknown() && run.global.strict => Exit::Incomplete,
        Verdict::Unknown | Verdict::Reachable | Verdict::Standby => Exit::Sound,
    };
    if traced.verdict() == Verdict::Unknown && traced.is_unknown() && !run.global.strict {
        note("portolan: some hops could not be examined; --strict makes that exit 3");
    }
    let headline = text::trace_summary(traced).trim_end_matches('.').to_owned();
    Answer { texts, headline: Some(headline), exit }
}
