//! How text is laid out for those who read it: with colour or without, and how wide.

use super::paint::Paint;

/// Width of text that is not written to a terminal by the command line: of samples, and of what programs keep.
const USUAL_WIDTH: usize = 100;
/// Text keeps this room even where the terminal and the indentation leave less.
const LEAST_ROOM: usize = 20;

/// Colour and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether text is coloured.
    pub paint: Paint,
    /// Columns of a line; without them no line is broken.
    pub width: Option<usize>,
}

impl From<Paint> for Style {
    /// The usual width.
    fn from(paint: Paint) -> Self {
        Self { paint, width: Some(USUAL_WIDTH) }
    }
}

impl Style {
    /// Neither colour nor broken lines: for files and pipes, where lines are searched.
    pub const UNBROKEN: Self = Self { paint: Paint::Off, width: None };

    /// Columns that are left behind `taken`.
    pub(super) fn room(self, taken: usize) -> usize {
        self.width.map_or(usize::MAX, |width| width.saturating_sub(taken).max(LEAST_ROOM))
    }

    /// Whether a line of `wanted` columns need not be broken.
    pub(super) fn fits(self, wanted: usize) -> bool {
        self.width.is_none_or(|width| wanted <= width)
    }
}
