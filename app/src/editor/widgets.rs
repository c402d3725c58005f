//! Small widgets in the house style. Every one has a name for screen readers and tests.

use std::ops::RangeInclusive;

use egui::{Button, Response, RichText, Role, Sense, Stroke, Ui, WidgetInfo, vec2};

use super::theme;
use crate::language::{tr, tr_with};

/// A square button with an icon and no frame until the pointer is over it.
pub fn icon_button(ui: &mut Ui, icon: char, label: &str, size: f32) -> Response {
    icon_button_enabled(ui, true, icon, label, size)
}

/// An icon button that is greyed out where it has nothing to do.
pub fn icon_button_enabled(ui: &mut Ui, enabled: bool, icon: char, label: &str, size: f32) -> Response {
    let text = RichText::new(icon).font(theme::icon_font(size));
    let button = Button::new(text).frame_when_inactive(false).min_size(vec2(theme::space::ROW, theme::space::ROW));
    let response = ui
        .scope(|ui| {
            ui.spacing_mut().button_padding = vec2((theme::space::ROW - size) / 2.0, 3.0);
            ui.add_enabled(enabled, button)
        })
        .inner;
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, tr(label)));
    response
}

/// An icon button for something that is on or off.
pub fn icon_toggle(ui: &mut Ui, on: bool, icon: char, label: &str, size: f32) -> Response {
    let palette = theme::palette(ui.ctx());
    let color = if on { palette.text } else { palette.text_weak };
    let text = RichText::new(icon).font(theme::icon_font(size)).color(color);
    let button =
        Button::selectable(on, text).frame_when_inactive(on).min_size(vec2(theme::space::ROW, theme::space::ROW));
    let response = ui
        .scope(|ui| {
            ui.spacing_mut().button_padding = vec2((theme::space::ROW - size) / 2.0, 3.0);
            ui.add(button)
        })
        .inner;
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, on, tr(label)));
    response
}

/// How a number is shown and typed.
#[derive(Clone, Debug)]
pub struct Number {
    /// Its name, before the slider.
    pub label: &'static str,
    /// Its unit, after the value.
    pub suffix: &'static str,
    /// From, to.
    pub range: RangeInclusive<f32>,
    /// Small values get as much of the slider as large ones.
    pub logarithmic: bool,
    /// What it does.
    pub tooltip: String,
}

/// A slider narrower than this is of no use.
const MIN_SLIDER_WIDTH: f32 = 32.0;

/// A slider with its name before and its value, which can be typed, after it; without room only the value. `true` when the
/// value changed.
pub fn slider_row(ui: &mut Ui, number: &Number, value: &mut f32, label_width: f32, slider_width: f32) -> bool {
    let Number { label, suffix, range, logarithmic, tooltip } = number;
    let (label, tooltip) = (tr(label), tr(tooltip));
    let before = *value;
    ui.horizontal(|ui| {
        let label_response = if label_width > 0.0 {
            let (rect, response) = ui.allocate_exact_size(vec2(label_width, theme::space::ROW), Sense::hover());
            let color = theme::palette(ui.ctx()).text_weak;
            ui.painter().text(
                rect.left_center(),
                egui::Align2::LEFT_CENTER,
                label,
                egui::TextStyle::Body.resolve(ui.style()),
                color,
            );
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, label));
            response
        } else {
            ui.label(RichText::new(label).color(theme::palette(ui.ctx()).text_weak))
        };
        if slider_width >= MIN_SLIDER_WIDTH {
            let slider = rail(ui, value, range.clone(), *logarithmic, slider_width);
            slider.widget_info(|| WidgetInfo::slider(true, f64::from(*value), label));
            slider.labelled_by(label_response.id).on_hover_text(tooltip);
        }
        number_field(ui, value, range.clone(), suffix, label).on_hover_text(tooltip);
    });
    *value != before
}

/// A slider alone, in the house style; the caller gives it a name.
pub fn rail(ui: &mut Ui, value: &mut f32, range: RangeInclusive<f32>, logarithmic: bool, width: f32) -> Response {
    let slider = |ui: &mut Ui| {
        let palette = theme::palette(ui.ctx());
        ui.spacing_mut().slider_width = width;
        ui.spacing_mut().interact_size.y = 18.0;
        ui.visuals_mut().selection.bg_fill = palette.accent;
        ui.visuals_mut().widgets.inactive.bg_fill = palette.rail;
        ui.add(egui::Slider::new(value, range).show_value(false).logarithmic(logarithmic))
    };
    ui.scope(slider).inner
}

/// A whole number that can be typed or dragged.
pub fn number_field(ui: &mut Ui, value: &mut f32, range: RangeInclusive<f32>, suffix: &str, label: &str) -> Response {
    let field = egui::DragValue::new(value).range(range).speed(0.5).max_decimals(0).suffix(suffix.to_owned());
    field_ui(ui, field, 58.0, label)
}

/// A small number with a decimal or two.
pub fn decimal_field(ui: &mut Ui, value: &mut f32, range: RangeInclusive<f32>, width: f32, label: &str) -> Response {
    let field = egui::DragValue::new(value).range(range).speed(0.02).min_decimals(1).max_decimals(2);
    field_ui(ui, field, width, label)
}

fn field_ui(ui: &mut Ui, field: egui::DragValue<'_>, width: f32, label: &str) -> Response {
    let field = field.update_while_editing(false).min_size(vec2(width, 0.0));
    let response = ui
        .scope(|ui| {
            let palette = theme::palette(ui.ctx());
            let widgets = &mut ui.visuals_mut().widgets;
            widgets.inactive.weak_bg_fill = palette.field;
            widgets.inactive.bg_stroke = Stroke::new(1.0, palette.outline);
            widgets.hovered.weak_bg_fill = palette.field;
            widgets.hovered.bg_stroke = Stroke::new(1.0, palette.text_weak);
            ui.add(field)
        })
        .inner;
    let name = tr_with("{name} value", &[("name", tr(label))]);
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_label(name));
    response
}

/// A title over a part of a panel that opens and closes it, with room for buttons on the right. Returns whether it is open.
pub fn section_header(ui: &mut Ui, title: &str, is_open: &mut bool, add_right: impl FnOnce(&mut Ui)) -> bool {
    ui.horizontal(|ui| {
        let palette = theme::palette(ui.ctx());
        let galley = |text: String, font, color| ui.painter().layout_no_wrap(text, font, color);
        let title = tr(title);
        let title_galley = galley(title.to_owned(), theme::title_font(), palette.text);
        let caret = if *is_open { super::icons::CARET_DOWN } else { super::icons::CARET_RIGHT };
        let caret_galley = galley(caret.to_string(), theme::icon_font(11.0), palette.text_weak);
        let size = vec2(title_galley.size().x + 18.0, theme::space::ROW);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let at = |offset_x: f32, galley: &egui::Galley| rect.left_center() + vec2(offset_x, -galley.size().y / 2.0);
        let (caret_at, title_at) = (at(-1.0, &caret_galley), at(14.0, &title_galley));
        ui.painter().galley(caret_at, caret_galley, palette.text_weak);
        ui.painter().galley(title_at, title_galley, palette.text);
        if response.has_focus() {
            ui.painter().rect_stroke(rect, theme::CORNER, Stroke::new(1.0, palette.accent), egui::StrokeKind::Outside);
        }
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, *is_open, title));
        if response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() {
            *is_open = !*is_open;
        }
        if *is_open {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), add_right);
        }
    });
    *is_open
}

/// Lines of a menu lie close, so that a long one fits a small window.
pub fn menu_spacing(ui: &mut Ui) {
    ui.spacing_mut().button_padding = vec2(8.0, 3.0);
    ui.spacing_mut().item_spacing.y = 2.0;
}

/// A caption.
pub fn caption(ui: &mut Ui, text: &str) -> Response {
    ui.label(RichText::new(tr(text)).small().color(theme::palette(ui.ctx()).text_weak))
}

/// A line across a panel.
pub fn divider(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), Sense::hover());
    let color = theme::palette(ui.ctx()).line;
    ui.painter().hline(rect.x_range().expand(theme::space::WIDE), rect.center().y, Stroke::new(1.0, color));
}
