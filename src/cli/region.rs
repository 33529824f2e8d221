//! Which region a run uses: the Fleet's. Whatever else names one must name the same.

use std::path::PathBuf;

use super::args::Global;
use super::failure::Failure;
use crate::model::Fleet;

/// The region to ask, `None` for the SDK's own chain.
///
/// A fleet that is declared for one region and run against another would look as if everything were missing, so
/// the option, the environment or the profile (the first of them that says something) may only agree.
pub fn choose(fleet: &Fleet, global: &Global) -> Result<Option<String>, Failure> {
    let Some(declared) = &fleet.region else { return Ok(global.region.clone()) };
    match elsewhere(global) {
        Some((source, other)) if other != *declared => Err(Failure::new(
            format!("fleet {} is in region {declared}, but {source} says {other}", fleet.name),
            Some(format!("drop {source}, or correct spec.region of the Fleet")),
        )),
        _ => Ok(Some(declared.clone())),
    }
}

/// The region that is named outside of the manifest, and by what.
fn elsewhere(global: &Global) -> Option<(String, String)> {
    if let Some(region) = &global.region {
        return Some(("--region".to_owned(), region.clone()));
    }
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        if let Some(region) = variable(name) {
            return Some((name.to_owned(), region));
        }
    }
    let profile = global.profile.clone().or_else(|| variable("AWS_PROFILE")).unwrap_or_else(|| "default".to_owned());
    let region = profile_region(&std::fs::read_to_string(profile_file()?).ok()?, &profile)?;
    Some((format!("the AWS profile {profile}"), region))
}

/// A variable that says something.
#[expect(clippy::disallowed_methods, reason = "cli reads the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn profile_file() -> Option<PathBuf> {
    variable("AWS_CONFIG_FILE").map(PathBuf::from).or_else(|| Some(std::env::home_dir()?.join(".aws").join("config")))
}

/// The `region` of a profile in the text of an AWS configuration file. Indented lines belong to a setting above
/// them.
fn profile_region(text: &str, profile: &str) -> Option<String> {
    let mut is_inside = false;
    let mut region = None;
    for line in text.lines().filter(|line| !line.starts_with(['#', ';', ' ', '\t'])) {
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            let mut words = section.split_whitespace();
            is_inside = match (words.next(), words.next()) {
                (Some("profile"), Some(name)) => name == profile,
                (Some("default"), None) => profile == "default",
                _ => false,
            };
        } else if is_inside
            && let Some((key, value)) = line.split_once('=')
            && key.trim() == "region"
        {
            let value = value.split([' ', '\t']).find(|word| !word.is_empty());
            region = value.map(str::to_owned);
        }
    }
    region
}

#[cfg(test)]
mod tests {
    use super::profile_region;

    #[test]
    fn the_region_of_a_profile_is_the_one_in_its_own_section() {
        let text = "# comment\n[default]\nregion=eu-west-1\n[profile prod] ; the big one\noutput = json\n\
                    region = us-east-1 # where it all began\ns3 =\n  region = nested\n[profile bare]\noutput=json\n\
                    [sso-session prod]\nregion = ap-south-1\n";
        assert_eq!(profile_region(text, "default").as_deref(), Some("eu-west-1"));
        assert_eq!(profile_region(text, "prod").as_deref(), Some("us-east-1"));
        assert_eq!(profile_region(text, "bare"), None);
        assert_eq!(profile_region(text, "missing"), None);
    }
}
