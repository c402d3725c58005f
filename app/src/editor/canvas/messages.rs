//! Words on the canvas: what to do next, what goes on, what is missing.

use egui::{Pos2, Rect, RichText, Ui, pos2, vec2};

use super::super::theme;
use crate::language::{tr, tr_with};

/// The coordinates of a texture that is shown whole.
pub(super) fn whole_texture() -> Rect {
    Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0))
}

/// What to do next, at the lower edge of the canvas.
pub(super) fn hint_pill(ui: &Ui, area: Rect, text: &str) {
    let font = egui::TextStyle::Body.resolve(ui.style());
    let galley = ui.painter().layout_no_wrap(text.to_owned(), font, theme::ON_SHADE);
    let size = galley.size() + vec2(28.0, 14.0);
    let rect = Rect::from_min_size(pos2(area.center().x - size.x / 2.0, area.bottom() - size.y - 44.0), size);
    ui.painter().rect_filled(rect, size.y / 2.0, theme::SHADE);
    ui.painter().galley(rect.min + vec2(14.0, 7.0), galley, theme::ON_SHADE);
    // It is painted and no widget, so that it takes no pointer; a screen reader is told all the same.
    ui.ctx().accesskit_node_builder(ui.scope_id().with("hint"), |node| {
        node.set_role(egui::accesskit::Role::Label);
        node.set_value(text.to_owned());
    });
}

/// A word on the picture.
pub(super) fn badge(painter: &egui::Painter, left_top: Pos2, text: &str, ui: &Ui) {
    let font = egui::TextStyle::Small.resolve(ui.style());
    let galley = painter.layout_no_wrap(text.to_owned(), font, theme::ON_SHADE);
    let rect = Rect::from_min_size(left_top, galley.size() + vec2(16.0, 8.0));
    painter.rect_filled(rect, 5.0, theme::SHADE);
    painter.galley(rect.min + vec2(8.0, 4.0), galley, theme::ON_SHADE);
}

/// A message in the middle of the canvas.
pub(super) fn message_ui(ui: &mut Ui, area: Rect, add_contents: impl FnOnce(&mut Ui)) {
    let width = (area.width() - 48.0).clamp(100.0, 460.0);
    let rect = Rect::from_center_size(area.center(), vec2(width, 220.0));
    ui.scope_builder(egui::UiBuilder::new().max_rect(rect).layout(egui::Layout::top_down(egui::Align::Center)), |ui| {
        add_contents(ui);
    });
}

pub(super) fn opening_text(count: usize) -> String {
    tr_with("Opening {count} photos", &[("count", &count.to_string())])
}

pub(super) fn busy_ui(ui: &mut Ui, area: Rect, text: &str) {
    let palette = theme::palette(ui.ctx());
    message_ui(ui, area, |ui| {
        ui.add_space(60.0);
        ui.add(egui::Spinner::new().size(30.0).color(palette.accent_hover));
        ui.add_space(theme::space::NORMAL);
        ui.label(RichText::new(text).color(palette.text_weak));
    });
}

/// Work that goes on beside the picture; `true` when the user cancels it.
pub(super) fn corner_busy_ui(ui: &mut Ui, rect: Rect, text: &str) -> bool {
    let rect = Rect::from_min_size(rect.left_top() + vec2(12.0, 12.0), vec2(260.0, 32.0));
    let busy = |ui: &mut Ui| {
        let frame = egui::Frame::new().fill(theme::SHADE).corner_radius(5.0).inner_margin(6.0);
        let contents = |ui: &mut Ui| {
            ui.add(egui::Spinner::new().color(theme::ON_SHADE));
            ui.label(RichText::new(text).small().color(theme::ON_SHADE));
            ui.small_button(tr("Cancel")).clicked()
        };
        frame.show(ui, |ui| ui.horizontal(contents).inner).inner
    };
    ui.scope_builder(egui::UiBuilder::new().max_rect(rect), busy).inner
}
