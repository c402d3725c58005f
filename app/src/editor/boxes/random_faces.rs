//! Random faces, to pick from.

use egui::{ColorImage, RichText, TextureHandle, TextureOptions, Ui};
use stylemap::engine::SampleRequest;

use super::super::panels::picture_button;
use super::super::widgets::{self, Number};
use super::super::{Context, theme};
use super::{Outcome, button_row_ui};
use crate::language::{tr, tr_with};
use crate::workbench::{Action, EngineState};

const COLUMNS: usize = 4;
const ROWS: usize = 3;
const PICTURE_SIZE: f32 = 96.0;

/// What the box shows.
pub struct RandomFaces {
    seed: u64,
    truncation: f32,
    asked: Option<(u64, f32)>,
    pub(super) pictures: Vec<(SampleRequest, TextureHandle)>,
    picked: Vec<SampleRequest>,
}

impl RandomFaces {
    /// As far from the average face as is usual for the model.
    pub(super) fn new(usual_truncation: f32) -> Self {
        Self { seed: 1, truncation: usual_truncation, asked: None, pictures: Vec::new(), picked: Vec::new() }
    }

    /// The faces in hand.
    pub(super) fn requests(&self) -> Vec<SampleRequest> {
        let indices = 0..(COLUMNS * ROWS) as u64;
        indices.map(|index| SampleRequest { seed: self.seed, index, truncation: self.truncation }).collect()
    }
}

impl Context<'_> {
    pub(super) fn random_faces_ui(&mut self, ui: &mut Ui, random: &mut RandomFaces) -> Outcome {
        let palette = theme::palette(ui.ctx());
        ui.set_width(COLUMNS as f32 * (PICTURE_SIZE + theme::space::NORMAL) - theme::space::NORMAL);
        ui.heading(tr("Random faces"));
        ui.label(
            RichText::new(tr("These people do not exist. Click the faces to paint with.")).color(palette.text_weak),
        );
        ui.add_space(theme::space::TIGHT);
        self.random_series_ui(ui, random);
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
                    if picture_button(ui, texture, PICTURE_SIZE, border, &random_face_label(*request)).clicked() {
                        random.picked.push(*request);
                        self.send(Action::AddRandomFace(*request));
                    }
                }
            });
        }
        if let Some(reason) = self.bench.engine().sample_failure() {
            ui.label(RichText::new(crate::sentence::on_screen(reason)).color(palette.danger));
        } else if !matches!(self.bench.engine().state(), EngineState::Ready(_)) {
            ui.label(RichText::new(tr("The model is not loaded")).color(palette.text_weak));
        }
        ui.add_space(theme::space::TIGHT);
        button_row_ui(ui, |ui| {
            if ui.button(tr("Close")).clicked() {
                outcome = Outcome::Close;
            }
        });
        outcome
    }

    /// Which faces there are to pick from; they are asked for, and taken as they come.
    pub(super) fn random_series_ui(&mut self, ui: &mut Ui, random: &mut RandomFaces) {
        let palette = theme::palette(ui.ctx());
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
                range: 0.0..=140.0,
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
            self.send(Action::SampleFaces(random.requests()));
        }
        self.take_samples(ui.ctx(), random);
    }

    fn take_samples(&self, ctx: &egui::Context, random: &mut RandomFaces) {
        let wanted = random.requests();
        for sample in self.bench.engine().samples().iter().filter(|sample| wanted.contains(&sample.request)) {
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
}

/// What a random face is called in a box.
pub(super) fn random_face_label(request: SampleRequest) -> String {
    tr_with("Random face {number}", &[("number", &(request.index + 1).to_string())])
}
