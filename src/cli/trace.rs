//! `portolan trace`: the path from listener to container, of a manifest or of what stands.

use std::collections::BTreeSet;

use super::args::{Global, Inputs, Output, TraceArgs};
use super::exit::Exit;
use super::failure::{Answer, Failure};
use super::run::{Run, now};
use super::signals::Signals;
use super::stock;
use super::terminal::{Terminal, note};
use crate::apply::Find;
use crate::aws::{Reader, Settings, connect};
use crate::model::{Desired, Gap};
use crate::plan::{Plan, Policy};
use crate::report::{json, text};
use crate::survey::{Depth, outline};
use crate::trace::{Asked, Trace, Verdict, trace};

mod planned;
mod question;

/// Traces.
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
        Some(_) => return Err(Failure::new("--cluster traces what stands, and takes no manifest", None)),
        None => {
            asked.is_manifest = true;
            Run::open(global, terminal, signals, inputs, false, &[]).await?
        }
    };
    check_names(&asked, &run.desired)?;
    let look = run.look().await?;
    let mut observed = look.observed;
    run.terminal.progress("portolan: reading the network around …");
    let mut around = run.reader.surroundings(&run.desired, &observed).await;
    if args.planned {
        planned::apply(&look.plan, &mut observed, &mut around);
    }
    let mut traced = trace(&run.desired, &observed, &around, &asked, now());
    if asked.is_manifest && !args.planned {
        link(&mut traced, &look.plan);
    }
    let gaps: BTreeSet<(String, Gap)> = observed.gaps.iter().chain(&around.gaps).cloned().collect();
    Ok(answer(&run, &traced, &gaps))
}

/// A run on what stands in a cluster.
async fn found<'a>(
    cluster: &str,
    global: &'a Global,
    terminal: Terminal,
    signals: &'a Signals,
) -> Result<Run<'a>, Failure> {
    let settings = Settings {
        region: global.region.clone(),
        profile: global.profile.clone(),
        endpoint_url: global.endpoint_url.clone(),
        assume_role_arn: global.assume_role_arn.clone(),
    };
    let clients = connect(&settings).await.map_err(|error| Failure::new(error.to_string(), None))?;
    let scope = stock::scope(&[cluster.to_owned()], &[])?;
    let standing = Reader::new(&clients).standing(&scope).await;
    let desired = outline(&standing, &scope, clients.region(), Depth::Health).map_err(stock::failure)?;
    Ok(Run::on(clients, global, terminal, signals, desired, Policy::default()))
}

fn check_names(asked: &Asked, desired: &Desired) -> Result<(), Failure> {
    let Some(name) = &asked.service else { return Ok(()) };
    let Some(service) = desired.services.get(name) else {
        let all: Vec<&str> = desired.services.keys().map(String::as_str).collect();
        return Err(Failure::new(format!("there is no service {name}"), Some(format!("there is {}", all.join(", ")))));
    };
    let ports: Vec<&str> = service.ports.iter().flatten().map(|port| port.name.as_str()).collect();
    match &asked.port {
        Some(port) if !ports.contains(&port.as_str()) => Err(Failure::new(
            format!("service {name} has no port {port}"),
            Some(format!("it has {}", ports.join(", "))),
        )),
        _ => Ok(()),
    }
}

/// Names the step of the plan that mends a finding: one of the same service or target group, with an operation of its codes.
fn link(traced: &mut Trace, plan: &Plan) {
    for path in &mut traced.paths {
        let group = format!("TargetGroup/{}", path.target_group);
        let service = path.service.as_ref().map(|key| format!("Service/{key}"));
        for finding in path.hops.iter_mut().flat_map(|hop| &mut hop.findings) {
            let mends = finding.mended_by();
            let step = plan.steps.iter().find(|step| {
                let object = step.object.to_string();
                (object == group || Some(&object) == service.as_ref()) && mends.contains(&step.action.operation())
            });
            finding.step = step.map(|step| step.id.to_string());
        }
    }
}

fn answer(run: &Run<'_>, traced: &Trace, gaps: &BTreeSet<(String, Gap)>) -> Answer {
    let text = match run.global.output() {
        Output::Text => text::render_trace(traced, gaps, run.terminal.answer),
        Output::Json => json::render_trace(traced, gaps, run.clients.calls().snapshot()),
    };
    let exit = match traced.verdict() {
        Verdict::Broken => Exit::Difference,
        Verdict::Unknown if run.global.strict => Exit::Incomplete,
        Verdict::Unknown | Verdict::Reachable => Exit::Sound,
    };
    if traced.verdict() == Verdict::Unknown && !run.global.strict {
        note("portolan: some hops could not be examined; --strict makes that exit 3");
    }
    let headline = text::trace_summary(traced).trim_end_matches('.').to_owned();
    Answer { text, headline: Some(headline), exit }
}
