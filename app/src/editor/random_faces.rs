//! Faces that nobody has, to pick from.

use std::sync::Arc;

use egui::{ColorImage, RichText, TextureHandle, TextureOptions, Ui};
use stylemap::engine::SampleRequest;
use stylemap::latent::Latent;
use stylemap::photo;

use super::language::{tr, tr_with};
use super::modals::{self, Outcome};
use super::panels::picture_button;
use super::widgets::{self, Number};
use super::{Command, Editor, EngineState, Kind, theme};
use crate::document::Photo;

const COLUMNS: usize = 4;
const ROWS: usize = 3;
const PICTURE_SIZE: f32 = 96.0;

/// What the box shows.
pub struct RandomFaces {
    seed: u64,
    truncation: f32,
    asked: Option<(u64, f32)>,
    pictures: Vec<(SampleRequest, TextureHandle)>,
    picked: Vec<SampleRequest>,
}

impl Default for RandomFaces {
    fn default() -> Self {
        // Closer to the average than the training faces are: fewer surprises.
        Self { seed: 1, truncation: 0.7, asked: None, pictures: Vec::new(), picked: Vec::new() }
    }
}

impl RandomFaces {
    fn requests(&self) -> Vec<SampleRequest> {
        let indices = 0..(COLUMNS * ROWS) as u64;
        indices.map(|index| SampleRequest { seed: self.seed, index, truncation: self.truncation }).collect()
    }
}

impl Editor {
    pub(super) fn random_faces_ui(&mut self, ui: &mut Ui, random: &mut RandomFaces) -> Outcome {
        let palette = theme::palette(ui.ctx());
        ui.set_width(COLUMNS as f32 * (PICTURE_SIZE + theme::space::NORMAL) - theme::space::NORMAL);
        ui.heading(tr("Random faces"));
        ui.label(RichText::new(tr("Faces that nobody has. Click those to paint with.")).color(palette.text_weak));
        ui.add_space(theme::space::TIGHT);
        let mut percent = random.truncation * 100.0;
        ui.horizontal(|ui| {
            ui.label(RichText::new(tr("Series")).color(palette.text_weak));
            let field = ui.add(egui::DragValue::new(&mut random.seed).range(0..=u64::from(u32::MAX)).speed(0.1));
            ui.ctx().accesskit_node_builder(field.id, |node| node.set_label("Series value"));
            if ui.button(tr("Other faces")).clicked() {
                random.seed += 1;
            }
            let number = Number {
                label: "Variety",
                suffix: " %",
                range: 0.0..=120.0,
                logarithmic: false,
                tooltip: "How far the faces are from the average face".to_owned(),
            };
            widgets::slider_row(ui, &number, &mut percent, 0.0, 70.0);
        });
        random.truncation = percent / 100.0;
        // A slider under way would ask for faces that nobody looks at.
        let is_settled = !ui.input(|input| input.pointer.any_down());
        if random.asked != Some((random.seed, random.truncation)) && (is_settled || random.asked.is_none()) {
            random.asked = Some((random.seed, random.truncation));
            random.pictures.clear();
            self.engine.ask_for_samples(random.requests());
        }
        self.take_samples(ui.ctx(), random);
        ui.add_space(theme::space::TIGHT);
        let requests = random.requests();
        let mut outcome = Outcome::Stay;
        ui.spacing_mut().item_spacing = egui::Vec2::splat(theme::space::NORMAL);
        for row in requests.chunks(COLUMNS) {
            ui.horizontal(|ui| {
                for request in row {
                    let Some((_, texture)) = random.pictures.iter().find(|(known, _)| known == request) else {
                        let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(PICTURE_SIZE), egui::Sense::hover());
                        ui.painter().rect_filled(rect, theme::CORNER, palette.field);
                        continue;
                    };
                    let border = random.picked.contains(request).then_some(palette.accent);
                    let label = tr_with("Random face {number}", &[("number", &(request.index + 1).to_string())]);
                    if picture_button(ui, texture, PICTURE_SIZE, border, &label).clicked() {
                        random.picked.push(*request);
                        self.send(Command::AddRandomFace(*request));
                    }
                }
            });
        }
        if let Some(reason) = self.engine.sample_failure() {
            ui.label(RichText::new(crate::sentence::on_screen(reason)).color(palette.danger));
        } else if !matches!(self.engine.state(), EngineState::Ready(_)) {
            ui.label(RichText::new(tr("The model is not loaded")).color(palette.text_weak));
        }
        ui.add_space(theme::space::TIGHT);
        modals::button_row_ui(ui, |ui| {
            if ui.button(tr("Close")).clicked() {
                outcome = Outcome::Close;
            }
        });
        outcome
    }

    fn take_samples(&self, ctx: &egui::Context, random: &mut RandomFaces) {
        let wanted = random.requests();
        for sample in self.engine.samples().iter().filter(|sample| wanted.contains(&sample.request)) {
            if random.pictures.iter().any(|(known, _)| *known == sample.request) {
                continue;
            }
            let side = sample.frame.size_px;
            if sample.frame.rgba.len() == side * side * 4 {
                let picture = ColorImage::from_rgba_unmultiplied([side, side], &sample.frame.rgba);
                let texture = ctx.load_texture("random face", picture, TextureOptions::LINEAR);
                random.pictures.push((sample.request, texture));
            }
        }
    }

    /// Puts a face of the box among the photos, ready to paint with.
    pub(super) fn add_random_face(&mut self, request: SampleRequest) {
        let Some(sample) = self.engine.samples().iter().find(|sample| sample.request == request) else { return };
        let picture = match photo::rgb_from_rgba(&sample.frame.rgba, sample.frame.size_px) {
            Ok(picture) => picture,
            Err(err) => return self.notifications.error(&err.into()),
        };
        let latent = Some(Arc::new(Latent::of_stylemap(sample.stylemap.to_vec())));
        let id = self.take_photo_id();
        let name = tr_with(
            "Face {series}-{number}",
            &[("series", &request.seed.to_string()), ("number", &(request.index + 1).to_string())],
        );
        self.notifications.push(Kind::Success, tr_with("{name} is among the photos", &[("name", &name)]));
        let photo = Photo {
            id,
            name,
            crop: Arc::new(picture),
            path: None,
            placement: None,
            latent,
            latent_model: None,
            is_sample: true,
        };
        self.timeline.edit("Add random face", |document| {
            let had_photos = !document.is_empty();
            document.add_photo(photo);
            if had_photos {
                // With no room it just lies ready.
                let _ = document.add_layer(id);
            }
        });
    }
}
