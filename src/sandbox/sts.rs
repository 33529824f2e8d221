//! STS: who calls. Everybody is the same, whatever role they took.

use jiff::SignedDuration;
use serde_json::json;

use super::input::Input;
use super::operation::Operation;
use super::refusal::{Answer, Refusal};
use super::state::State;

/// The operation of this name.
pub fn operation(name: &str) -> Option<Operation> {
    match name {
        "AssumeRole" => Some(Operation::Read(assume_role)),
        "GetCallerIdentity" => Some(Operation::Read(caller_identity)),
        _ => None,
    }
}

/// The id of every role.
const ROLE_ID: &str = "AROASANDBOXSANDBOXSA";

fn caller_identity(state: &State, _: Input) -> Answer {
    let arn = format!("arn:aws:sts::{}:assumed-role/sandbox/portolan", state.account);
    Ok(json!({"UserId": format!("{ROLE_ID}:portolan"), "Account": state.account, "Arn": arn}))
}

fn assume_role(state: &State, input: Input) -> Answer {
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
    Ok(json!({
        "Credentials": {
            "AccessKeyId": "ASIASANDBOXSANDBOXSA",
            "SecretAccessKey": "sandbox",
            "SessionToken": "sandbox",
            "Expiration": format!("{expiration:.0}"),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": format!("{ROLE_ID}:{session}"),
            "Arn": format!("arn:aws:sts::{account}:assumed-role/{name}/{session}"),
        },
    }))
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
    use crate::sandbox::World;

    #[test]
    fn a_role_gives_credentials_of_its_account_and_a_strange_arn_none() {
        let mut world = World::new(1);
        let identity = world.call("sts:GetCallerIdentity", &json!({})).expect("an identity");
        assert_eq!(identity["Account"], json!(world.account()));
        let role = json!({"RoleArn": "arn:aws:iam::210987654321:role/team/reader", "RoleSessionName": "a-b"});
        let taken = world.call("sts:AssumeRole", &role).expect("credentials");
        assert_eq!(taken["AssumedRoleUser"]["Arn"], json!("arn:aws:sts::210987654321:assumed-role/reader/a-b"));
        assert_eq!(taken["Credentials"]["Expiration"], json!("2026-01-01T01:00:00Z"));
        for (role, session) in
            [("reader", "a-b"), ("arn:aws:iam::1:role/reader", "a-b"), ("arn:aws:iam::210987654321:role/r", "a")]
        {
            let input = json!({"RoleArn": role, "RoleSessionName": session});
            assert_eq!(world.call("sts:AssumeRole", &input).expect_err(role).code, "ValidationError");
        }
    }
}
