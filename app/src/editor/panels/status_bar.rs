//! What the machine does: model, device, time of the last frame, frames per second.

use egui::{RichText, Ui};

use super::super::{BUSY_AFTER, Context, theme};
use crate::language::{tr, tr_with};
use crate::workbench::{Action, EngineState, JobKind};

impl Context<'_> {
    pub(in crate::editor) fn status_bar_ui(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui.ctx());
        let frame = egui::Frame::new().fill(palette.panel).inner_margin(egui::Margin::symmetric(12, 3));
        egui::Panel::bottom("status bar").frame(frame).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.set_min_height(20.0);
                ui.spacing_mut().item_spacing.x = theme::space::WIDE;
                ui.spacing_mut().interact_size.y = 18.0;
                let small = |text: String| RichText::new(text).small().color(palette.text_weak);
                match self.bench.engine().state() {
                    EngineState::Loading => {
                        ui.add(egui::Spinner::new().size(12.0).color(palette.text_weak));
                        ui.label(small(tr_with("Loading {name}", &[("name", tr(&self.model.label))])));
                    }
                    EngineState::Failed(_) => {
                        ui.label(RichText::new(tr("No model")).small().color(palette.danger));
                    }
                    EngineState::Ready(info) => {
                        ui.label(small(info.name.clone())).on_hover_text(tr("The model"));
                        ui.label(small(info.device.clone())).on_hover_text(tr("Where the model runs"));
                        ui.label(small(info.dtype.clone())).on_hover_text(tr("The numbers it computes with"));
                    }
                }
                self.busy_ui(ui);
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if let Some(frame) = self.bench.engine().frame() {
                        let [width, height] = match self.bench.shown_photo() {
                            Some((_, placement)) => {
                                let (width, height) = placement.original.pixels.dimensions();
                                [width as usize, height as usize]
                            }
                            None => [self.bench.exported_face_px() as usize; 2],
                        };
                        ui.label(small(format!("{width} × {height} px"))).on_hover_text(tr("The picture's size"));
                        let total_ms = frame.timings.total_ms;
                        ui.label(small(format!("{total_ms:.0} ms"))).on_hover_text(tr("What the last picture took"));
                    }
                    if let Some(rate) = self.bench.engine().frames_per_second() {
                        ui.label(small(format!("{rate:.0} fps"))).on_hover_text(tr("Pictures in the last second"));
                        // Gone when nothing has come for a second.
                        ui.ctx().request_repaint_after(std::time::Duration::from_secs(1));
                    }
                });
            });
        });
    }

    fn busy_ui(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui.ctx());
        let encoding = self.bench.document().photos().iter().filter(|p| self.bench.engine().is_encoding(p.id)).count();
        let is_ready = matches!(self.bench.engine().state(), EngineState::Ready(_));
        let text = match self.bench.engine().busy_for() {
            _ if !is_ready => None,
            _ if self.bench.opening_share().is_some() => self.bench.opening_share().map(|share| {
                tr_with("Opening the project, {percent} %", &[("percent", &format!("{:.0}", share * 100.0))])
            }),
            _ if self.bench.motion().progress().is_some() => self.bench.motion().progress().map(|(picture, of)| {
                tr_with(
                    "Drawing picture {number} of {count}",
                    &[("number", &picture.to_string()), ("count", &of.to_string())],
                )
            }),
            _ if self.bench.batch().is_running() => {
                let report = self.bench.batch().report();
                let numbers = [("number", (report.done() + 1).to_string()), ("count", report.count.to_string())];
                let numbers = numbers.each_ref().map(|(name, value)| (*name, value.as_str()));
                Some(tr_with("Photo {number} of {count}", &numbers))
            }
            _ if self.bench.is_exporting() => Some(tr("Exporting").to_owned()),
            _ if self.bench.jobs().count(JobKind::ReadClipboard) > 0 => Some(tr("Reading the clipboard").to_owned()),
            _ if self.bench.jobs().count(JobKind::ReadMask) > 0 => Some(tr("Importing a mask").to_owned()),
            Some(busy_for) if busy_for >= BUSY_AFTER => Some(tr("Rendering").to_owned()),
            Some(busy_for) => {
                ui.ctx().request_repaint_after(BUSY_AFTER.saturating_sub(busy_for));
                None
            }
            None if encoding == 1 => Some(tr("Reading the face").to_owned()),
            None if encoding > 0 => Some(tr_with("Reading {count} faces", &[("count", &encoding.to_string())])),
            None => self.bench.refinement_in_hand().map(|progress| {
                let [done, steps] = [progress.done, progress.steps].map(|count| count.to_string());
                tr_with("Improving likeness, step {done} of {steps}", &[("done", &done), ("steps", &steps)])
            }),
        };
        if let Some(text) = text {
            ui.add(egui::Spinner::new().size(12.0).color(palette.text_weak));
            ui.label(RichText::new(text).small().color(palette.text_weak));
        }
        if self.bench.opening_share().is_some() && ui.small_button(tr("Cancel")).clicked() {
            self.send(Action::CancelOpening);
        }
        if self.bench.batch().is_running() && ui.small_button(tr("Cancel")).clicked() {
            self.send(Action::CancelBatch);
        }
        if self.bench.motion().progress().is_some() && ui.small_button(tr("Cancel")).clicked() {
            self.send(Action::CancelExport);
        }
    }
}
