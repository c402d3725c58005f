//! What the program knows about a tool beside how it works. It knows no window either.

use super::{Effect, Tool};

/// A tool as menus, keys, the tool strip and the options row show it.
pub struct ToolInfo {
    /// A name that stays the same in every language and version, for settings: "pick-layer".
    pub id: &'static str,
    /// What menus call it, in English.
    pub name: &'static str,
    /// What it does, in a sentence without a full stop, in English.
    pub tooltip: &'static str,
    /// How to use it, for the options row, in English; none where that is plain.
    pub hint: Option<&'static str>,
    /// Its code point in the icon font.
    pub icon: char,
    /// The key that takes it in hand unless the user chose another: a capital letter.
    pub key: &'static str,
    /// What the options row offers, from left to right.
    pub options: &'static [ToolOption],
    /// The pointer over the canvas.
    pub cursor: ToolCursor,
    /// Makes the tool.
    pub(super) new: fn() -> Box<dyn Tool>,
}

/// A setting in the options row. Tools share the values: a brush that was made larger is larger for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolOption {
    /// The brush's width.
    Size,
    /// How crisp the brush's edge is.
    Hardness,
    /// The most that one stroke adds or takes.
    StrokeStrength,
    /// How much is painted, for a tool that makes no strokes; the number is that of [`Self::StrokeStrength`].
    Strength,
    /// How far values may lie apart and still be filled together.
    Tolerance,
}

/// The pointer over the canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolCursor {
    /// The brush's circle, for what the primary button does.
    Brush(Effect),
    /// A cross for exact places.
    Crosshair,
    /// Something is moved.
    Move,
    /// Something is clicked.
    PointingHand,
    /// The view is taken hold of.
    Grab,
}
