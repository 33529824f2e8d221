//! Which region a run uses: the Fleet's. Whatever else names one must name the same.

use super::args::Global;
use super::failure::Failure;
use super::profile::Profiles;
use super::variable::variable;
use crate::model::Fleet;

/// The region to ask, `None` for the SDK's own chain.
///
/// A fleet that is declared for one region and run against another would look as if everything were missing, so
/// the option, the environment or the profile (the first of them that says something) may only agree.
pub fn choose(fleet: &Fleet, global: &Global, profiles: &Profiles, profile: &str) -> Result<Option<String>, Failure> {
    let Some(declared) = &fleet.region else { return Ok(global.region.clone()) };
    match elsewhere(global, profiles, profile) {
        Some((source, other)) if other != *declared => Err(Failure::new(
            format!("fleet {} is in region {declared}, but {source} says {other}", fleet.name),
            Some(format!("remove {source}, or correct spec.region of the Fleet")),
        )),
        _ => Ok(Some(declared.clone())),
    }
}

/// Refuses what no host name could have in it: nothing could be sent there.
pub fn check(region: &str) -> Result<(), Failure> {
    let is_label = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !region.is_empty() && region.bytes().all(is_label) {
        return Ok(());
    }
    let hint = "regions have names like eu-west-1; `aws ec2 describe-regions` lists them";
    Err(Failure::new(format!("{region:?} is not the name of an AWS region"), Some(hint.to_owned())))
}

/// The region that is named outside of the manifest, and by what.
fn elsewhere(global: &Global, profiles: &Profiles, profile: &str) -> Option<(String, String)> {
    if let Some(region) = &global.region {
        return Some(("--region".to_owned(), region.clone()));
    }
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        if let Some(region) = variable(name) {
            return Some((name.to_owned(), region));
        }
    }
    let region = profiles.setting(profile, "region")?;
    Some((format!("the AWS profile {profile}"), region))
}
