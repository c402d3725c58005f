//! Whether to save, before something would be lost.

use std::path::Path;

use egui::{Button, RichText, Ui};

use super::super::{Context, Look, theme};
use super::{Outcome, button_row_ui};
use crate::language::{tr, tr_with};
use crate::workbench::projects::name_of;
use crate::workbench::{Action, Question};

impl Context<'_> {
    /// The box that asks about unsaved changes before `next` is done.
    pub(super) fn unsaved_ui(&self, ui: &mut Ui, next: &Action) -> Outcome {
        let palette = theme::palette(ui.ctx());
        ui.set_width(400.0);
        ui.heading(tr("Save the changes?"));
        ui.add_space(theme::space::TIGHT);
        let name = self.bench.project_name();
        let text = tr_with("{name} has changes that are in no file yet.", &[("name", &name)]);
        ui.label(RichText::new(text).color(palette.text_weak));
        ui.add_space(theme::space::WIDE);
        let mut outcome = Outcome::Stay;
        button_row_ui(ui, |ui| {
            let text = RichText::new(tr("Save")).color(palette.text_on_accent);
            if ui.add(Button::new(text).fill(palette.accent)).clicked() {
                outcome = Outcome::Send(Action::SaveFirst(Box::new(next.clone())).into());
            }
            if ui.button(tr("Don’t save")).clicked() {
                outcome = Outcome::Send(Action::DiscardChanges(Box::new(next.clone())).into());
            }
            if ui.button(tr("Cancel")).clicked() {
                outcome = Outcome::Close;
            }
        });
        outcome
    }

    /// The box before a project is written over what another program has written.
    pub(super) fn overwrite_ui(&self, ui: &mut Ui, path: &Path) -> Outcome {
        let palette = theme::palette(ui.ctx());
        ui.set_width(440.0);
        ui.heading(tr("Overwrite the file?"));
        ui.add_space(theme::space::TIGHT);
        let text = tr_with(
            "{name} was changed by another program or window since it was opened here. Overwriting loses that.",
            &[("name", &name_of(path))],
        );
        ui.label(RichText::new(text).color(palette.text_weak));
        ui.add_space(theme::space::WIDE);
        let mut outcome = Outcome::Stay;
        button_row_ui(ui, |ui| {
            let text = RichText::new(tr("Save as…")).color(palette.text_on_accent);
            if ui.add(Button::new(text).fill(palette.accent)).clicked() {
                outcome = Outcome::Send(Look::AskFor(Question::SaveProjectTo).into());
            }
            if ui.button(tr("Overwrite")).clicked() {
                outcome = Outcome::Send(Action::SaveProjectTo(path.to_owned()).into());
            }
            if ui.button(tr("Cancel")).clicked() {
                outcome = Outcome::Close;
            }
        });
        outcome
    }
}
