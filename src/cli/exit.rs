//! From a verdict to an exit code.

use crate::plan::Verdict;

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: in sync, or everything was applied.
    Sound,
    /// 1: a difference, pending or blocked.
    Difference,
    /// 2: usage, manifest, credentials, AWS refused, apply failed, or a bug.
    Error,
    /// 3: something could not be read, and nothing else differs; asked for with `--strict`.
    Incomplete,
    /// 130: SIGINT.
    Interrupted,
    /// 143: SIGTERM.
    Terminated,
}

/// Which numbers a difference and an error have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Habit {
    /// 1 is a difference, 2 an error, as with `diff` and `grep`.
    #[default]
    Own,
    /// 2 is a difference, 1 an error, as with `terraform plan -detailed-exitcode`.
    Terraform,
}

impl Habit {
    /// The habit that `--detailed-exitcode` chooses.
    pub fn of(detailed_exitcode: bool) -> Self {
        if detailed_exitcode { Self::Terraform } else { Self::Own }
    }
}

impl Exit {
    /// The end of a pass.
    pub fn of(verdict: Verdict, strict: bool) -> Self {
        match verdict {
            Verdict::Failed => Self::Error,
            Verdict::Pending | Verdict::Blocked => Self::Difference,
            Verdict::Incomplete if strict => Self::Incomplete,
            Verdict::Incomplete | Verdict::Applied | Verdict::InSync => Self::Sound,
        }
    }

    /// The number.
    pub fn code(self, habit: Habit) -> u8 {
        match (self, habit) {
            (Self::Sound, _) => 0,
            (Self::Difference, Habit::Own) | (Self::Error, Habit::Terraform) => 1,
            (Self::Error, Habit::Own) | (Self::Difference, Habit::Terraform) => 2,
            (Self::Incomplete, _) => 3,
            (Self::Interrupted, _) => 130,
            (Self::Terminated, _) => 143,
        }
    }
}
