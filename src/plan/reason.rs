//! Why a known difference stays, and what ends that: two fields, so that no report has to take a sentence apart.

use std::fmt;

/// Why no step repairs a difference now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The reason, a clause.
    pub because: String,
    /// What an operator has to do, or what has to happen, if that is known.
    pub to_unblock: Option<String>,
}

impl Reason {
    /// A reason with its way out.
    pub fn new(because: impl Into<String>, to_unblock: impl Into<String>) -> Self {
        Self { because: because.into(), to_unblock: Some(to_unblock.into()) }
    }

    /// The same way out of a reason that is said in other words.
    #[must_use]
    pub(super) fn said(self, because: impl FnOnce(&str) -> String) -> Self {
        Self { because: because(&self.because), ..self }
    }
}

/// A reason whose way out is not known, or goes without saying.
impl From<String> for Reason {
    fn from(because: String) -> Self {
        Self { because, to_unblock: None }
    }
}

impl From<&str> for Reason {
    fn from(because: &str) -> Self {
        Self::from(because.to_owned())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { because, to_unblock } = self;
        f.write_str(because)?;
        to_unblock.iter().try_for_each(|way_out| write!(f, "; {way_out}"))
    }
}
