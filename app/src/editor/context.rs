//! What panels and boxes see of the window: the work to show, and the way to send commands. They read, draw and send; nothing
//! that they do changes the work while it is drawn.

use egui::{Button, Response, Ui};

use super::commands::{Command, CompareMode, Look};
use super::thumbnails::Thumbnails;
use super::widgets;
use crate::document::CANVAS_SIZE_PX;
use crate::document::mask_ops::MASK_STEP_PX;
use crate::language::tr;
use crate::settings::OpenSections;
use crate::workbench::{Action, Workbench};

/// What is known of the model before it is loaded, and written about it.
pub(super) struct ModelText {
    /// What the status bar calls it while it is loaded.
    pub label: String,
    /// What is written about it, in Markdown, where it came with a card.
    pub card: Option<&'static str>,
}

/// What the canvas tells the panels around it.
#[derive(Clone, Copy)]
pub(super) struct CanvasState {
    /// What of the source shows beside the edit.
    pub compare_mode: CompareMode,
    /// Whether the source shows for as long as a key or button is held.
    pub is_comparing: bool,
    /// Screen pixels for each pixel of the picture, in percent.
    pub zoom_percent: f32,
}

/// What is drawn from, and where commands go.
pub(super) struct Context<'a> {
    /// The work.
    pub bench: &'a Workbench,
    /// How the canvas shows it.
    pub canvas: CanvasState,
    /// Small pictures of the photos.
    pub thumbnails: &'a mut Thumbnails,
    /// About the model.
    pub model: &'a ModelText,
    /// Commands sent in this frame; they run after everything is drawn.
    pub sent: &'a mut Vec<Command>,
}

impl Context<'_> {
    /// Sends a command: it runs before the frame ends.
    pub fn send(&mut self, command: impl Into<Command>) {
        self.sent.push(command.into());
    }

    /// Whether a command has something to do now.
    pub fn is_enabled(&self, command: &Command) -> bool {
        command.is_enabled(self.bench)
    }

    /// Remembers which parts of the side panel are open.
    pub fn keep_sections(&mut self, sections: OpenSections) {
        if sections != self.bench.settings().open_sections {
            self.send(Action::SetOpenSections(sections));
        }
    }

    /// How many of the pixels that the window speaks of are one of the canvas: they are the photo's while the photo shows,
    /// and else those of the face, which is [`CANVAS_SIZE_PX`] wide.
    pub fn px_per_canvas_px(&self) -> f32 {
        let placement = self.bench.shown_photo().map(|(_, placement)| placement);
        placement.map_or(1.0, |placement| placement.quad.side_px() / CANVAS_SIZE_PX as f32)
    }

    /// Which pixels those are.
    pub fn px_hint(&self) -> &'static str {
        match self.bench.shown_photo() {
            Some(_) => tr("In pixels of the photo"),
            None => tr("In pixels of the face, which is 512 px wide here"),
        }
    }

    /// What a menu calls a command: undo and redo name the edit.
    pub fn text_of(&self, command: &Command) -> String {
        let timeline = self.bench.timeline();
        let edit = match command {
            Command::Do(Action::Undo) => timeline.undo_name(),
            Command::Do(Action::Redo) => timeline.redo_name(),
            _ => None,
        };
        match edit.map(tr) {
            Some(edit) => {
                let mut letters = edit.chars();
                let lower: String =
                    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default();
                format!("{} {lower}", command.text())
            }
            None if matches!(command, Command::Do(Action::GrowMask | Action::ShrinkMask | Action::SoftenMask)) => {
                let step = format!("{:.0} px", MASK_STEP_PX as f32 * self.px_per_canvas_px());
                command.text().replace(&format!("{MASK_STEP_PX} px"), &step)
            }
            None => command.text().to_owned(),
        }
    }

    /// Whether what a command turns on is on; none for what is only done.
    fn is_on(&self, command: &Command) -> Option<bool> {
        let (view, settings) = (self.bench.view(), self.bench.settings());
        Some(match command {
            Command::Do(action) => match action {
                Action::ToggleOverlay => view.shows_overlay,
                Action::ShowMaskAs(mask_view) => view.shows_overlay && view.mask_view == *mask_view,
                Action::ToggleInPhoto => self.bench.shown_photo().is_some(),
                Action::MixStyles(mix) => self.bench.document().style_mix() == *mix,
                Action::ToggleIsolation => view.isolates_layer,
                Action::AdjustWholeFace => self.bench.adjusted_layer().is_none(),
                Action::AdjustInsideMask => self.bench.adjusted_layer().is_some(),
                Action::UseLanguage(language) => settings.language == *language,
                Action::UseTheme(theme) => settings.theme == *theme,
                Action::SelectTool(tool) => self.bench.toolbox().selected == *tool,
                _ => return None,
            },
            Command::Look(Look::ToggleCompare(mode)) => self.canvas.compare_mode == *mode,
            Command::Look(_) => return None,
        })
    }

    /// The lines of a menu, in groups.
    pub fn menu_groups_ui(&mut self, ui: &mut Ui, groups: &[&[Command]]) {
        widgets::menu_spacing(ui);
        for (index, group) in groups.iter().enumerate() {
            if index > 0 {
                ui.separator();
            }
            for command in *group {
                self.menu_item_ui(ui, command.clone());
            }
        }
    }

    /// One line of a menu.
    pub fn menu_item_ui(&mut self, ui: &mut Ui, command: impl Into<Command>) {
        let command = command.into();
        let text = self.text_of(&command);
        self.named_menu_item_ui(ui, command, &text);
    }

    /// One line of a menu by another name than the command's own.
    pub fn named_menu_item_ui(&mut self, ui: &mut Ui, command: impl Into<Command>, text: &str) -> Response {
        let command = command.into();
        let mut button = Button::new(text);
        let shortcut = command.shortcut_text(ui.ctx());
        if !shortcut.is_empty() {
            button = button.shortcut_text(shortcut);
        }
        if let Some(is_on) = self.is_on(&command) {
            button = button.selected(is_on);
        }
        let response = ui.add_enabled(self.is_enabled(&command), button).on_hover_text(command.tooltip());
        if response.enabled() && ui.data_mut(|data| data.remove_temp::<bool>(first_line_id())).is_some() {
            response.request_focus();
        }
        if response.clicked() {
            self.send(command);
            ui.close();
        }
        response
    }

    /// A command as an icon button.
    pub fn command_icon_ui(&mut self, ui: &mut Ui, command: impl Into<Command>, size: f32) {
        let command = command.into();
        let Some(icon) = command.icon() else { return };
        let enabled = self.is_enabled(&command);
        let label = self.text_of(&command);
        let hint = command.hint(ui.ctx());
        let response = widgets::icon_button_enabled(ui, enabled, icon, &label, size)
            .on_hover_text(hint.as_str())
            .on_disabled_hover_text(hint);
        if response.clicked() {
            self.send(command);
        }
    }
}

/// Gives the keyboard to the first line of the menu that opens next.
pub(super) fn focus_first_line(ctx: &egui::Context) {
    ctx.data_mut(|data| data.insert_temp(first_line_id(), true));
}

fn first_line_id() -> egui::Id {
    egui::Id::unique("first line of a menu")
}
