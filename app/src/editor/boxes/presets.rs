//! What the user keeps under a name: brushes, and adjustments of a face.

use egui::{Button, RichText, TextEdit, Ui};

use super::super::{Context, icons, theme, widgets};
use super::{Outcome, close_row_ui, scroll_area};
use crate::language::{tr, tr_with};
use crate::presets::MAX_NAME_LEN;
use crate::workbench::Action;

/// The names being typed.
#[derive(Default)]
pub struct PresetsBox {
    brush: String,
    adjustment: String,
}

/// The actions of one kind of preset.
struct Kind {
    save: fn(String) -> Action,
    take: fn(String) -> Action,
    delete: fn(String) -> Action,
}

const BRUSHES: Kind =
    Kind { save: Action::SaveBrushPreset, take: Action::UseBrushPreset, delete: Action::DeleteBrushPreset };
const ADJUSTMENTS: Kind = Kind {
    save: Action::SaveAdjustmentPreset,
    take: Action::UseAdjustmentPreset,
    delete: Action::DeleteAdjustmentPreset,
};

impl Context<'_> {
    /// The box with both kinds.
    pub(super) fn presets_ui(&mut self, ui: &mut Ui, presets_box: &mut PresetsBox) -> Outcome {
        ui.set_width(380.0);
        ui.heading(tr("Presets"));
        ui.add_space(theme::space::NORMAL);
        let PresetsBox { brush, adjustment } = presets_box;
        let (brushes, adjustments) = {
            let presets = self.bench.presets();
            let brushes: Vec<(String, String)> = presets
                .brushes
                .iter()
                .map(|preset| {
                    let it = preset.value;
                    let shown = [2.0 * it.radius_px, 100.0 * it.hardness, 100.0 * it.strength];
                    let [size, hardness, strength] = shown.map(|value| format!("{value:.0}"));
                    let values =
                        [("size", size.as_str()), ("hardness", hardness.as_str()), ("strength", strength.as_str())];
                    let hint = tr_with("{size} px, hardness {hardness} %, strength {strength} %", &values);
                    (preset.name.clone(), hint)
                })
                .collect();
            let adjustments: Vec<(String, String)> = presets
                .adjustments
                .iter()
                .map(|preset| {
                    let step = |(name, amount): (&String, &f32)| format!("{} {amount:+.1}", tr(name));
                    let hint: Vec<String> = preset.value.directions.iter().map(step).collect();
                    (preset.name.clone(), hint.join(", "))
                })
                .collect();
            (brushes, adjustments)
        };
        self.preset_kind_ui(ui, "Brushes", "Name of the brush", &BRUSHES, &brushes, brush);
        ui.add_space(theme::space::WIDE);
        self.preset_kind_ui(ui, "Adjustments", "Name of the adjustment", &ADJUSTMENTS, &adjustments, adjustment);
        close_row_ui(ui)
    }

    fn preset_kind_ui(
        &mut self,
        ui: &mut Ui,
        title: &str,
        field_name: &str,
        kind: &Kind,
        presets: &[(String, String)],
        name: &mut String,
    ) {
        ui.label(RichText::new(tr(title)).font(theme::title_font()));
        if presets.is_empty() {
            widgets::caption(ui, "None yet.");
        } else {
            ui.push_id(title, |ui| scroll_area(110.0).show(ui, |ui| self.preset_rows_ui(ui, kind, presets)));
        }
        ui.horizontal(|ui| {
            let field = TextEdit::singleline(name).desired_width(200.0).char_limit(MAX_NAME_LEN);
            let field = ui.add(field.hint_text(tr(field_name)));
            ui.ctx().accesskit_node_builder(field.id, |node| node.set_label(tr(field_name)));
            let save = (kind.save)(name.clone());
            let can_save = self.bench.is_enabled(&save);
            let is_entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            let is_known = presets.iter().any(|(known, _)| known == name.trim());
            let text = if is_known { "Replace preset" } else { "Save as preset" };
            let button = ui.add_enabled(can_save, Button::new(tr(text)));
            // Enter keeps what has a name: the button says that it goes.
            if can_save && (button.clicked() || is_entered && !is_known) {
                self.send(save);
                name.clear();
            }
        });
    }

    fn preset_rows_ui(&mut self, ui: &mut Ui, kind: &Kind, presets: &[(String, String)]) {
        for (name, hint) in presets {
            ui.horizontal(|ui| {
                let take = (kind.take)(name.clone());
                let button = Button::new(name.as_str()).frame_when_inactive(false);
                if ui.add_enabled(self.bench.is_enabled(&take), button).on_hover_text(hint).clicked() {
                    self.send(take);
                }
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let delete = tr_with("Delete the preset {name}", &[("name", name)]);
                    if widgets::icon_button(ui, icons::TRASH, &delete, 14.0).on_hover_text(&delete).clicked() {
                        self.send((kind.delete)(name.clone()));
                    }
                });
            });
        }
    }
}
