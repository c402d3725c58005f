//! Which keys send a command: those that come with the program, and those that the user chose instead.

use std::collections::BTreeMap;
use std::sync::Arc;

use egui::{Event, Key, KeyboardShortcut, Modifiers};

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

    /// Gives a command the keys that come with the program, and takes them from the commands that have them now, which are
    /// returned.
    pub fn reset(&mut self, command: &Command) -> Vec<Command> {
        self.chosen.remove(command.id());
        let own = command.default_shortcuts();
        let is_taken = |other: &Command| self.shortcuts(other).iter().any(|shortcut| own.contains(shortcut));
        let holders: Vec<Command> =
            Command::all().filter(|other| other.id() != command.id() && is_taken(other)).collect();
        for holder in &holders {
            let mut left = self.shortcuts(holder);
            left.retain(|held| !own.contains(held));
            self.chosen.insert(holder.id().to_owned(), left);
        }
        holders
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

/// The key that an event says was pressed, with what was held. A modifier alone is none, Escape never is one, and what the system
/// sends in place of Ctrl+C and Ctrl+X is these.
fn pressed_key(event: &Event) -> Option<(Modifiers, Key)> {
    use Key::{AltLeft, AltRight, ControlLeft, ControlRight, Escape, ShiftLeft, ShiftRight, SuperLeft, SuperRight};
    match event {
        Event::Copy => Some((Modifiers::COMMAND, Key::C)),
        Event::Cut => Some((Modifiers::COMMAND, Key::X)),
        Event::Key {
            key:
                AltLeft | AltRight | ControlLeft | ControlRight | Escape | ShiftLeft | ShiftRight | SuperLeft | SuperRight,
            ..
        } => None,
        Event::Key { key, pressed: true, modifiers, .. } => Some((*modifiers, *key)),
        _ => None,
    }
}

/// The key that was pressed in this frame, with what was held, to be chosen for a command.
pub fn pressed(ctx: &egui::Context) -> Option<KeyboardShortcut> {
    ctx.input(|input| {
        input.events.iter().filter(|event| !matches!(event, Event::Key { repeat: true, .. })).find_map(|event| {
            let (modifiers, key) = pressed_key(event)?;
            let held = [
                (modifiers.command, Modifiers::COMMAND),
                (modifiers.alt, Modifiers::ALT),
                (modifiers.shift, Modifiers::SHIFT),
            ];
            let held = held.into_iter().filter(|(is_held, _)| *is_held);
            Some(KeyboardShortcut::new(held.fold(Modifiers::NONE, |held, (_, modifier)| held | modifier), key))
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
}

/// What happened in a frame, in its order.
#[derive(Clone, Debug)]
pub enum Input {
    /// What the system said.
    Event(Event),
    /// The command whose key was pressed.
    Command(Command),
}

/// What happened since the last frame, with the commands in the places of their keys: however many events one frame brings,
/// each counts, in its order. Of shortcuts that fit, the one with the most modifiers is meant, as egui lets a shortcut
/// without Shift match while Shift is held. `typing` leaves alone what a text field needs, `has_focus` what any focused widget
/// needs. The keys are taken from egui: no widget sees them.
pub(in crate::editor) fn commands_by_keys(ctx: &egui::Context, typing: bool, has_focus: bool) -> Vec<Input> {
    let events = ctx.input_mut(|input| std::mem::take(&mut input.events));
    let shortcuts = if events.iter().any(|event| pressed_key(event).is_some()) {
        free_shortcuts(ctx, typing, has_focus)
    } else {
        Vec::new()
    };
    let command_of = |event: &Event| {
        let (modifiers, key) = pressed_key(event).filter(|_| !(typing && matches!(event, Event::Copy | Event::Cut)))?;
        let fits = |(shortcut, _): &&(KeyboardShortcut, Command)| {
            shortcut.logical_key == key && modifiers.matches_logically(shortcut.modifiers)
        };
        shortcuts.iter().find(fits).map(|(_, command)| command.clone())
    };
    let inputs: Vec<Input> =
        events.into_iter().map(|event| command_of(&event).map_or(Input::Event(event), Input::Command)).collect();
    let left = inputs.iter().filter_map(|input| match input {
        Input::Event(event) => Some(event.clone()),
        Input::Command(_) => None,
    });
    ctx.input_mut(|input| input.events = left.collect());
    inputs
}

/// The shortcuts that no text field and no focused widget needs, those with the most modifiers first.
fn free_shortcuts(ctx: &egui::Context, typing: bool, has_focus: bool) -> Vec<(KeyboardShortcut, Command)> {
    let keys = of(ctx);
    let mut shortcuts: Vec<(KeyboardShortcut, Command)> = Command::all()
        .flat_map(|command| keys.shortcuts(&command).into_iter().map(move |shortcut| (shortcut, command.clone())))
        .filter(|(shortcut, command)| {
            let is_plain = !shortcut.modifiers.command;
            let is_taken = typing && (is_plain || shortcut.conflicts_with_text_editing())
                || has_focus && matches!(command, Command::Do(Action::NudgeRegion(..)));
            !is_taken
        })
        .collect();
    shortcuts.sort_by_key(|(KeyboardShortcut { modifiers, .. }, _)| {
        std::cmp::Reverse(u8::from(modifiers.command) + u8::from(modifiers.shift) + u8::from(modifiers.alt))
    });
    shortcuts
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

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

    fn press(key: Key, modifiers: Modifiers) -> Event {
        Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers }
    }

    /// What a frame with these events gives.
    fn frame<R>(events: Vec<Event>, look: impl Fn(&egui::Context) -> R) -> R {
        let ctx = egui::Context::default();
        let input = egui::RawInput { events, ..egui::RawInput::default() };
        let mut seen = None;
        let _ = ctx.run_ui(input, |ui| seen = Some(look(ui.ctx())));
        seen.unwrap()
    }

    #[test]
    fn a_chord_is_chosen_as_a_whole_and_never_a_modifier_alone() {
        let shift_k = vec![press(Key::ShiftLeft, Modifiers::SHIFT), press(Key::K, Modifiers::SHIFT)];
        assert_eq!(frame(shift_k, pressed), Some(KeyboardShortcut::new(Modifiers::SHIFT, Key::K)));
        let control = vec![press(Key::ControlLeft, Modifiers::COMMAND)];
        assert_eq!(frame(control.clone(), pressed), None);
        // The system says Copy in place of Ctrl+C.
        let copy = [control, vec![Event::Copy]].concat();
        assert_eq!(frame(copy, pressed), Some(KeyboardShortcut::new(Modifiers::COMMAND, Key::C)));
        assert_eq!(frame(vec![press(Key::Escape, Modifiers::NONE)], pressed), None);
    }

    #[test]
    fn every_press_in_a_frame_counts_in_its_order() {
        let plain = |key| press(key, Modifiers::NONE);
        let undo = press(Key::Z, Modifiers::COMMAND);
        let events =
            vec![plain(Key::CloseBracket), undo.clone(), plain(Key::CloseBracket), undo.clone(), undo, Event::Copy];
        let commands = frame(events, |ctx| {
            let inputs = commands_by_keys(ctx, false, false);
            assert!(ctx.input(|input| input.events.is_empty()), "no widget sees the keys");
            inputs
                .into_iter()
                .map(|input| if let Input::Command(command) = input { Some(command) } else { None })
                .collect::<Vec<_>>()
        });
        let (larger, undo) = (Command::from(Action::BrushLarger), Command::from(Action::Undo));
        let expected = [&larger, &undo, &larger, &undo, &undo, &Action::CopyPicture.into()];
        assert_eq!(commands, expected.map(|command| Some(command.clone())));
        // A text field keeps what it needs.
        let typed = frame(vec![Event::Copy, plain(Key::B)], |ctx| commands_by_keys(ctx, true, true));
        assert!(typed.iter().all(|input| matches!(input, Input::Event(_))), "{typed:?}");
    }

    #[test]
    fn one_command_gets_its_own_keys_back() {
        let mut map = KeyMap::default();
        let (invert, undo) = (Command::from(Action::InvertMask), Command::from(Action::Undo));
        let undo_key = KeyboardShortcut::new(Modifiers::COMMAND, Key::Z);
        map.choose(&invert, undo_key);
        assert_eq!(map.reset(&undo), std::slice::from_ref(&invert));
        assert_eq!(map.shortcuts(&undo), [undo_key]);
        assert!(map.shortcuts(&invert).is_empty(), "a key belongs to one command");
        assert!(map.reset(&invert).is_empty());
        assert_eq!(map, KeyMap::default());
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
