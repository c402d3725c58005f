//! Commands: what buttons, menus, keys and tests send. A [`Command`] is something done to the work, an
//! [`Action`](crate::workbench::Action), or something that only the window knows, a [`Look`]. How they are called and by which keys they
//! are sent stands in `table`, one row each.

mod command;
pub mod keymap;
pub(super) mod synonyms;
mod table;

pub use command::{Command, CompareMode, Look};

/// Commands in an array, from actions and looks.
macro_rules! command_list {
    ($($command:expr),* $(,)?) => { [$($crate::editor::commands::Command::from($command)),*] };
}
pub(in crate::editor) use command_list;
