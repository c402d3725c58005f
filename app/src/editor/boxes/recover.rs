//! What a crash left, to go on with or to delete.

use std::time::SystemTime;

use egui::{Button, RichText, Ui, vec2};

use super::super::{Context, theme};
use super::{Outcome, button_row_ui};
use crate::language::{tr, tr_with};
use crate::workbench::Action;

impl Context<'_> {
    /// The box that offers what a crash left.
    pub(super) fn recover_ui(&mut self, ui: &mut Ui) -> Outcome {
        let leftovers = self.bench.projects().leftovers();
        let palette = theme::palette(ui.ctx());
        ui.set_width(440.0);
        ui.heading(tr("Recover unsaved work?"));
        ui.add_space(theme::space::TIGHT);
        let text = tr("Stylebrush ended without closing. This is what was saved by itself:");
        ui.label(RichText::new(text).color(palette.text_weak));
        ui.add_space(theme::space::NORMAL);
        let (mut recovered, mut discarded) = (None, None);
        for (index, leftover) in leftovers.iter().enumerate() {
            ui.horizontal(|ui| {
                if let Some(thumbnail) = &leftover.thumbnail {
                    let id = egui::Id::unique(("leftover", leftover.path()));
                    let size = [thumbnail.width() as usize, thumbnail.height() as usize];
                    let known = ui.ctx().data(|data| data.get_temp::<egui::TextureHandle>(id));
                    let texture = known.unwrap_or_else(|| {
                        let picture = egui::ColorImage::from_rgb(size, thumbnail.as_raw());
                        let texture = ui.ctx().load_texture("leftover", picture, egui::TextureOptions::LINEAR);
                        ui.ctx().data_mut(|data| data.insert_temp(id, texture.clone()));
                        texture
                    });
                    ui.add(egui::Image::from_texture(&texture).fit_to_exact_size(vec2(48.0, 48.0)));
                }
                ui.vertical(|ui| {
                    ui.label(leftover.name.as_deref().unwrap_or(tr("Untitled")));
                    ui.label(RichText::new(ago(leftover.saved_at)).small().color(palette.text_weak));
                });
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if ui.button(tr("Discard")).clicked() {
                        discarded = Some(index);
                    }
                    let text = RichText::new(tr("Recover")).color(palette.text_on_accent);
                    if ui.add(Button::new(text).fill(palette.accent)).clicked() {
                        recovered = Some(index);
                    }
                });
            });
        }
        if let Some(index) = recovered {
            return Outcome::Send(Action::Recover(index).into());
        }
        if let Some(index) = discarded {
            self.send(Action::DiscardLeftover(index));
        }
        ui.add_space(theme::space::NORMAL);
        let mut outcome = if leftovers.is_empty() { Outcome::Close } else { Outcome::Stay };
        button_row_ui(ui, |ui| {
            if ui.button(tr("Later")).on_hover_text(tr("The next start asks again")).clicked() {
                outcome = Outcome::Close;
            }
        });
        outcome
    }
}

fn ago(time: SystemTime) -> String {
    let minutes = time.elapsed().map_or(0, |elapsed| elapsed.as_secs() / 60);
    match minutes {
        0 => tr("Just now").to_owned(),
        1 => tr("1 minute ago").to_owned(),
        2..=119 => tr_with("{count} minutes ago", &[("count", &minutes.to_string())]),
        120..=2879 => tr_with("{count} hours ago", &[("count", &(minutes / 60).to_string())]),
        _ => tr_with("{count} days ago", &[("count", &(minutes / 1440).to_string())]),
    }
}
