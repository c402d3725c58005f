//! The open photos. A click paints from one; it can be dragged onto the canvas or a face of the blend.

use std::sync::Arc;

use egui::{Color32, Popup, PopupCloseBehavior, Rect, Sense, Ui, vec2};
use stylemap::engine::RefineProgress;

use super::super::{Context, Look, icons, theme, widgets};
use super::{carried_picture_ui, picture_button, share_ui};
use crate::document::Photo;
use crate::language::{tr, tr_with};
use crate::workbench::{Action, EngineState, Question};

const COLUMNS: usize = 4;
const MENU_WIDTH: f32 = 250.0;
const LIKENESS_PICTURE_SIZE: f32 = 20.0;
const LIKENESS_LABEL_WIDTH: f32 = 58.0;
const PROGRESS_HEIGHT: f32 = 4.0;

fn percent(progress: RefineProgress) -> String {
    format!("{} %", 100 * progress.done / progress.steps.max(1))
}

impl Context<'_> {
    pub(super) fn photos_ui(&mut self, ui: &mut Ui) {
        let mut sections = self.bench.settings().open_sections;
        let shows = widgets::section_header(ui, "Photos", &mut sections.photos, |ui| {
            self.command_icon_ui(ui, Look::AskFor(Question::OpenPhotos), 16.0);
            self.command_icon_ui(ui, Look::ShowRandomFaces, 16.0);
        });
        self.keep_sections(sections);
        if !shows {
            return;
        }
        let photos: Vec<Arc<Photo>> = self.bench.document().photos().to_vec();
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
        // One part, however many rows: what is below it keeps its name, and so a drag its slider.
        ui.vertical(|ui| self.bench.photos_in_hand().iter().for_each(|photo| self.likeness_ui(ui, photo)));
    }

    /// How much of a photo's likeness is shown, and more of it.
    fn likeness_ui(&mut self, ui: &mut Ui, photo: &Photo) {
        let has_none = matches!(self.bench.engine().state(), EngineState::Ready(info) if info.fine_encoder_parameters == 0)
            && !self.bench.is_refined(photo.id);
        let disabled = has_none
            .then(|| tr("This model has no fine encoder: it knows faces by what it makes of them, until their likeness is improved"));
        let hint = "How true to the photo the face of {name} is. At 0 % it is what the model makes of it";
        let hint = tr_with(hint, &[("name", &photo.name)]);
        let mut likeness = self.bench.document().likeness(photo.id);
        let has_changed = ui.horizontal(|ui| {
            let texture = self.thumbnails.small(ui.ctx(), photo);
            let picture = egui::Image::from_texture(&texture).corner_radius(4.0);
            ui.add(picture.fit_to_exact_size(vec2(LIKENESS_PICTURE_SIZE, LIKENESS_PICTURE_SIZE)));
            let (rect, label) = ui.allocate_exact_size(vec2(LIKENESS_LABEL_WIDTH, theme::space::ROW), Sense::hover());
            let font = egui::TextStyle::Body.resolve(ui.style());
            let palette = theme::palette(ui.ctx());
            let progress = self.bench.refinement(photo.id);
            let (text, color) = match progress {
                Some(progress) => (percent(progress), palette.accent),
                None => (tr("Likeness").to_owned(), palette.text_weak),
            };
            ui.painter().text(rect.left_center(), egui::Align2::LEFT_CENTER, text, font, color);
            label.on_hover_text(disabled.unwrap_or(&hint));
            let name = tr_with("Likeness of {name}", &[("name", &photo.name)]);
            let width = ui.available_width() - theme::space::ROW - ui.spacing().item_spacing.x;
            let has_changed = ui.scope(|ui| {
                ui.set_max_width(width);
                share_ui(ui, &mut likeness, 1.0, &name, &hint, disabled)
            });
            self.improve_ui(ui, photo);
            has_changed.inner
        });
        if has_changed.inner {
            self.send(Action::SetLikeness(photo.id, likeness));
        }
    }

    /// Begins to improve a face's likeness, or stops that.
    fn improve_ui(&mut self, ui: &mut Ui, photo: &Photo) {
        let (action, icon, name, hint) = if self.bench.refinement(photo.id).is_some() {
            let hint = "Leave the face of {name} as near to the photo as it is now";
            (Action::StopImprovingLikeness(Some(photo.id)), icons::STOP, "Stop improving the likeness of {name}", hint)
        } else if self.bench.is_refined(photo.id) {
            let hint = "The face of {name} was brought nearer to the photo. Once more brings it a little nearer still";
            (Action::ImproveLikeness(Some(photo.id)), icons::SPARKLE, "Improve the likeness of {name} further", hint)
        } else {
            let hint = "Bring the face of {name} nearer to the photo, beside your work";
            (Action::ImproveLikeness(Some(photo.id)), icons::SPARKLE, "Improve the likeness of {name}", hint)
        };
        let [name, hint] = [name, hint].map(|text| tr_with(text, &[("name", &photo.name)]));
        let is_enabled = self.bench.is_enabled(&action);
        let response = widgets::icon_button_enabled(ui, is_enabled, icon, &name, 16.0).on_hover_text(hint);
        if response.clicked() {
            self.send(action);
        }
    }

    fn photo_ui(&mut self, ui: &mut Ui, photo: &Photo, size: f32) {
        let document = self.bench.document();
        let is_source = document.source() == Some(photo.id);
        let active = document.active_layer().filter(|layer| layer.photo == photo.id);
        let border = active.map(|layer| Color32::from_rgb(layer.color[0], layer.color[1], layer.color[2]));
        let is_edited = !is_source && document.is_edited(photo.id);
        let role = match (is_source, active.is_some()) {
            (true, _) => "The face that is painted on",
            _ if is_edited => "This face is edited too. Right-click it to go on with it",
            (false, true) => "The brush paints from this photo",
            (false, false) => "Click to paint from this photo. Drag it onto the picture to use it as the source",
        };
        let texture = self.thumbnails.small(ui.ctx(), photo);
        let response = picture_button(ui, &texture, size, border, &photo.name);
        response.dnd_set_drag_payload(photo.id);
        carried_picture_ui(ui, &response, &texture);
        if let Some(progress) = self.bench.refinement(photo.id) {
            let share = progress.done as f32 / progress.steps.max(1) as f32;
            let bar = Rect::from_min_size(response.rect.left_top(), vec2(response.rect.width(), PROGRESS_HEIGHT));
            let done = Rect::from_min_size(bar.min, vec2(bar.width() * share, bar.height()));
            ui.painter().rect_filled(bar, 2.0, theme::SHADE);
            ui.painter().rect_filled(done, 2.0, theme::palette(ui.ctx()).accent);
        }
        let strip_text = match (is_source, is_edited) {
            (true, _) => Some("Source"),
            (false, true) => Some("Edited"),
            (false, false) => None,
        };
        if let Some(text) = strip_text {
            let strip = Rect::from_min_max(response.rect.left_bottom() - vec2(0.0, 17.0), response.rect.right_bottom());
            let corners = egui::CornerRadius { sw: 5, se: 5, nw: 0, ne: 0 };
            ui.painter().rect_filled(strip, corners, theme::SHADE);
            let font = egui::FontId::new(10.5, theme::semibold());
            ui.painter().text(strip.center(), egui::Align2::CENTER_CENTER, tr(text), font, theme::ON_SHADE);
        }
        if response.clicked() {
            self.send(Action::UseAsReference(photo.id));
        }
        // A slider in a menu is dragged and clicked, which closes no menu; what is chosen in it does.
        let menu = Popup::context_menu(&response).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        menu.show(|ui| {
            ui.set_width(MENU_WIDTH);
            widgets::menu_spacing(ui);
            for command in [
                Action::UseAsReference(photo.id),
                Action::AddLayer(photo.id),
                Action::MakeSource(photo.id),
                Action::EditFace(photo.id),
                Action::PasteEditTo(photo.id),
                Action::BlendWith(Some(photo.id)),
            ] {
                self.menu_item_ui(ui, command);
            }
            if photo.placement.is_some() {
                ui.separator();
                for command in [Look::ChooseFace(Some(photo.id)), Look::PlaceFace(Some(photo.id))] {
                    self.menu_item_ui(ui, command);
                }
            }
            if !photo.is_sample {
                ui.separator();
                self.likeness_ui(ui, photo);
                let is_running = self.bench.refinement(photo.id).is_some();
                let id = Some(photo.id);
                self.menu_item_ui(
                    ui,
                    if is_running { Action::StopImprovingLikeness(id) } else { Action::ImproveLikeness(id) },
                );
            }
            ui.separator();
            self.menu_item_ui(ui, Action::RemovePhoto(photo.id));
        });
        response.on_hover_text(format!("{}\n{}", photo.name, tr(role)));
    }
}
