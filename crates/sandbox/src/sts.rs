//! STS: who calls. All callers without a role are the same identity.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::json;

use super::input::Input;
use super::operation::Operation;
use super::refusal::{Answer, Refusal};
use super::state::State;

/// The operation of this name.
pub fn operation(name: &str) -> Option<Operation> {
    match name {
        "AssumeRole" => Some(Operation::Session(assume_role)),
        "GetCallerIdentity" => Some(Operation::Session(caller_identity)),
        _ => None,
    }
}

/// The id of every role.
const ROLE_ID: &str = "AROASANDBOXSANDBOXSA";

/// A caller.
#[derive(Clone, Debug)]
pub struct Caller {
    pub account: String,
    pub arn: String,
    user_id: String,
}

impl Caller {
    fn of_role(account: &str, role: &str, session: &str) -> Self {
        Self {
            account: account.to_owned(),
            arn: format!("arn:aws:sts::{account}:assumed-role/{role}/{session}"),
            user_id: format!("{ROLE_ID}:{session}"),
        }
    }
}

/// Those who took a role, by the access key that they got. They are no part of the state: reads that lag know them.
#[derive(Clone, Debug, Default)]
pub struct Callers(BTreeMap<String, Caller>);

impl Callers {
    /// Who signs with an access key.
    pub fn who(&self, key: Option<&str>, account: &str) -> Caller {
        let known = key.and_then(|key| self.0.get(key)).cloned();
        known.unwrap_or_else(|| Caller::of_role(account, "sandbox", "portolan"))
    }
}

fn caller_identity(_: &mut Callers, _: &State, caller: &Caller, _: Input) -> Answer {
    Ok(json!({"UserId": caller.user_id, "Account": caller.account, "Arn": caller.arn}))
}

fn assume_role(callers: &mut Callers, state: &State, _: &Caller, input: Input) -> Answer {
    let need = |name| input.need(name, |name| Refusal::validation(format!("A value for '{name}' must be specified")));
    let (role, session) = (need("RoleArn")?, need("RoleSessionName")?);
    let (account, name) = role_of(role).ok_or_else(|| Refusal::validation(format!("{role} is invalid")))?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if !(2..=64).contains(&session.len()) || !session.chars().all(is_plain) {
        return Err(Refusal::validation(format!("The session name '{session}' is not valid")));
    }
    let seconds = if input.has("DurationSeconds") { input.int("DurationSeconds") } else { Some(3600) };
    let Some(seconds) = seconds.filter(|seconds| (900..=43_200).contains(seconds)) else {
        return Err(Refusal::validation("DurationSeconds must be between 900 and 43200"));
    };
    let expiration = state.now + SignedDuration::from_secs(seconds);
    let caller = Caller::of_role(account, name, session);
    let key = format!("ASIASANDBOX{:09}", callers.0.len());
    let answer = json!({
        "Credentials": {
            "AccessKeyId": key,
            "SecretAccessKey": "sandbox",
            "SessionToken": "sandbox",
            "Expiration": format!("{expiration:.0}"),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": caller.user_id,
            "Arn": caller.arn,
        },
    });
    callers.0.insert(key, caller);
    Ok(answer)
}

/// Account and name of a role; the path before the name is not part of sessions.
fn role_of(arn: &str) -> Option<(&str, &str)> {
    let (account, path) = arn.strip_prefix("arn:aws:iam::")?.split_once(":role/")?;
    let name = path.rsplit('/').next().filter(|name| !name.is_empty())?;
    (account.len() == 12 && account.chars().all(|c| c.is_ascii_digit())).then_some((account, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::World;

    #[test]
    fn a_role_gives_credentials_of_its_account_and_a_strange_arn_none() {
        let mut world = World::new(1);
        let identity = world.call("sts:GetCallerIdentity", &json!({})).expect("an identity");
        assert_eq!(identity["Account"], json!(world.account()));
        let role = json!({"RoleArn": "arn:aws:iam::210987654321:role/team/reader", "RoleSessionName": "a-b"});
        let taken = world.call("sts:AssumeRole", &role).expect("credentials");
        assert_eq!(taken["AssumedRoleUser"]["Arn"], json!("arn:aws:sts::210987654321:assumed-role/reader/a-b"));
        assert_eq!(taken["Credentials"]["Expiration"], json!("2026-01-01T01:00:00Z"));
        let key = taken["Credentials"]["AccessKeyId"].as_str();
        let identity = world.call_as(key, "sts:GetCallerIdentity", &json!({})).expect("an identity");
        assert_eq!(identity["Arn"], taken["AssumedRoleUser"]["Arn"]);
        assert_eq!(identity["Account"], json!("210987654321"));
        for (role, session) in
            [("reader", "a-b"), ("arn:aws:iam::1:role/reader", "a-b"), ("arn:aws:iam::210987654321:role/r", "a")]
        {
            let input = json!({"RoleArn": role, "RoleSessionName": session});
            assert_eq!(world.call("sts:AssumeRole", &input).expect_err(role).code, "ValidationError");
        }
    }
}
