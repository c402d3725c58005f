//! The layers, the top one first, and the settings of the active one.

use egui::{Color32, Rect, RichText, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::super::widgets::{self, Number};
use super::super::{Command, Editor, icons, theme};
use crate::document::history::EditKey;
use crate::document::{CANVAS_SIZE_PX, Layer, MAX_FEATHER_PX};

const ROW_HEIGHT: f32 = 40.0;
const LABEL_WIDTH: f32 = 62.0;

impl Editor {
    pub(super) fn layers_ui(&mut self, ui: &mut Ui) {
        let mut is_open = self.settings.open_sections.layers;
        let shows = widgets::section_header(ui, "Layers", &mut is_open, |ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            for command in [Command::DeleteLayer, Command::DuplicateLayer, Command::LowerLayer, Command::RaiseLayer] {
                self.command_icon_ui(ui, command, 15.0);
            }
        });
        self.settings.open_sections.layers = is_open;
        if !shows {
            return;
        }
        let layers: Vec<Layer> = self.timeline.document().layers().to_vec();
        if layers.is_empty() {
            widgets::caption(ui, "Click a photo above to paint from it.");
            return;
        }
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            for layer in layers.iter().rev() {
                self.layer_ui(ui, layer);
            }
        });
        ui.add_space(theme::space::TIGHT);
        if let Some(layer) = self.timeline.document().active_layer().cloned() {
            self.layer_settings_ui(ui, &layer);
        }
    }

    fn layer_ui(&mut self, ui: &mut Ui, layer: &Layer) {
        let palette = theme::palette(ui.ctx());
        let document = self.timeline.document();
        let is_active = document.active_layer().is_some_and(|active| active.id == layer.id);
        let photo = document.photo(layer.photo).cloned();
        let color = Color32::from_rgb(layer.color[0], layer.color[1], layer.color[2]);
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW_HEIGHT), Sense::click());
        let label = format!("Layer {}", layer.name);
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_active, &label));

        let fill = match (is_active, response.hovered()) {
            (true, _) => palette.selection,
            (false, true) => palette.raised,
            (false, false) => Color32::TRANSPARENT,
        };
        let painter = ui.painter();
        painter.rect_filled(rect, theme::CORNER, fill);
        let swatch = Rect::from_min_size(rect.min + vec2(6.0, 8.0), vec2(4.0, ROW_HEIGHT - 16.0));
        painter.rect_filled(swatch, 2.0, if layer.visible { color } else { color.gamma_multiply(0.4) });

        let thumbnail = Rect::from_min_size(rect.min + vec2(16.0, 5.0), vec2(30.0, 30.0));
        if let Some(photo) = photo {
            let texture = self.thumbnails.small(ui.ctx(), &photo);
            let tint = if layer.visible { Color32::WHITE } else { Color32::from_white_alpha(90) };
            egui::Image::from_texture(&texture).corner_radius(4.0).tint(tint).paint_at(ui, thumbnail);
        }
        let text_color = if layer.visible { palette.text } else { palette.text_weak };
        let font = egui::TextStyle::Body.resolve(ui.style());
        let text_left = thumbnail.right() + theme::space::NORMAL;
        let text_rect = Rect::from_min_max(pos2(text_left, rect.top()), pos2(rect.right() - 34.0, rect.bottom()));
        let painter = ui.painter().with_clip_rect(text_rect.intersect(ui.clip_rect()));
        let state = match (layer.visible, layer.mask.is_empty()) {
            (false, _) => Some("Hidden"),
            (true, true) => Some("Nothing painted yet"),
            (true, false) => None,
        };
        let name_y = if state.is_some() { rect.center().y - 7.0 } else { rect.center().y };
        painter.text(pos2(text_left, name_y), egui::Align2::LEFT_CENTER, &layer.name, font, text_color);
        if let Some(state) = state {
            let font = egui::TextStyle::Small.resolve(ui.style());
            let pos = pos2(text_left, rect.center().y + 8.0);
            painter.text(pos, egui::Align2::LEFT_CENTER, state, font, palette.text_weak);
        }

        let eye_rect = Rect::from_center_size(pos2(rect.right() - 18.0, rect.center().y), vec2(26.0, 26.0));
        let eye_label = format!("{} layer {}", if layer.visible { "Hide" } else { "Show" }, layer.name);
        // Beside the row's own rectangle, which is allocated already.
        let mut eye_ui = ui.new_child(egui::UiBuilder::new().max_rect(eye_rect));
        let icon = if layer.visible { icons::EYE } else { icons::EYE_SLASH };
        let eye = widgets::icon_button(&mut eye_ui, icon, &eye_label, 16.0);
        if eye.on_hover_text(Command::ToggleLayer(layer.id).tooltip()).clicked() {
            self.send(Command::ToggleLayer(layer.id));
        } else if response.clicked() {
            self.send(Command::SelectLayer(layer.id));
        }
        if response.has_focus() {
            ui.painter().rect_stroke(rect, theme::CORNER, Stroke::new(1.0, palette.accent), egui::StrokeKind::Inside);
        }
        response.context_menu(|ui| {
            ui.set_min_width(190.0);
            ui.spacing_mut().button_padding = vec2(8.0, 3.0);
            // The menu speaks of the layer under the pointer.
            self.timeline.select_layer(layer.id);
            for command in [
                Command::ToggleLayer(layer.id),
                Command::DuplicateLayer,
                Command::RaiseLayer,
                Command::LowerLayer,
                Command::ClearMask,
                Command::InvertMask,
                Command::ResetOffset,
                Command::DeleteLayer,
            ] {
                self.menu_item_ui(ui, &command);
            }
        });
    }

    fn layer_settings_ui(&mut self, ui: &mut Ui, layer: &Layer) {
        let slider_width = ui.available_width() - LABEL_WIDTH - 58.0 - 2.0 * theme::space::NORMAL - 4.0;
        let mut percent = layer.strength * 100.0;
        let strength = Number {
            label: "Strength",
            suffix: " %",
            range: 0.0..=100.0,
            logarithmic: false,
            tooltip: "How much of the photo is taken where it is painted".to_owned(),
        };
        if widgets::slider_row(ui, &strength, &mut percent, LABEL_WIDTH, slider_width) {
            self.timeline.edit_continuously("Change strength", EditKey::LayerStrength(layer.id), |document| {
                document.update_layer(layer.id, |layer| layer.strength = percent / 100.0);
            });
        }
        let mut feather_px = layer.feather_px;
        let feather = Number {
            label: "Feather",
            suffix: " px",
            range: 0.0..=MAX_FEATHER_PX,
            logarithmic: false,
            tooltip: "How far the painted region's edge is softened".to_owned(),
        };
        if widgets::slider_row(ui, &feather, &mut feather_px, LABEL_WIDTH, slider_width) {
            self.timeline.edit_continuously("Change feather", EditKey::LayerFeather(layer.id), |document| {
                document.update_layer(layer.id, |layer| layer.feather_px = feather_px);
            });
        }
        self.offset_ui(ui, layer);
    }

    fn offset_ui(&mut self, ui: &mut Ui, layer: &Layer) {
        let palette = theme::palette(ui.ctx());
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(LABEL_WIDTH, theme::space::ROW), Sense::hover());
            ui.put(rect, |ui: &mut Ui| {
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    ui.label(RichText::new("Position").color(palette.text_weak))
                })
                .inner
            });
            let limit = CANVAS_SIZE_PX as f32;
            let (mut x, mut y) = (layer.offset_px.0 as f32, layer.offset_px.1 as f32);
            let hint = "How far the region is moved from where it was painted";
            widgets::number_field(ui, &mut x, -limit..=limit, " px", "Position to the right").on_hover_text(hint);
            widgets::number_field(ui, &mut y, -limit..=limit, " px", "Position down").on_hover_text(hint);
            let offset_px = (x.round() as i32, y.round() as i32);
            if offset_px != layer.offset_px {
                self.timeline.edit_continuously("Move region", EditKey::LayerOffset(layer.id), |document| {
                    document.update_layer(layer.id, |layer| layer.offset_px = offset_px);
                });
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                self.command_icon_ui(ui, Command::ResetOffset, 15.0);
            });
        });
    }
}
