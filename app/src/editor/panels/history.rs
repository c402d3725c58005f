//! The steps done and undone; a click goes there.

use egui::{RichText, ScrollArea, Ui, vec2};

use super::super::language::tr;
use super::super::{Command, Editor, theme, widgets};

const ROW_HEIGHT: f32 = 22.0;
const MAX_HEIGHT: f32 = 220.0;

impl Editor {
    pub(in crate::editor) fn history_ui(&mut self, ui: &mut Ui) {
        let mut is_open = self.settings.open_sections.history;
        let shows = widgets::section_header(ui, "History", &mut is_open, |ui| {
            self.command_icon_ui(ui, Command::Redo, 15.0);
            self.command_icon_ui(ui, Command::Undo, 15.0);
        });
        self.settings.open_sections.history = is_open;
        if !shows {
            return;
        }
        let palette = theme::palette(ui.ctx());
        let done = self.timeline.past_names().len();
        let names: Vec<String> = std::iter::once("Start")
            .chain(self.timeline.past_names())
            .chain(self.timeline.future_names())
            .map(str::to_owned)
            .collect();
        let mut chosen = None;
        // The list follows the newest step, and stays where the user scrolls.
        let scroll = ScrollArea::vertical().id_salt("history").max_height(MAX_HEIGHT).stick_to_bottom(true);
        scroll.auto_shrink([false, true]).show_rows(ui, ROW_HEIGHT, names.len(), |ui, rows| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for (step, name) in names.iter().enumerate().skip(rows.start).take(rows.len()) {
                let color = if step > done { palette.text_weak.gamma_multiply(0.6) } else { palette.text };
                let text = RichText::new(tr(name)).color(color);
                let button =
                    egui::Button::selectable(step == done, text).min_size(vec2(ui.available_width(), ROW_HEIGHT));
                if ui.add(button).clicked() {
                    chosen = Some(step);
                }
            }
        });
        if let Some(step) = chosen {
            self.send(Command::GoToStep(step));
        }
    }
}
