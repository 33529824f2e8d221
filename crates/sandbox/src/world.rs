//! A world: its state, its time, and how it misbehaves on purpose.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::buckets::Buckets;
use super::id::Ids;
use super::input::Input;
use super::operation::{self, Operation};
use super::refusal::{Answer, Refusal};
use super::request::{Answered, Sent};
use super::state::{App, State};
use super::sts::Callers;
use super::{health, request, scheduler};

/// AWS's account in a new world.
pub const ACCOUNT: &str = "123456789012";
/// AWS's region in a new world.
pub const REGION: &str = "eu-west-1";

/// How a world treats its callers. The default refuses nothing that AWS would not, and answers immediately.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Reads tell what was so long ago, and changes do not find what is newer.
    pub lag: SignedDuration,
    /// Calls are taken out of buckets of AWS's documented sizes.
    pub buckets: bool,
    /// Calls that no client may make, such as `ecs:DescribeTasks`.
    pub denied: BTreeSet<String>,
    /// Calls that are answered with an error of this code, such as `ServiceUnavailable`.
    pub refused: BTreeMap<String, String>,
}

/// AWS in memory.
#[derive(Clone, Debug)]
pub struct World {
    pub(super) state: State,
    /// How it treats its callers.
    pub settings: Settings,
    /// States of the past, the oldest first; kept only while reads lag.
    past: VecDeque<(Timestamp, State)>,
    buckets: Buckets,
    request_ids: Ids,
    callers: Callers,
}

impl World {
    /// An empty account. Nothing but the seed decides about ids, ports and addresses.
    pub fn new(seed: u64) -> Self {
        Self::in_account(ACCOUNT, REGION, seed)
    }

    /// An empty account of another number or region.
    pub fn in_account(account: &str, region: &str, seed: u64) -> Self {
        Self {
            state: State::new(account, region, start(), seed),
            settings: Settings::default(),
            past: VecDeque::new(),
            buckets: Buckets::default(),
            request_ids: Ids::new(!seed),
            callers: Callers::default(),
        }
    }

    /// The virtual time.
    pub fn now(&self) -> Timestamp {
        self.state.now
    }

    /// What happened so far, a line each.
    pub fn trace(&self) -> &[String] {
        &self.state.trace
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.state.region
    }

    /// The account.
    pub fn account(&self) -> &str {
        &self.state.account
    }

    /// Lets time pass.
    pub fn advance(&mut self, by: SignedDuration) {
        self.advance_to(self.state.now + by);
    }

    /// Lets time pass until a moment; the past cannot be reached.
    pub fn advance_to(&mut self, end: Timestamp) {
        while let Some((at, due)) = self.state.queue.pop(end) {
            self.remember();
            self.state.now = self.state.now.max(at);
            scheduler::happen(&mut self.state, due);
        }
        self.state.now = self.state.now.max(end);
    }

    /// Makes a call by IAM's name of it, such as `ecs:DescribeServices`, with the members as the wire has them.
    pub fn call(&mut self, call: &str, input: &Value) -> Answer {
        self.call_as(None, call, input)
    }

    /// The same by a client that signs with an access key, such as one that a role gave.
    pub fn call_as(&mut self, key: Option<&str>, call: &str, input: &Value) -> Answer {
        let caller = self.callers.who(key, &self.state.account);
        let (service, name) = call.split_once(':').unwrap_or(("", call));
        let operation = operation::find(service, name)?;
        let input = Input(input);
        if self.settings.buckets && !self.buckets.take(service, name, input, self.state.now) {
            return Err(operation::throttling(service));
        }
        if self.settings.denied.contains(call) {
            return Err(operation::denial(service, name, &caller));
        }
        if let Some(code) = self.settings.refused.get(call) {
            return Err(operation::refusal(code));
        }
        if service == "ec2" && input.flag("DryRun") == Some(true) {
            let message = "Request would have succeeded, but DryRun flag is set.";
            return Err(Refusal { code: "DryRunOperation".to_owned(), message: message.to_owned(), status: 412 });
        }
        operation::check(service, name, &self.state, input)?;
        match operation {
            Operation::Session(answer) => answer(&mut self.callers, &self.state, &caller, input),
            Operation::Read(read) => read(self.seen(), input),
            Operation::Write(write) => {
                self.remember();
                let unseen = self.names_unseen(write, input);
                let answer = unseen.map_or_else(|| write(&mut self.state, input), Err);
                match &answer {
                    Ok(_) => self.state.note(call),
                    Err(refusal) => self.state.note(&format!("{call} refused: {}", refusal.code)),
                }
                health::wake(&mut self.state);
                answer
            }
        }
    }

    /// Sends a request from outside to a listener, and says what came back and which way it took.
    pub fn request(&mut self, sent: &Sent) -> Answered {
        request::send(&mut self.state, sent)
    }

    /// What the containers of an image do from now on.
    pub(super) fn set_app(&mut self, image: &str, app: App) {
        self.state.apps.insert(image.to_owned(), app);
        health::wake(&mut self.state);
    }

    /// Makes pages smaller than AWS's, so that small worlds have several.
    pub fn limit_pages(&mut self, size: usize) {
        self.state.page_limit = Some(size);
    }

    /// A new id for a request.
    pub(super) fn request_id(&mut self) -> String {
        self.request_ids.uuid()
    }

    /// Keeps the present for those who read late.
    fn remember(&mut self) {
        if self.settings.lag.is_zero() {
            self.past.clear();
            return;
        }
        self.past.push_back((self.state.now, self.state.clone()));
        // The newest one that is old enough, and everything younger.
        let horizon = self.state.now - self.settings.lag;
        while self.past.get(1).is_some_and(|(at, _)| *at <= horizon) {
            self.past.pop_front();
        }
    }

    /// That a change names what is so new that it is not known everywhere yet.
    fn names_unseen(&self, write: fn(&mut State, Input) -> Answer, input: Input) -> Option<Refusal> {
        if self.settings.lag.is_zero() {
            return None;
        }
        write(&mut self.seen().clone(), input).err().filter(|refusal| refusal.code.contains("NotFound"))
    }

    /// What a read sees: the state before the first change that is younger than the lag.
    fn seen(&self) -> &State {
        let horizon = self.state.now - self.settings.lag;
        self.past.iter().find(|(at, _)| *at > horizon).map_or(&self.state, |(_, state)| state)
    }
}

/// Every world begins at the same moment.
fn start() -> Timestamp {
    Timestamp::constant(1_767_225_600, 0)
}
