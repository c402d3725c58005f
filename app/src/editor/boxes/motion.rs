//! What to write of the motion between two faces.

use egui::{RichText, Ui};

use super::super::{Context, Look, theme, widgets};
use super::{Outcome, button_row_ui};
use crate::language::tr;
use crate::workbench::{Action, MotionSettings, Question};

impl Context<'_> {
    /// The box that asks what to write.
    pub(super) fn motion_ui(&mut self, ui: &mut Ui) -> Outcome {
        let palette = theme::palette(ui.ctx());
        ui.set_width(360.0);
        ui.heading(tr("Export motion"));
        ui.add_space(theme::space::TIGHT);
        ui.label(
            RichText::new(tr("From the source to the other face, with everything painted.")).color(palette.text_weak),
        );
        ui.add_space(theme::space::NORMAL);
        let before = self.bench.motion().settings;
        let mut settings = before;
        let MotionSettings { count, seconds, returns } = &mut settings;
        let mut pictures = *count as f32;
        egui::Grid::new("motion").num_columns(2).spacing([14.0, 6.0]).show(ui, |ui| {
            ui.label(tr("Pictures"));
            widgets::number_field(ui, &mut pictures, 2.0..=600.0, "", "Pictures");
            ui.end_row();
            ui.label(tr("Seconds"));
            let field = egui::DragValue::new(seconds).range(0.1..=60.0).speed(0.05).max_decimals(1);
            let id = ui.add(field).id;
            ui.ctx().accesskit_node_builder(id, |node| node.set_label("Seconds value"));
            ui.end_row();
            ui.label("");
            ui.checkbox(returns, tr("There and back"));
            ui.end_row();
        });
        *count = pictures.round() as usize;
        if settings != before {
            self.send(Action::SetMotion(settings));
        }
        ui.add_space(theme::space::WIDE);
        let mut outcome = Outcome::Stay;
        button_row_ui(ui, |ui| {
            let text = RichText::new(tr("Moving picture…")).color(palette.text_on_accent);
            if ui.add(egui::Button::new(text).fill(palette.accent)).clicked() {
                outcome = Outcome::Send(Look::AskFor(Question::MotionTo).into());
            }
            if ui.button(tr("Single pictures…")).clicked() {
                outcome = Outcome::Send(Look::AskFor(Question::MotionFramesTo).into());
            }
            if ui.button(tr("Cancel")).clicked() {
                outcome = Outcome::Close;
            }
        });
        outcome
    }
}
