//! A read that fails takes nothing from the guards: what is blocked with all reads is never sent without one of them, every
//! failed read is told, and what only adds goes on.

use std::collections::BTreeSet;
use std::path::Path;

use portolan::pass::acts::acts;
use portolan::plan::{Plan, Verdict};

use portolan::sandbox::World;
use portolan::trace::HopId;
use serde::Deserialize;

use super::stage::{self, Request, Stage};
use crate::folder;

/// How a read fails.
#[derive(Clone, Copy, Debug)]
enum Failure {
    /// IAM refuses it, for good.
    Denied,
    /// AWS answers with this code, retries included.
    Refused(&'static str),
}

const FAILURES: [Failure; 2] = [Failure::Denied, Failure::Refused("ServiceUnavailable")];

#[derive(Debug, Deserialize)]
struct Expect {
    request: Request,
}

fn fail(stage: &Stage, call: &str, failure: Failure) {
    let mut world = stage.shared.world();
    match failure {
        Failure::Denied => _ = world.settings.denied.insert(call.to_owned()),
        Failure::Refused(code) => _ = world.settings.refused.insert(call.to_owned(), code.to_owned()),
    }
}

/// Steps by object and summary, as people are told of them.
type Told = BTreeSet<(String, String)>;

/// The steps that a plan withholds.
fn withheld(plan: &Plan) -> Told {
    plan.blocked.iter().map(|entry| (entry.object.to_string(), entry.what.clone())).collect()
}

fn sent(plan: &Plan) -> Told {
    plan.steps.iter().map(|step| (step.object.to_string(), step.summary.clone())).collect()
}

/// What is wrong with a plan that was made without an answer to one call.
async fn examine(folder: &Path, world: World, call: &str, failure: Failure, kept: &Told) -> Result<(), String> {
    let request = stage::expect::<Expect>(folder)?.request;
    let stage = Stage::of(world, &folder::open(folder).manifest)?;
    let before = stage.answers(&request);
    fail(&stage, call, failure);
    // Out of scope: nothing is planned, and nothing sent.
    let Ok(look) = stage.look(false).await else { return Ok(()) };
    if let Some((object, what)) = sent(&look.plan).intersection(kept).next() {
        return Err(format!("{object}: {what} is sent"));
    }
    if !look.plan.gaps.iter().any(|(_, gap)| gap.call == call) {
        return Err(format!("it is not told: {:?}", look.plan.gaps));
    }
    // A step may fail, for it is read again before it is sent.
    let _ = stage.carry_out(&look.plan).await;
    let after = stage.answers(&request);
    let is_meant = folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("meant-"));
    if after == before || is_meant { Ok(()) } else { Err(format!("{before:?} becomes {after:?}")) }
}

#[tokio::test(start_paused = true)]
async fn what_is_blocked_with_all_reads_is_never_sent_without_one_of_them() {
    let mut wrong = Vec::new();
    let mut tried = 0;
    for folder in folder::all("breaking") {
        let stage = Stage::open(&folder).expect("a world");
        let world = stage.shared.world().clone();
        let look = stage.look(false).await.expect("a plan");
        let kept = withheld(&look.plan);
        let is_meant = folder.to_string_lossy().contains("/meant-");
        assert!(is_meant || !kept.is_empty(), "{}: nothing is withheld", folder.display());
        for call in stage.clients.calls().snapshot().into_keys() {
            for failure in FAILURES {
                tried += 1;
                if let Err(why) = examine(&folder, world.clone(), &call, failure, &kept).await {
                    wrong.push(format!("{} without {call} ({failure:?}): {why}", folder.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
}

/// What emulators do not serve, and whoever reads without these permissions.
const SELDOM_SERVED: [&str; 3] =
    ["ec2:DescribeNetworkAcls", "ec2:DescribeRouteTables", "elasticloadbalancing:DescribeAccountLimits"];

#[tokio::test(start_paused = true)]
async fn repairs_go_without_the_reads_that_they_do_not_rest_on() {
    let mut wrong = Vec::new();
    let mut repairs = 0;
    for folder in folder::all("worlds") {
        let stage = Stage::open(&folder).expect("a world");
        let clean = stage.look(false).await.expect("a plan").plan;
        SELDOM_SERVED.iter().for_each(|call| fail(&stage, call, Failure::Denied));
        let without = sent(&stage.look(false).await.expect("a plan").plan);
        for step in &clean.steps {
            let facts = acts(&step.action);
            if facts.takes_away && facts.hops.contains(&HopId::NetworkAcl) {
                continue;
            }
            repairs += 1;
            if !without.contains(&(step.object.to_string(), step.summary.clone())) {
                wrong.push(format!("{}: {} is held back", folder.display(), step.summary));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {repairs}:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_waits_for_a_permission_says_which_one_and_what_it_costs() {
    let folders = folder::all("breaking");
    let folder = folders.iter().find(|folder| folder.ends_with("client-addresses-kept")).expect("the folder");
    let stage = Stage::open(folder).expect("a world");
    fail(&stage, "ec2:DescribeSecurityGroupRules", Failure::Denied);
    let look = stage.look(true).await.expect("a plan");
    assert_eq!(look.plan.verdict(), Verdict::Incomplete, "--force does not make known what is not");
    let told: Vec<String> = look.plan.blocked.iter().map(|entry| entry.waiting_on.to_string()).collect();
    let wanted = "ec2:DescribeSecurityGroupRules could not be read (UnauthorizedOperation); allow the IAM action \
                  ec2:DescribeSecurityGroupRules; until it is read, it is unknown whether this step breaks \
                  edge:6379 → sessions → sessions/http at target-security-group";
    assert_eq!(told, [wanted]);
}
