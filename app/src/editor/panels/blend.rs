//! Between two faces: the source, another face, and a slider from one to the other.

use std::sync::Arc;

use egui::{Popup, Response, RichText, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};
use stylemap::engine::Frame;

use super::super::widgets::{self, Number};
use super::super::{Command, Context, icons, theme};
use super::picture_button;
use crate::document::{Blend, CoarseLevels, LayerId, Photo, PhotoId, StyleMix};
use crate::language::{tr, tr_with};
use crate::workbench::Action;

pub(super) const SLOT_SIZE: f32 = 64.0;
const LEVELS_LABEL_WIDTH: f32 = 98.0;

impl Context<'_> {
    pub(super) fn blend_ui(&mut self, ui: &mut Ui) {
        let mut sections = self.bench.settings().open_sections;
        let shows = widgets::section_header(ui, "Between two faces", &mut sections.blend, |ui| {
            self.command_icon_ui(ui, Action::SwapBlend, 16.0);
            let has_four = self.bench.document().blend().is_some_and(|blend| blend.below.is_some());
            self.command_icon_ui(ui, Action::BlendFour(!has_four), 16.0);
            self.play_button_ui(ui);
        });
        self.keep_sections(sections);
        if !shows {
            return;
        }
        let document = self.bench.document();
        let (source, blend) = (document.source(), document.blend());
        if document.is_empty() {
            widgets::caption(ui, "Open two photos to move from one face to the other.");
            return;
        }
        if let Some((blend, below)) = blend.and_then(|blend| Some((blend, blend.below?))) {
            self.corners_ui(ui, blend, below);
            return self.style_mix_ui(ui);
        }
        ui.horizontal(|ui| {
            ui.vertical(|ui| {
                ui.set_width(SLOT_SIZE);
                self.slot_ui(ui, source, "Source", |photo| photo.map(Action::MakeSource));
                widgets::caption(ui, "Source");
            });
            ui.vertical(|ui| {
                let width = ui.available_width() - SLOT_SIZE - theme::space::NORMAL;
                ui.set_width(width);
                ui.add_space(theme::space::NORMAL);
                self.amount_ui(ui, blend, width);
            });
            ui.vertical(|ui| {
                ui.set_width(SLOT_SIZE);
                self.slot_ui(ui, blend.map(|blend| blend.with), "Other face", |photo| Some(Action::BlendWith(photo)));
                widgets::caption(ui, "Other face");
            });
        });
        self.style_mix_ui(ui);
        self.division_ui(ui);
    }

    /// In between, or the shape of one with the colours of the other.
    fn style_mix_ui(&mut self, ui: &mut Ui) {
        let document = self.bench.document();
        let (current, is_enabled) = (document.style_mix(), document.blend().is_some());
        let has_four = document.blend().is_some_and(|blend| blend.below.is_some());
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = theme::space::TIGHT;
            ui.spacing_mut().button_padding.x = 6.0;
            for (mix, text) in [
                (None, "Between"),
                (Some(StyleMix::CoarseFromOther), "Shape of source"),
                (Some(StyleMix::CoarseFromSource), "Shape of other"),
            ] {
                // With four faces there is only what lies between them: the first goes back to two.
                let command = if has_four && mix.is_none() { Action::BlendFour(false) } else { Action::MixStyles(mix) };
                let is_enabled = is_enabled && (!has_four || mix.is_none());
                let button = egui::Button::selectable(current == mix && !has_four, RichText::new(tr(text)).small());
                if ui.add_enabled(is_enabled, button).on_hover_text(Command::from(command.clone()).tooltip()).clicked()
                {
                    self.send(command);
                }
            }
        });
    }

    /// Where the mixed styles are divided, with a picture of every place.
    fn division_ui(&mut self, ui: &mut Ui) {
        if self.bench.document().style_mix().is_none() || self.bench.document().blend().is_none() {
            return;
        }
        let chosen = self.bench.document().coarse_levels();
        self.coarse_levels_ui(ui, None, chosen);
        let pictures: Vec<Option<Arc<Frame>>> = self.bench.level_previews().pictures().to_vec();
        let gap = theme::space::TIGHT;
        let count = pictures.len().max(1) as f32;
        let size = ((ui.available_width() - gap * (count - 1.0)) / count).floor().min(SLOT_SIZE);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = gap;
            for (levels, picture) in (1u8..).zip(&pictures) {
                let border = (chosen == CoarseLevels::new(levels)).then_some(theme::palette(ui.ctx()).accent);
                let Some(frame) = picture else {
                    let (rect, _) = ui.allocate_exact_size(vec2(size, size), Sense::hover());
                    ui.painter().rect_filled(rect, theme::CORNER, theme::palette(ui.ctx()).field);
                    continue;
                };
                let texture = self.thumbnails.frame(ui.ctx(), usize::from(levels), frame);
                let px = self.bench.level_px(usize::from(levels)).unwrap_or_default().to_string();
                let label = tr_with("Shape from {px} px on", &[("px", &px)]);
                if picture_button(ui, &texture, size, border, &label).on_hover_text(&label).clicked() {
                    self.send(Action::SetCoarseLevels(None, CoarseLevels::new(levels)));
                }
            }
        });
    }

    /// Where colours and light end and the shape begins, of the blend or of what a layer paints.
    pub(super) fn coarse_levels_ui(&mut self, ui: &mut Ui, of_layer: Option<LayerId>, chosen: CoarseLevels) {
        let divisions = self.bench.style_divisions();
        let mut levels = chosen.count().min(usize::from(divisions)) as f32;
        let number = Number {
            label: "Levels of colour",
            suffix: "",
            range: 1.0..=f32::from(divisions.max(2)),
            logarithmic: false,
            tooltip: tr("How many of the model's levels, from the coarsest on, give colours and light. The others give the shape")
                .to_owned(),
        };
        let width = ui.available_width() - LEVELS_LABEL_WIDTH - 2.0 * ui.spacing().item_spacing.x - 58.0;
        if widgets::slider_row(ui, &number, &mut levels, LEVELS_LABEL_WIDTH, width) {
            let levels = CoarseLevels::new(levels.round() as u8);
            if levels != chosen {
                self.send(Action::SetCoarseLevels(of_layer, levels));
            }
        }
    }

    fn play_button_ui(&mut self, ui: &mut Ui) {
        let (icon, label) = if self.bench.motion().is_playing() {
            (icons::PAUSE, "Pause")
        } else {
            (icons::PLAY, "Play between the faces")
        };
        let enabled = self.bench.is_enabled(&Action::ToggleMotion);
        let button = widgets::icon_button_enabled(ui, enabled, icon, label, 16.0);
        if button.on_hover_text(Command::from(Action::ToggleMotion).hint(ui.ctx())).clicked() {
            self.send(Action::ToggleMotion);
        }
    }

    fn amount_ui(&mut self, ui: &mut Ui, blend: Option<Blend>, width: f32) {
        // The slider follows what moves by itself; whoever takes it stops the motion.
        let moving_t = self.bench.moving_at().map(|[t, _]| t);
        let is_between = self.bench.document().style_mix().is_none();
        let mut percent = blend.map_or(0.0, |blend| moving_t.unwrap_or(blend.t) * 100.0);
        let before = percent;
        ui.add_enabled_ui(blend.is_some() && is_between, |ui| {
            let slider = widgets::rail(ui, &mut percent, 0.0..=100.0, false, width);
            // Taking the slider stops the motion, wherever it is.
            if slider.dragged() && self.bench.motion().is_playing() && percent == before {
                self.send(Action::ToggleMotion);
            }
            slider.widget_info(|| WidgetInfo::slider(blend.is_some(), f64::from(percent), tr("Blend")));
            slider.on_hover_text(tr("From the source to the other face"));
            ui.vertical_centered(|ui| {
                widgets::number_field(ui, &mut percent, 0.0..=100.0, " %", "Blend");
            });
        });
        if percent != before {
            self.send(Action::SetBlendAmount(percent / 100.0));
        }
    }

    /// A face that can be chosen from the photos, or have one dropped on it.
    pub(super) fn slot_ui(
        &mut self,
        ui: &mut Ui,
        photo: Option<PhotoId>,
        label: &str,
        action: impl Fn(Option<PhotoId>) -> Option<Action>,
    ) {
        let document = self.bench.document();
        let shown = photo.and_then(|id| document.photo(id)).cloned();
        let name = shown.as_ref().map_or_else(
            || tr_with("{name}, none", &[("name", tr(label))]),
            |photo| format!("{}, {}", tr(label), photo.name),
        );
        let response = match &shown {
            Some(photo) => {
                let texture = self.thumbnails.small(ui.ctx(), photo);
                picture_button(ui, &texture, SLOT_SIZE, None, &name)
            }
            None => empty_slot_ui(ui, &name),
        };
        if response.dnd_hover_payload::<PhotoId>().is_some() {
            let color = theme::palette(ui.ctx()).accent;
            ui.painter().rect_stroke(response.rect, theme::CORNER, Stroke::new(2.0, color), StrokeKind::Inside);
        }
        if let Some(dropped) = response.dnd_release_payload::<PhotoId>()
            && let Some(chosen) = action(Some(*dropped))
        {
            self.send(chosen);
        }
        let photos: Vec<Arc<Photo>> = self.bench.document().photos().to_vec();
        let mut chosen = None;
        Popup::menu(&response).gap(4.0).show(|ui| {
            ui.set_width(4.0 * 52.0 + 3.0 * theme::space::TIGHT);
            ui.spacing_mut().item_spacing = vec2(theme::space::TIGHT, theme::space::TIGHT);
            for row in photos.chunks(4) {
                ui.horizontal(|ui| {
                    for photo in row {
                        let texture = self.thumbnails.small(ui.ctx(), photo);
                        let border = shown
                            .as_ref()
                            .filter(|shown| shown.id == photo.id)
                            .map(|_| theme::palette(ui.ctx()).accent);
                        let label = tr_with("Choose {name}", &[("name", &photo.name)]);
                        if picture_button(ui, &texture, 52.0, border, &label).on_hover_text(&photo.name).clicked() {
                            chosen = action(Some(photo.id));
                            ui.close();
                        }
                    }
                });
            }
            if let Some(none) = action(None)
                && ui.button(Command::from(none.clone()).text()).clicked()
            {
                chosen = Some(none);
                ui.close();
            }
        });
        if let Some(action) = chosen {
            self.send(action);
        }
        response.on_hover_text(tr_with("{name}. Click to choose, or drop a photo here", &[("name", &name)]));
    }
}

fn empty_slot_ui(ui: &mut Ui, label: &str) -> Response {
    let palette = theme::palette(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(vec2(SLOT_SIZE, SLOT_SIZE), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label));
    let fill = if response.hovered() { palette.raised } else { palette.field };
    ui.painter().rect(rect, theme::CORNER, fill, Stroke::new(1.0, palette.outline), StrokeKind::Inside);
    let icon = RichText::new(icons::PLUS).font(theme::icon_font(18.0)).color(palette.text_weak);
    ui.put(rect, egui::Label::new(icon).selectable(false));
    response
}
