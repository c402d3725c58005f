//! Everything that can be set, in one box. It counts at once, but for what the model needs to be loaded for.

use egui::{Grid, RichText, Ui, vec2};

use super::super::{Command, Context, Look, theme, widgets};
use super::{Outcome, button_row_ui};
use crate::export::{JPEG_QUALITY, MetadataChoice};
use crate::language::tr;
use crate::settings::{Autosave, Device, EngineSettings, Language, RefinementSettings, Refining, Theme};
use crate::workbench::Action;

/// What can be kept of faces, in MiB.
const CACHES_MIB: [u32; 4] = [256, 512, 1024, 4096];

impl Context<'_> {
    pub(super) fn preferences_ui(&mut self, ui: &mut Ui) -> Outcome {
        ui.set_width(480.0);
        ui.heading(tr("Preferences"));
        ui.add_space(theme::space::NORMAL);
        let mut outcome = Outcome::Stay;
        let spacing = vec2(theme::space::WIDE, theme::space::NORMAL);
        Grid::new("preferences").num_columns(2).spacing(spacing).min_col_width(110.0).show(ui, |ui| {
            let settings = self.bench.settings().clone();
            row_ui(ui, "Language", |ui| {
                for (language, name) in [
                    (None, tr("As the system")),
                    (Some(Language::English), "English"),
                    (Some(Language::Korean), "한국어"),
                ] {
                    if ui.selectable_label(settings.language == language, name).clicked() {
                        self.send(Action::UseLanguage(language));
                    }
                }
            });
            row_ui(ui, "Theme", |ui| {
                for (theme, name) in
                    [(Theme::System, "As the system"), (Theme::Dark, "Dark theme"), (Theme::Light, "Light theme")]
                {
                    if ui.selectable_label(settings.theme == theme, tr(name)).clicked() {
                        self.send(Action::UseTheme(theme));
                    }
                }
            });
            let mut export = self.bench.export_settings().clone();
            row_ui(ui, "Exported files", |ui| {
                let hint = "A line that viewers show with the file’s details; nothing is drawn on the picture";
                ui.checkbox(&mut export.says_edited, tr("Say in the file that it was edited")).on_hover_text(tr(hint));
            });
            row_ui(ui, "JPEG quality", |ui| {
                let mut quality = f32::from(export.jpeg_quality.unwrap_or(JPEG_QUALITY));
                if widgets::number_field(ui, &mut quality, 1.0..=100.0, " %", "JPEG quality").changed() {
                    export.jpeg_quality = Some(quality.round() as u8);
                }
                let mut as_photo = export.jpeg_quality.is_none();
                if ui.checkbox(&mut as_photo, tr("As the photo has it")).changed() {
                    export.jpeg_quality = (!as_photo).then_some(quality.round() as u8);
                }
            });
            row_ui(ui, "Photo’s details", |ui| {
                for choice in MetadataChoice::ALL {
                    let hint = tr("What the photo’s file says: camera, time, place, author");
                    ui.selectable_value(&mut export.metadata, choice, tr(choice.text())).on_hover_text(hint);
                }
            });
            if export != *self.bench.export_settings() {
                self.send(Action::SetExport(export));
            }
            row_ui(ui, "Saved by itself", |ui| {
                for autosave in Autosave::ALL {
                    let hint =
                        tr("A copy of unsaved work, offered again after a crash; the project’s file stays as it is");
                    let choice = ui.selectable_label(settings.autosave == autosave, tr(autosave.text()));
                    if choice.on_hover_text(hint).clicked() {
                        self.send(Action::SetAutosave(autosave));
                    }
                }
            });
            self.refinement_rows_ui(ui, settings.refinement);
            self.engine_rows_ui(ui, settings.engine);
            row_ui(ui, "Keys", |ui| {
                let keys = Command::from(Look::ShowKeys);
                if ui.button(keys.text()).on_hover_text(keys.tooltip()).clicked() {
                    outcome = Outcome::Send(keys);
                }
            });
        });
        ui.add_space(theme::space::NORMAL);
        button_row_ui(ui, |ui| {
            if ui.button(tr("Close")).clicked() {
                outcome = Outcome::Close;
            }
        });
        outcome
    }

    fn refinement_rows_ui(&mut self, ui: &mut Ui, before: RefinementSettings) {
        let mut refinement = before;
        row_ui(ui, "Improve likeness", |ui| {
            for (is_of_every_photo, name, hint) in [
                (false, "When asked", "A face is brought nearer to its photo when you ask for it"),
                (true, "Of every photo", "Every face is brought nearer to its photo, while nothing else is to be done"),
            ] {
                ui.selectable_value(&mut refinement.is_of_every_photo, is_of_every_photo, tr(name))
                    .on_hover_text(tr(hint));
            }
        });
        row_ui(ui, "Steps", |ui| {
            for refining in Refining::ALL {
                let hint = tr("A step takes about as long as drawing the face; the first ones go far");
                let steps = refining.steps().to_string();
                ui.selectable_value(&mut refinement.refining, refining, steps).on_hover_text(hint);
            }
        });
        if refinement != before {
            self.send(Action::SetRefinement(refinement));
        }
    }

    fn engine_rows_ui(&mut self, ui: &mut Ui, before: EngineSettings) {
        let mut engine = before;
        row_ui(ui, "Device", |ui| {
            for (device, name, hint) in [
                (Device::Auto, "Automatic", "A GPU where there is one that this program can use"),
                (Device::Cpu, "CPU", "The CPU, by the program’s own kernels"),
            ] {
                ui.selectable_value(&mut engine.device, device, tr(name)).on_hover_text(tr(hint));
            }
        });
        row_ui(ui, "Memory for faces", |ui| {
            let hint = tr("What is kept of faces that were drawn: with more, going back to one is faster");
            ui.selectable_value(&mut engine.cache_mib, None, tr("Automatic")).on_hover_text(hint);
            for mib in CACHES_MIB {
                ui.selectable_value(&mut engine.cache_mib, Some(mib), format!("{mib} MiB")).on_hover_text(hint);
            }
        });
        ui.label("");
        let color = theme::palette(ui.ctx()).text_weak;
        ui.label(RichText::new(tr("Device and memory count from the next start on")).small().color(color));
        ui.end_row();
        if engine != before {
            self.send(Action::SetEngine(engine));
        }
    }
}

fn row_ui(ui: &mut Ui, name: &str, add_contents: impl FnOnce(&mut Ui)) {
    ui.label(RichText::new(tr(name)).color(theme::palette(ui.ctx()).text_weak));
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = theme::space::TIGHT;
        add_contents(ui);
    });
    ui.end_row();
}
