//! Keys and the clipboard, before anything is drawn.

use std::path::PathBuf;
use std::sync::Arc;

use image::RgbImage;

use super::boxes::path_of;
use super::canvas::Input;
use super::commands::keymap::commands_by_keys;
use super::{Command, Editor, Kind, Look};
use crate::language::tr;
use crate::workbench::Action;

impl Editor {
    /// Finds the commands whose keys were pressed, each as often as it was, between what else happened in this frame.
    pub(super) fn handle_keys(&mut self, ctx: &egui::Context) {
        self.canvas.inputs.clear();
        if self.modal.is_some() {
            self.canvas.inputs = ctx.input(|input| input.events.iter().cloned().map(Input::Event).collect());
            return;
        }
        let typing = ctx.text_edit_focused();
        if !typing {
            self.take_clipboard(ctx);
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
        self.canvas.is_comparing = !typing && ctx.input(|input| input.key_down(egui::Key::C) && !input.modifiers.any());
    }

    /// What other programs put on the clipboard: a picture, or paths of photos, one in each line.
    fn take_clipboard(&mut self, ctx: &egui::Context) {
        let (pasted, picture) = ctx.input(|input| {
            let pasted = input.events.iter().find_map(|event| match event {
                egui::Event::Paste(text) => Some(text.clone()),
                _ => None,
            });
            let picture = input.events.iter().find_map(|event| match event {
                egui::Event::PasteImage(picture) => Some(Arc::clone(picture)),
                _ => None,
            });
            (pasted, picture)
        });
        if let Some(picture) = picture {
            let [width, height] = picture.size.map(|len| u32::try_from(len).unwrap_or_default());
            self.bench.take_picture(tr("Pasted picture").to_owned(), move || {
                let rgb = picture.pixels.iter().flat_map(|pixel| {
                    let [red, green, blue, _] = pixel.to_srgba_unmultiplied();
                    [red, green, blue]
                });
                RgbImage::from_raw(width, height, rgb.collect())
            });
        }
        let Some(pasted) = pasted else { return };
        let lines = pasted.lines().map(str::trim).filter(|line| !line.is_empty());
        let paths: Vec<PathBuf> = lines.map(path_of).filter(|path| path.is_file()).collect();
        if paths.is_empty() {
            self.notifications.push(Kind::Info, tr("There is no picture and no path of a photo on the clipboard"));
        } else {
            self.send(Action::OpenPaths(paths));
        }
    }
}

/// Whether an arrow key is held: its steps are one.
pub(super) fn is_nudging(ctx: &egui::Context) -> bool {
    use egui::Key::{ArrowDown, ArrowLeft, ArrowRight, ArrowUp};
    ctx.input(|input| [ArrowDown, ArrowLeft, ArrowRight, ArrowUp].iter().any(|key| input.key_down(*key)))
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
