//! The open photos. A click paints from one; it can be dragged onto the canvas or a face of the blend.

use std::sync::Arc;

use egui::{Color32, Rect, Ui, vec2};

use super::super::language::tr;
use super::super::{Command, Editor, theme, widgets};
use super::picture_button;
use crate::document::Photo;

const COLUMNS: usize = 4;

impl Editor {
    pub(super) fn photos_ui(&mut self, ui: &mut Ui) {
        let mut is_open = self.settings.open_sections.photos;
        let shows = widgets::section_header(ui, "Photos", &mut is_open, |ui| {
            self.command_icon_ui(ui, Command::Open, 16.0);
            self.command_icon_ui(ui, Command::ShowRandomFaces, 16.0);
        });
        self.settings.open_sections.photos = is_open;
        if !shows {
            return;
        }
        let photos: Vec<Arc<Photo>> = self.timeline.document().photos().to_vec();
        if photos.is_empty() {
            widgets::caption(ui, "Open photos to paint with. The first one is painted on.");
            return;
        }
        let gap = theme::space::NORMAL;
        let size = ((ui.available_width() - gap * (COLUMNS - 1) as f32) / COLUMNS as f32).floor();
        ui.spacing_mut().item_spacing = vec2(gap, gap);
        for row in photos.chunks(COLUMNS) {
            ui.horizontal(|ui| {
                for photo in row {
                    self.photo_ui(ui, photo, size);
                }
            });
        }
        ui.spacing_mut().item_spacing = ui.ctx().global_style().spacing.item_spacing;
    }

    fn photo_ui(&mut self, ui: &mut Ui, photo: &Photo, size: f32) {
        let document = self.timeline.document();
        let is_source = document.source() == Some(photo.id);
        let active = document.active_layer().filter(|layer| layer.photo == photo.id);
        let border = active.map(|layer| Color32::from_rgb(layer.color[0], layer.color[1], layer.color[2]));
        let role = match (is_source, active.is_some()) {
            (true, _) => "The face that is painted on",
            (false, true) => "The brush paints from this photo",
            (false, false) => "Click to paint from this photo. Drag it onto the picture to use it as the source",
        };
        let texture = self.thumbnails.small(ui.ctx(), photo);
        let response = picture_button(ui, &texture, size, border, &photo.name);
        response.dnd_set_drag_payload(photo.id);
        if response.dragged()
            && let Some(pos) = ui.input(|input| input.pointer.latest_pos())
        {
            let layer = egui::LayerId::new(egui::Order::Tooltip, response.id);
            let carried = Rect::from_center_size(pos + vec2(20.0, 20.0), vec2(48.0, 48.0));
            let uv = Rect::from_min_max(egui::pos2(0.0, 0.0), egui::pos2(1.0, 1.0));
            ui.ctx().layer_painter(layer).image(texture.id(), carried, uv, Color32::from_white_alpha(215));
        }
        if is_source {
            let strip = Rect::from_min_max(response.rect.left_bottom() - vec2(0.0, 17.0), response.rect.right_bottom());
            let corners = egui::CornerRadius { sw: 5, se: 5, nw: 0, ne: 0 };
            ui.painter().rect_filled(strip, corners, theme::SHADE);
            let font = egui::FontId::new(10.5, theme::semibold());
            ui.painter().text(strip.center(), egui::Align2::CENTER_CENTER, tr("Source"), font, theme::ON_SHADE);
        }
        if response.clicked() {
            self.send(Command::UseAsReference(photo.id));
        }
        response.context_menu(|ui| {
            ui.set_min_width(190.0);
            widgets::menu_spacing(ui);
            for command in [
                Command::UseAsReference(photo.id),
                Command::AddLayer(photo.id),
                Command::MakeSource(photo.id),
                Command::BlendWith(Some(photo.id)),
            ] {
                self.menu_item_ui(ui, &command);
            }
            if photo.placement.is_some() {
                ui.separator();
                for command in [Command::ChooseFace(Some(photo.id)), Command::PlaceFace(Some(photo.id))] {
                    self.menu_item_ui(ui, &command);
                }
            }
            ui.separator();
            self.menu_item_ui(ui, &Command::RemovePhoto(photo.id));
        });
        response.on_hover_text(format!("{}\n{}", photo.name, tr(role)));
    }
}
