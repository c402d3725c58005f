//! What to write of the motion between two faces.

use egui::{RichText, Ui};

use super::super::{Context, Look, theme, widgets};
use super::{Outcome, button_row_ui};
use crate::export::animation::AnimationFormat;
use crate::language::{tr, tr_with};
use crate::workbench::{Action, MOTION_SIDES_PX, MotionSettings, Question};

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
        let has_photo = self.bench.source_in_photo().is_some();
        let MotionSettings { count, seconds, returns, in_photo, side_px, format } = &mut settings;
        let mut pictures = *count as f32;
        ui.horizontal(|ui| {
            ui.radio_value(in_photo, false, tr("The face"));
            ui.add_enabled_ui(has_photo, |ui| ui.radio_value(in_photo, true, tr("The whole photo")));
        });
        ui.add_space(theme::space::TIGHT);
        egui::Grid::new("motion").num_columns(2).spacing([14.0, 6.0]).show(ui, |ui| {
            ui.label(tr("Size"));
            ui.horizontal(|ui| {
                for px in MOTION_SIDES_PX {
                    let can_be = *in_photo || px <= self.bench.exported_face_px();
                    let choice = egui::Button::selectable(*side_px == px, format!("{px} px"));
                    if ui.add_enabled(can_be, choice).clicked() {
                        *side_px = px;
                    }
                }
            });
            ui.end_row();
            ui.label(tr("Kind"));
            ui.horizontal(|ui| {
                for (kind, text, hint) in [
                    (AnimationFormat::Gif, "GIF", "256 colours to a picture, moves everywhere"),
                    (AnimationFormat::Png, "PNG", "Every colour; programs that do not know it show the first picture"),
                    (AnimationFormat::WebP, "WebP", "Every colour, smaller than a PNG; moves in every browser"),
                ] {
                    ui.selectable_value(format, kind, text).on_hover_text(tr(hint));
                }
            });
            ui.end_row();
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
        settings.in_photo &= has_photo;
        let (width, height) = self.bench.motion_size_px(&settings);
        let size = [("width", width.to_string()), ("height", height.to_string())];
        let size = size.each_ref().map(|(name, value)| (*name, value.as_str()));
        widgets::caption(ui, &tr_with("{width} × {height} pixels", &size));
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
