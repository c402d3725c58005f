//! Commands: what buttons, menus, keys and tests send. A [`Command`] is something done to the work, an [`Action`], or something
//! that only the window knows, a [`Look`]. How they are called and by which keys they are sent stands in [`table`].

pub mod keymap;
mod table;

use egui::{Key, KeyboardShortcut};

use crate::document::PhotoId;
use crate::language::tr;
use crate::workbench::{Action, Question, Workbench};

pub(super) use table::{Row, rows};

/// Commands in an array, from actions and looks.
macro_rules! command_list {
    ($($command:expr),* $(,)?) => { [$($crate::editor::commands::Command::from($command)),*] };
}
pub(in crate::editor) use command_list;

/// Something that the user wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Of the work.
    Do(Action),
    /// Of the window.
    Look(Look),
}

/// Something that concerns the window alone: how the canvas lies in it, and which box is open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Look {
    /// Asks for files or a folder.
    AskFor(Question),
    /// Asks for a path, in a box of our own.
    AskForPath(Question),
    /// Asks how the picture is to be written.
    ShowExport {
        /// The whole photo with the edited face in it, rather than the face alone.
        in_photo: bool,
    },
    /// Asks what to write of the motion between the two faces.
    ShowMotionExport,
    /// Shows random faces, to pick from.
    ShowRandomFaces,
    /// Shows every command, to be found by its name.
    ShowPalette,
    /// Shows the keys.
    ShowKeys,
    /// Shows what this program is.
    ShowAbout,
    /// Shows what is written about the model.
    ShowModelCard,
    /// Zooms in.
    ZoomIn,
    /// Zooms out.
    ZoomOut,
    /// Shows the whole picture.
    ZoomToFit,
    /// Shows one screen pixel for each pixel of the picture.
    ZoomToActualSize,
    /// Shows the source beside the edit, or no longer.
    ToggleCompare(CompareMode),
    /// Shows the faces of this photo, or of the source, to choose another.
    ChooseFace(Option<PhotoId>),
    /// Lets the user place the face of this photo, or of the source.
    PlaceFace(Option<PhotoId>),
    /// Lets the user type another name for the active layer.
    RenameLayer,
}

/// What of the source the canvas keeps showing beside the edit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CompareMode {
    /// Nothing.
    #[default]
    Off,
    /// The source left of a line that can be dragged.
    Split,
    /// Both, side by side.
    SideBySide,
}

impl From<Action> for Command {
    fn from(action: Action) -> Self {
        Self::Do(action)
    }
}

impl From<Look> for Command {
    fn from(look: Look) -> Self {
        Self::Look(look)
    }
}

/// A shortcut as people write it: brackets and signs as they are on the key.
pub(super) fn format_shortcut(ctx: &egui::Context, shortcut: &KeyboardShortcut) -> String {
    let text = ctx.format_shortcut(shortcut);
    let key = shortcut.logical_key;
    let sign = match key {
        Key::OpenBracket => "[",
        Key::CloseBracket => "]",
        Key::Minus => "-",
        Key::Equals => "=",
        Key::Plus => "+",
        Key::Period => ".",
        Key::Comma => ",",
        Key::Questionmark => "?",
        Key::PageUp => "Page up",
        Key::PageDown => "Page down",
        _ => return text,
    };
    // egui writes the key's name, or on a Mac its symbol.
    let modifiers = text.strip_suffix(key.name()).or_else(|| text.strip_suffix(key.symbol_or_name()));
    format!("{}{sign}", modifiers.unwrap_or_default())
}

impl Command {
    /// Every command that a key or a menu can send by itself, in the order of the help.
    pub fn all() -> impl Iterator<Item = Self> {
        rows().iter().filter(|row| row.is_listed).map(|row| row.command.clone())
    }

    /// Its row: the very command's, or that of its kind, where it is about a photo or a layer.
    fn row(&self) -> Option<&'static Row> {
        let kind = |command: &Self| match command {
            Self::Do(action) => (Some(std::mem::discriminant(action)), None),
            Self::Look(look) => (None, Some(std::mem::discriminant(look))),
        };
        let rows = rows();
        rows.iter()
            .find(|row| row.command == *self)
            .or_else(|| rows.iter().find(|row| kind(&row.command) == kind(self)))
    }

    /// What menus call it, in the user's language; nothing for what is in no menu.
    pub fn text(&self) -> &'static str {
        self.row().map_or("", |row| tr(row.text))
    }

    /// What it does, in a sentence, in the user's language.
    pub fn tooltip(&self) -> &'static str {
        self.row().map_or("", |row| tr(row.tooltip))
    }

    /// What the settings call it, in every language the same.
    pub fn id(&self) -> &'static str {
        self.row().map_or("", |row| row.id)
    }

    /// Its icon, where it has one.
    pub fn icon(&self) -> Option<char> {
        self.row().and_then(|row| row.icon)
    }

    /// The keys that send it unless the user chose others; the first one is shown.
    pub fn default_shortcuts(&self) -> &'static [KeyboardShortcut] {
        self.row().map_or(&[], |row| &row.keys)
    }

    /// Whether it has something to do now.
    pub fn is_enabled(&self, bench: &Workbench) -> bool {
        let has = |photo: Option<PhotoId>| {
            photo.map_or_else(|| bench.source_in_photo(), |photo| bench.placement_of(photo)).map(|(_, it)| it)
        };
        match self {
            Self::Do(action) => bench.is_enabled(action),
            Self::Look(Look::AskFor(question) | Look::AskForPath(question)) => {
                question.answered(vec![Default::default()]).iter().all(|action| bench.is_enabled(action))
            }
            Self::Look(Look::ShowExport { in_photo: false }) => !bench.document().is_empty(),
            Self::Look(Look::ShowExport { in_photo: true }) => bench.source_in_photo().is_some(),
            Self::Look(Look::ShowMotionExport) => bench.document().blend().is_some(),
            Self::Look(Look::ChooseFace(photo)) => has(*photo).is_some_and(|it| !it.original.faces.is_empty()),
            Self::Look(Look::PlaceFace(photo)) => has(*photo).is_some(),
            Self::Look(Look::RenameLayer) => bench.document().active_layer().is_some(),
            Self::Look(_) => true,
        }
    }

    /// The first shortcut as text, empty where there is none.
    pub fn shortcut_text(&self, ctx: &egui::Context) -> String {
        keymap::of(ctx).shortcuts(self).first().map(|shortcut| format_shortcut(ctx, shortcut)).unwrap_or_default()
    }

    /// Tooltip and shortcut.
    pub fn hint(&self, ctx: &egui::Context) -> String {
        match self.shortcut_text(ctx) {
            shortcut if shortcut.is_empty() => self.tooltip().to_owned(),
            shortcut => format!("{}  ({shortcut})", self.tooltip()),
        }
    }

    /// The commands whose keys were pressed since the last frame. Those with more modifiers come first, as egui lets a
    /// shortcut without Shift match while Shift is held. `typing` leaves alone what a text field needs, `has_focus` what
    /// any focused widget needs.
    pub(super) fn pressed(ctx: &egui::Context, typing: bool, has_focus: bool) -> Vec<Self> {
        let keys = keymap::of(ctx);
        let mut shortcuts: Vec<(KeyboardShortcut, Self)> = Self::all()
            .flat_map(|command| keys.shortcuts(&command).into_iter().map(move |shortcut| (shortcut, command.clone())))
            .collect();
        shortcuts.sort_by_key(|(KeyboardShortcut { modifiers, .. }, _)| {
            std::cmp::Reverse(u8::from(modifiers.command) + u8::from(modifiers.shift) + u8::from(modifiers.alt))
        });
        ctx.input_mut(|input| {
            let pressed = shortcuts.into_iter().filter(|(shortcut, command)| {
                let is_plain = !shortcut.modifiers.command;
                let is_taken = typing && (is_plain || shortcut.conflicts_with_text_editing())
                    || has_focus && matches!(command, Self::Do(Action::NudgeRegion(..)));
                !is_taken && input.consume_shortcut(shortcut)
            });
            pressed.map(|(_, command)| command).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::mask_ops::MASK_STEP_PX;

    #[test]
    fn no_key_has_two_meanings() {
        let mut seen: Vec<(KeyboardShortcut, Command)> = Vec::new();
        for command in Command::all() {
            for &shortcut in command.default_shortcuts() {
                let other = seen.iter().find(|(known, _)| *known == shortcut).map(|(_, other)| other);
                assert_eq!(other, None, "{shortcut:?} is also {command:?}");
                seen.push((shortcut, command.clone()));
            }
        }
    }

    #[test]
    fn every_command_of_a_menu_has_its_own_row_and_id() {
        let mut ids: Vec<&str> = rows().iter().map(|row| row.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), rows().len(), "an id stands twice");
        // Settings of older programs know these.
        for (command, id) in [
            (Command::from(Action::ToggleOverlay), "show-mask"),
            (Action::UseLanguage(None).into(), "language-of-the-system"),
            (Action::NudgeRegion(-1, 0).into(), "nudge--1-0"),
            (Look::AskFor(Question::OpenPhotos).into(), "open"),
        ] {
            assert_eq!(command.id(), id);
        }
        // A photo or a layer makes no other command.
        assert_eq!(Command::from(Action::RemovePhoto(PhotoId(7))).text(), "Close photo");
        assert_eq!(Command::from(Look::PlaceFace(Some(PhotoId(7)))).id(), "place-face-by-hand");
    }

    #[test]
    fn every_command_has_its_words_in_korean() {
        let words = rows().iter().flat_map(|row| [row.text, row.tooltip]);
        let missing: Vec<_> = words.filter(|text| !crate::language::is_known(text)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn steps_say_how_far_they_go() {
        let step = format!("by {MASK_STEP_PX} px");
        for command in [Action::GrowMask, Action::ShrinkMask, Action::SoftenMask].map(Command::from) {
            assert!(command.text().ends_with(&step), "{}", command.text());
        }
    }

    #[test]
    fn texts_follow_the_house_style() {
        for command in Command::all() {
            let text = command.text();
            // Not is_uppercase: the languages are named in their own letters, and not all have two cases.
            assert!(text.chars().next().is_some_and(|letter| !letter.is_lowercase()), "{text}");
            assert!(!text.ends_with(':') && !text.ends_with('.'), "{text}");
            assert!(!command.tooltip().ends_with('.'), "{}", command.tooltip());
        }
    }
}
