//! Colour, where it is wanted.

use anstyle::{AnsiColor, Style};

/// Whether text is coloured; decided by the caller, which knows the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paint {
    /// With ANSI colours.
    On,
    /// Plain.
    #[default]
    Off,
}

/// What a piece of text is, as far as its colour says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Something is made.
    Create,
    /// Something is edited.
    Change,
    /// Something goes.
    Remove,
    /// A difference that stays.
    Blocked,
    /// Another owner's.
    Defer,
    /// It worked.
    Good,
    /// It did not.
    Bad,
    /// Title of a group; the summary.
    Heading,
    /// What is to be read, without colour.
    Plain,
    /// Background.
    Quiet,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Create | Self::Good => AnsiColor::Green.on_default(),
            Self::Change => AnsiColor::Yellow.on_default(),
            Self::Remove => AnsiColor::Red.on_default(),
            Self::Blocked => AnsiColor::Magenta.on_default(),
            Self::Defer => AnsiColor::Cyan.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Heading => Style::new().bold(),
            Self::Plain => Style::new(),
            Self::Quiet => Style::new().dimmed(),
        }
    }
}

impl Paint {
    /// `text` in the colour of `tone`.
    pub fn tone(self, tone: Tone, text: &str) -> String {
        match self {
            Self::On if !text.is_empty() => {
                let style = tone.style();
                format!("{style}{text}{style:#}")
            }
            Self::On | Self::Off => text.to_owned(),
        }
    }
}
