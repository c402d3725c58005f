//! The parts around the canvas.

mod adjust;
mod blend;
mod corners;
mod history;
mod layers;
mod photos;
mod status_bar;
mod tool_options;
mod tool_strip;
mod top_bar;

use egui::{
    Color32, PointerButton, Rect, Response, Role, Sense, Stroke, StrokeKind, TextureHandle, Ui, WidgetInfo, vec2,
};

use super::{Context, theme, widgets};
use crate::workbench::Action;

pub(super) use layers::Renaming;
pub(super) use top_bar::Menu;

/// Narrower its rows have no room; wider the canvas has none.
const SIDE_PANEL_WIDTHS: std::ops::RangeInclusive<f32> = 264.0..=480.0;

impl Context<'_> {
    pub(super) fn side_panel_ui(&mut self, ui: &mut Ui, renaming: &mut Option<Renaming>) {
        let palette = theme::palette(ui.ctx());
        self.thumbnails.retain(self.bench.document());
        let frame = egui::Frame::new().fill(palette.panel).inner_margin(egui::Margin::same(0));
        let width = self.bench.settings().sizes.side_panel.unwrap_or(theme::space::SIDE_PANEL);
        let panel = egui::Panel::right("side panel").resizable(true).default_size(width).size_range(SIDE_PANEL_WIDTHS);
        let response = panel.frame(frame).show(ui, |ui| {
            egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
                egui::Frame::new().inner_margin(egui::Margin::symmetric(12, 10)).show(ui, |ui| {
                    self.photos_ui(ui);
                    section_break(ui);
                    self.blend_ui(ui);
                    section_break(ui);
                    self.layers_ui(ui, renaming);
                    section_break(ui);
                    self.adjust_ui(ui);
                    section_break(ui);
                    self.history_ui(ui);
                });
            });
        });
        let width = response.response.rect.width().round();
        let sizes = self.bench.settings().sizes;
        if (width != theme::space::SIDE_PANEL || sizes.side_panel.is_some()) && sizes.side_panel != Some(width) {
            self.send(Action::SetSidePanelWidth(width));
        }
    }
}

fn section_break(ui: &mut Ui) {
    ui.add_space(theme::space::TIGHT);
    widgets::divider(ui);
    ui.add_space(2.0);
}

/// A share in the rest of a row: a slider and its value in percent. A double click on the slider brings it back to `usual`. A share
/// that cannot be changed says why. `true` when it changed.
fn share_ui(ui: &mut Ui, share: &mut f32, usual: f32, label: &str, hint: &str, disabled: Option<&str>) -> bool {
    const VALUE_WIDTH: f32 = 58.0;
    let before = *share * 100.0;
    let mut percent = before;
    let width = ui.available_width() - VALUE_WIDTH - ui.spacing().item_spacing.x - 4.0;
    let mut is_reset = false;
    ui.add_enabled_ui(disabled.is_none(), |ui| {
        let slider = widgets::rail(ui, &mut percent, 0.0..=100.0, false, width);
        let double_clicked = ui.input(|input| input.pointer.button_double_clicked(PointerButton::Primary));
        is_reset = double_clicked && slider.enabled() && slider.contains_pointer();
        slider.widget_info(|| WidgetInfo::slider(disabled.is_none(), f64::from(percent), label));
        let value = widgets::number_field(ui, &mut percent, 0.0..=100.0, " %", label);
        for response in [slider, value] {
            response.on_hover_text(hint).on_disabled_hover_text(disabled.unwrap_or_default());
        }
    });
    if is_reset {
        percent = usual * 100.0;
    }
    *share = percent / 100.0;
    percent != before
}

/// A square picture that can be clicked and dragged.
pub(super) fn picture_button(
    ui: &mut Ui,
    texture: &TextureHandle,
    size: f32,
    border: Option<Color32>,
    label: &str,
) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(size, size), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, border.is_some(), label));
    if ui.is_rect_visible(rect) {
        let palette = theme::palette(ui.ctx());
        egui::Image::from_texture(texture).corner_radius(theme::CORNER).paint_at(ui, rect);
        let painter = ui.painter();
        if let Some(color) = border {
            painter.rect_stroke(rect, theme::CORNER, Stroke::new(2.0, color), StrokeKind::Inside);
            painter.rect_stroke(
                rect.shrink(2.0),
                egui::CornerRadius::same(3),
                Stroke::new(1.0, Color32::from_black_alpha(120)),
                StrokeKind::Inside,
            );
        }
        if response.hovered() || response.has_focus() {
            let color = if response.has_focus() { palette.accent } else { Color32::from_white_alpha(150) };
            painter.rect_stroke(rect, theme::CORNER, Stroke::new(1.5, color), StrokeKind::Inside);
        }
    }
    response
}

/// Shows a picture under the pointer while it is dragged.
pub(super) fn carried_picture_ui(ui: &Ui, response: &Response, texture: &TextureHandle) {
    if response.dragged()
        && let Some(pos) = ui.input(|input| input.pointer.latest_pos())
    {
        let layer = egui::LayerId::new(egui::Order::Tooltip, response.id);
        let carried = Rect::from_center_size(pos + vec2(20.0, 20.0), vec2(48.0, 48.0));
        let uv = Rect::from_min_max(egui::pos2(0.0, 0.0), egui::pos2(1.0, 1.0));
        ui.ctx().layer_painter(layer).image(texture.id(), carried, uv, Color32::from_white_alpha(215));
    }
}
