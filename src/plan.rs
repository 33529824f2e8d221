//! `plan(desired, observed, policy, now) -> Plan`: total and pure. No I/O, no clock, no async, no `Result`, no
//! hash maps; what it cannot decide becomes a blocked entry.

pub mod action;
pub mod change;

pub use action::{Action, NewTargetGroup, Output, PortFix, Ref, RuleEdit};
pub use change::{Blocked, Change, Deferred, Finding, Plan, Step, StepId, Verdict, WaitingOn};
