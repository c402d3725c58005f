//! The steps done and undone; a click goes there.

use egui::{RichText, ScrollArea, Ui, vec2};

use super::super::{Context, theme, widgets};
use crate::language::tr;
use crate::workbench::Action;

const ROW_HEIGHT: f32 = 22.0;
const MAX_HEIGHT: f32 = 220.0;

impl Context<'_> {
    pub(in crate::editor) fn history_ui(&mut self, ui: &mut Ui) {
        let mut sections = self.bench.settings().open_sections;
        let shows = widgets::section_header(ui, "History", &mut sections.history, |ui| {
            self.command_icon_ui(ui, Action::Redo, 15.0);
            self.command_icon_ui(ui, Action::Undo, 15.0);
        });
        self.keep_sections(sections);
        if !shows {
            return;
        }
        let palette = theme::palette(ui.ctx());
        let done = self.bench.timeline().past_names().len();
        let names: Vec<String> = std::iter::once("Start")
            .chain(self.bench.timeline().past_names())
            .chain(self.bench.timeline().future_names())
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
            self.send(Action::GoToStep(step));
        }
    }
}
