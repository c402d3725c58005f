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
        ui.set_width(400.0);
        let name = self.bench.project_name();
        let text = tr_with("{name} has changes that are in no file yet.", &[("name", &name)]);
        let [save, discard] = [Action::SaveFirst, Action::DiscardChanges].map(|first| first(Box::new(next.clone())));
        let answers = [
            ("Save", Outcome::Send(save.into())),
            ("Don’t save", Outcome::Send(discard.into())),
            ("Cancel", Outcome::Close),
        ];
        question_ui(ui, "Save the changes?", text, answers)
    }

    /// The box that asks about a batch that is under way before the program ends.
    pub(super) fn stop_batch_ui(&self, ui: &mut Ui) -> Outcome {
        ui.set_width(400.0);
        let count = self.bench.batch().remaining().to_string();
        let text =
            tr_with("Photos that are not written yet: {count}. Those that are written stay.", &[("count", &count)]);
        let answers = [("Go on", Outcome::Close), ("Stop and quit", Outcome::Send(Action::StopBatchAndQuit.into()))];
        question_ui(ui, "Stop applying the edit?", text, answers)
    }

    /// The box before something is written over what is there.
    pub(super) fn overwrite_ui(&self, ui: &mut Ui, overwriting: &Overwriting) -> Outcome {
        let Overwriting { path, reason, action, question } = overwriting;
        let is_project = *question == Question::SaveProjectTo;
        ui.set_width(440.0);
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
        let another = if is_project { "Save as…" } else { "Another name…" };
        let answers = [
            (another, Outcome::Send(Look::AskFor(*question).into())),
            ("Overwrite", Outcome::Send((**action).clone().into())),
            ("Cancel", Outcome::Close),
        ];
        question_ui(ui, "Overwrite the file?", text, answers)
    }
}

/// A question with its answers, of which the first is the one that loses nothing.
fn question_ui<const COUNT: usize>(
    ui: &mut Ui,
    question: &str,
    text: String,
    answers: [(&str, Outcome); COUNT],
) -> Outcome {
    let palette = theme::palette(ui.ctx());
    ui.heading(tr(question));
    ui.add_space(theme::space::TIGHT);
    ui.label(RichText::new(text).color(palette.text_weak));
    ui.add_space(theme::space::WIDE);
    let mut chosen = Outcome::Stay;
    button_row_ui(ui, |ui| {
        for (index, (answer, outcome)) in answers.into_iter().enumerate() {
            let button = if index == 0 {
                Button::new(RichText::new(tr(answer)).color(palette.text_on_accent)).fill(palette.accent)
            } else {
                Button::new(tr(answer))
            };
            if ui.add(button).clicked() {
                chosen = outcome;
            }
        }
    });
    chosen
}
