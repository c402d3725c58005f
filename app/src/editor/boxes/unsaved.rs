//! Questions before something would be lost: whether to save, and whether to write over what is there.

use egui::{Button, RichText, Ui};

use super::super::{Context, Look, theme};
use super::{Outcome, button_row_ui};
use crate::language::{tr, tr_with};
use crate::workbench::projects::name_of;
use crate::workbench::{Action, OverwriteReason, Overwriting, Question};

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

    /// The box that asks about a batch that is under way before the program ends.
    pub(super) fn stop_batch_ui(&self, ui: &mut Ui) -> Outcome {
        let palette = theme::palette(ui.ctx());
        ui.set_width(400.0);
        ui.heading(tr("Stop applying the edit?"));
        ui.add_space(theme::space::TIGHT);
        let count = self.bench.batch().remaining().to_string();
        let text =
            tr_with("Photos that are not written yet: {count}. Those that are written stay.", &[("count", &count)]);
        ui.label(RichText::new(text).color(palette.text_weak));
        ui.add_space(theme::space::WIDE);
        let mut outcome = Outcome::Stay;
        button_row_ui(ui, |ui| {
            let text = RichText::new(tr("Go on")).color(palette.text_on_accent);
            if ui.add(Button::new(text).fill(palette.accent)).clicked() {
                outcome = Outcome::Close;
            }
            if ui.button(tr("Stop and quit")).clicked() {
                outcome = Outcome::Send(Action::StopBatchAndQuit.into());
            }
        });
        outcome
    }

    /// The box before something is written over what is there.
    pub(super) fn overwrite_ui(&self, ui: &mut Ui, overwriting: &Overwriting) -> Outcome {
        let Overwriting { path, reason, action, question } = overwriting;
        let is_project = *question == Question::SaveProjectTo;
        let palette = theme::palette(ui.ctx());
        ui.set_width(440.0);
        ui.heading(tr("Overwrite the file?"));
        ui.add_space(theme::space::TIGHT);
        let text = match reason {
            OverwriteReason::IsThere => "{name} is there already. Overwriting loses what is in it.",
            OverwriteReason::HoldsPictures => {
                "{name} holds pictures of the same names already. Overwriting loses those."
            }
            OverwriteReason::HasChanged if is_project => {
                "{name} was changed by another program or window since it was opened here. Overwriting loses that."
            }
            OverwriteReason::HasChanged => {
                "{name} was changed by another program since it was written here. Overwriting loses that."
            }
        };
        // A project is called by its name, and of other files the ending matters.
        let file_name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let name = if is_project { name_of(path) } else { file_name.into_owned() };
        let text = tr_with(text, &[("name", &name)]);
        ui.label(RichText::new(text).color(palette.text_weak));
        ui.add_space(theme::space::WIDE);
        let mut outcome = Outcome::Stay;
        button_row_ui(ui, |ui| {
            let text = if is_project { "Save as…" } else { "Another name…" };
            let text = RichText::new(tr(text)).color(palette.text_on_accent);
            if ui.add(Button::new(text).fill(palette.accent)).clicked() {
                outcome = Outcome::Send(Look::AskFor(*question).into());
            }
            if ui.button(tr("Overwrite")).clicked() {
                outcome = Outcome::Send((**action).clone().into());
            }
            if ui.button(tr("Cancel")).clicked() {
                outcome = Outcome::Close;
            }
        });
        outcome
    }
}
