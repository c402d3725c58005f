//! The edit of the face in hand, applied to other photos: which, where to, how far it is and what failed.

use egui::{Button, ProgressBar, RichText, Ui};

use super::super::{Context, Look, theme, widgets};
use super::{Outcome, button_row_ui, scroll_area};
use crate::language::{tr, tr_with};
use crate::workbench::batch::{BatchPlan, BatchReport};
use crate::workbench::{Action, Question};

/// So many names are shown of the photos that were chosen.
const SHOWN_PHOTOS: usize = 5;

impl Context<'_> {
    /// The box that chooses, and shows what came of it.
    pub(super) fn batch_ui(&mut self, ui: &mut Ui) -> Outcome {
        let palette = theme::palette(ui.ctx());
        ui.set_width(460.0);
        ui.heading(tr("Apply this edit to photos"));
        ui.add_space(theme::space::TIGHT);
        let text =
            "Sliders, layers, masks and references of this face, on the faces of other photos. None is written over.";
        ui.label(RichText::new(tr(text)).color(palette.text_weak));
        ui.add_space(theme::space::NORMAL);
        let is_running = self.bench.batch().is_running();
        if is_running {
            self.batch_progress_ui(ui);
        } else {
            self.batch_plan_ui(ui);
        }
        self.batch_report_ui(ui);
        ui.add_space(theme::space::WIDE);
        let mut outcome = Outcome::Stay;
        button_row_ui(ui, |ui| {
            if is_running {
                if ui.button(tr("Cancel")).clicked() {
                    self.send(Action::CancelBatch);
                }
                if ui.button(tr("Go on in the background")).clicked() {
                    outcome = Outcome::Close;
                }
                return;
            }
            let text = RichText::new(tr("Apply")).color(palette.text_on_accent);
            let can_start = self.bench.is_enabled(&Action::StartBatch);
            if ui.add_enabled(can_start, Button::new(text).fill(palette.accent)).clicked() {
                self.send(Action::StartBatch);
            }
            if ui.button(tr("Close")).clicked() {
                outcome = Outcome::Close;
            }
        });
        outcome
    }

    fn batch_plan_ui(&mut self, ui: &mut Ui) {
        let before = self.bench.batch().plan();
        let mut plan = before.clone();
        let BatchPlan { photos, folder, in_photo, all_faces } = &mut plan;
        ui.horizontal(|ui| {
            if ui.button(tr("Choose photos…")).clicked() {
                self.send(Look::AskFor(Question::BatchPhotos));
            }
            if ui.button(tr("Choose a folder of photos…")).clicked() {
                self.send(Look::AskFor(Question::BatchPhotoFolder));
            }
            if ui.add_enabled(!photos.is_empty(), Button::new(tr("Choose none"))).clicked() {
                photos.clear();
            }
        });
        if photos.is_empty() {
            widgets::caption(ui, "No photos are chosen yet.");
        }
        for path in photos.iter().take(SHOWN_PHOTOS) {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            ui.label(RichText::new(name).small()).on_hover_text(path.display().to_string());
        }
        if photos.len() > SHOWN_PHOTOS {
            let more = (photos.len() - SHOWN_PHOTOS).to_string();
            widgets::caption(ui, &tr_with("and {count} more", &[("count", &more)]));
        }
        ui.add_space(theme::space::NORMAL);
        ui.horizontal(|ui| {
            if ui.button(tr("Choose where to write…")).clicked() {
                self.send(Look::AskFor(Question::BatchFolder));
            }
            if let Some(folder) = folder {
                let text = RichText::new(folder.display().to_string()).small();
                ui.add(egui::Label::new(text).truncate());
            }
        });
        ui.add_space(theme::space::NORMAL);
        ui.horizontal(|ui| {
            ui.radio_value(in_photo, true, tr("The whole photo"));
            ui.radio_value(in_photo, false, tr("The face"));
        });
        ui.add_enabled_ui(*in_photo, |ui| ui.checkbox(all_faces, tr("Every face of a photo")))
            .response
            .on_hover_text(tr("Otherwise the largest and surest face of each photo is edited"));
        let export = self.bench.export_settings();
        let shown = tr_with("Written as chosen under Export, called {name}", &[("name", export.name.text())]);
        widgets::caption(ui, &shown);
        if plan != *self.bench.batch().plan() {
            self.send(Action::SetBatch(plan));
        }
    }

    fn batch_progress_ui(&self, ui: &mut Ui) {
        let report = self.bench.batch().report();
        let (done, count) = (report.done(), report.count);
        let share = if count == 0 { 0.0 } else { done as f32 / count as f32 };
        let numbers = [("number", (done + 1).min(count.max(1)).to_string()), ("count", count.to_string())];
        let numbers = numbers.each_ref().map(|(name, value)| (*name, value.as_str()));
        ui.label(tr_with("Photo {number} of {count}", &numbers));
        ui.add(ProgressBar::new(share).desired_width(ui.available_width()));
    }

    /// What was written and what failed, file by file.
    fn batch_report_ui(&self, ui: &mut Ui) {
        let BatchReport { written, failures, count, .. } = self.bench.batch().report();
        if *count == 0 {
            return;
        }
        let palette = theme::palette(ui.ctx());
        ui.add_space(theme::space::NORMAL);
        ui.label(tr_with("{count} photos were written", &[("count", &written.len().to_string())]));
        if failures.is_empty() {
            return;
        }
        ui.label(
            RichText::new(tr_with("{count} failed:", &[("count", &failures.len().to_string())])).color(palette.danger),
        );
        scroll_area(120.0).show(ui, |ui| {
            for (path, reason) in failures {
                let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
                ui.label(RichText::new(format!("{name}: {reason}")).small()).on_hover_text(path.display().to_string());
            }
        });
    }
}
