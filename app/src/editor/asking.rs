//! Asking for files, and what is done with the answers.

use anyhow::Context as _;

use super::Editor;
use super::boxes::{Modal, PathBox};
use super::dialogs::{Answer, Dialogs};
use crate::workbench::{Action, Question};

impl Editor {
    /// Asks for files with the system's dialog, or for a path where there is none.
    pub(super) fn ask(&mut self, question: Question, ctx: &egui::Context) {
        let ctx = ctx.clone();
        let suggestion = self.bench.suggested_path(question);
        let Some(dialogs) = &mut self.dialogs else { return self.ask_for_path(question) };
        let asked = dialogs.ask(question, &suggestion, move || ctx.request_repaint());
        if let Err(err) = asked.context("the file dialog could not be opened") {
            self.notifications.error(&err);
            self.ask_in_place_of_dialog(question);
        }
    }

    /// Asks for a path, in a box of our own.
    pub(super) fn ask_for_path(&mut self, question: Question) {
        self.modal = Some(Modal::Path(PathBox::new(question, self.suggested_path(question))));
    }

    fn ask_in_place_of_dialog(&mut self, question: Question) {
        self.modal = Some(Modal::Path(PathBox::in_place_of_dialog(question, self.suggested_path(question))));
    }

    fn suggested_path(&self, question: Question) -> String {
        self.bench.suggested_path(question).display().to_string()
    }

    /// Takes what the system's file dialogs were answered.
    pub(super) fn take_answers(&mut self) {
        while let Some(answer) = self.dialogs.as_mut().and_then(Dialogs::poll) {
            let keeps_waiting =
                matches!(answer, Answer::Paths(Question::SaveProjectTo, _) | Answer::NoDialog(Question::SaveProjectTo));
            if !keeps_waiting {
                self.send(Action::ForgetWhatFollowsSaving);
            }
            match answer {
                Answer::Paths(question, paths) => {
                    self.send(Action::Answer { question, paths, by_dialog: true });
                }
                Answer::NoDialog(question) => self.ask_in_place_of_dialog(question),
                Answer::Cancelled => {}
            }
        }
    }
}
