//! Code points of the Phosphor icon font (regular weight).

#![allow(missing_docs)]

pub const BRUSH: char = '\u{e6f0}';
pub const ERASER: char = '\u{e21e}';
pub const MOVE: char = '\u{e0a4}';
pub const HAND: char = '\u{e298}';
pub const EYE: char = '\u{e220}';
pub const EYE_SLASH: char = '\u{e224}';
pub const TRASH: char = '\u{e4a6}';
pub const COPY: char = '\u{e1ca}';
pub const ARROW_UP: char = '\u{e08e}';
pub const ARROW_DOWN: char = '\u{e03e}';
pub const RESET: char = '\u{e038}';
pub const UNDO: char = '\u{e08a}';
pub const REDO: char = '\u{e08c}';
pub const PLUS: char = '\u{e3d4}';
pub const FOLDER_OPEN: char = '\u{e256}';
pub const EXPORT: char = '\u{eaf0}';
pub const X: char = '\u{e4f6}';
pub const WARNING: char = '\u{e4e2}';
pub const INFO: char = '\u{e2ce}';
pub const CHECK_CIRCLE: char = '\u{e184}';
pub const ZOOM_IN: char = '\u{e310}';
pub const ZOOM_OUT: char = '\u{e30e}';
pub const FIT: char = '\u{e1d0}';
pub const OVERLAY: char = '\u{e18c}';
pub const SWAP: char = '\u{e0a0}';
pub const IMAGES: char = '\u{e836}';
pub const STACK: char = '\u{e466}';
pub const CLEAR: char = '\u{e746}';
pub const USER: char = '\u{e4c2}';
pub const COMPARE: char = '\u{eb40}';
pub const KEYBOARD: char = '\u{e2d8}';
pub const IMAGE: char = '\u{e2ca}';
pub const USER_FOCUS: char = '\u{e6fc}';
pub const CROSSHAIR: char = '\u{e1d6}';
pub const COLUMNS: char = '\u{e546}';
pub const CARET_DOWN: char = '\u{e136}';
pub const CARET_RIGHT: char = '\u{e13a}';
pub const COMMAND: char = '\u{e1c4}';
pub const MOON: char = '\u{e330}';
pub const HISTORY: char = '\u{e1a0}';
pub const PLAY: char = '\u{e3d0}';
pub const PAUSE: char = '\u{e39e}';
pub const DICE: char = '\u{e1f0}';
