//! What this program is, and which model it has.

use egui::{RichText, Ui};

use super::super::{Command, Context, Look, theme, widgets};
use super::{Outcome, button_row_ui};
use crate::language::{tr, tr_with};
use crate::workbench::EngineState;

impl Context<'_> {
    pub(super) fn about_ui(&self, ui: &mut Ui) -> Outcome {
        let palette = theme::palette(ui.ctx());
        ui.set_width(420.0);
        ui.label(RichText::new(tr("Stylebrush")).font(egui::FontId::new(20.0, theme::semibold())));
        ui.label(
            RichText::new(tr_with(
                "Version {version} · a real-time editor for faces",
                &[("version", env!("CARGO_PKG_VERSION"))],
            ))
            .color(palette.text_weak),
        );
        ui.add_space(theme::space::WIDE);
        if let EngineState::Ready(info) = self.bench.engine().state() {
            let size = info.config.size;
            let license = info.license.as_deref().unwrap_or(tr("not named in the file"));
            let trained_on = info.trained_on.as_deref().unwrap_or(tr("not named in the file"));
            for (label, value) in [
                ("Model", format!("{} · {size} × {size} px", info.name)),
                ("Trained on", trained_on.to_owned()),
                ("Licence of the model", license.to_owned()),
                ("Runs on", format!("{} · {}", info.device, info.dtype)),
            ] {
                widgets::caption(ui, label);
                ui.label(value);
                ui.add_space(theme::space::TIGHT);
            }
        } else {
            ui.label(tr("The model is not loaded."));
        }
        ui.add_space(theme::space::TIGHT);
        widgets::caption(
            ui,
            "Code under MIT or Apache-2.0. Type in Inter and Noto Emoji (OFL), icons by Phosphor (MIT).",
        );
        ui.add_space(theme::space::NORMAL);
        let mut outcome = Outcome::Stay;
        button_row_ui(ui, |ui| {
            if ui.button(tr("Close")).clicked() {
                outcome = Outcome::Close;
            }
            let card = Command::from(Look::ShowModelCard);
            if ui.button(card.text()).on_hover_text(card.tooltip()).clicked() {
                outcome = Outcome::Send(card);
            }
        });
        outcome
    }
}
