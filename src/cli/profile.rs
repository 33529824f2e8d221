//! The sections of AWS's configuration and credentials files. The SDK reads them for itself; this says beforehand what it
//! would not: that a profile does not exist, and what the AWS CLI alone knows.

use std::path::PathBuf;

use super::failure::Failure;
use super::variable::variable;

/// The texts of both files; an unreadable or missing one is empty, as it is for the SDK.
pub struct Profiles {
    config: String,
    credentials: String,
}

/// The profile that an option or the environment names, and where.
pub struct Named {
    pub name: String,
    /// `--profile` or `AWS_PROFILE`.
    pub source: &'static str,
}

/// The named profile; `None` leaves it to `default`.
pub fn named(option: Option<&str>) -> Option<Named> {
    let given = option.map(|name| Named { name: name.to_owned(), source: "--profile" });
    given.or_else(|| variable("AWS_PROFILE").map(|name| Named { name, source: "AWS_PROFILE" }))
}

impl Profiles {
    /// Reads both files from where the AWS CLI looks for them.
    pub fn read() -> Self {
        let text = |name: &str, file: &str| {
            let path = variable(name).map(PathBuf::from);
            let path = path.or_else(|| Some(std::env::home_dir()?.join(".aws").join(file)));
            path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default()
        };
        Self {
            config: text("AWS_CONFIG_FILE", "config"),
            credentials: text("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        }
    }

    /// Refuses a profile that was named and is in neither file.
    pub fn check(&self, named: Option<&Named>) -> Result<(), Failure> {
        let Some(Named { name, source }) = named else { return Ok(()) };
        if self.has(name) {
            return Ok(());
        }
        let hint = "list the profiles with `aws configure list-profiles`; AWS_CONFIG_FILE and \
                    AWS_SHARED_CREDENTIALS_FILE select other files";
        Err(Failure::new(
            format!("{source} names the AWS profile {name:?}, which does not exist"),
            Some(hint.to_owned()),
        ))
    }

    fn has(&self, name: &str) -> bool {
        let in_config = sections(&self.config).any(|section| is_profile(section.title, name));
        in_config || sections(&self.credentials).any(|section| section.title.trim() == name)
    }

    /// A setting of a profile in the configuration file.
    pub fn setting(&self, profile: &str, key: &str) -> Option<String> {
        let own = sections(&self.config).filter(|section| is_profile(section.title, profile));
        own.filter_map(|section| section.value(key)).last()
    }
}

/// `[profile NAME]`, or `[default]`.
fn is_profile(title: &str, name: &str) -> bool {
    let mut words = title.split_whitespace();
    match (words.next(), words.next()) {
        (Some("profile"), Some(own)) => own == name,
        (Some("default"), None) => name == "default",
        _ => false,
    }
}

struct Section<'a> {
    title: &'a str,
    /// Its lines that are neither comments nor indented: indented ones belong to a setting above them.
    lines: Vec<&'a str>,
}

impl Section<'_> {
    fn value(&self, key: &str) -> Option<String> {
        let mut pairs = self.lines.iter().filter_map(|line| line.split_once('='));
        let (_, value) = pairs.rfind(|(name, _)| name.trim() == key)?;
        value.split([' ', '\t']).find(|word| !word.is_empty()).map(str::to_owned)
    }
}

fn sections(text: &str) -> impl Iterator<Item = Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with(['#', ';', ' ', '\t'])) {
        if let Some(title) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            sections.push(Section { title, lines: Vec::new() });
        } else if let Some(section) = sections.last_mut() {
            section.lines.push(line);
        }
    }
    sections.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profiles() -> Profiles {
        let config = "# comment\n[default]\nregion=eu-west-1\n[profile prod] ; the big one\noutput = json\n\
                      region = us-east-1 # where it all began\ns3 =\n  region = nested\n[profile bare]\noutput=json\n\
                      [sso-session prod]\nregion = ap-south-1\n[other]\nregion = eu-north-1\n";
        Profiles { config: config.to_owned(), credentials: "[keys]\naws_access_key_id = x\n".to_owned() }
    }

    #[test]
    fn the_region_of_a_profile_is_the_one_in_its_own_section() {
        let profiles = profiles();
        assert_eq!(profiles.setting("default", "region").as_deref(), Some("eu-west-1"));
        assert_eq!(profiles.setting("prod", "region").as_deref(), Some("us-east-1"));
        assert_eq!(profiles.setting("bare", "region"), None);
        assert_eq!(profiles.setting("missing", "region"), None);
    }

    #[test]
    fn a_profile_exists_in_either_file() {
        let profiles = profiles();
        assert!(["default", "prod", "bare", "keys"].iter().all(|name| profiles.has(name)));
        assert!(["missing", "other", "sso-session", ""].iter().all(|name| !profiles.has(name)));
    }
}
