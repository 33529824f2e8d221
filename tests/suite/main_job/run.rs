//! What one run of Portolan came to, whoever ran it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::moto::seed::SECRET;

/// One run.
pub struct Run {
    /// The exit code.
    pub code: i32,
    /// The answer.
    pub stdout: String,
    /// What was said beside it.
    pub stderr: String,
}

impl Run {
    /// What was said; none of it may be a secret.
    pub fn new(code: i32, stdout: String, stderr: String) -> Self {
        assert!(!stdout.contains(SECRET) && !stderr.contains(SECRET), "a secret shows");
        Self { code, stdout, stderr }
    }

    /// The answer as a document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.stdout, self.stderr))
    }

    /// The operations of its steps.
    pub fn actions(&self) -> Vec<String> {
        let json = self.json();
        let steps = json["steps"].as_array().expect("steps").iter();
        steps.map(|step| step["action"].as_str().expect("an action").to_owned()).collect()
    }

    /// How often each call was sent.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        serde_json::from_value(self.json()["calls"].clone()).expect("calls by name")
    }

    /// The calls that change something.
    pub fn mutations(&self) -> BTreeMap<String, u64> {
        let reads = |name: &String| {
            let (_, operation) = name.split_once(':').expect("a call has its IAM prefix");
            ["Describe", "List", "Get"].iter().any(|word| operation.starts_with(word))
        };
        self.calls().into_iter().filter(|(name, _)| !reads(name)).collect()
    }

    /// Asserts its verdict and its exit code.
    #[track_caller]
    pub fn is(&self, verdict: &str, code: i32) -> &Self {
        assert_eq!(
            (self.json()["verdict"].as_str(), self.code),
            (Some(verdict), code),
            "{}\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Asserts that there was nothing to do, and that nothing was done.
    #[track_caller]
    pub fn is_silent(&self) {
        self.is("in-sync", 0);
        assert_eq!(self.actions(), [""; 0]);
        assert_eq!(self.mutations(), BTreeMap::new());
    }
}
