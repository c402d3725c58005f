//! The layers, the top one first, and the settings of the active one. Rows can be dragged to another place.

use egui::text::{CCursor, CCursorRange};
use egui::{
    Color32, CursorIcon, Key, Rect, Response, RichText, Role, Sense, Stroke, TextEdit, Ui, WidgetInfo, pos2, vec2,
};

use super::super::commands::command_list;
use super::super::widgets::{self, Number};
use super::super::{Command, Context, Look, icons, theme};
use super::share_ui;
use crate::document::{CANVAS_SIZE_PX, Combine, FaceRegion, Layer, LayerId, MAX_FEATHER_PX, SCALE_RANGE, Takes};
use crate::language::{tr, tr_with};
use crate::workbench::{Action, Question};

const ROW_HEIGHT: f32 = 40.0;
const LABEL_WIDTH: f32 = 62.0;
/// Longer names are of no use in a panel of this width.
const MAX_NAME_CHARS: usize = 60;

/// A layer's name while it is typed.
pub(in crate::editor) struct Renaming {
    layer: LayerId,
    text: String,
    is_new: bool,
}

impl Renaming {
    /// Begins with the name that the layer has, where that stands.
    pub fn begin(layer: &Layer) -> Self {
        Self { layer: layer.id, text: layer.name.clone(), is_new: true }
    }
}

impl Context<'_> {
    pub(super) fn layers_ui(&mut self, ui: &mut Ui, renaming: &mut Option<Renaming>) {
        let mut sections = self.bench.settings().open_sections;
        let shows = widgets::section_header(ui, "Layers", &mut sections.layers, |ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            for command in [Action::DeleteLayer, Action::DuplicateLayer, Action::LowerLayer, Action::RaiseLayer] {
                self.command_icon_ui(ui, command, 15.0);
            }
        });
        self.keep_sections(sections);
        if !shows {
            return;
        }
        let layers: Vec<Layer> = self.bench.document().layers().to_vec();
        *renaming = renaming.take().filter(|renaming| layers.iter().any(|layer| layer.id == renaming.layer));
        if layers.is_empty() {
            widgets::caption(ui, "Click a photo above to paint from it.");
            return;
        }
        let rows = ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            layers.iter().rev().map(|layer| self.layer_ui(ui, layer, renaming)).collect::<Vec<Rect>>()
        });
        self.reorder_ui(ui, &rows.response, &rows.inner, &layers);
        ui.add_space(theme::space::TIGHT);
        if let Some(layer) = self.bench.document().active_layer().cloned() {
            self.layer_settings_ui(ui, &layer);
        }
    }

    /// A row that is dragged over the list: a line says where it would go.
    fn reorder_ui(&mut self, ui: &Ui, list: &Response, rows: &[Rect], layers: &[Layer]) {
        let Some(dragged) = list.dnd_hover_payload::<LayerId>() else { return };
        let Some(pos) = ui.input(|input| input.pointer.latest_pos()) else { return };
        ui.set_cursor_icon(CursorIcon::Grabbing);
        let above = rows.iter().filter(|row| row.center().y < pos.y).count();
        let line_y = rows.get(above).map_or(list.rect.bottom(), |row| row.top() - 1.0);
        let color = theme::palette(ui.ctx()).accent;
        ui.painter().hline(list.rect.x_range(), line_y, Stroke::new(2.0, color));
        if list.dnd_release_payload::<LayerId>().is_some()
            && let Some(row) = layers.iter().rev().position(|layer| layer.id == *dragged)
        {
            // The row itself leaves its place first.
            let target = if above > row { above - 1 } else { above };
            if target != row {
                self.send(Action::ReorderLayer(*dragged, row as isize - target as isize));
            }
        }
    }

    /// Returns where the row lies.
    fn layer_ui(&mut self, ui: &mut Ui, layer: &Layer, renaming: &mut Option<Renaming>) -> Rect {
        let palette = theme::palette(ui.ctx());
        let document = self.bench.document();
        let is_active = document.active_layer().is_some_and(|active| active.id == layer.id);
        let photo = document.photo(layer.photo).cloned();
        let color = Color32::from_rgb(layer.color[0], layer.color[1], layer.color[2]);
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW_HEIGHT), Sense::click_and_drag());
        response.dnd_set_drag_payload(layer.id);
        let label = tr_with("Layer {name}", &[("name", &layer.name)]);
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
        if renaming.as_ref().is_some_and(|renaming| renaming.layer == layer.id) {
            self.name_field_ui(ui, text_rect.shrink2(vec2(0.0, 7.0)), renaming);
        } else {
            let painter = ui.painter().with_clip_rect(text_rect.intersect(ui.clip_rect()));
            let state = match (layer.visible, layer.mask.is_empty()) {
                (false, _) => Some(tr("Hidden")),
                (true, true) => Some(tr("Nothing painted yet")),
                (true, false) => None,
            };
            let name_y = if state.is_some() { rect.center().y - 7.0 } else { rect.center().y };
            painter.text(pos2(text_left, name_y), egui::Align2::LEFT_CENTER, &layer.name, font, text_color);
            if let Some(state) = state {
                let font = egui::TextStyle::Small.resolve(ui.style());
                let pos = pos2(text_left, rect.center().y + 8.0);
                painter.text(pos, egui::Align2::LEFT_CENTER, state, font, palette.text_weak);
            }
        }

        let eye_rect = Rect::from_center_size(pos2(rect.right() - 18.0, rect.center().y), vec2(26.0, 26.0));
        let eye_label =
            tr_with(if layer.visible { "Hide layer {name}" } else { "Show layer {name}" }, &[("name", &layer.name)]);
        // Beside the row's own rectangle, which is allocated already.
        let mut eye_ui = ui.new_child(egui::UiBuilder::new().max_rect(eye_rect));
        let icon = if layer.visible { icons::EYE } else { icons::EYE_SLASH };
        let eye = widgets::icon_button(&mut eye_ui, icon, &eye_label, 16.0);
        if eye.on_hover_text(Command::from(Action::ToggleLayer(layer.id)).tooltip()).clicked() {
            self.send(Action::ToggleLayer(layer.id));
        } else if response.clicked() {
            self.send(Action::SelectLayer(layer.id));
        }
        if response.double_clicked() {
            self.send(Look::RenameLayer);
        }
        if response.has_focus() {
            ui.painter().rect_stroke(rect, theme::CORNER, Stroke::new(1.0, palette.accent), egui::StrokeKind::Inside);
        }
        response.context_menu(|ui| {
            // The menu speaks of the layer under the pointer.
            if !is_active {
                self.send(Action::SelectLayer(layer.id));
            }
            widgets::menu_spacing(ui);
            self.menu_item_ui(ui, Action::ToggleLayer(layer.id));
            self.layer_menu_ui(ui);
        });
        rect
    }

    /// What can be done to the active layer: in the menu bar and at its row.
    pub(in crate::editor) fn layer_menu_ui(&mut self, ui: &mut Ui) {
        ui.set_min_width(230.0);
        self.menu_groups_ui(
            ui,
            &[
                &command_list![Look::RenameLayer, Action::DuplicateLayer, Action::DeleteLayer],
                &command_list![Action::RaiseLayer, Action::LowerLayer, Action::ResetOffset],
                &command_list![
                    Action::ClearMask,
                    Action::InvertMask,
                    Action::GrowMask,
                    Action::ShrinkMask,
                    Action::SoftenMask
                ],
            ],
        );
        ui.separator();
        self.mask_menu_ui(ui);
    }

    /// Parts of the face, masks of other layers, and files.
    fn mask_menu_ui(&mut self, ui: &mut Ui) {
        for (title, how) in [("Paint region", Combine::Add), ("Paint only one region", Combine::Replace)] {
            self.submenu_ui(ui, title, true, |context, ui| {
                let regions = FaceRegion::ALL.map(|region| Command::from(Action::PaintPreset(region, how)));
                context.menu_groups_ui(ui, &[&regions]);
            });
        }
        let document = self.bench.document();
        let active = document.active_layer().map(|layer| layer.id);
        let others: Vec<(LayerId, String)> = document
            .layers()
            .iter()
            .rev()
            .filter(|layer| Some(layer.id) != active)
            .map(|layer| (layer.id, layer.name.clone()))
            .collect();
        for (title, how) in [("Copy mask to", Combine::Replace), ("Add mask to", Combine::Add)] {
            self.submenu_ui(ui, title, !others.is_empty(), |context, ui| {
                for (id, name) in &others {
                    let item = context.named_menu_item_ui(ui, Action::CopyMaskTo(*id, how), name);
                    item.widget_info(|| {
                        WidgetInfo::labeled(Role::Button, item.enabled(), format!("{} {name}", tr(title)))
                    });
                }
            });
        }
        self.submenu_ui(ui, "Mask file", true, |context, ui| {
            context.menu_groups_ui(
                ui,
                &[
                    &command_list![Look::AskFor(Question::ImportMaskFrom), Look::AskForPath(Question::ImportMaskFrom)],
                    &command_list![Look::AskFor(Question::ExportMaskTo), Look::AskForPath(Question::ExportMaskTo)],
                ],
            );
        });
    }

    fn submenu_ui(&mut self, ui: &mut Ui, title: &str, has_items: bool, add_items: impl FnOnce(&mut Self, &mut Ui)) {
        let enabled = has_items && self.bench.document().active_layer().is_some();
        ui.add_enabled_ui(enabled, |ui| {
            ui.menu_button(tr(title), |ui| {
                ui.set_min_width(190.0);
                widgets::menu_spacing(ui);
                add_items(self, ui);
            });
        });
    }

    /// Enter and a click elsewhere take the name, Escape leaves the old one.
    fn name_field_ui(&mut self, ui: &mut Ui, rect: Rect, renaming: &mut Option<Renaming>) {
        let Some(Renaming { text, is_new, .. }) = renaming else { return };
        let field = TextEdit::singleline(text).char_limit(MAX_NAME_CHARS).desired_width(rect.width());
        let mut field_ui = ui.new_child(egui::UiBuilder::new().max_rect(rect));
        let mut output = field.show(&mut field_ui);
        let response = output.response.response;
        response.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, tr("Name of the layer")));
        if std::mem::take(is_new) {
            response.request_focus();
            response.scroll_to_me(None);
            let all = CCursorRange::two(CCursor::new(0), CCursor::new(text.chars().count()));
            output.state.cursor.set_char_range(Some(all));
            output.state.store(ui.ctx(), response.id);
            return;
        }
        // A press elsewhere may begin a stroke, which must not lie in the same step.
        let pressed_elsewhere = ui.input(|input| input.pointer.any_pressed()) && !response.contains_pointer();
        if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Escape)) {
            *renaming = None;
        } else if response.lost_focus() || pressed_elsewhere {
            self.finish_renaming(renaming);
        }
    }

    fn finish_renaming(&mut self, renaming: &mut Option<Renaming>) {
        if let Some(Renaming { layer, text, .. }) = renaming.take() {
            self.send(Action::SetLayerName(layer, text));
        }
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
            self.send(Action::SetLayerStrength(layer.id, percent / 100.0));
        }
        let px = self.px_per_canvas_px();
        let mut feather_px = layer.feather_px * px;
        let feather = Number {
            label: "Feather",
            suffix: " px",
            range: 0.0..=MAX_FEATHER_PX * px,
            logarithmic: false,
            tooltip: format!("{}\n{}", tr("How far the painted region's edge is softened"), self.px_hint()),
        };
        if widgets::slider_row(ui, &feather, &mut feather_px, LABEL_WIDTH, slider_width) {
            self.send(Action::SetLayerFeather(layer.id, feather_px / px));
        }
        self.match_colours_ui(ui, layer);
        self.offset_ui(ui, layer);
        self.pose_ui(ui, layer);
        self.mask_buttons_ui(ui);
        self.regions_ui(ui);
        self.takes_ui(ui, layer);
    }

    /// The parts of a face by name: a click paints one.
    fn regions_ui(&mut self, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(theme::space::TIGHT, theme::space::TIGHT);
            ui.spacing_mut().button_padding = vec2(6.0, 1.0);
            ui.spacing_mut().interact_size.y = 20.0;
            for region in FaceRegion::ALL {
                let button = egui::Button::new(RichText::new(tr(region.name())).small());
                let add = Action::PaintPreset(region, Combine::Add);
                let side = match region {
                    FaceRegion::LeftEye | FaceRegion::LeftBrow => Some(tr("On the left of the picture")),
                    FaceRegion::RightEye | FaceRegion::RightBrow => Some(tr("On the right of the picture")),
                    _ => None,
                };
                let hint = tr("Paint this part of the face. Shift+click paints nothing else");
                let hint = side.map_or_else(|| hint.to_owned(), |side| format!("{side}. {hint}"));
                let response = ui.add(button).on_hover_text(hint);
                response.widget_info(|| WidgetInfo::labeled(Role::Button, true, Command::from(add.clone()).text()));
                if response.clicked() {
                    let only = ui.input(|input| input.modifiers.shift);
                    let how = if only { Combine::Replace } else { Combine::Add };
                    self.send(Action::PaintPreset(region, how));
                }
            }
        });
    }

    /// Whether the photo is brought to the source's colours, and how far.
    fn match_colours_ui(&mut self, ui: &mut Ui, layer: &Layer) {
        const LABEL: &str = "Match colours";
        let hint = tr("How far the photo is brought to the colours of the face that it is painted over");
        let mut share = layer.match_colours;
        ui.horizontal(|ui| {
            let mut is_on = share > 0.0;
            let text = RichText::new(tr(LABEL)).color(theme::palette(ui.ctx()).text_weak);
            if ui.checkbox(&mut is_on, text).on_hover_text(hint).changed() {
                self.send(Action::ToggleMatchColours(layer.id));
            }
            if share_ui(ui, &mut share, 1.0, tr(LABEL), hint, None) {
                self.send(Action::SetMatchColours(layer.id, share));
            }
        });
    }

    /// What of the photo is painted, and where its parts are divided.
    fn takes_ui(&mut self, ui: &mut Ui, layer: &Layer) {
        let mut takes = layer.takes;
        ui.horizontal(|ui| {
            row_label_ui(ui, tr("Paints"));
            let hint = tr("Everything of the photo, or its colours and light alone, or its shape alone");
            let response = egui::ComboBox::from_id_salt(("takes", layer.id))
                .selected_text(tr(takes.name()))
                .width(ui.available_width() - ui.spacing().item_spacing.x)
                .show_ui(ui, |ui| {
                    for choice in Takes::ALL {
                        ui.selectable_value(&mut takes, choice, tr(choice.name()));
                    }
                })
                .response
                .on_hover_text(hint);
            response.widget_info(|| {
                WidgetInfo::labeled(Role::ComboBox, true, format!("{}: {}", tr("Paints"), tr(layer.takes.name())))
            });
        });
        if takes != layer.takes {
            self.send(Action::SetLayerTakes(layer.id, takes));
        }
        if layer.takes != Takes::Everything {
            self.coarse_levels_ui(ui, Some(layer.id), layer.coarse_levels);
        }
    }

    fn mask_buttons_ui(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            row_label_ui(ui, tr("Mask"));
            ui.spacing_mut().item_spacing.x = 0.0;
            for command in
                [Action::InvertMask, Action::GrowMask, Action::ShrinkMask, Action::SoftenMask, Action::ClearMask]
            {
                self.command_icon_ui(ui, command, 15.0);
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let more = widgets::icon_button(ui, icons::DOTS, "More for the mask", 15.0)
                    .on_hover_text(tr("Parts of the face, other layers, files"));
                egui::Popup::menu(&more).show(|ui| {
                    ui.set_min_width(190.0);
                    widgets::menu_spacing(ui);
                    self.mask_menu_ui(ui);
                });
            });
        });
    }

    /// Scale and angle of the region, and its mirror.
    fn pose_ui(&mut self, ui: &mut Ui, layer: &Layer) {
        ui.horizontal(|ui| {
            row_label_ui(ui, tr("Transform"));
            let is_painted = !layer.mask.is_empty();
            let hint = tr("Scale and angle of the region, face and mask, about its middle");
            let percent = [SCALE_RANGE.start(), SCALE_RANGE.end()].map(|scale| scale * 100.0);
            let (was_percent, was_degrees) = (layer.pose.scale * 100.0, layer.pose.angle_radians.to_degrees());
            let (mut scale, mut degrees) = (was_percent, was_degrees);
            ui.add_enabled_ui(is_painted, |ui| {
                let range = percent[0]..=percent[1];
                widgets::number_field(ui, &mut scale, range, " %", "Scale of the region").on_hover_text(hint);
                widgets::number_field(ui, &mut degrees, -180.0..=180.0, "°", "Angle of the region").on_hover_text(hint);
            });
            if scale != was_percent {
                self.send(Action::SetRegionScale(scale / 100.0));
            }
            if degrees != was_degrees {
                self.send(Action::SetRegionAngle(degrees.to_radians()));
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                self.command_icon_ui(ui, Action::MirrorRegion, 15.0);
            });
        });
    }

    fn offset_ui(&mut self, ui: &mut Ui, layer: &Layer) {
        ui.horizontal(|ui| {
            row_label_ui(ui, tr("Position"));
            let px = self.px_per_canvas_px();
            let limit = CANVAS_SIZE_PX as f32 * px;
            let (mut x, mut y) = (layer.offset_px.0 as f32 * px, layer.offset_px.1 as f32 * px);
            let hint = tr("How far the region is moved from where it was painted");
            let hint = &format!("{hint}\n{}", self.px_hint());
            widgets::number_field(ui, &mut x, -limit..=limit, " px", "Position to the right").on_hover_text(hint);
            widgets::number_field(ui, &mut y, -limit..=limit, " px", "Position down").on_hover_text(hint);
            let offset_px = ((x / px).round() as i32, (y / px).round() as i32);
            if offset_px != layer.offset_px {
                self.send(Action::SetLayerOffset(layer.id, offset_px));
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                self.command_icon_ui(ui, Action::ResetOffset, 15.0);
            });
        });
    }
}

/// What stands before a row of the settings.
fn row_label_ui(ui: &mut Ui, text: &str) {
    let palette = theme::palette(ui.ctx());
    let (rect, _) = ui.allocate_exact_size(vec2(LABEL_WIDTH, theme::space::ROW), Sense::hover());
    ui.put(rect, |ui: &mut Ui| {
        ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
            ui.label(RichText::new(text).color(palette.text_weak))
        })
        .inner
    });
}
