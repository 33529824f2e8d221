//! What the ARN of a call means, and how AWS says that it means nothing.

use crate::input::Input;
use crate::refusal::Refusal;
use crate::state::{Listener, LoadBalancer, Rule, State, TargetGroup};

/// The kinds of things that have ARNs here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    LoadBalancer,
    Listener,
    Rule,
    TargetGroup,
}

impl Kind {
    /// The kind that an ARN is of by its form.
    pub fn of(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        if parts.next() != Some("arn") || parts.nth(1) != Some("elasticloadbalancing") {
            return None;
        }
        match parts.nth(2)?.split('/').next()? {
            "loadbalancer" => Some(Self::LoadBalancer),
            "listener" => Some(Self::Listener),
            "listener-rule" => Some(Self::Rule),
            "targetgroup" => Some(Self::TargetGroup),
            _ => None,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::LoadBalancer => "load balancer",
            Self::Listener => "listener",
            Self::Rule => "listener rule",
            Self::TargetGroup => "target group",
        }
    }

    /// That there is no such thing.
    pub fn not_found(self, what: &str) -> Refusal {
        match self {
            Self::LoadBalancer => Refusal::new("LoadBalancerNotFound", format!("Load balancers '[{what}]' not found")),
            Self::Listener => Refusal::new("ListenerNotFound", format!("One or more listeners not found: '{what}'")),
            Self::Rule => Refusal::new("RuleNotFound", format!("One or more rules not found: '{what}'")),
            Self::TargetGroup => {
                Refusal::new("TargetGroupNotFound", format!("One or more target groups not found: '{what}'"))
            }
        }
    }

    /// The thing with an ARN, or an error: it is of another kind, or nothing has this ARN.
    fn look<T>(self, state: &State, arn: &str, found: Option<T>) -> Result<T, Refusal> {
        // Each region has an API of its own, and takes no other's ARNs.
        if Self::of(arn) != Some(self) || arn.split(':').nth(3) != Some(&state.region) {
            return Err(Refusal::validation(format!("'{arn}' is not a valid {} ARN", self.words())));
        }
        found.ok_or_else(|| self.not_found(arn))
    }
}

pub fn load_balancer<'a>(state: &'a State, arn: &str) -> Result<&'a LoadBalancer, Refusal> {
    Kind::LoadBalancer.look(state, arn, state.load_balancers.get(arn))
}

pub fn listener<'a>(state: &'a State, arn: &str) -> Result<&'a Listener, Refusal> {
    Kind::Listener.look(state, arn, state.listeners.get(arn))
}

/// A rule, or the listener whose default rule it is.
pub enum FoundRule<'a> {
    Rule(&'a Rule),
    Default(&'a Listener),
}

pub fn rule<'a>(state: &'a State, arn: &str) -> Result<FoundRule<'a>, Refusal> {
    let own = state.rules.get(arn).map(FoundRule::Rule);
    let default = || state.listeners.values().find(|listener| listener.default_rule == arn).map(FoundRule::Default);
    Kind::Rule.look(state, arn, own.or_else(default))
}

pub fn target_group<'a>(state: &'a State, arn: &str) -> Result<&'a TargetGroup, Refusal> {
    Kind::TargetGroup.look(state, arn, state.target_groups.get(arn))
}

/// Whether an ARN is of this account: what another account has cannot be deleted already.
pub fn is_own(state: &State, arn: &str) -> bool {
    arn.split(':').nth(4) == Some(&state.account)
}

/// A member that has to be there.
pub fn need<'a>(input: Input<'a>, name: &str) -> Result<&'a str, Refusal> {
    input.need(name, |name| Refusal::validation(format!("A value for '{name}' must be specified")))
}

/// The load balancer of a listener. A listener never outlives it.
pub fn balancer_of<'a>(state: &'a State, listener: &Listener) -> Result<&'a LoadBalancer, Refusal> {
    load_balancer(state, &listener.load_balancer)
}
