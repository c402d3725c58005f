//! Which keys send a command: those that come with the program, and those that the user chose instead.

use std::collections::BTreeMap;
use std::sync::Arc;

use egui::{Key, KeyboardShortcut, Modifiers};

use super::command::Command;
use crate::workbench::Action;

/// The user's choices, by the command's id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyMap {
    chosen: BTreeMap<String, Vec<KeyboardShortcut>>,
}

/// A shortcut as the settings keep it: "Command+Shift+Z". The same on every system; "Command" is Ctrl but on a Mac.
fn text_of(shortcut: &KeyboardShortcut) -> String {
    let KeyboardShortcut { modifiers, logical_key } = shortcut;
    let names = [(modifiers.command, "Command+"), (modifiers.alt, "Alt+"), (modifiers.shift, "Shift+")];
    let prefix: String = names.iter().filter(|(is_held, _)| *is_held).map(|(_, name)| *name).collect();
    format!("{prefix}{}", logical_key.name())
}

fn shortcut_of(text: &str) -> Option<KeyboardShortcut> {
    let mut modifiers = Modifiers::NONE;
    let mut rest = text;
    for (name, modifier) in [("Command+", Modifiers::COMMAND), ("Alt+", Modifiers::ALT), ("Shift+", Modifiers::SHIFT)] {
        if let Some(after) = rest.strip_prefix(name) {
            (modifiers, rest) = (modifiers | modifier, after);
        }
    }
    Some(KeyboardShortcut::new(modifiers, Key::from_name(rest)?))
}

impl KeyMap {
    /// From settings; what is no key is passed over.
    pub fn from_settings(keys: &BTreeMap<String, Vec<String>>) -> Self {
        let shortcuts = |texts: &Vec<String>| texts.iter().filter_map(|text| shortcut_of(text)).collect();
        Self { chosen: keys.iter().map(|(name, texts)| (name.clone(), shortcuts(texts))).collect() }
    }

    /// For settings.
    pub fn to_settings(&self) -> BTreeMap<String, Vec<String>> {
        self.chosen.iter().map(|(name, keys)| (name.clone(), keys.iter().map(text_of).collect())).collect()
    }

    /// The keys of a command; the first one is shown.
    pub fn shortcuts(&self, command: &Command) -> Vec<KeyboardShortcut> {
        self.chosen.get(command.id()).cloned().unwrap_or_else(|| command.default_shortcuts().to_vec())
    }

    /// Whether the user chose the keys.
    pub fn is_chosen(&self, command: &Command) -> bool {
        self.chosen.contains_key(command.id())
    }

    /// Gives a command this key alone, and takes it from the command that had it, which is returned.
    pub fn choose(&mut self, command: &Command, shortcut: KeyboardShortcut) -> Option<Command> {
        let holder =
            Command::all().find(|other| other.id() != command.id() && self.shortcuts(other).contains(&shortcut));
        if let Some(holder) = &holder {
            let mut left = self.shortcuts(holder);
            left.retain(|held| *held != shortcut);
            self.chosen.insert(holder.id().to_owned(), left);
        }
        self.chosen.insert(command.id().to_owned(), vec![shortcut]);
        holder
    }
}

/// The map in use, where widgets find it.
pub fn of(ctx: &egui::Context) -> Arc<KeyMap> {
    ctx.data_mut(|data| Arc::clone(data.get_temp_mut_or_default::<Arc<KeyMap>>(id())))
}

/// Puts a map in use.
pub fn install(ctx: &egui::Context, map: KeyMap) {
    ctx.data_mut(|data| data.insert_temp(id(), Arc::new(map)));
}

fn id() -> egui::Id {
    egui::Id::unique("key map")
}

/// The key that was pressed in this frame, with what was held, to be chosen for a command; Escape is never one.
pub fn pressed(ctx: &egui::Context) -> Option<KeyboardShortcut> {
    ctx.input(|input| {
        input.events.iter().find_map(|event| match event {
            egui::Event::Key { key, pressed: true, repeat: false, modifiers, .. } if *key != Key::Escape => {
                let mut held = Modifiers::NONE;
                for (is_held, modifier) in [
                    (modifiers.command, Modifiers::COMMAND),
                    (modifiers.alt, Modifiers::ALT),
                    (modifiers.shift, Modifiers::SHIFT),
                ] {
                    held = if is_held { held | modifier } else { held };
                }
                Some(KeyboardShortcut::new(held, *key))
            }
            _ => None,
        })
    })
}

/// A shortcut as people write it: brackets and signs as they are on the key.
pub(in crate::editor) fn format_shortcut(ctx: &egui::Context, shortcut: &KeyboardShortcut) -> String {
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
    /// The first shortcut as text, empty where there is none.
    pub fn shortcut_text(&self, ctx: &egui::Context) -> String {
        of(ctx).shortcuts(self).first().map(|shortcut| format_shortcut(ctx, shortcut)).unwrap_or_default()
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
    pub(in crate::editor) fn pressed(ctx: &egui::Context, typing: bool, has_focus: bool) -> Vec<Self> {
        let keys = of(ctx);
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

    #[test]
    fn every_shortcut_survives_the_settings() {
        for command in Command::all() {
            for &shortcut in command.default_shortcuts() {
                assert_eq!(shortcut_of(&text_of(&shortcut)), Some(shortcut), "{shortcut:?}");
            }
        }
        assert_eq!(shortcut_of("Hyper+Q"), None);
    }

    #[test]
    fn a_key_belongs_to_one_command() {
        let mut map = KeyMap::default();
        let (invert, undo_it) = (Command::from(Action::InvertMask), Command::from(Action::Undo));
        let undo = KeyboardShortcut::new(Modifiers::COMMAND, Key::Z);
        assert_eq!(map.choose(&invert, undo), Some(undo_it.clone()));
        assert_eq!(map.shortcuts(&invert), [undo]);
        assert!(map.shortcuts(&undo_it).is_empty());
        let again = KeyMap::from_settings(&map.to_settings());
        assert_eq!(again, map);
        // A settings file of another program version.
        let strange = BTreeMap::from([("no such command".to_owned(), vec!["Nonsense".to_owned()])]);
        assert_eq!(KeyMap::from_settings(&strange).shortcuts(&undo_it), [undo]);
    }
}
