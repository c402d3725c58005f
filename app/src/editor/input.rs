//! Keys and the clipboard, before anything is drawn.

use egui::{Event, Key, Modifiers, ViewportCommand};
use image::RgbaImage;

use super::canvas::Input;
use super::commands::keymap::commands_by_keys;
use super::panels::Menu;
use super::{Command, Editor, Look};
use crate::photo_loading::Purpose;
use crate::workbench::Action;
use crate::workbench::clipboard::Clip;

/// The text for a text field comes within two frames of being asked for.
const MAX_PASTE_FRAMES: u8 = 3;

impl Editor {
    /// Finds the commands whose keys were pressed, each as often as it was, between what else happened in this frame.
    pub(super) fn handle_keys(&mut self, ctx: &egui::Context) {
        self.canvas.inputs.clear();
        if self.modal.is_some() {
            self.canvas.inputs = ctx.input(|input| input.events.iter().cloned().map(Input::Event).collect());
            return;
        }
        self.take_menu_key(ctx);
        let typing = ctx.text_edit_focused();
        if !typing {
            self.take_clips(ctx);
        }
        // Arrow keys belong to a focused slider.
        let has_focus = ctx.egui_wants_keyboard_input();
        for input in commands_by_keys(ctx, typing, has_focus) {
            // Nobody sees what these do while the user is asked about a photo.
            let is_hidden = |command: &Command| self.canvas.face_chooser.is_some() && changes_layers(command);
            if !matches!(&input, Input::Command(command) if is_hidden(command)) {
                self.canvas.inputs.push(input);
            }
        }
        // The key is held, not pressed: the photo as it was shows for as long.
        self.canvas.is_comparing = !typing && ctx.input(|input| input.key_down(Key::C) && !input.modifiers.any());
    }

    /// Alt with a letter opens a menu, but on a Mac, where it types signs.
    fn take_menu_key(&mut self, ctx: &egui::Context) {
        if cfg!(target_os = "macos") {
            return;
        }
        let opened = &mut self.opened_menu;
        ctx.input_mut(|input| {
            input.events.retain(|event| {
                let Event::Key { key, pressed: true, modifiers, .. } = event else { return true };
                let menu = Menu::of_key(*key).filter(|_| modifiers.alt && !modifiers.command && !modifiers.shift);
                *opened = menu.or(*opened);
                menu.is_none()
            });
        });
    }

    /// What the system hands over by itself: a picture, or paths of photos, one in each line.
    fn take_clips(&mut self, ctx: &egui::Context) {
        let clips = ctx.input(|input| input.events.iter().filter_map(clip_of).collect::<Vec<Clip>>());
        for clip in clips {
            self.bench.paste(Purpose::Add, move || Ok(Some(clip)));
        }
    }

    /// The keys of the clipboard as a text field wants them. The window's library would read the clipboard at once for the
    /// key that pastes, keep the key, and say nothing where there is no text: only a text field gets its text, and everybody
    /// else the key. What follows that key waits until the text is there.
    pub(super) fn translate_clipboard_keys(&mut self, ctx: &egui::Context, events: &mut Vec<Event>) {
        let typing = ctx.text_edit_focused();
        let new = std::mem::take(events);
        let is_text = |event: &Event| matches!(event, Event::Paste(_) | Event::PasteImage(_));
        let (answer, new): (Vec<Event>, Vec<Event>) = new.into_iter().partition(is_text);
        let mut pending = std::mem::take(&mut self.behind_paste);
        pending.extend(new);
        // Nothing comes where there is no text: after some frames nobody waits any more.
        if self.paste_frames_left > 0 && answer.is_empty() {
            self.paste_frames_left -= 1;
            self.behind_paste = pending;
            ctx.request_repaint();
            return;
        }
        self.paste_frames_left = 0;
        events.extend(answer);
        let mut asked = false;
        for event in pending {
            if asked {
                self.behind_paste.push(event);
                continue;
            }
            match clipboard_key(&event) {
                Some(ClipboardKey::Copy) => events.push(Event::Copy),
                Some(ClipboardKey::Cut) => events.push(Event::Cut),
                Some(ClipboardKey::Paste) if typing => {
                    ctx.send_viewport_cmd(ViewportCommand::RequestPaste);
                    asked = true;
                }
                Some(ClipboardKey::Paste) => events.push(Event::Key {
                    key: Key::V,
                    physical_key: None,
                    pressed: true,
                    repeat: false,
                    modifiers: Modifiers::COMMAND,
                }),
                None => events.push(event),
            }
        }
        if asked {
            self.paste_frames_left = MAX_PASTE_FRAMES;
            ctx.request_repaint();
        }
    }
}

fn clip_of(event: &Event) -> Option<Clip> {
    match event {
        Event::Paste(text) => Some(Clip::Text(text.clone())),
        Event::PasteImage(picture) => {
            let [width, height] = picture.size.map(|len| u32::try_from(len).unwrap_or_default());
            let rgba = picture.pixels.iter().flat_map(|pixel| pixel.to_srgba_unmultiplied()).collect();
            RgbaImage::from_raw(width, height, rgba).map(Clip::Picture)
        }
        _ => None,
    }
}

enum ClipboardKey {
    Copy,
    Cut,
    Paste,
}

/// What a key that goes down does with the clipboard on every system.
fn clipboard_key(event: &Event) -> Option<ClipboardKey> {
    let Event::Key { key, pressed: true, modifiers, .. } = event else { return None };
    let is_windows = cfg!(target_os = "windows");
    match key {
        Key::Copy => Some(ClipboardKey::Copy),
        Key::Cut => Some(ClipboardKey::Cut),
        Key::Paste => Some(ClipboardKey::Paste),
        Key::C if modifiers.command_only() => Some(ClipboardKey::Copy),
        Key::X if modifiers.command_only() => Some(ClipboardKey::Cut),
        Key::V if modifiers.command_only() => Some(ClipboardKey::Paste),
        Key::Insert if is_windows && modifiers.ctrl => Some(ClipboardKey::Copy),
        Key::Delete if is_windows && modifiers.shift => Some(ClipboardKey::Cut),
        Key::Insert if is_windows && modifiers.shift => Some(ClipboardKey::Paste),
        _ => None,
    }
}

/// Whether an arrow key is held: its steps are one.
pub(super) fn is_nudging(ctx: &egui::Context) -> bool {
    ctx.input(|input| input.keys_down.iter().any(|key| is_arrow(*key)))
}

pub(super) fn is_arrow(key: Key) -> bool {
    matches!(key, Key::ArrowDown | Key::ArrowLeft | Key::ArrowRight | Key::ArrowUp)
}

fn changes_layers(command: &Command) -> bool {
    use Action::{
        ClearMask, DeleteLayer, DuplicateLayer, InvertMask, LowerLayer, NudgeRegion, RaiseLayer, ResetOffset,
    };
    match command {
        Command::Do(action) => matches!(
            action,
            ClearMask
                | DeleteLayer
                | DuplicateLayer
                | InvertMask
                | LowerLayer
                | NudgeRegion(..)
                | RaiseLayer
                | ResetOffset
        ),
        Command::Look(look) => *look == Look::RenameLayer,
    }
}
